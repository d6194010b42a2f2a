//! The state of a request that one thread queues with another and may withdraw: whether its answerer looks at it, is done
//! with it, or must not touch it any more.
//!
//! ```text
//!   WAITING ── take (answerer) ──▶ TAKEN ── finish (answerer) ──▶ DONE
//!      └────── withdraw (requester) ──▶ WITHDRAWN
//! ```
//!
//! What the request refers to is alive as long as its requester waits. One compare-exchange decides who of the two was
//! first: who has withdrawn may let go at once, and who finds its request taken waits until it is done, which is soon (the
//! answerer waits for nobody in between).
//!
//! # Orderings
//! - [Q-done] the answerer's work → `finish` (release) → `is_done`, `withdraw` (acquire).
//! - What the requester wrote before is handed over by the queue; so `take` is relaxed.

use crate::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

const WAITING: u32 = 0;
const TAKEN: u32 = 1;
const DONE: u32 = 2;
const WITHDRAWN: u32 = 3;

/// The state of one request.
#[derive(Debug)]
#[repr(transparent)]
pub struct RequestState(AtomicU32);

impl RequestState {
    /// Of a request that is about to be queued.
    pub fn new() -> RequestState {
        RequestState(AtomicU32::new(WAITING))
    }

    /// By the answerer: false if it was withdrawn, and is not to be looked at.
    #[must_use = "a request that was withdrawn is not looked at"]
    pub fn take(&self) -> bool {
        self.0.compare_exchange(WAITING, TAKEN, Relaxed, Relaxed).is_ok()
    }

    /// By the answerer, which took it: it is answered, and not looked at any more.
    pub fn finish(&self) {
        // Release: [Q-done].
        self.0.store(DONE, Release);
    }

    /// Whether it is answered. Acquire: [Q-done].
    pub fn is_done(&self) -> bool {
        self.0.load(Acquire) == DONE
    }

    /// By the requester, which needs no answer any more. False: the answerer is looking at it; ask
    /// [`is_done`](Self::is_done) until it is.
    #[must_use = "what a request refers to must outlive the look at it"]
    pub fn withdraw(&self) -> bool {
        // Failure, acquire: [Q-done]. Success: nobody has looked at it, and nobody will.
        match self.0.compare_exchange(WAITING, WITHDRAWN, Relaxed, Acquire) {
            Ok(_) => true,
            Err(found) => found == DONE,
        }
    }
}

impl Default for RequestState {
    fn default() -> RequestState {
        RequestState::new()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_answered_or_withdrawn() {
        let request = RequestState::new();
        assert!(request.take() && !request.take());
        assert!(!request.withdraw() && !request.is_done());
        request.finish();
        assert!(request.is_done() && request.withdraw());
        let request = RequestState::new();
        assert!(request.withdraw());
        assert!(!request.take() && !request.is_done());
    }
}
