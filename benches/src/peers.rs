//! The peers: other memory managers, in programs of their own under `peers/`, with the heap sizes that each gets. They are
//! found when the runner starts: what is not installed or does not build is named, and the rest runs.

use crate::case::Case;
use crate::expected::{Expectations, Expected};
use crate::options::Options;
use crate::own::Role;
use crate::workload::{Scale, Workload};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Peers that are there or not together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// OpenJDK's collectors.
    Jdk,
    /// MMTk's plans, in a minimal virtual machine.
    Mmtk,
    /// PyPy.
    Pypy,
    /// CPython.
    Cpython,
    /// The collector of Boehm, Demers and Weiser.
    Bdwgc,
    /// `malloc` and `free`: glibc, mimalloc, jemalloc.
    Malloc,
    /// Box, Rc, gc-arena, dumpster.
    Rust,
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 7] =
        [Family::Jdk, Family::Mmtk, Family::Pypy, Family::Cpython, Family::Bdwgc, Family::Malloc, Family::Rust];

    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Family::Jdk => "jdk",
            Family::Mmtk => "mmtk",
            Family::Pypy => "pypy",
            Family::Cpython => "cpython",
            Family::Bdwgc => "bdwgc",
            Family::Malloc => "malloc",
            Family::Rust => "rust",
        }
    }
}

/// The peers that are there.
pub struct Found {
    families: Vec<Family>,
    /// Names and files of libraries that replace `malloc`.
    mallocs: Vec<(&'static str, Option<PathBuf>)>,
    /// What is not there, and why.
    pub missing: Vec<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

fn built() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/peers")
}

fn library(file: &str) -> Option<PathBuf> {
    let arch = std::env::consts::ARCH;
    [format!("/usr/lib/{arch}-linux-gnu"), "/usr/lib64".into(), "/usr/lib".into(), "/usr/local/lib".into()]
        .into_iter()
        .map(|folder| Path::new(&folder).join(file))
        .find(|path| path.exists())
}

/// Builds what is quickly built, and looks.
pub fn find(options: &Options) -> Found {
    let wanted = options.peers.clone().unwrap_or(Family::ALL.to_vec());
    let mut found = Found { families: vec![], mallocs: vec![], missing: vec![] };
    for family in wanted {
        match build(family, options.build) {
            Ok(()) => found.families.push(family),
            Err(reason) => found.missing.push(format!("{}: {reason}", family.name())),
        }
    }
    if found.families.contains(&Family::Malloc) {
        found.mallocs.push(("glibc", None));
        for (name, file) in [("mimalloc", "libmimalloc.so.2"), ("jemalloc", "libjemalloc.so.2")] {
            match library(file) {
                Some(path) => found.mallocs.push((name, Some(path))),
                None => found.missing.push(format!("{name}: {file} is not installed")),
            }
        }
    }
    found
}

/// Builds a family with its script; those written in Rust only if they are asked for.
fn build(family: Family, slowly: bool) -> Result<(), String> {
    let rust = match family {
        Family::Mmtk => Some("mmtk/release/handfast-peer-mmtk"),
        Family::Rust => Some("rustgc/release/handfast-peer-rustgc"),
        _ => None,
    };
    if let Some(program) = rust
        && !slowly
    {
        let how = "(--build, or benches/peers/build.sh)";
        let of = folder().join(program.split('/').next().unwrap_or_default()).join("src");
        let changed = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
        let Some(program) = changed(&built().join(program)) else { return Err(format!("not built {how}")) };
        let sources = std::fs::read_dir(&of).map_err(|error| format!("{}: {error}", of.display()))?;
        let newer = sources.flatten().any(|source| changed(&source.path()).is_some_and(|at| at > program));
        return if newer { Err(format!("older than its source {how}")) } else { Ok(()) };
    }
    let script = folder().join("build.sh");
    let output = Command::new("sh").arg(&script).arg(family.name()).stderr(Stdio::piped()).output();
    let output = output.map_err(|error| format!("{}: {error}", script.display()))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let reason = text.lines().find_map(|line| line.strip_prefix("MISSING: "));
    Err(reason.or(text.lines().last()).unwrap_or("does not build").to_owned())
}

impl Found {
    /// The peers' cases of a workload.
    pub fn cases(
        &self,
        workload: &Workload,
        scale: Scale,
        x: Option<f64>,
        expectations: &mut Expectations,
    ) -> Vec<Case> {
        let mut maker = Maker { workload, scale, x, cases: vec![], expectations };
        for family in &self.families {
            match family {
                Family::Jdk => maker.jdk(),
                Family::Mmtk => maker.mmtk(),
                Family::Pypy => maker.python("pypy3", "pypy"),
                Family::Cpython => maker.python("/usr/bin/python3", "cpython"),
                Family::Bdwgc => maker.c("bdwgc", "c/heap_bdwgc", None),
                Family::Malloc => {
                    for (name, library) in &self.mallocs {
                        maker.c(name, "c/heap_malloc", library.as_deref());
                    }
                }
                Family::Rust => maker.rust(),
            }
        }
        maker.cases
    }
}

struct Maker<'a> {
    workload: &'a Workload,
    scale: Scale,
    x: Option<f64>,
    cases: Vec<Case>,
    expectations: &'a mut Expectations,
}

