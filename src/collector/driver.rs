//! Who runs cycles, and who waits for them.
//!
//! Cycles are numbered. A request names the first cycle that begins after it; whoever waits, waits for that number to be
//! completed. With collector threads the first of them drives every cycle; without, the mutator that asks does it
//! itself, in the native state, and others that ask meanwhile wait for the same or the next number.

use super::cycle::Collector;
use super::verify::{Verified, Violation};
use crate::sync::{Arc, Condvar, Mutex, MutexGuard, thread};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
struct State {
    requested: u64,
    started: u64,
    completed: u64,
    running: bool,
    full: bool,
    short_of_memory: bool,
    closing: bool,
}

/// The schedule of one heap's cycles.
#[derive(Debug)]
pub struct Driver {
    collector: Arc<Collector>,
    state: Mutex<State>,
    changed: Condvar,
    background: bool,
}

impl Driver {
    /// A schedule; `background` if a thread will call [`Driver::serve`].
    pub fn new(collector: Arc<Collector>, background: bool) -> Driver {
        Driver { collector, state: Mutex::new(State::default()), changed: Condvar::new(), background }
    }

    /// The collector.
    pub fn collector(&self) -> &Collector {
        &self.collector
    }

    /// Whether a collector thread runs the cycles.
    pub fn in_background(&self) -> bool {
        self.background
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Asks for a cycle that begins after now, and answers its number.
    pub fn request(&self, full: bool) -> u64 {
        let mut state = self.lock();
        let number = state.started + 1;
        state.requested = state.requested.max(number);
        state.full |= full;
        drop(state);
        self.changed.notify_all();
        number
    }

    /// The number of the cycle that is under way; of one that is asked for, if none is.
    pub fn current(&self) -> u64 {
        let state = self.lock();
        if state.started > state.completed {
            return state.started;
        }
        drop(state);
        self.request(false)
    }

    /// Has the collector thread make memory ready, if it will soon be short.
    pub fn provide_memory(&self) {
        if self.background && self.collector.is_short_of_memory() {
            self.lock().short_of_memory = true;
            self.changed.notify_all();
        }
    }

    /// Has a mutator help a cycle that it outruns, if a thread of its own drives it.
    #[inline]
    pub fn assist(&self) {
        if self.background {
            self.collector.assist();
        }
    }

    /// Whether a cycle is asked for or running.
    pub fn is_busy(&self) -> bool {
        let state = self.lock();
        state.requested > state.completed
    }

    /// Returns when cycle `number` is complete; runs it if nobody else does. The caller is no mutator, or one in the
    /// native state.
    pub fn complete(&self, number: u64) {
        let mut state = self.lock();
        while state.completed < number && !state.closing {
            state = if self.background || state.running { self.wait(state) } else { self.run_one(state) };
        }
    }

    /// The same for at most `time`, where a collector thread runs the cycles. Other mutators may be waiting for this one in other
    /// heaps: it goes on in the end.
    pub fn complete_within(&self, number: u64, time: Duration) {
        let start = Instant::now();
        let mut state = self.lock();
        while state.completed < number && !state.closing {
            let left = time.saturating_sub(start.elapsed());
            let (next, result) = self.changed.wait_timeout(state, left).unwrap_or_else(|e| e.into_inner());
            if result.timed_out() {
                return;
            }
            state = next;
        }
    }

    fn wait<'a>(&'a self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(|e| e.into_inner())
    }

    fn run_one<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.running = true;
        state.started += 1;
        let number = state.started;
        let full = std::mem::take(&mut state.full);
        drop(state);
        self.collector.run(full);
        let mut state = self.lock();
        state.running = false;
        state.completed = number;
        self.changed.notify_all();
        state
    }

    /// Checks the heap between two cycles, on the calling thread: no mutator, or one in the native state.
    ///
    /// # Errors
    /// The first violation.
    pub fn verify(&self) -> Result<Verified, Violation> {
        /// Lets the next cycle run, also after a panic.
        struct Running<'a>(&'a Driver);
        impl Drop for Running<'_> {
            fn drop(&mut self) {
                self.0.lock().running = false;
                self.0.changed.notify_all();
            }
        }
        let mut state = self.lock();
        while state.running {
            state = self.wait(state);
        }
        state.running = true;
        drop(state);
        let running = Running(self);
        let verified = self.collector.verify();
        drop(running);
        verified
    }

    /// The collector thread's life.
    fn serve(&self) {
        let mut state = self.lock();
        loop {
            if state.closing {
                return;
            }
            if state.running {
                // Somebody verifies the heap.
                state = self.wait(state);
            } else if state.requested > state.started {
                state = self.run_one(state);
            } else if std::mem::take(&mut state.short_of_memory) {
                // The pools are not the verifier's alone meanwhile.
                state.running = true;
                drop(state);
                let short = self.collector.prepare_memory();
                state = self.lock();
                state.running = false;
                // Step by step: a cycle that somebody asks for meanwhile comes first.
                state.short_of_memory |= short;
                self.changed.notify_all();
            } else {
                state = self.wait(state);
            }
        }
    }

    /// Starts the collector thread.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn spawn(self: &Arc<Driver>) -> std::io::Result<thread::JoinHandle<()>> {
        let driver = self.clone();
        thread::Builder::new().name("handfast-gc".into()).spawn(move || {
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| driver.serve())).is_err() {
                // A cycle that stops half way leaves a heap that nobody may use, and waiters that nobody would wake.
                eprintln!("handfast: the collector thread has panicked; the heap is lost");
                std::process::abort();
            }
        })
    }

    /// Ends the collector thread after the cycle that it is in. Who waits for a later one is woken.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closing = true;
        self.changed.notify_all();
        while state.running {
            let (next, _) =
                self.changed.wait_timeout(state, Duration::from_millis(10)).unwrap_or_else(|e| e.into_inner());
            state = next;
        }
    }
}
