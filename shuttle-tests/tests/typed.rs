//! The safe layer: threads push to and pop from one stack by compare-and-set while cycles run; no push and no pop is lost.
#![cfg(shuttle)]

use handfast::{Error, Field, Global, Heap, Ref, Trace, Weak};
use shuttle_tests::explore;
use shuttle_tests::thread;
use shuttle_tests::world;
use std::collections::BTreeSet;
use std::sync::Arc;

#[derive(Trace)]
struct Stack {
    top: Field<Cell>,
}

#[derive(Trace)]
struct Cell {
    value: u64,
    next: Field<Cell>,
}

/// Pushes three cells and pops two, which it answers.
fn work(heap: &Heap, stack: &Global<Stack>, me: u64) -> Result<Vec<u64>, Error> {
    heap.attach()?.scope(|s| {
        let mut popped = vec![];
        for i in 0..3 {
            let cell = s.alloc(Cell { value: me << 8 | i, next: Field::null() })?;
            loop {
                let stack = stack.get(s);
                let top = s.get(stack, |stack| &stack.top);
                s.set(cell, |cell| &cell.next, top);
                if s.compare_set(stack, |stack| &stack.top, top, cell) {
                    break;
                }
            }
            s.safepoint();
            if i == 0 {
                continue;
            }
            loop {
                let stack = stack.get(s);
                let top = s.get(stack, |stack| &stack.top).expect("more pushes than pops");
                let next = s.get(top, |cell| &cell.next);
                if s.compare_set(stack, |stack| &stack.top, top, next) {
                    popped.push(top.value);
                    break;
                }
            }
        }
        Ok(popped)
    })
}

fn scenario(gc_threads: u32) -> Result<(), Error> {
    let heap = Heap::new(world::config(gc_threads))?;
    let (stack, weak) = heap.attach()?.scope(|s| {
        let stack = s.alloc(Stack { top: Field::null() })?;
        Ok::<_, Error>((Global::new(s, stack)?, Weak::new(s, stack)?))
    })?;
    let stack = Arc::new(stack);
    let workers: Vec<_> = (0..3)
        .map(|me| {
            let (heap, stack) = (heap.clone(), stack.clone());
            thread::spawn(move || {
                let popped = work(&heap, &stack, me)?;
                if me == 2 {
                    heap.attach()?.scope(|s| s.collect_full());
                }
                Ok::<_, Error>(popped)
            })
        })
        .collect();
    let mut seen = BTreeSet::new();
    for worker in workers {
        for value in worker.join().unwrap()? {
            assert!(seen.insert(value), "popped twice");
        }
    }
    heap.attach()?.scope(|s| {
        s.collect_full();
        let mut at: Option<Ref<'_, Cell>> = s.get(stack.get(s), |stack| &stack.top);
        while let Some(cell) = at {
            assert!(seen.insert(cell.value), "popped, and there still");
            at = s.get(cell, |cell| &cell.next);
        }
        s.verify().unwrap();
    });
    let pushed: BTreeSet<u64> = (0..3).flat_map(|me| (0..3).map(move |i| me << 8 | i)).collect();
    assert_eq!(seen, pushed);
    drop(stack);
    heap.attach()?.scope(|s| {
        s.collect_full();
        assert!(weak.upgrade(s).is_none(), "nobody keeps the stack");
    });
    Ok(())
}

#[test]
fn no_push_and_no_pop_is_lost_with_a_collector_thread() {
    explore(|| scenario(1).unwrap());
}

#[test]
fn no_push_and_no_pop_is_lost_on_demand() {
    explore(|| scenario(0).unwrap());
}

#[test]
fn no_push_and_no_pop_is_lost_with_two_markers() {
    explore(|| scenario(2).unwrap());
}