impl Maker<'_> {
    /// What a system that does a `part`th of the work must have done.
    fn expected(&mut self, part: u64) -> Expected {
        let threads = self.workload.threads_at(self.scale);
        self.expectations.of(self.workload.id, threads.into(), self.scale, part)
    }

    fn case(&mut self, system: &str, program: impl Into<PathBuf>, arguments: Vec<String>) -> &mut Case {
        let case = Case {
            workload: self.workload.id.to_owned(),
            system: system.to_owned(),
            role: Role::Peer,
            base: String::new(),
            row: false,
            x: self.x,
            threads: self.workload.threads,
            program: program.into(),
            arguments,
            environment: vec![],
            expected: Expected::default(),
            memory: self.workload.memory(self.scale),
        };
        self.cases.push(case);
        self.cases.last_mut().expect("pushed")
    }

    /// The words that all programs of the peers take for W2 to W5, after dividing the work of slow ones, and the MiB of
    /// heap. `None`: the workload is not theirs.
    fn words(&self, part: u64) -> Option<(Vec<String>, usize)> {
        let scale = self.scale;
        let threads = self.workload.threads_at(scale);
        let (slots, turns) = scale.table();
        let depth = scale.depth() - part.ilog2();
        let (words, limit): (Vec<String>, usize) = match self.workload.id {
            "w2" => (vec!["w2".into(), (scale.churn() / part).to_string()], 512),
            "w3" | "w3x2" => (vec!["w3".into(), depth.to_string()], Scale::trees_limit(depth) * threads as usize),
            "by-threads" => (vec!["w3".into(), "16".into()], Scale::trees_limit(16) * threads as usize),
            "w4" => (vec!["w4".into(), scale.shrink().to_string()], scale.gcbench_limit()),
            "w5" | "w5x2" => (vec!["w5".into(), slots.to_string(), (turns / part).to_string()], scale.table_limit()),
            "w5s2" => (vec!["w5s".into(), slots.to_string(), (turns / part).to_string()], scale.table_limit()),
            "by-heap" => {
                let (slots, turns) = scale.small_table();
                (vec!["w5".into(), slots.to_string(), turns.to_string()], scale.x as usize)
            }
            _ => return None,
        };
        Some((words.into_iter().chain([threads.to_string()]).collect(), limit))
    }

    fn jdk(&mut self) {
        let Some((words, limit)) = self.words(1) else { return };
        let curve = self.x.is_some();
        let mut all: Vec<(String, &str, usize, Vec<&str>)> = ["Serial", "Parallel", "G1", "Z", "Shenandoah"]
            .into_iter()
            .filter(|name| !curve || *name != "Shenandoah")
            .map(|name| (format!("jdk {name}"), name, limit, vec![]))
            .collect();
        if ["w2", "w3"].contains(&self.workload.id) {
            let young = if limit >= 64 { "-Xmn16m" } else { "-Xmn4m" };
            all.push(("jdk Serial, small young".into(), "Serial", limit, vec![young]));
        }
        if self.workload.id == "w5" {
            let more = if self.scale.quick { 512 } else { 4096 };
            all.push((format!("jdk Z, {more} MiB"), "Z", more, vec![]));
            all.push((format!("jdk Z, {more} MiB, memory touched"), "Z", more, vec!["-XX:+AlwaysPreTouch"]));
        }
        for (system, name, limit, more) in all {
            let mut arguments = vec![
                format!("-XX:+Use{name}GC"),
                format!("-Xms{limit}m"),
                format!("-Xmx{limit}m"),
                // Headers and references of the same size as everywhere else.
                "-XX:-UseCompressedOops".into(),
                "-XX:-UseCompressedClassPointers".into(),
                "-Xlog:gc,gc+phases".into(),
            ];
            arguments.extend(more.into_iter().map(str::to_owned));
            arguments.extend(["-cp".into(), built().join("java").display().to_string(), "Workloads".into()]);
            arguments.extend(words.clone());
            let expected = self.expected(1);
            self.case(&system, "java", arguments).expected = expected;
        }
    }

    fn mmtk(&mut self) {
        let Some((mut words, limit)) = self.words(1) else { return };
        if words[0] == "w5" {
            // Arrays of a thousand slots: a whole array is remembered at once.
            words[0] = "w5c".into();
        }
        let plans: &[&str] = match self.x {
            None => &["GenImmix", "StickyImmix", "GenCopy", "ConcurrentImmix"],
            Some(_) => &["GenImmix", "StickyImmix"],
        };
        for plan in plans {
            let mut arguments = vec![(*plan).to_owned(), limit.to_string()];
            arguments.extend(words.clone());
            let expected = self.expected(1);
            let program = built().join("mmtk/release/handfast-peer-mmtk");
            self.case(&format!("mmtk {plan}"), program, arguments).expected = expected;
        }
    }

    fn rust(&mut self) {
        if self.x.is_some() || self.workload.id == "w4" || self.workload.id == "w5s2" {
            return;
        }
        let systems =
            [("box", 1), ("rc", 1), ("box-mimalloc", 1), ("rc-mimalloc", 1), ("gc-arena", 4), ("dumpster", 8)];
        for (system, part) in systems {
            // Counts of Rc are for one thread, and so is the unsynchronised dumpster.
            let alone = system.starts_with("rc") || system == "dumpster";
            let Some((words, _)) = self.words(part) else { return };
            if self.workload.threads > 1 && alone {
                continue;
            }
            let program = if system.ends_with("mimalloc") { "rustgc-mimalloc" } else { "rustgc" };
            let program = built().join(program).join("release/handfast-peer-rustgc");
            if program.exists() {
                let plain = system.trim_end_matches("-mimalloc").to_owned();
                let expected = self.expected(part);
                self.case(system, program, [plain].into_iter().chain(words).collect()).expected = expected;
            }
        }
    }

    fn c(&mut self, system: &str, program: &str, preload: Option<&Path>) {
        // A quarter of the work where it takes several times as long as the others.
        let part = if system == "bdwgc" && ["w2", "w5", "w5x2", "w5s2"].contains(&self.workload.id) { 4 } else { 1 };
        let blocks = |how: &str| vec![how.to_owned(), self.scale.blocks().to_string()];
        let (program, arguments) = match (self.workload.id, self.words(part)) {
            ("by-heap", _) => return,
            (_, Some((words, _))) => (program, words),
            ("w6", _) if system != "bdwgc" => ("c/blocks", blocks("same")),
            ("w6x", _) if system != "bdwgc" => ("c/blocks", blocks("across")),
            _ => return,
        };
        let expected = self.expected(part);
        let case = self.case(system, built().join(program), arguments);
        case.expected = expected;
        case.environment.extend(preload.map(|path| ("LD_PRELOAD".into(), path.display().to_string())));
    }

    fn python(&mut self, program: &str, system: &str) {
        // Of W3 and W5 a quarter, since they take minutes.
        let part = if ["w3", "w5"].contains(&self.workload.id) { 4 } else { 1 };
        let calls = (self.scale.calls() / 10).to_string();
        let script = |name: &str| folder().join(name).display().to_string();
        let count = |x: f64| (x as u64).to_string();
        let extension = |what: &str, n: String| {
            vec![script("cpyext/pairs.py"), built().join(system).display().to_string(), what.to_owned(), n]
        };
        let million = || "1000000".to_owned();
        let arguments = match self.workload.id {
            "w7" => extension("counts", self.scale.counts().to_string()),
            "h-call" => extension("known", calls),
            "h-fresh" => extension("fresh", calls),
            "h-make" => extension("make", calls),
            "h-first" => extension("first", million()),
            "h-again" => extension("again", million()),
            "h-hold" => extension("hold", million()),
            "h-full" => extension("full", million()),
            "links-pause" if system == "pypy" => extension("full_us", count(self.scale.x)),
            "w2" | "w3" | "w4" | "w5" if system == "pypy" => {
                let Some((words, _)) = self.words(part) else { return };
                [script("py/workloads.py")].into_iter().chain(words).collect()
            }
            _ => return,
        };
        // Its numbers at random are others: arithmetic on 64 bits would be what it measures.
        let sum = if self.workload.id == "w5" { None } else { self.expected(part).sum };
        let ops = if self.workload.id.starts_with('w') { self.expected(part).ops } else { None };
        self.case(system, program, arguments).expected = Expected { ops, sum, part };
    }
}
