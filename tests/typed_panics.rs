//! A panic in what a program hands in (the closures of allocations, of handles, of fields, of scopes and of walks; a dead
//! notifier; a finalizer, whatever it throws): the heap is whole afterwards, and what was there is there.

use handfast::{Config, Error, Field, Finalize, HandleSlot, Heap, LinkFlags, Local, Scope, Trace, Weak};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

#[derive(Trace)]
struct Node {
    number: u64,
    next: Field<Node>,
    handle: HandleSlot,
}

#[derive(Trace)]
#[handfast(finalize)]
struct Last {
    number: u64,
    node: Field<Node>,
}

static FINALIZED: AtomicUsize = AtomicUsize::new(0);
static NOTIFIED: AtomicUsize = AtomicUsize::new(0);

/// What panics again when somebody drops it.
struct Thrown;

impl Drop for Thrown {
    fn drop(&mut self) {
        panic!("on purpose, by what was thrown");
    }
}

impl Finalize for Last {
    fn finalize<'s>(scope: &mut Scope<'s>, this: Local<'s, Last>) {
        FINALIZED.fetch_add(1, Relaxed);
        let node = this.get(scope).get(|last| &last.node).map(|node| scope.root(node)).expect("its node lives");
        assert_eq!(node.get(scope).number, this.get(scope).number);
        // In the middle of other scopes.
        scope.scope(|t| {
            t.alloc(0_u64).unwrap();
            t.collect_minor();
            t.scope(|u| {
                u.alloc(0_u64).unwrap();
                panic_any(Thrown)
            })
        })
    }
}

fn notify() {
    NOTIFIED.fetch_add(1, Relaxed);
    panic_any(Thrown);
}

fn node<'s>(s: &mut Scope<'s>, number: u64) -> Local<'s, Node> {
    s.alloc(Node { number, next: Field::null(), handle: HandleSlot::new() }).unwrap()
}

fn on_purpose<T>() -> T {
    panic!("on purpose")
}

/// Every way to panic, one by one: the scope, a list that lives, and what watches an object that must die.
type Way = fn(&mut Scope<'_>, Local<'_, Node>, &mut Option<Weak<Node>>);

/// An object that nothing but the scope that is cut off has rooted.
fn watched<'s>(s: &mut Scope<'s>, lost: &mut Option<Weak<Node>>) -> Local<'s, Node> {
    let object = node(s, 99);
    *lost = Some(Weak::new(s, object).unwrap());
    object
}

const WAYS: &[Way] = &[
    |s, kept, lost| {
        s.scope(|t| {
            let object = watched(t, lost);
            let new = Node { number: 98, next: Field::null(), handle: HandleSlot::new() };
            let _ = t.alloc_with(new, |new| {
                new.set(|n| &n.next, object);
                new.scope().set(object, |n| &n.next, kept);
                on_purpose()
            });
        })
    },
    |s, kept, _| {
        let new = Node { number: 98, next: Field::null(), handle: HandleSlot::new() };
        let _ = s.alloc_with(new, |new| new.set(|_| on_purpose(), kept));
    },
    |s, _, _| _ = s.alloc_data_with(10_000, |i| if i < 5_000 { i } else { on_purpose() }),
    |s, _, lost| {
        let _ = s.escape(|t| {
            watched(t, lost);
            on_purpose::<Result<Local<'_, Node>, Error>>()
        });
    },
    |s, _, lost| s.scope(|t| t.scope(|u| watched(u, lost).get(u).get::<Node, _>(|_| on_purpose()).map(drop))).unwrap(),
    |s, kept, _| s.set::<_, Node, _, _>(kept, |_| on_purpose(), kept),
    |s, kept, _| _ = s.compare_set(kept, |_| on_purpose(), kept, kept),
    |s, kept, _| _ = s.handle_with(kept, 64, null_mut(), LinkFlags::NONE, |_, body| body[on_purpose::<usize>()] = 1),
    |s, kept, lost| {
        s.scope(|t| {
            let (object, pinned) = (watched(t, lost), t.pin(kept));
            let _handle = t.handle(object, 64, null_mut(), LinkFlags::NONE).unwrap();
            t.native(|| if pinned.as_ptr().is_null() { 0 } else { on_purpose() });
        })
    },
    |s, _, _| {
        let mut seen = 0;
        s.walk(|_| {
            seen += 1;
            assert!(seen < 2, "on purpose");
        });
    },
];

#[test]
fn a_panic_in_a_closure_loses_nothing() {
    for gc_threads in [0, 1] {
        let heap = Heap::new(Config { gc_threads, ..Config::default() }).unwrap();
        let mut mutator = heap.attach().unwrap();
        for (i, way) in WAYS.iter().enumerate() {
            for in_a_row in [1, 3] {
                let mut lost = None;
                mutator.scope(|s| {
                    let kept = node(s, 1);
                    let next = node(s, 2);
                    s.set(kept, |n| &n.next, next);
                    for _ in 0..in_a_row {
                        assert!(catch_unwind(AssertUnwindSafe(|| way(s, kept, &mut lost))).is_err(), "way {i}");
                    }
                    s.verify().unwrap();
                    s.collect_full();
                    assert!(lost.as_ref().is_none_or(|lost| lost.upgrade(s).is_none()), "way {i}: it is rooted still");
                    let numbers = (kept.get(s).number, s.get(kept, |n| &n.next).unwrap().number);
                    assert_eq!(numbers, (1, 2), "way {i}");
                    // The way that failed works.
                    let handle = s.handle_with(kept, 64, null_mut(), LinkFlags::NONE, |_, body| body[0] = 1).unwrap();
                    assert_eq!(handle.refcnt(), 1);
                });
            }
        }
        mutator.scope(|s| {
            s.collect_full();
            let mut left = 0;
            s.walk(|_| left += 1);
            assert_eq!(left, 0);
            s.verify().unwrap();
        });
        mutator.detach().unwrap();
        heap.close().unwrap();
    }
}

#[test]
fn a_panic_in_a_callback_stops_no_other() {
    const OBJECTS: u64 = 100;
    for gc_threads in [0, 1] {
        FINALIZED.store(0, Relaxed);
        NOTIFIED.store(0, Relaxed);
        let heap = Heap::new(Config { gc_threads, ..Config::default() }).unwrap();
        heap.set_dead_notifier(Some(notify));
        let mut mutator = heap.attach().unwrap();
        mutator.scope(|s| {
            let kept = node(s, 1);
            for number in 0..OBJECTS {
                s.scope(|t| {
                    let node = node(t, number);
                    drop(t.handle(node, 64, null_mut(), LinkFlags::NONE).unwrap());
                    let last = t.alloc(Last { number, node: Field::null() }).unwrap();
                    t.set(last, |last| &last.node, node);
                });
            }
            for _ in 0..4 {
                s.collect_full();
                s.safepoint();
            }
            assert_eq!(FINALIZED.load(Relaxed), OBJECTS as usize);
            assert!(NOTIFIED.load(Relaxed) > 0);
            let dead = std::iter::from_fn(|| s.next_dead()).count();
            assert_eq!(dead, OBJECTS as usize);
            assert_eq!(kept.get(s).number, 1);
            s.verify().unwrap();
        });
        mutator.detach().unwrap();
        assert_eq!(heap.close().unwrap().objects, 0);
    }
}
