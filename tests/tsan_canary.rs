//! Races that ThreadSanitizer must report: `ci/tsan.sh` fails when it does not. Nothing without `--cfg tsan`.
//!
//! The threads really run one after the other, in an order that a relaxed flag carries, so nothing goes wrong but what the
//! sanitizer is to see: no happens-before between two accesses.
#![cfg(tsan)]

use handfast::Config;
use handfast::raw::{self, Heap, Mutator, TypeInfo};
use std::ptr::null_mut;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

static WORDS: TypeInfo = TypeInfo::new("Words", 16);

/// Runs `first`, then `second`, on two threads that are there from the start to the end and do not synchronise between.
fn one_after_the_other(first: impl FnOnce() + Send, second: impl FnOnce() + Send) {
    let (start, turn) = (Barrier::new(2), AtomicU32::new(0));
    let wait = |for_turn| {
        while turn.load(Relaxed) != for_turn {
            std::hint::spin_loop();
        }
    };
    thread::scope(|s| {
        s.spawn(|| {
            start.wait();
            first();
            turn.store(1, Relaxed);
            wait(2);
        });
        s.spawn(|| {
            start.wait();
            wait(1);
            second();
            turn.store(2, Relaxed);
        });
    });
}

/// What a program does to a shared object's payload, in code of the program.
#[test]
#[ignore = "races on purpose"]
fn a_race_on_a_payload() {
    let heap = Heap::new(&Config { gc_threads: 0, ..Config::default() }).unwrap();
    let m = heap.attach().unwrap();
    // SAFETY: this thread's mutator. That the payload is written without synchronisation is the point.
    unsafe {
        let object = m.global_get(m.global_new(m.alloc(&WORDS)));
        let address = raw::payload(object) as usize;
        let write = move |value: u64| (address as *mut u64).write(value);
        one_after_the_other(move || write(1), move || write(2));
        m.detach();
    }
}

/// Rule 1 of the raw layer, broken: one mutator, two threads. The accesses are those of the library.
#[test]
#[ignore = "races on purpose"]
fn a_race_in_a_mutator() {
    let heap = Heap::new(&Config { gc_threads: 0, ..Config::default() }).unwrap();
    let m = heap.attach().unwrap();
    let address = m.as_ptr() as usize;
    // SAFETY: none, that is the point; one call comes after the other.
    let collect = move || unsafe {
        let m = Mutator::from_ptr(address as *mut raw::Record).unwrap();
        m.root(null_mut());
        m.collect_minor();
    };
    one_after_the_other(collect, collect);
    // SAFETY: this thread's mutator, which the others have left alone since.
    unsafe { m.detach() };
}
