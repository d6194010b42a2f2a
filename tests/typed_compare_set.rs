//! `Scope::compare_set` and `compare_set_item`: a store that happens only if nobody else has stored.

use handfast::{Array, Config, Error, Field, Global, Heap, Ref, Trace};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

#[derive(Trace)]
struct Stack {
    top: Field<Cell>,
}

#[derive(Trace)]
struct Cell {
    value: u64,
    next: Field<Cell>,
}

fn cell(value: u64) -> Cell {
    Cell { value, next: Field::null() }
}

#[test]
fn it_stores_only_over_what_is_expected() -> Result<(), Error> {
    let heap = Heap::new(Config::default())?;
    let mut mutator = heap.attach()?;
    for public in [false, true] {
        mutator.scope(|s| {
            let stack = s.alloc(Stack { top: Field::null() })?;
            let global = if public { Some(Global::new(s, stack)?) } else { None };
            let (a, b) = (s.alloc(cell(1))?, s.alloc(cell(2))?);
            let top = |s: &handfast::Scope<'_>| s.get(stack, |stack| &stack.top).map(|cell| cell.value);

            assert!(!s.compare_set(stack, |stack| &stack.top, a, b));
            assert_eq!(top(s), None);
            assert!(s.compare_set(stack, |stack| &stack.top, None::<Ref<'_, Cell>>, a));
            assert_eq!(top(s), Some(1));
            assert!(!s.compare_set(stack, |stack| &stack.top, None::<Ref<'_, Cell>>, b));
            assert!(!s.compare_set(stack, |stack| &stack.top, b, b));
            assert_eq!(top(s), Some(1));
            s.collect_full();
            assert!(s.compare_set(stack, |stack| &stack.top, a, b));
            assert_eq!(top(s), Some(2));
            s.collect_full();
            assert!(s.compare_set(stack, |stack| &stack.top, b, None::<Ref<'_, Cell>>));
            assert_eq!(top(s), None);
            drop(global);
            Ok::<(), Error>(())
        })?;
    }
    mutator.scope(|s| s.verify()).unwrap();
    Ok(())
}

#[test]
fn it_publishes_what_others_may_see() -> Result<(), Error> {
    let heap = Heap::new(Config::default())?;
    heap.attach()?.scope(|s| {
        let stack = s.alloc(Stack { top: Field::null() })?;
        let (a, b) = (s.alloc(cell(1))?, s.alloc(cell(2))?);
        assert!(s.compare_set(stack, |stack| &stack.top, None::<Ref<'_, Cell>>, a));
        assert!(!s.is_public(a), "the source is private, and so is all that it refers to");
        let _root = Global::new(s, stack)?;
        assert!(!s.compare_set(stack, |stack| &stack.top, None::<Ref<'_, Cell>>, b));
        assert!(s.is_public(b), "published before the exchange");
        let c = s.alloc(cell(3))?;
        s.set(c, |c| &c.next, a);
        assert!(s.compare_set(stack, |stack| &stack.top, a, c));
        assert!(s.is_public(c));
        Ok(())
    })
}

#[test]
fn an_old_private_source_remembers_a_young_value() -> Result<(), Error> {
    let heap = Heap::new(Config::default())?;
    heap.attach()?.scope(|s| {
        let stack = s.alloc(Stack { top: Field::null() })?;
        let array = s.alloc_array::<Cell>(3)?;
        s.collect_minor();
        assert!(!s.is_young(stack) && !s.is_young(array));
        s.scope(|t| {
            let (a, b) = (t.alloc(cell(7))?, t.alloc(cell(8))?);
            assert!(t.compare_set(stack, |stack| &stack.top, None::<Ref<'_, Cell>>, a));
            assert!(t.compare_set_item(array, 2, None::<Ref<'_, Cell>>, b));
            assert!(!t.compare_set_item(array, 2, None::<Ref<'_, Cell>>, a));
            Ok::<(), Error>(())
        })?;
        s.collect_minor();
        s.collect_minor();
        assert_eq!(s.get(stack, |stack| &stack.top).map(|cell| cell.value), Some(7));
        assert_eq!(s.item(array, 2).map(|cell| cell.value), Some(8));
        Ok(())
    })
}

#[test]
#[should_panic(expected = "item 3 of an array of 3")]
fn an_item_that_does_not_exist_is_refused() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        let array = s.alloc_array::<Cell>(3).unwrap();
        s.compare_set_item(array, 3, None::<Ref<'_, Cell>>, None::<Ref<'_, Cell>>);
    });
}

/// Threads push onto shared stacks and pop from them while cycles run; every number comes out once.
#[test]
fn no_push_and_no_pop_is_lost_while_cycles_run() -> Result<(), Error> {
    const THREADS: u64 = 3;
    const EACH: u64 = 4000;
    const STACKS: usize = 2;
    let heap = Heap::new(Config { nursery_bytes: 128 << 10, min_trigger_bytes: 0, ..Config::default() })?;
    let mut mutator = heap.attach()?;
    let stacks = mutator.scope(|s| {
        let stacks = s.alloc_array::<Cell>(STACKS)?;
        Global::<Array<Cell>>::new(s, stacks)
    })?;
    let finished = AtomicBool::new(false);
    let mut seen: Vec<u64> = mutator.native(|| {
        thread::scope(|threads| {
            let workers: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let (heap, stacks) = (&heap, &stacks);
                    threads.spawn(move || {
                        let mut seen = vec![];
                        let mut mutator = heap.attach()?;
                        for i in 0..EACH {
                            mutator.scope(|s| {
                                let new = s.alloc(cell(thread * EACH + i))?;
                                let stack = (thread + i) as usize % STACKS;
                                loop {
                                    let top = stacks.get(s).item(stack);
                                    s.set(new, |c| &c.next, top);
                                    if s.compare_set_item(stacks.get(s), stack, top, new) {
                                        break;
                                    }
                                }
                                // Pop one of another stack: a cell is pushed once, so an address means one cell.
                                let stack = (stack + 1) % STACKS;
                                while i % 2 == 0
                                    && let Some(top) = stacks.get(s).item(stack)
                                {
                                    if s.compare_set_item(stacks.get(s), stack, top, top.get(|c| &c.next)) {
                                        seen.push(top.value);
                                        break;
                                    }
                                }
                                if i % 500 == 0 {
                                    s.collect_full();
                                }
                                Ok::<(), Error>(())
                            })?;
                        }
                        Ok::<_, Error>(seen)
                    })
                })
                .collect();
            let collector = threads.spawn(|| {
                let mut mutator = heap.attach()?;
                loop {
                    mutator.scope(|s| s.collect_full());
                    if finished.load(Ordering::Relaxed) {
                        return Ok::<(), Error>(());
                    }
                }
            });
            let seen = workers.into_iter().map(|w| w.join().expect("no panic")).collect::<Result<Vec<_>, _>>();
            finished.store(true, Ordering::Relaxed);
            collector.join().expect("no panic")?;
            seen.map(|seen| seen.concat())
        })
    })?;
    mutator.scope(|s| {
        for first in stacks.get(s).iter() {
            seen.extend(std::iter::successors(first, |c| c.get(|c| &c.next)).map(|c| c.value));
        }
    });
    seen.sort_unstable();
    assert_eq!(seen, (0..THREADS * EACH).collect::<Vec<_>>());
    assert!(heap.stats().cycles > 0);
    mutator.scope(|s| s.verify()).unwrap();
    Ok(())
}
