//! The only module that names the platform's atomics, locks and threads.
//!
//! Every other file imports them from here, so that the *same* sources also run on other backends:
//!
//! | cfg | backend | for |
//! |---|---|---|
//! | none | the standard library | programs |
//! | `loom` | loom's model-checked types | `loom-tests/`: each protocol alone, all orderings |
//! | `shuttle` | `shuttle.rs` beside this file | `shuttle-tests/`: the whole collector under a scheduler of its own |
//! | `tsan` | the standard library | ThreadSanitizer, which knows no fences: see [`seen`] |
//!
//! Rules for what is written on top:
//!
//! - protocols in which two sides each write and then read use `fence(SeqCst)` with relaxed accesses: loom treats
//!   `SeqCst` accesses as acquire/release;
//! - every access that is not relaxed says what it pairs with;
//! - statics that are not atomics, and thread-locals, are declared with the macros of this module: under shuttle a thread
//!   is a coroutine, and nothing may last from one execution to the next. Shuttle's keys have `with` and `try_with` only.

#[cfg(not(any(loom, shuttle)))]
mod imp {
    pub use crossbeam_queue::SegQueue;
    pub use crossbeam_utils::Backoff;
    use std::cell::Cell;
    pub use std::sync::atomic;
    pub use std::sync::{Arc, Condvar, Mutex, MutexGuard};
    pub use std::thread;

    /// One step of a spin loop.
    #[inline]
    pub fn spin_loop() {
        std::hint::spin_loop();
    }

    /// A number for the calling thread that no other thread of the process has or had.
    #[inline]
    pub fn thread_number() -> u64 {
        // Has no destructor, so it is there until the thread is gone.
        match NUMBER.get() {
            0 => next_number(),
            number => number,
        }
    }

    /// Where the calling thread's control block is: an address that no other thread has while this one runs, and in one
    /// instruction, where a thread-local costs a call in a shared library. Threads that start later may get the same.
    #[inline(always)]
    pub fn thread_address() -> usize {
        let address: usize;
        #[cfg(target_arch = "x86_64")]
        // SAFETY: [Y11] the block begins with its own address.
        unsafe {
            std::arch::asm!("mov {}, fs:[0]", out(reg) address, options(nostack, preserves_flags, pure, readonly));
        }
        #[cfg(target_arch = "aarch64")]
        // SAFETY: [Y11] the register is readable by programs.
        unsafe {
            std::arch::asm!("mrs {}, tpidr_el0", out(reg) address, options(nostack, preserves_flags, pure, nomem));
        }
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        {
            address = thread_number() as usize;
        }
        address
    }

    thread_local! {
        static NUMBER: Cell<u64> = const { Cell::new(0) };
    }

    #[cold]
    fn next_number() -> u64 {
        static NEXT: atomic::AtomicU64 = atomic::AtomicU64::new(1);
        NUMBER.set(NEXT.fetch_add(1, atomic::Ordering::Relaxed));
        NUMBER.get()
    }
}

#[cfg(loom)]
mod imp {
    pub use loom::sync::atomic;
    pub use loom::sync::{Arc, Condvar, Mutex, MutexGuard};
    pub use loom::thread;

    /// One step of a spin loop.
    #[inline]
    pub fn spin_loop() {
        loom::thread::yield_now();
    }
}

#[cfg(all(shuttle, not(loom)))]
#[path = "shuttle.rs"]
mod imp;

pub use imp::*;

/// `std::thread_local!`, for whatever a thread is.
#[cfg(not(any(loom, shuttle)))]
pub(crate) use std::thread_local;

#[cfg(all(shuttle, not(loom)))]
pub(crate) use shuttle::thread_local;

/// A static of the process; under shuttle, of the execution.
#[cfg(not(any(loom, shuttle)))]
#[allow(unused_macros, reason = "tests of one protocol compile this file with a part of the crate")]
macro_rules! process_static {
    (static $name:ident: $ty:ty = $value:expr;) => {
        static $name: $ty = $value;
    };
}

#[cfg(all(shuttle, not(loom)))]
macro_rules! process_static {
    (static $name:ident: $ty:ty = $value:expr;) => {
        shuttle::lazy_static! { static ref $name: $ty = $value; }
    };
}

#[cfg(not(loom))]
pub(crate) use process_static;

/// After an acquire fence: `word` is what was read before it. Nothing, but for ThreadSanitizer, which knows no fences and
/// is shown an acquire load of the same word. (Fences of Dekker pairs need none: what they order hands nothing over.)
#[cfg(not(tsan))]
#[inline(always)]
pub fn seen<A>(word: &A) {
    let _ = word;
}

#[cfg(tsan)]
pub use tsan::seen;

#[cfg(tsan)]
mod tsan {
    use std::sync::atomic::{AtomicIsize, AtomicU32, Ordering};

    pub trait Word {
        fn acquire(&self);
    }

    impl Word for AtomicU32 {
        fn acquire(&self) {
            let _ = self.load(Ordering::Acquire);
        }
    }

    impl Word for AtomicIsize {
        fn acquire(&self) {
            let _ = self.load(Ordering::Acquire);
        }
    }

    pub fn seen(word: &impl Word) {
        word.acquire();
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use crate::sync::{thread, thread_address};
    use std::collections::BTreeSet;
    use std::sync::Barrier;

    #[test]
    fn threads_have_addresses_of_their_own() {
        const THREADS: usize = 8;
        let all_run = Barrier::new(THREADS);
        let here = thread_address();
        let mut seen: BTreeSet<usize> = thread::scope(|s| {
            let look = || {
                let before = thread_address();
                all_run.wait();
                assert_eq!(thread_address(), before);
                before
            };
            let threads: Vec<_> = (0..THREADS).map(|_| s.spawn(look)).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert!(here != 0 && seen.insert(here), "this thread's is another's too");
        assert_eq!((seen.len(), thread_address()), (THREADS + 1, here));
    }
}
