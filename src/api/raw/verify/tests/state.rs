//! Phases, cells, lists, and moments inside of collections.

use super::*;

#[test]
fn a_mutator_whose_barrier_or_number_is_not_of_its_phase() {
    let w = World::new();
    let old = w.old(&NODE);
    let (record, mask) = (w.record(), w.record().barrier.get());
    w.damage(Invariant::Phase, 0, || record.barrier.set(BARRIER_CYCLE), || record.barrier.set(mask));
    // SAFETY: this thread's record; no reference outlives its statement.
    unsafe {
        let parity = record.local().parity;
        w.damage(Invariant::Phase, 0, || record.local().parity = parity + 1, || record.local().parity = parity);
        w.damage(Invariant::Phase, 0, || record.local().grey.push(Grey::new(old)), || record.local().grey.clear());
    }
    w.end();
}

#[test]
fn a_global_or_weak_reference_to_a_private_or_dead_object() {
    let w = World::new();
    let (kept, private) = (w.old(&NODE), w.old(&NODE));
    // SAFETY: rooted objects; cells of this heap.
    unsafe {
        let (global, weak) = (w.m.global_new(kept), w.m.weak_new(kept));
        let (cell, target) = (&(*global).value, &(*weak).target);
        for wrong in [private, *w.young(&NODE)] {
            w.damage(Invariant::Global, wrong as usize, || cell.store(wrong, Relaxed), || cell.store(kept, Relaxed));
            w.damage(Invariant::Weak, wrong as usize, || target.store(wrong, Relaxed), || target.store(kept, Relaxed));
        }
        let wild = 0x1000 as *mut Object;
        w.damage(Invariant::Global, 0x1000, || cell.store(wild, Relaxed), || cell.store(kept, Relaxed));
        // Dead: public, and with a mark that is not the last cycle's.
        let scope = w.m.scope_open();
        let dead = w.old(&NODE);
        w.m.publish(dead);
        let mark = (*dead).mark();
        assert!(w.m.scope_close(scope));
        (*dead).set_mark(mark - 1);
        w.damage(Invariant::Global, dead as usize, || cell.store(dead, Relaxed), || cell.store(kept, Relaxed));
        w.damage(Invariant::Weak, dead as usize, || target.store(dead, Relaxed), || target.store(kept, Relaxed));
        w.m.global_free(global);
        w.m.weak_free(weak);
    }
    w.end();
}

#[test]
fn an_object_that_waits_for_a_finalizer_it_has_not() {
    let w = World::new();
    let (with, without) = (w.young(&FINAL), w.young(&NODE));
    // SAFETY: rooted; this thread's record.
    unsafe {
        let list = &raw mut w.record().local().finalizable;
        w.damage(
            Invariant::Finalizer,
            *without as usize,
            || (*list).push(*without),
            || assert_eq!((*list).pop(), Some(*without)),
        );
        w.m.collect_full();
        w.m.publish(*without);
        let finalizable = &w.record().shared().finalizable;
        let set = |object| finalizable.for_each(|cell| cell.object.store(object, Relaxed));
        w.damage(Invariant::Finalizer, *without as usize, || set(*without), || set(*with));
    }
    w.end();
}

#[test]
fn a_pinned_object_that_does_not_say_so() {
    let w = World::new();
    let young = at(w.young(&NODE));
    // SAFETY: rooted.
    unsafe {
        w.m.pin(young);
        w.damage(Invariant::Pin, young as usize, || set_flags(young, 0, PINNED), || set_flags(young, PINNED, 0));
        w.m.unpin(young);
    }
    w.end();
}

#[test]
fn a_minor_collection_that_left_something_behind() {
    let w = World::new();
    let root = w.young(&NODE);
    // SAFETY: this thread's record, at a safepoint; the object is rooted.
    unsafe {
        let violation = look_at(w.record(), Moment::AfterMinor).unwrap_err();
        assert_eq!((violation.invariant, violation.moment), (Invariant::Collected, Moment::AfterMinor));
        look_at(w.record(), Moment::BeforeMinor).unwrap();
        w.m.collect_minor();
        look_at(w.record(), Moment::AfterMinor).unwrap();
        // One slot that was not updated.
        w.young(&NODE);
        let (young, old) = (*w.young(&NODE), *root);
        w.m.store(old, 0, young);
        let violation = look_at(w.record(), Moment::AfterMinor).unwrap_err();
        assert_eq!(violation.invariant, Invariant::Collected);
    }
    w.end();
}

#[test]
fn a_snapshot_that_shaded_not_all_roots() {
    let w = World::new();
    let old = w.old(&NODE);
    // SAFETY: this thread's record, at a safepoint; it is put back into its phase before anything collects.
    unsafe {
        let (record, epoch) = (w.record(), w.record().local().epoch);
        let enter = |phase, number, mask| {
            let local = record.local();
            (local.phase, local.epoch, local.parity) = (phase, number, number);
            record.barrier.set(mask);
        };
        let mask = record.barrier.get();
        enter(Phase::Scanned, epoch + 1, BARRIER_CYCLE);
        let violation = look_at(record, Moment::Snapshot).unwrap_err();
        assert_eq!((violation.invariant, violation.address), (Invariant::Shaded, old as usize));
        (*old).set_mark(epoch + 1);
        look_at(record, Moment::Snapshot).unwrap();
        (*old).set_mark(epoch);
        enter(Phase::Idle, epoch, mask);
    }
    w.fine();
    w.end();
}
