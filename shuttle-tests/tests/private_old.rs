//! Old private objects that refer to young ones: the owner's minor collections move these, and turn their blocks into old
//! ones, while a marker looks at the same slots (INV-4).
#![cfg(shuttle)]

use handfast::raw::{GlobalCell, Mutator};
use shuttle_tests::explore;
use shuttle_tests::world::{self, Share, node, numbers, root};

unsafe fn age(m: Mutator, table: Share<GlobalCell>, me: u64) {
    // SAFETY: the rule of `world`.
    unsafe {
        let old = root(m);
        *old = node(m, me, 0);
        let second = node(m, me, 100);
        m.store(*old, 8, second);
        m.collect_minor();
        assert!(!m.is_young(*old) && !m.is_public(*old));
        for i in 1..6 {
            let young = node(m, me, i);
            m.store(*old, 0, young);
            let young = node(m, me, 100 + i);
            m.store(m.load(*old, 8), 0, young);
            // Published in the same block: that one leaves the nursery with the next minor.
            m.store(m.global_get(table.get()), 8 * me as usize, node(m, me, 200 + i));
            m.collect_minor();
            assert_eq!(numbers(m.load(*old, 0)), (me, i));
            assert_eq!(numbers(m.load(m.load(*old, 8), 0)), (me, 100 + i));
            assert_eq!(numbers(m.load(m.global_get(table.get()), 8 * me as usize)), (me, 200 + i));
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
