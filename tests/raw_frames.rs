//! Frames of roots keep what they hold, over minor collections and cycles, and end with what is around them.

use handfast::Config;
use handfast::raw::{self, Heap, Mutator, Object, TypeInfo};
use std::panic::{AssertUnwindSafe, catch_unwind};

static NODE: TypeInfo = TypeInfo::new("Node", 24).with_refs(&[0, 8]);

fn with_mutator(test: impl FnOnce(Mutator)) {
    let config = Config { nursery_bytes: 128 << 10, max_nursery_bytes: 128 << 10, gc_threads: 1, ..Config::default() };
    let heap = Heap::new(&config).unwrap();
    let m = heap.attach().unwrap();
    test(m);
    // SAFETY: this thread's mutator, not used again.
    unsafe { m.detach() };
}

/// A tree whose nodes are numbered from the leaves up, each by its depth; now and then something collects in the middle.
unsafe fn tree(m: Mutator, depth: usize, count: &mut usize) -> *mut Object {
    // SAFETY: this thread's mutator; children are in the frame over what may collect; all of the payload is written.
    unsafe {
        let children = m.frame::<2>();
        if depth > 0 {
            children.set(0, tree(m, depth - 1, count));
            children.set(1, tree(m, depth - 1, count));
        }
        *count += 1;
        match *count % 4096 {
            0 => m.collect_minor(),
            2048 => m.collect_full(),
            _ => {}
        }
        let node = m.alloc_uninit(&NODE);
        raw::payload(node).cast::<[usize; 3]>().write([children.get(0) as usize, children.get(1) as usize, depth]);
        node
    }
}

unsafe fn check(m: Mutator, node: *mut Object, depth: usize) -> usize {
    // SAFETY: a live tree; nothing collects meanwhile.
    unsafe {
        assert_eq!(raw::payload(node).cast::<usize>().add(2).read(), depth);
        let (left, right) = (m.load(node, 0), m.load(node, 8));
        assert_eq!(left.is_null(), depth == 0);
        if depth == 0 { 1 } else { 1 + check(m, left, depth - 1) + check(m, right, depth - 1) }
    }
}

#[test]
fn what_a_frame_holds_stays_over_collections() {
    let depth = if cfg!(gc_zeal) { 7 } else { 13 };
    with_mutator(|m| {
        // SAFETY: this thread's mutator; the tree is in the frame.
        unsafe {
            let kept = m.frame::<1>();
            kept.set(0, tree(m, depth, &mut 0));
            m.collect_minor();
            assert_eq!(check(m, kept.get(0), depth), (2 << depth) - 1);
            m.collect_full();
            assert_eq!(check(m, kept.get(0), depth), (2 << depth) - 1);
            assert!(m.verify().is_ok());
        }
    });
}

#[test]
fn frames_and_scopes_end_in_each_other() {
    with_mutator(|m| {
        // SAFETY: this thread's mutator; slots are used while their frame or scope is open.
        unsafe {
            let outer = m.frame::<3>();
            let node = tree(m, 0, &mut 0);
            outer.set(2, node);
            assert!(outer.get(0).is_null() && outer.get(1).is_null());
            let scope = m.scope_open();
            m.root(outer.get(2));
            let inner = m.frame::<1>();
            let place = inner.slot(0);
            // It ends with the scope.
            std::mem::forget(inner);
            assert!(m.scope_close(scope));
            let again = m.root(node);
            assert_ne!(again, place, "the scope's first root is where its first root was");
            drop(outer);
            assert!(!m.scope_close(scope), "what a frame was around is not open any more");
            let first = m.frame::<2>();
            assert!(first.get(0).is_null() && first.get(1).is_null(), "a new frame is empty");
        }
    });
}

#[test]
fn a_frame_has_no_more_roots_than_it_says() {
    with_mutator(|m| {
        // SAFETY: this thread's mutator.
        let frame = unsafe { m.frame::<2>() };
        let beyond = catch_unwind(AssertUnwindSafe(|| frame.slot(std::hint::black_box(2))));
        assert_eq!(beyond.unwrap_err().downcast_ref::<String>().unwrap(), "root 2 of a frame of 2");
    });
}

