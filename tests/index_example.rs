//! The `index` example, run as a user runs it: its words and counts are those of an independent count.

use std::collections::HashMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

mod support;

/// The example, built as this test was.
fn example() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| support::example("index"))
}

fn index(arguments: &[&str], root: &Path) -> Output {
    Command::new(example()).args(arguments).arg(root).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A new folder for a test.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("index_example").join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

/// What there is to know of a folder, counted another way than the example does.
#[derive(Default)]
struct Count {
    files: u64,
    bytes: u64,
    words: HashMap<Vec<u8>, (u64, u64)>,
}

impl Count {
    fn of(folder: &Path) -> Count {
        let mut count = Count::default();
        count.add_folder(folder);
        count
    }

    fn add_folder(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.add_folder(&path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            if bytes.iter().take(8192).all(|&byte| byte != 0) {
                self.add_file(&bytes);
            }
        }
    }

    fn add_file(&mut self, bytes: &[u8]) {
        self.files += 1;
        self.bytes += bytes.len() as u64;
        let mut here = HashMap::<Vec<u8>, u64>::new();
        let is_part = |byte: &u8| *byte >= 128 || *byte == b'_' || byte.is_ascii_alphanumeric();
        for word in bytes.split(|byte| !is_part(byte)).filter(|word| (2..=64).contains(&word.len())) {
            *here.entry(word.to_ascii_lowercase()).or_default() += 1;
        }
        for (word, count) in here {
            let entry = self.words.entry(word).or_default();
            *entry = (entry.0 + count, entry.1 + 1);
        }
    }

    /// The lines that the example should print for the most frequent words.
    fn top(&self, len: usize) -> Vec<String> {
        let mut words: Vec<_> = self.words.iter().collect();
        words.sort_by(|a, b| b.1.0.cmp(&a.1.0).then(a.0.cmp(b.0)));
        let line = |(word, (count, files)): (&Vec<u8>, &(u64, u64))| {
            format!("{count} {files} {}", String::from_utf8_lossy(word))
        };
        words.into_iter().take(len).map(line).collect()
    }

    /// What the example should print about its input.
    fn summary(&self) -> String {
        let total: u64 = self.words.values().map(|(count, _)| count).sum();
        let postings: u64 = self.words.values().map(|(_, files)| files).sum();
        let (files, bytes, different) = (self.files, self.bytes, self.words.len());
        format!("{files} files, {bytes} bytes, {total} words, {different} different, {postings} postings")
    }
}

/// Runs the example on a folder and compares all it says about words.
#[track_caller]
fn compare(root: &Path, arguments: &[&str]) -> String {
    const TOP: usize = 150;
    let expected = Count::of(root);
    let output = index(&[&["--top", "150", "--verify"], arguments].concat(), root);
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    let words = text.lines().skip(1).take_while(|line| !line.is_empty());
    let words: Vec<_> = words.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(words, expected.top(TOP), "{arguments:?}");
    assert!(text.lines().any(|line| line == expected.summary()), "{arguments:?}: {}\n{text}", expected.summary());
    text
}

/// The first number after `what` in the output.
#[track_caller]
fn figure(text: &str, what: &str) -> u64 {
    let (_, rest) = text.split_once(what).unwrap_or_else(|| panic!("no {what}: {text}"));
    rest.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("no number: {rest}"))
}

const SETTINGS: [&[&str]; 4] = [
    &["--threads", "1", "--gc-threads", "0"],
    &["--threads", "4", "--gc-threads", "0"],
    &["--threads", "1", "--gc-threads", "1"],
    &["--threads", "4", "--gc-threads", "1"],
];

#[test]
fn the_sources_of_this_crate() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for setting in SETTINGS {
        compare(&root, &[setting, &["--nursery", "128", "--max-heap", "8"]].concat());
    }
    compare(&root, &[]);
}

/// Files of words that are drawn so that some are frequent and most are rare, in a heap that is full several times over.
#[test]
fn a_generated_folder_in_a_small_heap() {
    let root = folder("generated");
    let mut state = 1_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for file in 0..300 {
        let folder = root.join(format!("{}", file % 7));
        fs::create_dir_all(&folder).unwrap();
        let mut text = String::new();
        for _ in 0..random(2500) {
            // The maximum of a product is rare: small numbers are frequent.
            let bound = 1 + random(20_000);
            let word = random(bound);
            text.push_str(&format!(
                "{}{word}{}",
                ["w", "W", "wört_"][word as usize % 3],
                [" ", "\n", "-", ", "][random(4) as usize]
            ));
        }
        fs::write(folder.join(format!("{file}.txt")), text).unwrap();
    }
    for setting in SETTINGS {
        let text = compare(&root, &[setting, &["--nursery", "128", "--max-heap", "20"]].concat());
        assert!(figure(&text, "minors ") > 20, "{text}");
        // One of them is the program's own, at the end.
        assert!(figure(&text, "cycles ") > 1, "{text}");
        assert!(figure(&text, "links ") >= 150, "{text}");
        assert!(text.ends_with(" MB, 150 links\n"), "only what C holds is left: {text}");
    }
}

