//! With `link_patience` a young object that C alone holds stays young: its pair dies at the first minor after C has let go,
//! and the global cycle hears nothing of it.
//!
//! Each test says when minor collections come. In builds that collect at every allocation more of them come, where a test
//! allocates while something waits.

use handfast::raw::{self, Heap, LinkFlags, Mutator, Object, PyObject, TypeInfo};
use handfast::{Config, Stats};
use std::ptr::null_mut;
use std::sync::mpsc;

static SLOTTED: TypeInfo = TypeInfo::new("Slotted", 32).with_refs(&[0, 8]).with_handle_slot(16);
static SLOTLESS: TypeInfo = TypeInfo::new("Slotless", 32).with_refs(&[0, 8]);
const PATIENCE: u32 = 3;

fn heap(patience: u32) -> Heap {
    Heap::new(&Config { gc_threads: 0, link_patience: patience, ..Config::default() }).unwrap()
}

fn number(object: *mut Object) -> *mut usize {
    // SAFETY: the address of the last word of the payload; whoever reads it says why the object is alive.
    unsafe { raw::payload(object).cast::<usize>().wrapping_add(3) }
}

/// `work` with a mutator of a heap of its own; at the end nothing is left.
fn with_mutator(patience: u32, work: impl FnOnce(&Heap, Mutator)) {
    let heap = heap(patience);
    let m = heap.attach().unwrap();
    work(&heap, m);
    // SAFETY: this thread's mutator.
    unsafe { m.detach() };
    assert_eq!(heap.close().unwrap().objects, 0);
}

unsafe fn pair(m: Mutator, ty: &'static TypeInfo, flags: LinkFlags, n: usize) -> *mut PyObject {
    // SAFETY: this thread's mutator, and a fresh object.
    unsafe {
        let object = m.alloc(ty);
        number(object).write(n);
        m.handle(object, 48, null_mut(), flags)
    }
}

/// What a handle leads to is the object with this number; whether it is young.
unsafe fn check(m: Mutator, ob: *mut PyObject, n: usize) -> bool {
    // SAFETY: the caller holds a reference.
    unsafe {
        let object = m.to_obj(ob);
        assert_eq!(number(object).read(), n);
        assert_eq!(m.from_obj(object), ob);
        m.is_young(object)
    }
}

fn ended(before: &Stats, after: &Stats) -> (u64, u64) {
    (after.links_freed_by_minor - before.links_freed_by_minor, after.links_freed_by_cycle - before.links_freed_by_cycle)
}

#[test]
fn a_pair_that_c_held_over_minors_dies_at_the_next() {
    for (ty, flags) in [(&SLOTTED, LinkFlags::LIGHT), (&SLOTLESS, LinkFlags::LIGHT), (&SLOTTED, LinkFlags::NONE)] {
        for minors in 0..PATIENCE {
            with_mutator(PATIENCE, |heap, m| {
                // SAFETY: this thread's mutator; the reference is dropped once.
                unsafe {
                    let ob = pair(m, ty, flags, 7);
                    for _ in 0..minors {
                        m.collect_minor();
                        assert!(check(m, ob, 7), "it waits");
                    }
                    let before = heap.stats();
                    PyObject::decref(ob);
                    m.collect_minor();
                    let after = heap.stats();
                    assert_eq!(ended(&before, &after), (1, 0));
                    assert_eq!((after.links, after.cycles), (0, 0));
                    let dead = heap.next_dead();
                    assert_eq!(dead, if flags == LinkFlags::NONE { ob } else { null_mut() });
                    if !dead.is_null() {
                        PyObject::decref(dead);
                    }
                }
            });
        }
    }
}

#[test]
fn without_patience_it_is_left_to_the_cycle() {
    with_mutator(0, |heap, m| {
        // SAFETY: as above.
        unsafe {
            let ob = pair(m, &SLOTTED, LinkFlags::LIGHT, 7);
            m.collect_minor();
            assert!(!check(m, ob, 7), "promoted");
            let before = heap.stats();
            PyObject::decref(ob);
            m.collect_minor();
            assert_eq!(ended(&before, &heap.stats()), (0, 0));
            m.collect_full();
            assert_eq!(ended(&before, &heap.stats()), (0, 1));
        }
    });
}

#[test]
fn patience_ends() {
    with_mutator(PATIENCE, |heap, m| {
        // SAFETY: as above.
        unsafe {
            let ob = pair(m, &SLOTLESS, LinkFlags::LIGHT, 7);
            for _ in 0..PATIENCE {
                m.collect_minor();
                assert!(check(m, ob, 7));
            }
            m.collect_minor();
            assert!(!check(m, ob, 7), "old at last");
            let before = heap.stats();
            PyObject::decref(ob);
            m.collect_minor();
            m.collect_full();
            assert_eq!(ended(&before, &heap.stats()), (0, 1));
        }
    });
}

