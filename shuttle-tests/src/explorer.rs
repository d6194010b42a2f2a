//! Which thread goes on: three policies, each execution reproducible by a short token.
//!
//! - *pct*: probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi and Nagarakatte, ASPLOS 2010). Random
//!   priorities; the thread of the highest goes on, and at [`DEPTH`] − 1 random steps the present one gets the lowest. It
//!   finds a bug that needs *d* ordering constraints with a probability that is known, and needs few switches.
//! - *random*: any thread, at each step.
//! - *sticky*: the present thread goes on, and leaves with a probability of 1/4, 1/16 or 1/64. Windows of many operations
//!   stay open longer than under *random*.
//!
//! A thread that waits (`spin_loop`, `yield_now`, a wait with a time limit) gives way: under *pct* its priority becomes the
//! lowest, under the others somebody else goes on.
//!
//! Everything random in an execution comes from one number, so policy, number and (for *pct*) the length in steps name it:
//! that is the token, `pct:SEED:STEPS` for instance, which a failure prints and `HANDFAST_SHUTTLE_REPLAY` runs again.

use shuttle::scheduler::{Schedule, Scheduler, Task, TaskId};
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, Once};
use std::time::Instant;

/// Ordering constraints of the bugs that *pct* looks for.
pub const DEPTH: usize = 3;
/// Scheduling decisions after which an execution counts as one that does not end.
const MAX_STEPS: usize = 2_000_000;
/// Bytes of a coroutine's stack.
const STACK: usize = 256 << 10;
/// Executions of a test without `HANDFAST_SHUTTLE_ITERATIONS`.
const ITERATIONS: usize = 600;

/// How the next thread is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// By priorities that change at [`DEPTH`] − 1 of about so many steps.
    Pct(usize),
    /// Any.
    Random,
    /// Mostly the same.
    Sticky,
}

/// One execution, named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// How the next thread is chosen.
    pub policy: Policy,
    /// Where all random numbers come from.
    pub seed: u64,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.policy {
            Policy::Pct(steps) => write!(f, "pct:{}:{steps}", self.seed),
            Policy::Random => write!(f, "random:{}", self.seed),
            Policy::Sticky => write!(f, "sticky:{}", self.seed),
        }
    }
}

impl FromStr for Token {
    type Err = String;

    fn from_str(text: &str) -> Result<Token, String> {
        let wrong = || format!("{text:?} is none of pct:SEED:STEPS, random:SEED, sticky:SEED");
        let parts: Vec<&str> = text.split(':').collect();
        let number = |i: usize| parts.get(i).and_then(|part: &&str| part.parse::<u64>().ok()).ok_or_else(wrong);
        let policy = match (parts[0], parts.len()) {
            ("pct", 3) => Policy::Pct(number(2)? as usize),
            ("random", 2) => Policy::Random,
            ("sticky", 2) => Policy::Sticky,
            _ => return Err(wrong()),
        };
        Ok(Token { policy, seed: number(1)? })
    }
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A sequence that is this number's.
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.number() % n.max(1) as u64) as usize
    }
}

/// What executions leave behind for whoever runs them.
#[derive(Debug, Default)]
pub struct Log {
    /// Executions begun.
    pub executions: AtomicUsize,
    /// The most decisions of one.
    pub longest: AtomicUsize,
    /// A number that two executions share only if they made the same decisions: of the last one.
    pub trace: AtomicU64,
}

/// The token of the execution under way, for messages.
static CURRENT: Mutex<Option<Token>> = Mutex::new(None);

/// The same as text, for a handler of signals: eight bytes a word, which it may read at any moment.
static TEXT: [AtomicU64; 8] = [const { AtomicU64::new(0) }; 8];

fn begin(token: Token) {
    *CURRENT.lock().unwrap_or_else(|e| e.into_inner()) = Some(token);
    let mut text = [b' '; 64];
    let message = format!("{token}\n");
    text[..message.len()].copy_from_slice(message.as_bytes());
    for (word, bytes) in TEXT.iter().zip(text.chunks_exact(8)) {
        word.store(u64::from_ne_bytes(bytes.try_into().expect("eight bytes")), Relaxed);
    }
}

