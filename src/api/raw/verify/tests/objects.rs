//! Objects and references: headers, ages, marks, INV-1, INV-2, remembered sets.

use super::*;
use crate::sync::atomic::Ordering::{Acquire, Release};
use crate::sync::atomic::{AtomicBool, AtomicUsize};

#[test]
fn a_reference_out_of_the_heap() {
    let w = World::new();
    let root = w.young(&NODE);
    for wild in [0x1000, 0x1234_5671, usize::MAX & !7] {
        w.damage(
            Invariant::Reference,
            wild,
            || write(field(at(root), 1), wild as *mut Object),
            || write(field(at(root), 1), null_mut()),
        );
    }
    let old = w.old(&NODE);
    w.damage(
        Invariant::Reference,
        0x1000,
        || write(field(old, 0), 0x1000 as *mut Object),
        || write(field(old, 0), null_mut()),
    );
    w.end();
}

#[test]
fn a_reference_to_a_forwarded_object() {
    let w = World::new();
    // The last one made is young in any build.
    let (other, moved) = (w.young(&NODE), w.young(&NODE));
    // SAFETY: both are rooted; the stale address is not followed but by the verifier.
    unsafe {
        let stale = *moved;
        w.m.collect_minor();
        assert_ne!(*moved, stale);
        w.damage(
            Invariant::Header,
            stale as usize,
            || write(field(*other, 0), stale),
            || write(field(*other, 0), null_mut()),
        );
    }
    w.end();
}

#[test]
fn a_young_object_that_says_it_is_old() {
    let w = World::new();
    let young = at(w.young(&NODE));
    w.damage(
        Invariant::Age,
        young as usize,
        || set_flags(young, OLD | UNLOGGED, 0),
        || set_flags(young, 0, OLD | UNLOGGED),
    );
    w.end();
}

#[test]
fn an_old_object_that_says_it_is_young() {
    let w = World::new();
    let old = w.old(&NODE);
    w.damage(Invariant::Age, old as usize, || set_flags(old, 0, OLD | UNLOGGED), || set_flags(old, OLD | UNLOGGED, 0));
    w.end();
}

#[test]
fn a_public_object_that_refers_to_a_private_one() {
    let w = World::new();
    // The last one made is young in any build.
    let (b, a) = (w.young(&NODE), w.young(&NODE));
    // SAFETY: both are rooted.
    unsafe {
        // Young and public: on its owner's list.
        w.m.publish(*a);
        w.damage(Invariant::Public, *a as usize, || write(field(*a, 0), *b), || write(field(*a, 0), null_mut()));
        // Old, and so fresh that its line is not marked yet.
        w.m.collect_minor();
        w.m.publish(*b);
        let private = w.young(&NODE);
        w.damage(Invariant::Public, *b as usize, || write(field(*b, 0), *private), || write(field(*b, 0), null_mut()));
        // Old and public, and what it refers to is young, then old.
        w.m.collect_full();
        let c = w.young(&NODE);
        for private in [*c, *private] {
            w.damage(
                Invariant::Public,
                *a as usize,
                || write(field(*a, 1), private),
                || write(field(*a, 1), null_mut()),
            );
        }
    }
    w.end();
}

/// Says that it is over, also when a test fails.
pub(super) struct Over<'a>(pub(super) &'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Release);
    }
}

#[test]
fn a_mutator_that_reaches_what_is_another_ones() {
    let w = World::new();
    let root = w.young(&NODE);
    for old in [false, true] {
        let (address, over) = (AtomicUsize::new(0), AtomicBool::new(false));
        thread::scope(|scope| {
            let (end, heap) = (Over(&over), &w.heap);
            // SAFETY: that thread's mutator; the object is rooted, and nothing moves it while the other thread looks.
            scope.spawn(|| unsafe {
                let m = heap.attach().unwrap();
                let kept = m.root(m.alloc(&NODE));
                if old {
                    m.collect_full();
                }
                let object = *kept as usize;
                m.native_enter();
                address.store(object, Release);
                while !over.load(Acquire) {
                    thread::yield_now();
                }
                m.native_leave();
                m.detach();
            });
            // SAFETY: this thread is native while it waits.
            unsafe { w.m.native_enter() };
            while address.load(Acquire) == 0 {
                thread::yield_now();
            }
            // SAFETY: as above.
            unsafe { w.m.native_leave() };
            let foreign = address.load(Acquire);
            w.damage(
                Invariant::Private,
                foreign,
                || write(field(at(root), 0), foreign as *mut Object),
                || write(field(at(root), 0), null_mut()),
            );
            drop(end);
        });
    }
    w.end();
}

#[test]
fn a_young_object_that_an_old_one_refers_to_unremembered() {
    let w = World::new();
    let (small, large) = (w.old(&NODE), w.old(&ARRAY));
    let young = at(w.young(&NODE));
    for old in [small, large] {
        w.damage(
            Invariant::Remembered,
            old as usize,
            || write(field(old, 1), young),
            || write(field(old, 1), null_mut()),
        );
    }
    // SAFETY: rooted, all of them. Of an array the slot is remembered, of a node all of it.
    unsafe {
        w.m.store(large, 8, young);
        w.fine();
        w.damage(
            Invariant::Remembered,
            large as usize,
            || write(field(large, 2), young),
            || write(field(large, 2), null_mut()),
        );
        w.m.store(small, 0, young);
        write(field(small, 1), young);
        w.fine();
    }
    w.end();
}

#[test]
fn an_old_object_whose_stores_nobody_would_remember() {
    let w = World::new();
    let old = w.old(&NODE);
    w.damage(Invariant::Remembered, old as usize, || set_flags(old, 0, UNLOGGED), || set_flags(old, UNLOGGED, 0));
    // SAFETY: this thread's record; nothing refers into it.
    let remembered = &raw mut unsafe { w.record().local() }.remembered.objects;
    // SAFETY: this thread's record; the reference ends with the statement.
    w.damage(
        Invariant::Remembered,
        old as usize,
        || unsafe { &mut *remembered }.push(old),
        || assert_eq!(unsafe { &mut *remembered }.pop(), Some(old)),
    );
    w.end();
}

#[test]
fn an_object_that_carries_the_mark_of_another_cycle() {
    let w = World::new();
    let (private, public) = (w.old(&NODE), w.old(&NODE));
    // SAFETY: live.
    unsafe {
        w.m.publish(public);
        for object in [private, public] {
            let mark = (*object).mark();
            w.damage(Invariant::Mark, object as usize, || (*object).set_mark(77), || (*object).set_mark(mark));
        }
        // Reached from an old object only, which is looked at among all that are marked.
        let global = w.m.global_new(public);
        let inner = w.old(&NODE);
        w.m.store(public, 0, inner);
        let scope = w.m.scope_open();
        assert!(scope > 2 && w.m.scope_close(0));
        let mark = (*inner).mark();
        w.damage(Invariant::Mark, inner as usize, || (*inner).set_mark(77), || (*inner).set_mark(mark));
        w.m.global_free(global);
    }
    w.end();
}