#[test]
fn who_is_reached_otherwise_does_not_wait() {
    with_mutator(PATIENCE, |heap, m| {
        // SAFETY: as above; roots are followed by the collections.
        unsafe {
            let scope = m.scope_open();
            // By a root; by a young object that a root keeps; by an old one; by one that waits, in both orders of age.
            let rooted = pair(m, &SLOTTED, LinkFlags::LIGHT, 1);
            m.root(m.to_obj(rooted));
            let old = m.root(m.alloc(&SLOTTED));
            m.collect_minor();
            assert!(!check(m, rooted, 1));
            let of_old = pair(m, &SLOTLESS, LinkFlags::LIGHT, 2);
            m.store(*old, 0, m.to_obj(of_old));
            let young = m.root(m.alloc(&SLOTTED));
            let of_young = pair(m, &SLOTTED, LinkFlags::LIGHT, 3);
            m.store(*young, 8, m.to_obj(of_young));
            let child_first = pair(m, &SLOTTED, LinkFlags::LIGHT, 4);
            let parent = pair(m, &SLOTTED, LinkFlags::LIGHT, 5);
            let child_last = pair(m, &SLOTLESS, LinkFlags::LIGHT, 6);
            m.store(m.to_obj(parent), 0, m.to_obj(child_first));
            m.store(m.to_obj(parent), 8, m.to_obj(child_last));
            m.collect_minor();
            for (n, ob) in [(2, of_old), (3, of_young), (4, child_first), (6, child_last)] {
                assert!(!check(m, ob, n), "{n} is reached");
            }
            assert!(check(m, parent, 5), "which C alone holds");
            // C lets go of all: the parent dies now, and what others have referred to with the cycle.
            m.scope_close(scope);
            let before = heap.stats();
            for ob in [rooted, of_old, of_young, child_first, parent, child_last] {
                PyObject::decref(ob);
            }
            m.collect_minor();
            assert_eq!(ended(&before, &heap.stats()), (1, 0));
            m.collect_full();
            assert_eq!(ended(&before, &heap.stats()), (1, 5));
        }
    });
}

#[test]
fn what_crosses_back_and_is_stored_lives() {
    with_mutator(PATIENCE, |heap, m| {
        // SAFETY: as above.
        unsafe {
            let old = m.root(m.alloc(&SLOTTED));
            let ob = pair(m, &SLOTTED, LinkFlags::LIGHT, 9);
            m.collect_minor();
            assert!(check(m, ob, 9) && !m.is_young(*old));
            // An old object refers to it, and C lets go.
            m.store(*old, 0, m.to_obj(ob));
            PyObject::decref(ob);
            m.collect_minor();
            let object = m.load(*old, 0);
            assert_eq!((number(object).read(), m.from_obj(object)), (9, ob));
            m.collect_full();
            let object = m.load(*old, 0);
            assert_eq!((number(object).read(), m.from_obj(object)), (9, ob));
            m.store(*old, 0, null_mut());
            m.collect_full();
            assert_eq!(heap.stats().links, 0);
        }
    });
}

/// Where every allocation collects they do not get into one block, and who shares one is what this is about.
#[test]
#[cfg_attr(gc_zeal, ignore)]
fn cycles_publication_pins_and_leaving_end_the_waiting() {
    with_mutator(PATIENCE, |heap, m| {
        // SAFETY: as above.
        unsafe {
            let [cycled, published, hashed, left] = [1, 2, 3, 4].map(|n| pair(m, &SLOTLESS, LinkFlags::LIGHT, n));
            m.identity(m.to_obj(hashed));
            m.collect_minor();
            // In one block with an object that got old in place nobody can wait.
            assert!(![(1, cycled), (2, published), (3, hashed), (4, left)].iter().any(|&(n, ob)| check(m, ob, n)));
            let [cycled2, published2] = [5, 6].map(|n| pair(m, &SLOTTED, LinkFlags::LIGHT, n));
            m.collect_minor();
            assert!(check(m, cycled2, 5) && check(m, published2, 6));
            m.publish(m.to_obj(published2));
            m.collect_minor();
            assert!(!check(m, cycled2, 5) && !check(m, published2, 6));
            let cycled3 = pair(m, &SLOTTED, LinkFlags::LIGHT, 7);
            m.collect_minor();
            assert!(check(m, cycled3, 7));
            m.collect_full();
            assert!(!check(m, cycled3, 7), "a snapshot leaves nobody young");
            let left3 = pair(m, &SLOTTED, LinkFlags::LIGHT, 8);
            m.collect_minor();
            assert!(check(m, left3, 8));
            // Another thread crosses to it, when this one has left.
            let (send, receive) = mpsc::channel();
            let other = heap.clone();
            let owner = std::thread::spawn(move || {
                let m = other.attach().unwrap();
                let ob = pair(m, &SLOTLESS, LinkFlags::LIGHT, 10);
                m.collect_minor();
                assert!(check(m, ob, 10));
                m.detach();
                send.send(ob as usize).unwrap();
            });
            m.native_enter();
            owner.join().unwrap();
            m.native_leave();
            let theirs = receive.recv().unwrap() as *mut PyObject;
            assert!(!check(m, theirs, 10));
            for ob in [cycled, published, hashed, left, cycled2, published2, cycled3, left3, theirs] {
                PyObject::decref(ob);
            }
        }
    });
}

const MANY: usize = if cfg!(gc_zeal) { 300 } else { 40_000 };
const ROUNDS: usize = if cfg!(gc_zeal) { 3 } else { 20 };

/// Very many at once: a quarter of the nursery may wait, the others are promoted, and nothing is lost.
#[test]
fn there_is_a_bound() {
    with_mutator(PATIENCE, |heap, m| {
        // SAFETY: as above.
        unsafe {
            for round in 0..ROUNDS {
                let obs: Vec<_> = (0..MANY).map(|n| pair(m, &SLOTTED, LinkFlags::LIGHT, n)).collect();
                let young = obs.iter().enumerate().filter(|&(n, &ob)| check(m, ob, n)).count();
                assert!(young != 0, "round {round}");
                heap.verify().expect("a sound heap");
                obs.iter().for_each(|&ob| PyObject::decref(ob));
                m.collect_minor();
            }
            m.collect_full();
            assert_eq!(heap.stats().links, 0);
            heap.verify().expect("a sound heap");
        }
    });
}