/// An access to memory that is not there: prints the token, and the second time the signal ends the process.
extern "C" fn on_signal(_: libc::c_int) {
    let mut text = *b"\ninvalid memory reference; once more: HANDFAST_SHUTTLE_REPLAY=                                                                ";
    let start = text.len() - 64;
    for (word, bytes) in TEXT.iter().zip(text[start..].chunks_exact_mut(8)) {
        bytes.copy_from_slice(&word.load(Relaxed).to_ne_bytes());
    }
    // SAFETY: a buffer of that length; `write` may be called in a handler.
    unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
}

/// The scheduler.
#[derive(Debug)]
struct Explorer {
    /// Executions still to be run: of the one token, or of seeds from `seeds`.
    left: usize,
    only: Option<Token>,
    seeds: Rng,
    rng: Rng,
    data: Rng,
    policy: Policy,
    stay: usize,
    /// Lower goes first. By task.
    priorities: Vec<u64>,
    lowest: u64,
    changes: Vec<usize>,
    steps: usize,
    log: Arc<Log>,
}

impl Explorer {
    fn new(left: usize, seed: u64, only: Option<Token>, log: Arc<Log>) -> Explorer {
        Explorer {
            left,
            only,
            seeds: Rng::new(seed),
            rng: Rng::new(0),
            data: Rng::new(0),
            policy: Policy::Random,
            stay: 1,
            priorities: vec![],
            lowest: 0,
            changes: vec![],
            steps: 0,
            log,
        }
    }

    fn give_way(&mut self, task: TaskId) {
        self.lowest += 1;
        if let Some(priority) = self.priorities.get_mut(usize::from(task)) {
            *priority = self.lowest;
        }
    }

    fn by_priority(&mut self, runnable: &[&Task], current: Option<TaskId>, waits: bool) -> TaskId {
        for task in runnable {
            // Anywhere among those that are there.
            while self.priorities.len() <= usize::from(task.id()) {
                let any = self.rng.number() >> 1;
                self.priorities.push(any);
            }
        }
        if let Some(current) = current
            && (waits || self.changes.contains(&self.steps))
        {
            self.give_way(current);
        }
        runnable
            .iter()
            .map(|task| task.id())
            .min_by_key(|&id| self.priorities[usize::from(id)])
            .expect("somebody can run")
    }

    fn at_random(&mut self, runnable: &[&Task], current: Option<TaskId>, waits: bool) -> TaskId {
        let others: Vec<TaskId> = runnable.iter().map(|task| task.id()).filter(|&id| Some(id) != current).collect();
        // Not where it is blocked or gone, nor where it waits and somebody else can go on.
        let here = current.filter(|_| others.len() < runnable.len() && (!waits || others.is_empty()));
        match here {
            Some(current) if others.is_empty() => current,
            Some(current) => match self.policy {
                Policy::Sticky if self.rng.below(self.stay) != 0 => current,
                Policy::Sticky => others[self.rng.below(others.len())],
                _ => runnable[self.rng.below(runnable.len())].id(),
            },
            None => others[self.rng.below(others.len())],
        }
    }
}

impl Scheduler for Explorer {
    fn new_execution(&mut self) -> Option<Schedule> {
        self.log.longest.fetch_max(self.steps, Relaxed);
        self.left = self.left.checked_sub(1)?;
        let number = self.log.executions.fetch_add(1, Relaxed);
        // A half by priorities; the lengths seen so far say where to change them.
        let length = self.log.longest.load(Relaxed);
        let token = self.only.unwrap_or_else(|| Token {
            policy: match number % 4 {
                0 => Policy::Sticky,
                1 => Policy::Random,
                _ => Policy::Pct(length.max(2)),
            },
            seed: self.seeds.number(),
        });
        begin(token);
        self.policy = token.policy;
        self.rng = Rng::new(token.seed);
        self.data = Rng::new(self.rng.number());
        self.stay = [4, 16, 64][self.rng.below(3)];
        self.priorities.clear();
        // Above every priority that is drawn, hence after all of them.
        self.lowest = 1 << 63;
        self.changes.clear();
        if let Policy::Pct(steps) = self.policy {
            self.changes.extend((1..DEPTH).map(|_| 1 + self.rng.below(steps)));
        }
        self.steps = 0;
        self.log.trace.store(0, Relaxed);
        Some(Schedule::new(token.seed))
    }

