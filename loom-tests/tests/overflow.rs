//! A count that grows absurdly becomes immortal instead of overflowing, and exactly one of those who counted it up is told.
#![cfg(loom)]

use loom_tests::check_all;
use loom_tests::handle::refcount::{Decref, IMMORTAL, Incref, RefCount};
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{AtomicIsize, Ordering::Relaxed};
use loom_tests::sync::thread;

/// Half of the immortal bit: what saturates.
const SATURATED: isize = IMMORTAL / 2;

/// A count one below the limit; two count up, and one of them down again.
fn two_count<C: Send + Sync + 'static>(
    count: fn() -> C,
    up: fn(&C) -> bool,
    down: fn(&C),
    is_immortal: fn(&C) -> bool,
) {
    check_all(move || {
        let count = Arc::new(count());
        let other = {
            let count = count.clone();
            thread::spawn(move || up(&count))
        };
        let mut told = u32::from(up(&count));
        down(&count);
        told += u32::from(other.join().unwrap());
        assert_eq!(told, 1, "told to none or to two");
        assert!(is_immortal(&count), "mortal again");
        down(&count);
        assert!(is_immortal(&count), "mortal again");
    });
}

#[test]
fn a_count_that_saturates_is_immortal_and_one_is_told() {
    two_count(
        || {
            let count = RefCount::new(0);
            count.set(SATURATED - 1);
            count
        },
        |count| count.incref() == Incref::Saturated,
        |count| assert_eq!(count.decref(), Decref::Alive),
        RefCount::is_immortal,
    );
}

#[test]
#[should_panic(expected = "told to none or to two")]
fn twin_whoever_finds_it_full_is_told() {
    two_count(
        || AtomicIsize::new(SATURATED - 1),
        |count| {
            if count.load(Relaxed) & IMMORTAL != 0 {
                return false;
            }
            let full = count.fetch_add(1, Relaxed) >= SATURATED - 1;
            if full {
                count.fetch_or(IMMORTAL, Relaxed);
            }
            full
        },
        |count| {
            if count.load(Relaxed) & IMMORTAL == 0 {
                count.fetch_sub(1, Relaxed);
            }
        },
        |count| count.load(Relaxed) & IMMORTAL != 0,
    );
}

#[test]
#[should_panic(expected = "mortal again")]
fn twin_the_limit_is_stored() {
    two_count(
        || AtomicIsize::new(SATURATED - 1),
        |count| {
            let before = count.fetch_add(1, Relaxed);
            if before >= SATURATED - 1 && before & IMMORTAL == 0 {
                count.store(IMMORTAL, Relaxed);
                return before == SATURATED - 1;
            }
            false
        },
        |count| {
            count.fetch_sub(1, Relaxed);
        },
        |count| count.load(Relaxed) & IMMORTAL != 0,
    );
}
