//! Old private objects that refer to young ones: the owner's minor collections move these, and turn their blocks into old
//! ones, while a marker looks at the same slots (INV-4).
#![cfg(shuttle)]

use handfast::raw::{GlobalCell, Mutator};
use shuttle_tests::explore;
use shuttle_tests::world::{self, Share, TABLE, node, numbers, root};

/// References from one old private object to young ones.
const SLOTS: usize = 8;

unsafe fn age(m: Mutator, table: Share<GlobalCell>, me: u64) {
    // SAFETY: the rule of `world`.
    unsafe {
        let old = root(m);
        *old = m.alloc_items(&TABLE, SLOTS);
        m.collect_minor();
        assert!(!m.is_young(*old) && !m.is_public(*old));
        for round in 0..4 {
            // Published in the same block as what follows: this one leaves the nursery with the next minor.
            m.store(m.global_get(table.get()), 8 * me as usize, node(m, me, round));
            for slot in 0..SLOTS {
                let young = node(m, me, round << 8 | slot as u64);
                m.store(*old, 8 * slot, young);
            }
            m.collect_minor();
            for slot in 0..SLOTS {
                assert_eq!(numbers(m.load(*old, 8 * slot)), (me, round << 8 | slot as u64));
            }
            assert_eq!(numbers(m.load(m.global_get(table.get()), 8 * me as usize)), (me, round));
        }
        assert!(!m.is_public(*old));
    }
}

fn scenario(gc_threads: u32) {
    let heap = world::heap(gc_threads);
    let table = world::table(&heap, 2);
    let mut work: Vec<Box<dyn FnOnce(Mutator) + Send>> = vec![];
    for me in 0..2 {
        // SAFETY: the rule of `world`.
        work.push(Box::new(move |m| unsafe { age(m, table, me) }));
    }
    // SAFETY: the rule of `world`.
    work.push(Box::new(move |m| unsafe {
        for _ in 0..3 {
            m.collect_full();
        }
    }));
    world::threads(&heap, work);
    world::finish(&heap);
}

#[test]
fn a_marker_never_reads_what_its_owner_moves_with_a_collector_thread() {
    explore(|| scenario(1));
}

#[test]
fn a_marker_never_reads_what_its_owner_moves_on_demand() {
    explore(|| scenario(0));
}