    fn next_task(&mut self, runnable: &[&Task], current: Option<TaskId>, waits: bool) -> Option<TaskId> {
        // Where nobody else can run there is nothing to decide.
        if runnable.len() > 1 {
            self.steps += 1;
        }
        let next = match self.policy {
            Policy::Pct(_) => self.by_priority(runnable, current, waits),
            _ => self.at_random(runnable, current, waits),
        };
        let before = self.log.trace.load(Relaxed);
        self.log.trace.store(Rng::new(before ^ usize::from(next) as u64).number(), Relaxed);
        Some(next)
    }

    fn next_u64(&mut self) -> u64 {
        self.data.number()
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text:?} is no number")))
}

/// Runs executions of `scenario`: `count` of them from `seed`, or the one that is named.
pub fn run(count: usize, seed: u64, only: Option<Token>, scenario: impl Fn() + Send + Sync + 'static) -> Arc<Log> {
    let log = Arc::new(Log::default());
    let mut config = shuttle::Config::new();
    config.stack_size = STACK;
    config.silence_warnings = true;
    config.failure_persistence = shuttle::FailurePersistence::None;
    config.max_steps = shuttle::MaxSteps::FailAfter(MAX_STEPS);
    config.ungraceful_shutdown_config.immediately_return_on_panic = true;
    let explorer = Explorer::new(if only.is_some() { 1 } else { count }, seed, only, log.clone());
    shuttle::Runner::new(explorer, config).run(scenario);
    log
}

/// Ends the process at the first panic: after a failure nothing can be said of the heaps that are left, so nothing of them
/// is taken down. Prints the execution's token first.
fn stop_at_a_failure() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for signal in [libc::SIGSEGV, libc::SIGBUS] {
            // SAFETY: zero is a valid `sigaction`; the handler calls nothing that a handler must not.
            unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = on_signal as extern "C" fn(libc::c_int) as usize;
                action.sa_flags = libc::SA_RESETHAND | libc::SA_ONSTACK;
                libc::sigaction(signal, &action, std::ptr::null_mut());
            }
        }
        std::panic::set_hook(Box::new(|info| {
            let token = *CURRENT.lock().unwrap_or_else(|e| e.into_inner());
            let name = std::thread::current().name().unwrap_or("?").to_owned();
            eprintln!("\n{info}\n{}", std::backtrace::Backtrace::force_capture());
            if let Some(token) = token {
                eprintln!("{name} failed; once more: HANDFAST_SHUTTLE_REPLAY={token}");
            }
            std::process::abort();
        }));
    });
}

/// Runs a test's scenario in as many schedules as `HANDFAST_SHUTTLE_ITERATIONS` says, drawn from `HANDFAST_SHUTTLE_SEED`;
/// or only the one that `HANDFAST_SHUTTLE_REPLAY` names.
///
/// # Panics
/// Never: the first failure of an execution prints how to repeat it and ends the process.
pub fn explore(scenario: impl Fn() + Send + Sync + 'static) {
    stop_at_a_failure();
    let only = std::env::var("HANDFAST_SHUTTLE_REPLAY").ok().map(|text| text.parse().unwrap_or_else(|e| panic!("{e}")));
    let count = number("HANDFAST_SHUTTLE_ITERATIONS").map_or(ITERATIONS, |n| n as usize);
    let seed = number("HANDFAST_SHUTTLE_SEED").unwrap_or_else(|| {
        use std::hash::{BuildHasher, RandomState};
        RandomState::new().hash_one(std::process::id())
    });
    let start = Instant::now();
    let name = std::thread::current().name().unwrap_or("?").to_owned();
    println!("{name}: HANDFAST_SHUTTLE_SEED={seed}");
    let log = run(count, seed, only, scenario);
    println!(
        "{name}: {} executions, {} decisions in the longest, {:.1?}",
        log.executions.load(Relaxed),
        log.longest.load(Relaxed),
        start.elapsed()
    );
}
