//! Large objects: private ones die at a minor, shared ones with a cycle, and their memory is used again, zeroed.
#![cfg(shuttle)]

use handfast::raw::{GlobalCell, Mutator, Object};
use shuttle_tests::explore;
use shuttle_tests::world::{self, Share, WORDS, root, word};
use std::ptr::null_mut;

/// Just over a quarter of a block.
const ITEMS: usize = 1100;

unsafe fn make(m: Mutator, number: u64) -> *mut Object {
    // SAFETY: the rule of `world`.
    unsafe {
        let object = m.alloc_items(&WORDS, ITEMS);
        assert!(!object.is_null(), "out of memory");
        for i in [0, ITEMS / 2, ITEMS - 1] {
            assert_eq!(word(object, i).read(), 0, "memory that is used again is zeroed");
            word(object, i).write(number);
        }
        object
    }
}

unsafe fn check(object: *mut Object) -> u64 {
    // SAFETY: the rule of `world`.
    unsafe {
        let number = word(object, 0).read();
        assert_eq!(word(object, ITEMS / 2).read(), number);
        assert_eq!(word(object, ITEMS - 1).read(), number);
        number
    }
}

unsafe fn mutate(m: Mutator, table: Share<GlobalCell>, me: u64) {
    // SAFETY: the rule of `world`.
    unsafe {
        let (private, taken) = (root(m), root(m));
        for i in 0..3 {
            *private = make(m, me << 8 | i);
            let address = *private;
            let before = m.load(m.global_get(table.get()), 0);
            *taken = before;
            let new = make(m, me << 8 | 0x80 | i);
            m.store(m.global_get(table.get()), 0, new);
            m.safepoint();
            if !(*taken).is_null() {
                assert_ne!(check(*taken) & 0x80, 0, "a shared one");
            }
            m.collect_minor();
            assert_eq!(*private, address, "a large object never moves");
            assert_eq!(check(*private), me << 8 | i);
            *private = null_mut();
        }
    }
}

fn scenario(gc_threads: u32) {
    let heap = world::heap(gc_threads);
    let table = world::table(&heap, 1);
    let mut work: Vec<Box<dyn FnOnce(Mutator) + Send>> = vec![];
    for me in 0..2 {
        // SAFETY: the rule of `world`.
        work.push(Box::new(move |m| unsafe { mutate(m, table, me) }));
    }
    // SAFETY: the rule of `world`.
    work.push(Box::new(move |m| unsafe {
        m.collect_full();
        let object = m.load(m.global_get(table.get()), 0);
        if !object.is_null() {
            check(object);
        }
        m.collect_full();
    }));
    world::threads(&heap, work);
    let m = heap.attach().unwrap();
    // SAFETY: the rule of `world`.
    unsafe {
        m.collect_full();
        check(m.load(m.global_get(table.get()), 0));
        let mut large = 0;
        m.walk(&mut |object| large += u32::from(object.items == ITEMS));
        assert_eq!(large, 1, "all others are dead");
        m.store(m.global_get(table.get()), 0, null_mut());
        m.detach();
    }
    world::finish(&heap);
}

#[test]
fn large_objects_stay_put_and_whole_with_a_collector_thread() {
    explore(|| scenario(1));
}

#[test]
fn large_objects_stay_put_and_whole_on_demand() {
    explore(|| scenario(0));
}
