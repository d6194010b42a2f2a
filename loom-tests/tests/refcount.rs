//! The reference count: whoever frees has seen every use, and an immortal object never dies.
#![cfg(loom)]

use loom_tests::handle::refcount::{Decref, IMMORTAL, RefCount};
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicIsize, Ordering,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};
use loom_tests::sync::thread;
use loom_tests::{Plain, check_all};

struct Ob<C> {
    count: C,
    memory: Plain<u32>,
}

impl<C> Ob<C> {
    fn new(count: C) -> Arc<Self> {
        Arc::new(Ob { count, memory: Plain::new(7) })
    }

    fn look(&self) {
        assert_eq!(self.memory.get(), 7);
    }

    fn free(&self) {
        self.memory.set(0);
    }
}

/// Two C references in two threads: each looks at the object, then drops its own. True: freed here.
fn last_one_frees<C: Send + Sync + 'static>(count: fn() -> C, drops: fn(&C) -> bool) {
    check_all(move || {
        let ob = Ob::new(count());
        let turn = move |ob: &Ob<C>| {
            ob.look();
            let last = drops(&ob.count);
            if last {
                ob.free();
            }
            last
        };
        let other = {
            let ob = ob.clone();
            thread::spawn(move || turn(&ob))
        };
        let here = turn(&ob);
        assert!(here ^ other.join().unwrap(), "freed never or twice");
    });
}

#[test]
fn the_last_decref_frees_after_every_use() {
    last_one_frees(|| RefCount::new(2), |count| count.decref() == Decref::Zero);
}

#[test]
fn the_only_reference_is_dropped_by_a_store_after_every_use() {
    last_one_frees(|| RefCount::new(2), |count| count.decref_unless(|| false) == Decref::Zero);
}

/// A drop that looks whether it is the last, as `decref_unless` does.
fn looking_drop(count: &AtomicIsize, order: Ordering, only: isize) -> bool {
    let now = count.load(order);
    if now <= only {
        count.store(now - 1, Relaxed);
        return now == 1;
    }
    weak_drop(count, Release, true)
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_only_reference_is_seen_without_acquire() {
    last_one_frees(|| AtomicIsize::new(2), |count| looking_drop(count, Relaxed, 1));
}

#[test]
#[should_panic(expected = "freed never or twice")]
fn twin_a_shared_reference_is_dropped_by_a_store() {
    last_one_frees(|| AtomicIsize::new(2), |count| looking_drop(count, Acquire, 2));
}

fn weak_drop(count: &AtomicIsize, order: Ordering, fenced: bool) -> bool {
    let last = count.fetch_sub(1, order) == 1;
    if last && fenced {
        fence(Acquire);
    }
    last
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_decref_without_release() {
    last_one_frees(|| AtomicIsize::new(2), |count| weak_drop(count, Relaxed, true));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_decref_without_fence() {
    last_one_frees(|| AtomicIsize::new(2), |count| weak_drop(count, Release, false));
}

/// A pair whose object is dead; C still uses its side and then drops it. The collector frees at a count of 1.
fn pair<C: Send + Sync + 'static>(count: fn() -> C, drops: fn(&C), get: fn(&C) -> isize) {
    check_all(move || {
        let ob = Ob::new(count());
        let c = {
            let ob = ob.clone();
            thread::spawn(move || {
                ob.look();
                drops(&ob.count);
            })
        };
        if get(&ob.count) == 1 {
            ob.free();
        }
        c.join().unwrap();
    });
}

#[test]
fn a_pair_is_freed_after_the_last_use_from_c() {
    pair(|| RefCount::new(2), |count| assert_eq!(count.decref(), Decref::Alive), RefCount::get_acquire);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_collector_reads_the_count_without_acquire() {
    pair(
        || AtomicIsize::new(2),
        |count| {
            count.fetch_sub(1, Release);
        },
        |count| count.load(Relaxed),
    );
}

#[test]
fn who_copies_a_reference_and_drops_it_never_frees_what_another_holds() {
    check_all(|| {
        let ob = Ob::new(RefCount::new(2));
        let other = {
            let ob = ob.clone();
            thread::spawn(move || {
                ob.count.incref();
                assert_eq!(ob.count.decref(), Decref::Alive);
                ob.look();
                ob.count.decref() == Decref::Zero && {
                    ob.free();
                    true
                }
            })
        };
        ob.look();
        let here = ob.count.decref() == Decref::Zero;
        if here {
            ob.free();
        }
        assert!(here ^ other.join().unwrap(), "freed never or twice");
    });
}

/// One thread drops its reference while another, which has one too, makes the object immortal and drops all it can.
fn immortal<C: Send + Sync + 'static>(count: fn() -> C, drops: fn(&C) -> bool, set: fn(&C), is: fn(&C) -> bool) {
    check_all(move || {
        let ob = Ob::new(count());
        let other = {
            let ob = ob.clone();
            thread::spawn(move || assert!(!drops(&ob.count), "an immortal object died"))
        };
        set(&ob.count);
        for _ in 0..2 {
            assert!(!drops(&ob.count), "an immortal object died");
        }
        other.join().unwrap();
        assert!(is(&ob.count), "an immortal object is mortal again");
    });
}

#[test]
fn an_object_made_immortal_by_a_holder_stays_so() {
    immortal(
        || RefCount::new(2),
        |count| count.decref() != Decref::Alive,
        RefCount::set_immortal,
        RefCount::is_immortal,
    );
}

#[test]
#[should_panic(expected = "an immortal object is mortal again")]
fn twin_immortal_is_stored_instead_of_added() {
    immortal(
        || AtomicIsize::new(2),
        |count| count.load(Relaxed) & IMMORTAL == 0 && count.fetch_sub(1, Release) == 1,
        |count| count.store(IMMORTAL, Relaxed),
        |count| count.load(Relaxed) & IMMORTAL != 0,
    );
}
