//! A scan and a page that becomes empty under it: the page is not used again before, and it is not forgotten.
#![cfg(loom)]

#[path = "../../src/handle/slab/scan.rs"]
mod scan;

use loom::cell::UnsafeCell;
use loom_tests::{check, sync};
use scan::Scans;
use sync::Arc;
use sync::atomic::{AtomicU32, Ordering};
use sync::thread;

/// One step of the protocol left out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Without {
    Nothing,
    LookBeforeReuse,
    LookAfterTaking,
    LookOnLeaving,
    LookAfterDeferring,
}

/// One page with one linked bit.
struct World {
    scans: Scans,
    bit: AtomicU32,
    /// What the scan reads and a reuse writes. Loom checks that they never meet.
    words: UnsafeCell<u32>,
    /// 1: the page is deferred. Changed by read-modify-writes only, as the head of the stack that it stands for.
    deferred: AtomicU32,
    reused: AtomicU32,
    without: Without,
}

// SAFETY: `words` is what loom checks.
unsafe impl Send for World {}
// SAFETY: as above.
unsafe impl Sync for World {}

impl World {
    fn scan(&self) {
        self.scans.enter();
        if self.bit.load(Ordering::Acquire) == 1 {
            // SAFETY: loom panics when a reuse is concurrent; that is what is tested.
            self.words.with(|words| unsafe { *words });
        }
        if self.scans.leave() && self.without != Without::LookOnLeaving {
            self.give_back_deferred();
        }
    }

    fn release(&self) {
        self.bit.store(0, Ordering::Relaxed);
        if self.without == Without::LookBeforeReuse || self.scans.idle() {
            self.reuse();
        } else {
            self.deferred.swap(1, Ordering::Release);
            if self.without != Without::LookAfterDeferring {
                self.give_back_deferred();
            }
        }
    }

    fn give_back_deferred(&self) {
        while self.scans.idle() {
            if self.deferred.swap(0, Ordering::Acquire) == 0 {
                return;
            }
            if self.without == Without::LookAfterTaking || self.scans.idle() {
                self.reuse();
            } else {
                self.deferred.swap(1, Ordering::Release);
            }
        }
    }

    fn reuse(&self) {
        // SAFETY: loom panics when a scan is concurrent; that is what is tested.
        self.words.with_mut(|words| unsafe { *words += 1 });
        self.reused.fetch_add(1, Ordering::Relaxed);
    }
}

/// One thread releases the page while `scans` threads scan.
fn run(scans: usize, without: Without) {
    check(move || {
        let world = Arc::new(World {
            scans: Scans::new(),
            bit: AtomicU32::new(1),
            words: UnsafeCell::new(0),
            deferred: AtomicU32::new(0),
            reused: AtomicU32::new(0),
            without,
        });
        let scanners: Vec<_> = (0..scans)
            .map(|_| {
                let world = world.clone();
                thread::spawn(move || world.scan())
            })
            .collect();
        world.release();
        scanners.into_iter().for_each(|t| t.join().unwrap());
        assert_eq!(world.reused.load(Ordering::Relaxed), 1, "forgotten");
    });
}

#[test]
fn a_page_is_used_again_after_the_scan_and_once() {
    run(1, Without::Nothing);
}

#[test]
fn a_page_is_used_again_after_both_scans_and_once() {
    run(2, Without::Nothing);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_reuse_without_a_look() {
    run(1, Without::LookBeforeReuse);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_deferred_page_reused_without_a_look_after_taking_it() {
    run(2, Without::LookAfterTaking);
}

#[test]
#[should_panic(expected = "forgotten")]
fn twin_scan_ends_without_a_look() {
    run(1, Without::LookOnLeaving);
}

#[test]
#[should_panic(expected = "forgotten")]
fn twin_defers_without_a_look() {
    run(1, Without::LookAfterDeferring);
}
