//! A flag that says "there is something in the queue beside me", so that a safepoint looks at a flag, not at a queue.
//!
//! Who puts something into the queue rings afterwards; who answers takes the ring back *before* it empties the queue. So
//! whatever is in the queue was either rung for and not answered yet, or somebody is emptying the queue, or its
//! own ring is about to come: nothing is left behind. A ring for a queue that is empty already is possible and harmless.
//!
//! # Orderings
//! - [B-ring] `ring` (release) → `answer` (acquire): who answers sees what was put into the queue before. A ring is an
//!   exchange, so that it carries those that it overwrites: with a store, of two threads that put something in and ring
//!   the one whose ring was overwritten could be missed. `answer` is one, so of two that answer only one is told.

use crate::sync::atomic::{
    AtomicBool,
    Ordering::{Acquire, Relaxed, Release},
};

/// The flag.
#[derive(Debug)]
pub struct Bell(AtomicBool);

impl Bell {
    /// Nothing is due.
    pub fn new() -> Bell {
        Bell(AtomicBool::new(false))
    }

    /// Something has been put into the queue. Release: [B-ring].
    #[inline]
    pub fn ring(&self) {
        self.0.swap(true, Release);
    }

    /// Whether it has been rung, for a look that may be late.
    #[inline]
    pub fn is_rung(&self) -> bool {
        self.0.load(Relaxed)
    }

    /// Takes the ring back. True: the caller now empties the queue, which it must not have looked at before.
    #[must_use = "who takes the ring back empties the queue"]
    pub fn answer(&self) -> bool {
        // Acquire: [B-ring].
        self.0.swap(false, Acquire)
    }
}

impl Default for Bell {
    fn default() -> Bell {
        Bell::new()
    }
}
