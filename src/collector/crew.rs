//! When the last of several markers may stop: [`Crew`], a count of those that have work.
//!
//! Only a marker at work makes work for others. It counts itself before it takes any and is counted out when it finds
//! none, so if nobody is at work and the queue is empty there will be no more. What mutators hand over after that look is
//! found by the flush round.
//!
//! All accesses are relaxed. Who found the queue empty has seen the pop that emptied it (the queue orders that), hence the
//! count of who popped, which came before; and what the markers did is handed over when their threads are joined.

use crate::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Markers at work.
#[derive(Debug)]
#[repr(transparent)]
pub struct Crew(AtomicUsize);

impl Crew {
    /// Nobody.
    pub fn new() -> Crew {
        Crew(AtomicUsize::new(0))
    }

    /// One more, before it looks for work.
    pub fn enter(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// One less, after it has found none.
    pub fn leave(&self) {
        self.0.fetch_sub(1, Relaxed);
    }

    /// Whether nobody is at work; asked by who has found the queue empty.
    pub fn is_idle(&self) -> bool {
        self.0.load(Relaxed) == 0
    }
}

impl Default for Crew {
    fn default() -> Crew {
        Crew::new()
    }
}
