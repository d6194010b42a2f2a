//! One run: a process of its own, what it printed, what it cost, and what else the machine did meanwhile.

use crate::case::Case;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What a run has measured.
#[derive(Clone, Debug)]
pub struct Run {
    /// The number of the case.
    pub case: usize,
    pub round: usize,
    /// The numbers that the program has printed, by key.
    pub numbers: BTreeMap<String, f64>,
    /// Nanoseconds and how many gaps began there.
    pub gaps: Vec<(u64, u64)>,
    /// The process: seconds of wall and CPU time, KiB of resident memory at the peak.
    pub wall: f64,
    pub cpu: f64,
    pub peak_kib: i64,
    /// Seconds of CPU time a second that everything else on the machine had meanwhile.
    pub others: f64,
    /// Why it does not count.
    pub error: Option<String>,
}

impl Run {
    /// The figure, in the unit of the workload.
    pub fn figure(&self) -> Option<f64> {
        self.numbers.get("figure").copied()
    }

    /// CPU nanoseconds an operation.
    pub fn cpu_ns(&self) -> Option<f64> {
        let ops = *self.numbers.get("ops")?;
        Some(self.numbers.get("cpu")? * 1e9 / ops)
    }
}

/// CPU seconds of the whole machine.
fn busy() -> f64 {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks = |line: &str| -> u64 {
        let numbers: Vec<u64> = line.split_whitespace().skip(1).filter_map(|n| n.parse().ok()).collect();
        // user nice system idle iowait irq softirq steal
        numbers.iter().take(8).sum::<u64>() - numbers.iter().skip(3).take(2).sum::<u64>()
    };
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    text.lines().next().map_or(0.0, |line| ticks(line) as f64 / per_second)
}

/// What a child that has ended used.
struct Used {
    status: ExitStatus,
    cpu: f64,
    peak_kib: i64,
}