#[test]
fn a_frame_may_be_larger_than_the_thread_s_stack() {
    with_mutator(|m| {
        // SAFETY: this thread's mutator; what collects comes after the node is in the frame.
        unsafe {
            let frame = m.frame::<1_000_000>();
            frame.set(999_999, tree(m, 0, &mut 0));
            m.collect_full();
            assert_eq!(check(m, frame.get(999_999), 0), 1);
            assert!(frame.get(0).is_null() && frame.get(999_998).is_null());
        }
    });
}

#[test]
fn a_frame_of_more_roots_than_there_are_addresses_is_refused() {
    with_mutator(|m| {
        // SAFETY: this thread's mutator; slots are used while their frame is open.
        unsafe {
            let kept = m.frame::<1>();
            kept.set(0, tree(m, 0, &mut 0));
            // Bytes of the last two are a multiple of what an address can tell.
            let refused = |panic: Box<dyn std::any::Any + Send>| {
                assert_eq!(panic.downcast_ref::<String>().unwrap(), "a thread has more than 134217728 roots");
            };
            refused(catch_unwind(AssertUnwindSafe(|| drop(m.frame::<134_217_728>()))).unwrap_err());
            refused(catch_unwind(AssertUnwindSafe(|| drop(m.frame::<{ usize::MAX }>()))).unwrap_err());
            refused(catch_unwind(AssertUnwindSafe(|| drop(m.frame::<{ 1 << 61 }>()))).unwrap_err());
            refused(catch_unwind(AssertUnwindSafe(|| drop(m.frame::<{ (1 << 61) + 2 }>()))).unwrap_err());
            let next = m.frame::<1>();
            assert_eq!(next.slot(0), kept.slot(0).wrapping_add(1), "nothing was pushed");
            m.collect_full();
            assert_eq!(check(m, kept.get(0), 0), 1);
        }
    });
}

#[test]
fn a_frame_that_outlives_what_is_around_it_brings_no_roots_back() {
    with_mutator(|m| {
        // SAFETY: this thread's mutator; slots are used while their frame or scope is open.
        unsafe {
            let scope = m.scope_open();
            let first = m.root(tree(m, 2, &mut 0));
            let inner = m.frame::<2>();
            inner.set(1, tree(m, 1, &mut 0));
            m.scope_close(scope);
            // What it held has died or moved by now.
            m.collect_full();
            drop(inner);
            assert_eq!(m.root(std::ptr::null_mut()), first, "the root stack is as low as the scope left it");
            m.scope_close(scope);

            let (outer, inner) = (m.frame::<3>(), m.frame::<2>());
            outer.set(0, tree(m, 2, &mut 0));
            let lowest = outer.slot(0);
            drop(outer);
            m.collect_full();
            drop(inner);
            assert_eq!(m.root(std::ptr::null_mut()), lowest);
            m.collect_full();
            assert!(m.verify().is_ok());
        }
    });
}

#[test]
fn a_panic_ends_the_frames_that_are_open() {
    with_mutator(|m| {
        // SAFETY: this thread's mutator; slots are used while their frame is open.
        unsafe {
            let kept = m.frame::<1>();
            kept.set(0, tree(m, 3, &mut 0));
            let scope = m.scope_open();
            for round in 0..20 {
                let panic = catch_unwind(AssertUnwindSafe(|| {
                    let frame = m.frame::<4>();
                    frame.set(3, tree(m, 2, &mut 0));
                    let inner = m.frame::<1>();
                    m.root(frame.get(3));
                    inner.set(0, frame.get(3));
                    m.collect_minor();
                    assert!(round == 20, "on purpose");
                }));
                assert_eq!(panic.unwrap_err().downcast_ref::<&str>(), Some(&"on purpose"));
                assert_eq!(m.scope_open(), scope, "as many roots as before");
                m.collect_full();
                assert_eq!(check(m, kept.get(0), 3), 15);
            }
            assert!(m.verify().is_ok());
        }
    });
}
