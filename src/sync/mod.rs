//! The only module that names the platform's atomics, locks and threads.
//!
//! Every other file imports them from here, so that `loom-tests/` can compile the *same* protocol sources against
//! loom's model-checked types (`--cfg loom`). Rules for what is written on top:
//!
//! - protocols in which two sides each write and then read use `fence(SeqCst)` with relaxed accesses: loom treats
//!   `SeqCst` accesses as acquire/release;
//! - every access that is not relaxed says what it pairs with.

#[cfg(not(loom))]
mod imp {
    pub use std::sync::atomic;
    pub use std::sync::{Arc, Condvar, Mutex, MutexGuard};
    pub use std::thread;

    /// One step of a spin loop.
    #[inline]
    pub fn spin_loop() {
        std::hint::spin_loop();
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

pub use imp::*;

/// A number for the calling thread that no other thread of the process has or had.
#[cfg(not(loom))]
pub fn thread_number() -> u64 {
    static NEXT: atomic::AtomicU64 = atomic::AtomicU64::new(1);
    thread_local! {
        static NUMBER: u64 = NEXT.fetch_add(1, atomic::Ordering::Relaxed);
    }
    // While a thread ends its locals may be gone: then it is nobody's owner.
    NUMBER.try_with(|n| *n).unwrap_or(u64::MAX)
}
