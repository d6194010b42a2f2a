//! Nurseries made of holes: threads publish what they make among old objects of the same blocks, while cycles judge these.
#![cfg(shuttle)]

use handfast::raw::{GlobalCell, Mutator};
use shuttle_tests::explore;
use shuttle_tests::world::{self, Share, node, numbers, root};

/// Of each thread, the one that was there before included.
const SLOTS: usize = 4;

/// Publishes one node of two into a thread's slots of the table; each refers to what the first thread has left in that slot of
/// its own.
unsafe fn publish(m: Mutator, table: Share<GlobalCell>, me: u64, rounds: u64) {
    // SAFETY: the rule of `world`.
    unsafe {
        let last = root(m);
        for serial in 0..rounds {
            for slot in 0..SLOTS as u64 {
                let _garbage = node(m, 0, 0);
                let new = node(m, me << 8 | slot, serial);
                *last = new;
                m.store(m.global_get(table.get()), 8 * (me * SLOTS as u64 + slot) as usize, new);
                m.store(*last, 8, m.load(m.global_get(table.get()), 8 * slot as usize));
            }
            // What is public stays, and the next nodes go between.
            m.collect_minor();
            check(m, table);
        }
    }
}

/// Whatever is in the table is what its slot says, and so is what it refers to.
unsafe fn check(m: Mutator, table: Share<GlobalCell>) {
    // SAFETY: the rule of `world`.
    unsafe {
        for slot in 0..3 * SLOTS {
            let object = m.load(m.global_get(table.get()), 8 * slot);
            if object.is_null() {
                continue;
            }
            let (id, _) = numbers(object);
            assert_eq!(((id >> 8) as usize, (id & 0xFF) as usize), (slot / SLOTS, slot % SLOTS));
            let behind = m.load(object, 8);
            if !behind.is_null() {
                assert_eq!(numbers(behind).0, id & 0xFF, "one of the first thread's");
            }
        }
    }
}

fn scenario(gc_threads: u32) {
    let heap = world::heap(gc_threads);
    let table = world::table(&heap, 3 * SLOTS);
    let m = heap.attach().unwrap();
    // SAFETY: the rule of `world`.
    unsafe {
        // Blocks with holes, and none that are free: the heap keeps no reserve.
        publish(m, table, 0, 2);
        m.collect_full();
        m.detach();
    }
    let mut work: Vec<Box<dyn FnOnce(Mutator) + Send>> = vec![];
    for me in 1..3 {
        // SAFETY: the rule of `world`.
        work.push(Box::new(move |m| unsafe { publish(m, table, me, 3) }));
    }
    // SAFETY: the rule of `world`.
    work.push(Box::new(|m| unsafe {
        m.collect_full();
        m.collect_full();
    }));
    world::threads(&heap, work);
    let m = heap.attach().unwrap();
    // SAFETY: the rule of `world`.
    unsafe {
        m.collect_full();
        check(m, table);
        m.detach();
    }
    world::finish(&heap);
}

#[test]
fn old_and_new_lie_side_by_side_with_a_collector_thread() {
    explore(|| scenario(1));
}

#[test]
fn old_and_new_lie_side_by_side_on_demand() {
    explore(|| scenario(0));
}