/// Bytes that are no text, text that is not UTF-8, runs that are too long, and what lies across the pieces that are read.
#[test]
fn odd_files() {
    let root = folder("odd");
    fs::create_dir_all(root.join(".hidden/deep")).unwrap();
    fs::write(root.join("empty"), b"").unwrap();
    fs::write(root.join("binary"), b"word \0 word").unwrap();
    fs::write(root.join("late zero"), [b"word ".repeat(1638), b"ab\0word".to_vec()].concat()).unwrap();
    fs::write(root.join(".hidden/deep/latin1"), b"stra\xdfe Stra\xdfe \xff\xfe \xc3").unwrap();
    let long = |len: usize| [b"x".repeat(len), b" ".to_vec()].concat();
    fs::write(
        root.join("long"),
        [long(1), long(2), long(63), long(64), long(65), long(70_000), b"end".to_vec()].concat(),
    )
    .unwrap();
    for piece in [65_535, 65_536, 65_537, 131_072] {
        let text = [b"Ab_9.".repeat(piece / 5), vec![b'y'; piece % 5], b"across the pieces".to_vec()].concat();
        fs::write(root.join(format!("piece{piece}")), text).unwrap();
        fs::write(
            root.join(format!("exact{piece}")),
            vec![b'z'; piece - 3].into_iter().chain(*b" zz").collect::<Vec<_>>(),
        )
        .unwrap();
    }
    std::os::unix::fs::symlink(root.join("nothing"), root.join("dangling")).unwrap();
    std::os::unix::fs::symlink(&root, root.join(".hidden/loop")).unwrap();
    let text = index(&["--top", "100"], &root);
    // The independent count follows links; take them away first.
    fs::remove_file(root.join("dangling")).unwrap();
    fs::remove_file(root.join(".hidden/loop")).unwrap();
    let with_links = String::from_utf8(text.stdout).unwrap();
    assert!(with_links.lines().any(|line| line == Count::of(&root).summary()), "{with_links}");
    let text = compare(&root, &[]);
    assert!(text.lines().any(|line| line.starts_with("skipped: 1 binary files, 0 folders")), "{text}");
}

#[test]
fn version_control_and_caches_are_skipped_unless_asked_for() {
    let root = folder("skipped");
    for name in [".git", "cache", "plain"] {
        fs::create_dir(root.join(name)).unwrap();
        fs::write(root.join(name).join("file"), "some words").unwrap();
    }
    fs::write(root.join("cache/CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55").unwrap();
    let text = String::from_utf8(index(&[], &root).stdout).unwrap();
    assert!(text.contains("\n1 files, 10 bytes, 2 words") && text.contains(" 2 folders"), "{text}");
    compare(&root, &["--all"]);
    // A cache that is named is read.
    compare(&root.join("cache"), &[]);
}

#[test]
fn an_empty_folder_has_no_words() {
    let output = index(&[], &folder("empty"));
    assert!(output.status.success());
    assert!(stderr(&output).contains("no text file"), "{}", stderr(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("\n0 files, 0 bytes, 0 words, 0 different"));
}

#[test]
fn a_folder_that_does_not_exist_is_named() {
    let root = folder("missing").join("nowhere");
    let output = index(&[], &root);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert!(stderr(&output).contains(&*root.to_string_lossy()), "{}", stderr(&output));
}

#[test]
fn a_file_that_cannot_be_read_is_counted_and_named() {
    // Reading one's own memory from address 0 fails, whoever one is.
    let output = index(&[], Path::new("/proc/self/mem"));
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("1 files or folders cannot be read; the first: /proc/self/mem: "),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_missing_compiler_is_named() {
    let root = folder("compiler");
    let run =
        |key: &str, value: &str| Command::new(example()).env_remove("CC").env(key, value).arg(&root).output().unwrap();
    let output = run("PATH", "");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("C compiler \"cc\""), "{}", stderr(&output));
    let output = run("CC", "no-such-compiler");
    assert!(
        stderr(&output).contains("\"no-such-compiler\"") && stderr(&output).contains("set CC"),
        "{}",
        stderr(&output)
    );
    let output = run("CC", "false");
    assert!(stderr(&output).contains("\"false\" cannot compile the plug-in"), "{}", stderr(&output));
}

#[test]
fn wrong_options_are_refused() {
    let root = folder("options");
    for (arguments, message) in [
        (["--threads", "0"], "--threads needs a number from 1"),
        (["--top", "many"], "not \"many\""),
        (["--no-such", "1"], "unknown option --no-such"),
        (["here", "there"], "more than one folder"),
        (["--nursery", "131072"], "--nursery"),
    ] {
        let mut arguments = arguments.to_vec();
        if message == "--nursery" {
            // Each is in its range, but they do not fit together.
            arguments.extend(["--max-heap", "8"]);
        }
        let output = index(&arguments, &root);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let expected = if message == "--nursery" { "nursery_bytes" } else { message };
        assert!(stderr(&output).contains(expected), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn a_heap_that_is_too_small_ends_with_a_clear_error() {
    let root = folder("full");
    let words = (0..200_000).map(|i| format!("word{i} ")).collect::<String>();
    fs::write(root.join("many"), words).unwrap();
    for threads in ["0", "1"] {
        let output = index(&["--max-heap", "4", "--nursery", "128", "--gc-threads", threads], &root);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(
            stderr(&output).contains("out of memory") && stderr(&output).contains("--max-heap"),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn a_name_that_is_not_utf8_is_read() {
    let root = folder("names");
    fs::write(root.join(std::ffi::OsStr::from_bytes(b"\xff\xfe.txt")), "odd name").unwrap();
    compare(&root, &[]);
}
