//! Threads that fill the heap together are told so, each with what it holds intact, and go on when something is let go of.
#![cfg(shuttle)]

use handfast::raw::Mutator;
use shuttle_tests::explore;
use shuttle_tests::world::{self, NODE, WORDS, root, word};
use std::ptr::null_mut;

/// A sixteenth of the heap.
const ITEMS: usize = (256 << 10) / 8 - 2;

unsafe fn fill(m: Mutator, me: u64) {
    // SAFETY: the rule of `world`.
    unsafe {
        for round in 0..2 {
            let scope = m.scope_open();
            let (list, big) = (root(m), root(m));
            let mut count = 0;
            loop {
                *big = m.alloc_items(&WORDS, ITEMS);
                if (*big).is_null() {
                    break;
                }
                word(*big, 0).write(me);
                word(*big, ITEMS - 1).write(count);
                let node = m.alloc(&NODE);
                if node.is_null() {
                    break;
                }
                m.store(node, 0, *list);
                m.store(node, 8, *big);
                *list = node;
                count += 1;
                assert!(count <= 16, "more than the heap can hold");
            }
            let mut at = *list;
            for i in (0..count).rev() {
                let big = m.load(at, 8);
                assert_eq!((word(big, 0).read(), word(big, ITEMS - 1).read()), (me, i));
                at = m.load(at, 0);
            }
            assert!(at.is_null());
            m.scope_close(scope);
            if round == 0 {
                m.safepoint();
            }
        }
    }
}

fn scenario(gc_threads: u32) {
    let heap = world::heap(gc_threads);
    let mut work: Vec<Box<dyn FnOnce(Mutator) + Send>> = vec![];
    for me in 0..3 {
        // SAFETY: the rule of `world`.
        work.push(Box::new(move |m| unsafe { fill(m, me) }));
    }
    world::threads(&heap, work);
    let m = heap.attach().unwrap();
    // SAFETY: the rule of `world`.
    unsafe {
        // Everything is dead: most of the heap can be had again.
        let list = root(m);
        for _ in 0..12 {
            let big = m.alloc_items(&WORDS, ITEMS);
            assert!(!big.is_null(), "the heap is empty");
            let rooted = root(m);
            *rooted = big;
        }
        *list = null_mut();
        m.detach();
    }
    world::finish(&heap);
}

#[test]
fn who_is_out_of_memory_is_told_with_a_collector_thread() {
    explore(|| scenario(1));
}

#[test]
fn who_is_out_of_memory_is_told_on_demand() {
    explore(|| scenario(0));
}
