//! The decref that reaches zero against a dealloc that takes the object back: it counts it up again and hands a reference to
//! another thread, as a free list or a cache does. However the drops of both fall, the object is dealloced again, once, by
//! who drops the last reference, after every use.
#![cfg(loom)]

use loom_tests::handle::refcount::{Decref, RefCount};
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicBool, AtomicUsize,
    Ordering::{AcqRel, Relaxed, Release},
};
use loom_tests::sync::thread;
use loom_tests::{Plain, check};

/// How the dealloc takes the object back.
#[derive(Clone, Copy, PartialEq)]
enum Revives {
    /// Counts its own reference and the one that it hands out, then hands it out.
    CountsFirst,
    /// Hands it out, and says then how many references there are.
    HandsOutFirst,
    /// Counts its own only.
    CountsOne,
}

struct Ob {
    count: RefCount,
    memory: Plain<u32>,
    revived: AtomicBool,
    freed: AtomicUsize,
    /// 1: a reference is here for whoever takes it.
    handed: AtomicUsize,
    revives: Revives,
}

impl Ob {
    fn decref(&self) {
        match self.count.decref() {
            Decref::Zero => self.dealloc(),
            Decref::Alive => {}
            Decref::Underflow => panic!("a reference of nobody was dropped"),
        }
    }

    fn dealloc(&self) {
        if self.revived.swap(true, Relaxed) {
            self.memory.set(0);
            assert_eq!(self.freed.fetch_add(1, Relaxed), 0, "freed twice");
            return;
        }
        match self.revives {
            Revives::CountsFirst => {
                let _ = self.count.incref();
                let _ = self.count.incref();
                self.handed.fetch_add(1, Release);
            }
            Revives::HandsOutFirst => {
                self.handed.fetch_add(1, Release);
                self.count.set(2);
            }
            Revives::CountsOne => {
                let _ = self.count.incref();
                self.handed.fetch_add(1, Release);
            }
        }
        self.look();
        // What the cache held is dropped soon after.
        self.decref();
    }

    fn take(&self) {
        if self.handed.swap(0, AcqRel) == 1 {
            self.look();
            self.decref();
        }
    }

    fn look(&self) {
        assert_eq!(self.memory.get(), 7, "used after it was freed");
    }
}

fn revived(revives: Revives) {
    check(move || {
        let ob = Arc::new(Ob {
            count: RefCount::new(1),
            memory: Plain::new(7),
            revived: AtomicBool::new(false),
            freed: AtomicUsize::new(0),
            handed: AtomicUsize::new(0),
            revives,
        });
        let other = {
            let ob = ob.clone();
            thread::spawn(move || ob.take())
        };
        ob.decref();
        other.join().unwrap();
        ob.take();
        assert_eq!(ob.freed.load(Relaxed), 1, "never freed");
    });
}

#[test]
fn an_object_taken_back_by_its_dealloc_dies_once_with_the_last_reference() {
    revived(Revives::CountsFirst);
}

#[test]
#[should_panic(expected = "a reference of nobody was dropped")]
fn twin_hands_out_before_it_counts() {
    revived(Revives::HandsOutFirst);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_does_not_count_what_it_hands_out() {
    revived(Revives::CountsOne);
}