/// Waits for the child at most as long as `timeout`, then kills it.
fn wait(child: &mut Child, timeout: Duration) -> Result<Used, String> {
    let start = Instant::now();
    let mut killed = false;
    loop {
        let mut status = 0;
        // SAFETY: [X4] a struct of numbers.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: [X4] our own child, which nothing else waits for, and memory of ours.
        let pid = unsafe { libc::wait4(child.id() as i32, &mut status, libc::WNOHANG, &mut usage) };
        if pid < 0 {
            return Err(format!("wait4: {}", std::io::Error::last_os_error()));
        }
        if pid > 0 {
            if killed {
                return Err(format!("not done after {} s", timeout.as_secs()));
            }
            let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 * 1e-6;
            return Ok(Used {
                status: ExitStatus::from_raw(status),
                cpu: seconds(usage.ru_utime) + seconds(usage.ru_stime),
                peak_kib: usage.ru_maxrss,
            });
        }
        if !killed && start.elapsed() > timeout {
            child.kill().map_err(|error| format!("cannot be killed: {error}"))?;
            killed = true;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// The line that says most: what follows where a program panicked, else the last.
fn reason(text: &str) -> Option<&str> {
    let panicked = text.lines().skip_while(|line| !line.contains("panicked at")).nth(1);
    panicked.or(text.lines().last()).map(str::trim)
}

/// Touches memory and gives it back. The host of a virtual machine takes back what the machine does not use, and who touches
/// it first again waits for it, twenty times as long as clearing takes: that should not be one system and not the next. What is
/// taken back is whole free huge pages, so these are what is touched; a system that takes ordinary pages has them cut out of
/// the same. In a process of its own: the peak of this one's memory would count for those that it starts.
pub fn warm_memory(mib: usize) {
    const PAGE: usize = 4096;
    const HUGE: usize = 2 << 20;
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib: Option<usize> = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    let mut memory = vec![0u8; (mib << 20).min(kib.unwrap_or(0) * 1024 / 2)];
    let first = memory.as_ptr().align_offset(HUGE).min(memory.len());
    let (_, whole) = memory.split_at_mut(first);
    // SAFETY: [X4] memory of ours, advice only; where there are no huge pages it fails, and ordinary ones are touched.
    unsafe { libc::madvise(whole.as_mut_ptr().cast(), whole.len() / HUGE * HUGE, libc::MADV_HUGEPAGE) };
    whole.iter_mut().step_by(PAGE).for_each(|byte| *byte = 1);
    black_box(&memory);
}

/// Runs a case once, after having the machine ready with as much memory as it needs.
pub fn run(number: usize, case: &Case, round: usize, timeout: Duration) -> Run {
    if case.memory > 0
        && let Ok(program) = std::env::current_exe()
    {
        // Only for the sake of the figures: what went wrong there does not matter.
        // And what the program itself has, tables beside the heap, what was free and cold before this.
        let words = ["--child", "warm", &(case.memory + 256).to_string()];
        let _ = Command::new(program).args(words).stdin(Stdio::null()).status();
    }
    let mut run = Run {
        case: number,
        round,
        numbers: BTreeMap::new(),
        gaps: vec![],
        wall: 0.0,
        cpu: 0.0,
        peak_kib: 0,
        others: 0.0,
        error: None,
    };
    let (before, start) = (busy(), Instant::now());
    let mut command = Command::new(&case.program);
    command.args(&case.arguments).envs(case.environment.iter().cloned());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Run { error: Some(format!("{}: {error}", case.program.display())), ..run },
    };
    let read = |mut pipe: Box<dyn Read + Send>| {
        thread::spawn(move || {
            let mut text = vec![];
            // What was read before an error is what there is.
            let _ = pipe.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        })
    };
    let out = read(Box::new(child.stdout.take().expect("piped")));
    let err = read(Box::new(child.stderr.take().expect("piped")));
    let used = wait(&mut child, timeout);
    run.wall = start.elapsed().as_secs_f64();
    let text = out.join().expect("the reader");
    let complaint = err.join().expect("the reader");
    match used {
        Ok(used) => {
            run.cpu = used.cpu;
            run.peak_kib = used.peak_kib;
            run.others = ((busy() - before - used.cpu) / run.wall).max(0.0);
            parse(&mut run, &text);
            if !used.status.success() || run.figure().is_none() {
                run.error = Some(format!(
                    "{}: {}",
                    used.status,
                    reason(&complaint).or(reason(&text)).unwrap_or("says nothing")
                ));
            } else if let Err(error) = case.expected.check(&run.numbers) {
                run.error = Some(error);
            }
        }
        Err(error) => run.error = Some(error),
    }
    run
}

/// Takes the words of the last line that has a figure, and the pauses of a log of OpenJDK.
fn parse(run: &mut Run, text: &str) {
    let Some(line) = text.lines().rev().find(|line| line.contains("figure=")) else { return };
    for (key, value) in line.split_whitespace().filter_map(|word| word.split_once('=')) {
        if key == "gap_hist" {
            let pairs = value.split(';').filter_map(|pair| pair.split_once(':'));
            run.gaps = pairs.filter_map(|(ns, count)| Some((ns.parse().ok()?, count.parse().ok()?))).collect();
        } else if let Ok(number) = value.parse() {
            run.numbers.insert(key.to_owned(), number);
        }
    }
    let pause =
        |line: &str| line.contains(" Pause ").then(|| line.rsplit(' ').next()?.strip_suffix("ms")?.parse().ok());
    let mut pauses: Vec<f64> = text.lines().filter_map(|line| pause(line)?).collect();
    if !pauses.is_empty() {
        pauses.sort_by(f64::total_cmp);
        let at = |part: f64| pauses[((pauses.len() - 1) as f64 * part).ceil() as usize] * 1e3;
        for (key, part) in [("p50", 0.5), ("p99", 0.99), ("p999", 0.999), ("max", 1.0)] {
            run.numbers.insert(format!("pause_{key}_us"), at(part));
        }
        run.numbers.insert("pauses".into(), pauses.len() as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::own::Role;

    fn shell(text: &str) -> Case {
        Case {
            workload: "w2".into(),
            system: "shell".into(),
            role: Role::Peer,
            base: String::new(),
            row: false,
            x: None,
            threads: 1,
            program: "sh".into(),
            arguments: vec!["-c".into(), text.into()],
            environment: vec![("FIGURE".into(), "2.5".into())],
            expected: crate::expected::Expected::default(),
            memory: 0,
        }
    }

    #[test]
    fn words_of_a_program_are_read() {
        let script = "echo figure=1; echo '[1s][info] GC(0) Pause Young 3M->1M 1.5ms'; echo figure=$FIGURE cpu=2 ops=1e9 gap_hist='8:3;16:1;'";
        let run = run(0, &shell(script), 1, Duration::from_secs(20));
        assert_eq!((run.figure(), run.cpu_ns(), run.error.as_deref()), (Some(2.5), Some(2.0), None));
        assert_eq!(run.gaps, [(8, 3), (16, 1)]);
        assert_eq!(run.numbers["pause_max_us"], 1500.0);
        assert!(run.peak_kib > 0);
    }

    #[test]
    fn a_program_that_fails_says_why() {
        let fails = run(0, &shell("echo figure=1; echo no memory >&2; exit 3"), 1, Duration::from_secs(20));
        assert_eq!(fails.error.as_deref(), Some("exit status: 3: no memory"));
        let silent = run(0, &shell("true"), 1, Duration::from_secs(20));
        assert!(silent.error.expect("no figure").contains("says nothing"));
        let absent = Case { program: "/nowhere/at all".into(), ..shell("") };
        assert!(run(0, &absent, 1, Duration::from_secs(20)).error.expect("absent").contains("/nowhere/at all"));
    }

    #[test]
    fn a_program_that_does_less_than_it_must_has_failed() {
        let expected = crate::expected::Expected { ops: Some(100), sum: Some(9), part: 1 };
        let case = |text| Case { expected, ..shell(text) };
        let run = |text| run(0, &case(text), 1, Duration::from_secs(20)).error;
        assert_eq!(run("echo figure=1 ops=100 sum=9"), None);
        assert_eq!(run("echo figure=1 ops=99 sum=9").as_deref(), Some("ops is 99, not 100"));
        assert_eq!(run("echo figure=1 ops=100").as_deref(), Some("does not say its sum"));
    }

    #[test]
    fn what_this_program_prints_is_what_it_reads() {
        let sample = crate::row::Sample { wall: 0.5, cpu: 0.25 };
        let mut gaps = crate::gaps::Gaps::new();
        gaps.tick();
        let words = crate::outcome::Outcome::new(sample, 1_000_000).sum(7).gaps(gaps).words();
        let run = run(0, &shell(&format!("echo '{words}'")), 1, Duration::from_secs(20));
        assert_eq!((run.figure(), run.cpu_ns(), run.numbers["sum"]), (Some(500.0), Some(250.0), 7.0));
        assert_eq!(run.gaps.iter().map(|(_, count)| count).sum::<u64>(), 1);
        assert!(run.numbers.contains_key("gap_p9999_us") && run.numbers.contains_key("gap_max_us"));
    }

    #[test]
    fn a_program_that_hangs_is_killed() {
        let run = run(0, &shell("exec sleep 1000"), 1, Duration::from_millis(200));
        assert!(run.error.expect("killed").contains("not done"));
    }
}
