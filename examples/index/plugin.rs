//! [`Plugin`]: the C side, `plugin.c`. The only `unsafe` of this example.
//!
//! It is compiled with `cc` (or `$CC`) into a temporary folder and loaded from there. The functions of handfast that it
//! calls are this program's own: `build.rs` has the examples export them, and [`C_INTERFACE`] keeps the linker from
//! dropping them.
//!
//! A word becomes a `PyObject` by [`Scope::handle_with`]: 24 bytes of head, the plug-in's `place`, the length, the text.

#![allow(unsafe_code, reason = "C functions are called")]

use crate::posting::Word;
use handfast::{Error, LinkFlags, PyObject, PyRef, Reference, Scope};
use handfast_c::ctypes::HfPyobject;
use handfast_c::handles;
use libloading::Library;
use std::ffi::c_void;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr::NonNull;

/// What the plug-in may call.
#[used]
static C_INTERFACE: (
    unsafe extern "C" fn(*mut HfPyobject),
    unsafe extern "C" fn(*mut HfPyobject),
    unsafe extern "C" fn(*mut HfPyobject),
) = (handles::hf_incref, handles::hf_decref, handles::hf_decref_zero);

/// Bytes in front of the text: the head, `place`, `length`.
const TEXT: usize = size_of::<PyObject>() + 16;

/// The loaded plug-in. It has state of its own, so there is one at a time.
#[derive(Debug)]
pub struct Plugin {
    wants: unsafe extern "C" fn(u64) -> bool,
    offer: unsafe extern "C" fn(*mut PyObject, u64),
    take: unsafe extern "C" fn(*mut u64) -> *mut PyObject,
    word_type: Address,
    /// Keeps the functions above callable.
    _library: Library,
}

/// An address that is compared and never followed.
#[derive(Clone, Copy, Debug)]
struct Address(*mut c_void);

// SAFETY: it is never followed.
unsafe impl Send for Address {}
// SAFETY: as above.
unsafe impl Sync for Address {}

impl Plugin {
    /// Compiles and loads the plug-in, which is to keep the `most` most frequent words.
    ///
    /// # Errors
    /// A message for the user: there is no compiler, it fails, or the result cannot be loaded.
    pub fn load(most: usize) -> Result<Plugin, String> {
        let folder = Folder::new()?;
        let path = folder.0.join("plugin.so");
        compile(&path)?;
        // SAFETY: our own plug-in, which runs nothing when it is loaded.
        let library = unsafe { Library::new(&path) }.map_err(|error| format!("cannot load the plug-in: {error}"))?;
        let missing = |error: libloading::Error| format!("the plug-in is not ours: {error}");
        // SAFETY: here and below: `plugin.c` defines the symbol with this type.
        let start =
            unsafe { *library.get::<unsafe extern "C" fn(usize) -> i32>(b"index_plugin_start\0").map_err(missing)? };
        // SAFETY: as above.
        let wants = unsafe { *library.get(b"index_plugin_wants\0").map_err(missing)? };
        // SAFETY: as above.
        let offer = unsafe { *library.get(b"index_plugin_offer\0").map_err(missing)? };
        // SAFETY: as above.
        let take = unsafe { *library.get(b"index_plugin_take\0").map_err(missing)? };
        // SAFETY: as above; an object symbol's value is its address.
        let word_type = unsafe { *library.get::<*mut c_void>(b"index_word_type\0").map_err(missing)? };
        // SAFETY: called once, before the others.
        if unsafe { start(most) } != 0 {
            return Err(format!("the plug-in has no memory for {most} words"));
        }
        Ok(Plugin { wants, offer, take, word_type: Address(word_type), _library: library })
    }

    /// Offers a word that has come to this count, unless the plug-in would not keep it anyway.
    pub fn offer(&self, s: &Scope<'_>, word: impl Reference<Target = Word>, count: u64) -> Result<(), Error> {
        // SAFETY: callable from any thread.
        if !unsafe { (self.wants)(count) } {
            return Ok(());
        }
        let len = Word::bytes(s.borrow(word)).len();
        let handle = s.handle_with(word, TEXT + len, self.word_type.0, LinkFlags::LIGHT, |word, body| {
            // `place` is zero.
            body[8..16].copy_from_slice(&len.to_ne_bytes());
            body[16..].copy_from_slice(Word::bytes(word));
        })?;
        // SAFETY: this thread is attached; the plug-in takes a count of its own if it keeps the word.
        unsafe { (self.offer)(handle.as_ptr(), count) };
        Ok(())
    }

    /// What the plug-in has kept, the most frequent first; each with the plug-in's reference.
    pub fn take(&self, s: &Scope<'_>) -> Vec<(PyRef, u64)> {
        let mut words = vec![];
        let mut count = 0;
        // SAFETY: `count` is writable.
        while let Some(ob) = NonNull::new(unsafe { (self.take)(&raw mut count) }) {
            // SAFETY: the plug-in gives up the count that it took in `offer`; all words are of one heap.
            words.push((unsafe { PyRef::from_raw(s, ob) }, count));
        }
        words.reverse();
        words
    }
}

/// A new folder, removed with all that is in it when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Folder, String> {
        let parent = std::env::temp_dir();
        for attempt in 0..100 {
            let path = parent.join(format!("handfast-index-{}-{attempt}", std::process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Folder(path)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(format!("cannot make the folder {}: {error}", path.display())),
            }
        }
        Err(format!("{} is full of left-over folders named handfast-index-*", parent.display()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is left in the system's folder for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn compile(output: &Path) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let compiler = std::env::var_os("CC").filter(|cc| !cc.is_empty()).unwrap_or_else(|| "cc".into());
    let name = compiler.to_string_lossy().into_owned();
    let result = Command::new(&compiler)
        .args(["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared", "-pthread"])
        .arg("-I")
        .arg(root.join("ffi/include"))
        .arg(root.join("examples/index/plugin.c"))
        .arg("-o")
        .arg(output)
        .output()
        .map_err(|error| {
            format!(
                "cannot run the C compiler \"{name}\" for the plug-in: {error}; \
                 install it (on Debian: apt install gcc) or set CC"
            )
        })?;
    if result.status.success() {
        return Ok(());
    }
    Err(format!(
        "\"{name}\" cannot compile the plug-in: {}\n{}",
        result.status,
        String::from_utf8_lossy(&result.stderr)
    ))
}
