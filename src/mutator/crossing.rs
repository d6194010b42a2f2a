//! Asking another mutator to publish one of its private objects: what a crossing of its private link needs.
//!
//! The requester queues a [`PublishRequest`] with the owner and asks by handshake, until the object is public
//! (`publish_wait.rs`). While it waits it serves such requests of others, for all heaps to which its thread is attached:
//! the other may be waiting in another heap. An owner that leaves publishes all its links first.
//!
//! A request whose requester has given up is withdrawn, so that nobody looks at its object later.

use super::handshake::Requests;
use super::publish_wait::{ask_owner, serve_if_asked};
use super::record::Record;
use super::request::RequestState;
use crate::object::Object;
use crate::sync::Arc;
use std::time::Duration;

/// One request.
pub struct PublishRequest {
    state: RequestState,
    /// Answers the object, if it is still private to the owner. Called by the owner or its holder.
    object: Box<dyn Fn() -> Option<*mut Object> + Send + Sync>,
}

impl std::fmt::Debug for PublishRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PublishRequest").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Record {
    /// Serves queued publish requests.
    ///
    /// # Safety
    /// Called by the owner or the holder.
    pub unsafe fn serve_publish(&self) {
        let mut served = false;
        while let Some(request) = self.publish_requests.pop() {
            if !request.state.take() {
                continue;
            }
            if let Some(object) = (request.object)() {
                // SAFETY: [P1] the requester holds a C reference, so the pair is alive, and it is private to this mutator.
                unsafe { self.publish(object) };
            }
            request.state.finish();
            served = true;
        }
        if served {
            self.shared().event.notify();
        }
    }

    /// Serves publish requests if there are any. Publishing moves nothing.
    ///
    /// # Safety
    /// Called by the running owner.
    pub unsafe fn serve_publish_if_asked(&self) {
        // SAFETY: [L1] the caller's promise.
        serve_if_asked(&self.word, || unsafe { self.serve_publish() });
    }

    /// Has `owner` publish what `object` answers, and returns when `is_public` says so. `serve_elsewhere` serves publish
    /// requests to the thread's mutators of other heaps.
    ///
    /// # Safety
    /// Called by the running owner of `self`, which keeps the pair alive meanwhile.
    pub unsafe fn ask_to_publish(
        &self,
        owner: &Record,
        object: Box<dyn Fn() -> Option<*mut Object> + Send + Sync>,
        is_public: impl Fn() -> bool,
        serve_elsewhere: impl Fn(),
    ) {
        let request = Arc::new(PublishRequest { state: RequestState::new(), object });
        owner.publish_requests.push(request.clone());
        let mut tries = 0;
        ask_owner(
            &owner.word,
            || is_public() || request.state.is_done(),
            || owner.limit.interrupt(),
            // SAFETY: [L1] held.
            || unsafe { owner.serve_publish() },
            || self.shared().event.notify(),
            || {
                // SAFETY: [L1] the caller owns `self`, and it runs.
                unsafe { self.serve_publish_if_asked() };
                serve_elsewhere();
                tries += 1;
                if tries < 64 {
                    crate::sync::spin_loop();
                } else {
                    // Wakes early when the request is done; wakes in any case to serve requests of others.
                    self.shared().event.wait(Duration::from_micros(200), || {
                        request.state.is_done() || self.word.is_requested(Requests::PUBLISH)
                    });
                }
            },
        );
        if !request.state.withdraw() {
            // Taken: it will be done in a moment, and the caller's reference must last until then.
            while !request.state.is_done() {
                crate::sync::spin_loop();
            }
        }
    }
}
