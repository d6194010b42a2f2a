//! A long array is marked in pieces, by the collector's two threads and by a mutator that helps, while its owner puts objects
//! into the last of them and takes them out.
#![cfg(shuttle)]

use handfast::raw::{GlobalCell, Heap, Mutator};
use shuttle_tests::explore;
use shuttle_tests::thread;
use shuttle_tests::world::{self, Share, TABLE, node, numbers, root};
use std::ptr::null_mut;

/// Four pieces, of which a marker visits one at once. Who takes the others is at it for longer than who has the first.
const ITEMS: usize = 1000;
const LAST: usize = 8 * (ITEMS - 1);

/// Holds a chain of two by the last item of an array, and then takes it out.
unsafe fn own(m: Mutator, heap: &Heap) {
    // SAFETY: the rule of `world`.
    unsafe {
        let (array, taken) = (root(m), root(m));
        *array = m.alloc_items(&TABLE, ITEMS);
        m.collect_minor();
        for round in 0..6 {
            *taken = node(m, round, 1);
            let end = node(m, round, 2);
            m.store(*taken, 0, end);
            m.store(*array, LAST, *taken);
            *taken = null_mut();
            m.collect_minor();
            // A cycle needs answers meanwhile; how many depends on where it is.
            for _ in 0..4 << round {
                m.safepoint();
                thread::yield_now();
            }
            *taken = m.load(*array, LAST);
            m.store(*array, LAST, null_mut());
            // Between two cycles: whatever is reachable was found by the last.
            heap.verify().unwrap();
            assert_eq!((numbers(*taken), numbers(m.load(*taken, 0))), ((round, 1), (round, 2)));
        }
    }
}

/// Promotes more than pacing has room for, and so has to help.
unsafe fn outrun(m: Mutator, table: Share<GlobalCell>) {
    // SAFETY: the rule of `world`.
    unsafe {
        for round in 0..12 {
            for slot in 0..8 {
                let object = node(m, round, slot);
                m.store(m.global_get(table.get()), 8 * slot as usize, object);
            }
            m.collect_minor();
        }
    }
}

#[test]
fn an_array_is_marked_to_its_end_whoever_has_the_pieces() {
    explore(|| {
        let heap = world::heap(2);
        let (table, whole) = (world::table(&heap, 8), heap.clone());
        // SAFETY: the rule of `world`.
        world::threads(
            &heap,
            vec![Box::new(move |m| unsafe { own(m, &whole) }), Box::new(move |m| unsafe { outrun(m, table) })],
        );
        world::finish(&heap);
    });
}
