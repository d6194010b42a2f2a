//! Which files there are to read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The files in a folder.
#[derive(Debug, Default)]
pub struct Files {
    /// Regular files, in a fixed order.
    pub paths: Vec<PathBuf>,
    /// Their sizes, in all.
    pub bytes: u64,
    /// Folders that were not entered: `.git`, and caches by their tag.
    pub skipped_folders: u64,
    /// Folders and files that cannot be read, and the first of them with its error.
    pub unreadable: Unreadable,
}

/// What could not be read.
#[derive(Debug, Default)]
pub struct Unreadable {
    pub count: u64,
    pub first: Option<String>,
}

impl Unreadable {
    /// Counts one.
    pub fn add(&mut self, path: &Path, error: &io::Error) {
        self.count += 1;
        self.first.get_or_insert_with(|| format!("{}: {error}", path.display()));
    }

    /// Adds what another thread has met.
    pub fn merge(&mut self, other: Unreadable) {
        self.count += other.count;
        self.first = self.first.take().or(other.first);
    }
}

impl Files {
    /// Walks `root`, which may be a single file. Symbolic links are not followed, except `root` itself.
    ///
    /// # Errors
    /// If `root` cannot be read.
    pub fn find(root: &Path, all: bool) -> Result<Files, String> {
        let fail = |error: io::Error| format!("cannot read {}: {error}", root.display());
        let mut files = Files::default();
        let metadata = fs::metadata(root).map_err(fail)?;
        if !metadata.is_dir() {
            files.bytes = metadata.len();
            files.paths.push(root.to_owned());
            return Ok(files);
        }
        fs::read_dir(root).map_err(fail)?;
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            if let Err(error) = files.read_folder(&folder, all, &mut folders) {
                files.unreadable.add(&folder, &error);
            }
        }
        files.paths.sort_unstable();
        Ok(files)
    }

    fn read_folder(&mut self, folder: &Path, all: bool, folders: &mut Vec<PathBuf>) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => {
                    if !all && (entry.file_name() == ".git" || path.join("CACHEDIR.TAG").exists()) {
                        self.skipped_folders += 1;
                    } else {
                        folders.push(path);
                    }
                }
                Ok(kind) if kind.is_file() => {
                    self.bytes += entry.metadata().map_or(0, |metadata| metadata.len());
                    self.paths.push(path);
                }
                Ok(_) => {}
                Err(error) => self.unreadable.add(&path, &error),
            }
        }
        Ok(())
    }
}
