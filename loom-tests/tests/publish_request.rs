//! A publish request and its end: the requester of a crossing waits until its request is done, or finds the object public
//! without it and gives up. In neither case does the owner look at what the requester let go of.
#![cfg(loom)]

use loom_tests::heap::pool::IndexStack;
use loom_tests::mutator::request::RequestState;
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicBool, AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use loom_tests::sync::thread;
use loom_tests::{Plain, check_all};

/// What is left out.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    GivesUpWithoutWithdrawing,
    DoesNotWaitForWhoTookIt,
    LooksWithoutTaking,
    DoesNotWait,
}

/// One private link, of which the requester holds the `PyObject`, and the owner's queue with one place.
struct Heap {
    queue: IndexStack,
    links: [AtomicU32; 1],
    request: RequestState,
    /// The link word's tag.
    private: AtomicBool,
    /// The `PyObject`: the requester's as long as it waits.
    ob: Plain<u32>,
    /// What publication writes.
    object: Plain<u32>,
    fault: Fault,
}

impl Heap {
    fn publish(&self) {
        if self.private.load(Relaxed) {
            self.object.set(7);
            self.private.store(false, Release);
        }
    }

    /// The owner: a store of its own publishes the object, or it serves requests; in either order.
    fn own(&self, publishes_first: bool) {
        if publishes_first {
            self.publish();
        }
        if self.queue.pop(&self.links[..]).is_some() && (self.fault == Fault::LooksWithoutTaking || self.request.take())
        {
            assert_eq!(self.ob.get(), 1, "looked at after it was let go of");
            self.publish();
            self.request.finish();
        }
        self.publish();
    }

    fn cross(&self) {
        self.queue.push(&self.links[..], 0);
        while self.fault != Fault::DoesNotWait && self.private.load(Acquire) && !self.request.is_done() {
            thread::yield_now();
        }
        if self.fault != Fault::GivesUpWithoutWithdrawing && !self.request.withdraw() {
            while self.fault != Fault::DoesNotWaitForWhoTookIt && !self.request.is_done() {
                thread::yield_now();
            }
        }
        assert_eq!(self.object.get(), 7, "crossed before it was published");
        // Lets go of the reference: the memory is somebody else's.
        self.ob.set(0);
    }
}

fn crossing(publishes_first: bool, fault: Fault) {
    check_all(move || {
        let heap = Arc::new(Heap {
            queue: IndexStack::new(),
            links: [AtomicU32::new(0)],
            request: RequestState::new(),
            private: AtomicBool::new(true),
            ob: Plain::new(1),
            object: Plain::new(0),
            fault,
        });
        let owner = {
            let heap = heap.clone();
            thread::spawn(move || heap.own(publishes_first))
        };
        heap.cross();
        owner.join().unwrap();
    });
}

#[test]
fn a_request_is_served_before_its_requester_goes_on() {
    crossing(false, Fault::None);
}

#[test]
fn a_request_that_is_given_up_is_not_looked_at_later() {
    crossing(true, Fault::None);
}

#[test]
#[should_panic]
fn twin_does_not_wait() {
    crossing(false, Fault::DoesNotWait);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_gives_up_without_withdrawing() {
    crossing(true, Fault::GivesUpWithoutWithdrawing);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_does_not_wait_for_who_took_it() {
    crossing(true, Fault::DoesNotWaitForWhoTookIt);
}

#[test]
#[should_panic]
fn twin_looks_without_taking() {
    crossing(true, Fault::LooksWithoutTaking);
}
