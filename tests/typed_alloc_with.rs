//! Objects whose references are set while they are made: `Scope::alloc_with`.

use handfast::{Config, Error, Field, Heap, Local, Ref, Scope, Trace};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Of the trees, and how many of them there are.
const DEPTH: u64 = if cfg!(gc_zeal) { 5 } else { 12 };
const TREES: usize = if cfg!(gc_zeal) { 4 } else { 30 };

#[derive(Trace)]
struct Node {
    number: u64,
    left: Field<Node>,
    right: Field<Node>,
    padding: [u64; 5],
}

fn node(number: u64) -> Node {
    Node { number, left: Field::null(), right: Field::null(), padding: [number; 5] }
}

fn build<'s>(s: &mut Scope<'s>, depth: u64) -> Result<Local<'s, Node>, Error> {
    if depth == 0 {
        return s.alloc(node(1));
    }
    s.escape(|t| {
        let (left, right) = (build(t, depth - 1)?, build(t, depth - 1)?);
        t.alloc_with(node((2 << depth) - 1), |new| {
            new.set(|n| &n.left, left);
            new.set(|n| &n.right, right);
        })
    })
}

/// The number of nodes, each of which says how many it has below.
fn count(tree: Ref<'_, Node>) -> u64 {
    assert_eq!(tree.padding, [tree.number; 5]);
    let below = match (tree.get(|n| &n.left), tree.get(|n| &n.right)) {
        (Some(left), Some(right)) => count(left) + count(right),
        (None, None) => 0,
        _ => panic!("a node lost a child"),
    };
    assert_eq!(tree.number, below + 1);
    tree.number
}

#[test]
fn what_is_set_is_there_over_collections() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let old = s.alloc(node(1))?;
        s.collect_minor();
        let young = s.alloc(node(1))?;
        let both = s.alloc_with(node(3), |new| {
            new.set(|n| &n.left, old);
            new.set(|n| &n.right, young.get(new.scope()));
        })?;
        let none = s.alloc_with(node(1), |new| new.set(|n| &n.left, new.scope().get(old, |n| &n.left)))?;
        assert_eq!(count(both.get(s)), 3);
        s.collect_minor();
        s.collect_full();
        assert_eq!((count(both.get(s)), count(none.get(s))), (3, 1));
        s.verify().map(drop)
    })
}

#[test]
fn trees_that_are_made_at_once_are_whole_while_cycles_run() -> Result<(), Error> {
    let heap = Heap::new(Config { max_heap_bytes: 64 << 20, nursery_bytes: 256 << 10, ..Config::default() })?;
    let over = AtomicBool::new(false);
    thread::scope(|threads| {
        threads.spawn(|| {
            let mut mutator = heap.attach().unwrap();
            while !over.load(Ordering::Relaxed) {
                mutator.scope(|s| s.collect_full());
            }
        });
        let made = heap.attach()?.scope(|s| {
            let kept = s.var::<Node>();
            for _ in 0..TREES {
                s.scope(|t| {
                    let tree = build(t, DEPTH)?;
                    // Two trees that share most of what they have, one of them old.
                    let kept_left = kept.get(t).and_then(|old| old.get(|n| &n.left));
                    let left = kept_left.map(|left| t.root(left));
                    let left = left.unwrap_or(tree);
                    let number = left.get(t).number + tree.get(t).number + 1;
                    let next = t.alloc_with(node(number), |new| {
                        new.set(|n| &n.left, left);
                        new.set(|n| &n.right, tree);
                    })?;
                    kept.set(t, next);
                    Ok::<(), Error>(())
                })?;
                assert_eq!(count(kept.get(s).unwrap()), 2 * ((2 << DEPTH) - 1) + 1);
            }
            Ok(())
        });
        over.store(true, Ordering::Relaxed);
        made
    })
}

// With a collection at each of these allocations it would not come to an end.
#[cfg_attr(gc_zeal, ignore)]
#[test]
fn lists_that_are_made_at_once_are_whole_until_memory_is_out() -> Result<(), Error> {
    let config = Config { gc_threads: 0, max_heap_bytes: 16 << 20, nursery_bytes: 256 << 10, ..Config::default() };
    let heap = Heap::new(config)?;
    heap.attach()?.scope(|s| {
        for round in 0..3 {
            let list = s.var::<Node>();
            let mut length = 0_u64;
            // At the end objects go into holes, and are old from the start.
            let refused = loop {
                let made = s.scope(|t| {
                    let child = t.alloc(node(length))?;
                    let made = t.alloc_with(node(length), |new| {
                        new.set(|n| &n.left, list.get(new.scope()));
                        new.set(|n| &n.right, child);
                    })?;
                    list.set(t, made);
                    Ok::<(), Error>(())
                });
                match made {
                    Ok(()) => length += 1,
                    Err(refused) => break refused,
                }
            };
            assert!(matches!(refused, Error::OutOfMemory { .. }), "{refused:?}");
            assert!(length > 50_000, "only {length} nodes fitted in round {round}");
            let (mut at, mut expected) = (list.get(s), length);
            while let Some(found) = at {
                expected -= 1;
                assert_eq!((found.number, found.get(|n| &n.right).map(|n| n.number)), (expected, Some(expected)));
                at = found.get(|n| &n.left);
            }
            assert_eq!(expected, 0);
            list.clear(s);
        }
        s.verify().map(drop)
    })
}

#[test]
fn a_panic_while_an_object_is_made_leaves_the_heap_whole() -> Result<(), Error> {
    let (heap, other) = (Heap::new(Config::default())?, Heap::new(Config::default())?);
    heap.attach()?.scope(|s| {
        let kept = s.alloc(node(1))?;
        let panics = catch_unwind(AssertUnwindSafe(|| {
            let _ = s.alloc_with(node(2), |new| {
                new.set(|n| &n.left, kept);
                panic!("in the middle");
            });
        }));
        assert!(panics.is_err());
        other.attach()?.scope(|o| {
            let foreign = o.alloc(node(3))?;
            let refused = catch_unwind(AssertUnwindSafe(|| {
                let _ = s.alloc_with(node(2), |new| new.set(|n| &n.left, foreign));
            }));
            assert!(refused.is_err(), "an object of another heap");
            Ok::<(), Error>(())
        })?;
        let off_the_heap: &'static Field<Node> = Box::leak(Box::new(Field::null()));
        let refused = catch_unwind(AssertUnwindSafe(|| {
            let _ = s.alloc_with(node(2), |new| new.set(|_| off_the_heap, kept));
        }));
        assert!(refused.is_err(), "a field of something else");
        s.collect_full();
        assert_eq!(count(kept.get(s)), 1);
        s.verify().map(drop)
    })
}
