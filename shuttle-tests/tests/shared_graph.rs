//! Threads exchange the contents of a shared table, privately made chains among them, while cycles run.
#![cfg(shuttle)]

use handfast::raw::{GlobalCell, Mutator};
use shuttle_tests::explore;
use shuttle_tests::world::{self, Share, node, numbers, root};

const SLOTS: usize = 3;

/// Moves chains of three through the table. What a slot holds is a chain of one thread, whole.
unsafe fn mutate(m: Mutator, table: Share<GlobalCell>, me: u64, rounds: u64) {
    // SAFETY: the rule of `world`.
    unsafe {
        let head = root(m);
        for serial in 0..rounds {
            *head = std::ptr::null_mut();
            for k in 0..3 {
                let new = node(m, me << 8 | k, serial);
                m.store(new, 0, *head);
                *head = new;
            }
            let slot = 8 * ((me + serial) as usize % SLOTS);
            let before = m.load(m.global_get(table.get()), slot);
            m.store(m.global_get(table.get()), slot, *head);
            // What was there before is reachable from here only, or from wherever another thread has put it.
            *head = before;
            m.safepoint();
            check(m, *head);
            // Into the second reference of whatever is in the table now.
            let holder = m.load(m.global_get(table.get()), slot);
            m.store(holder, 8, *head);
        }
        m.collect_minor();
        check(m, *head);
    }
}

unsafe fn check(m: Mutator, mut chain: *mut handfast::raw::Object) {
    // SAFETY: the rule of `world`.
    unsafe {
        let mut expected = None;
        while !chain.is_null() {
            let (id, serial) = numbers(chain);
            let (owner, k) = (id >> 8, id & 0xFF);
            let (next, o, s) = expected.unwrap_or((2, owner, serial));
            assert_eq!((k, owner, serial), (next, o, s));
            expected = Some((k.wrapping_sub(1), owner, serial));
            chain = m.load(chain, 0);
        }
        assert!(expected.is_none_or(|(next, ..)| next == u64::MAX), "a chain is cut");
    }
}

fn scenario(gc_threads: u32) {
    let heap = world::heap(gc_threads);
    let table = world::table(&heap, SLOTS);
    let mut work: Vec<Box<dyn FnOnce(Mutator) + Send>> = vec![];
    for me in 0..2 {
        // SAFETY: the rule of `world`.
        work.push(Box::new(move |m| unsafe { mutate(m, table, me, 3) }));
    }
    // SAFETY: the rule of `world`.
    work.push(Box::new(move |m| unsafe {
        m.collect_full();
        mutate(m, table, 2, 1);
        m.collect_full();
    }));
    world::threads(&heap, work);
    let m = heap.attach().unwrap();
    // SAFETY: the rule of `world`.
    unsafe {
        m.collect_full();
        for slot in 0..SLOTS {
            check(m, m.load(m.global_get(table.get()), 8 * slot));
        }
        m.detach();
    }
    world::finish(&heap);
}

#[test]
fn chains_stay_whole_while_a_collector_thread_runs() {
    explore(|| scenario(1));
}

#[test]
fn chains_stay_whole_while_mutators_drive_cycles() {
    explore(|| scenario(0));
}
