//! Each check of the verifier can fail: a heap is corrupted on purpose, the violation is named, and when the damage is
//! mended the heap passes again. One test for each way of damage; the last one counts that no invariant is left out.

mod links;
mod memory;
mod objects;
mod state;

use super::verify::{Invariant, look_at};
use crate::api::raw::{Heap, LinkFlags, Mutator, Object, PyObject, TypeInfo};
use crate::handle::local_links::LocalLinks;
use crate::handle::slab::SlabHeap;
use crate::heap::block::{BLOCK, Kind, LINE};
use crate::mutator::Record;
use crate::mutator::inspect::Moment;
use crate::mutator::record::Phase;
use crate::mutator::shared::Grey;
use crate::object::header::{BARRIER_CYCLE, LINKED, OLD, PINNED, PUBLIC, UNLOGGED};
use crate::object::{Slot, slot};
use crate::sync::atomic::Ordering::Relaxed;
use crate::sync::thread;
use crate::{Config, Error};
use std::ffi::c_void;
use std::ptr::null_mut;

static NODE: TypeInfo = TypeInfo::new("Node", 24).with_refs(&[0, 8]);
static SLOTTED: TypeInfo = TypeInfo::new("Slotted", 24).with_refs(&[0]).with_handle_slot(16);
static ARRAY: TypeInfo = TypeInfo::new("Array", 0).with_ref_items();
static BYTES: TypeInfo = TypeInfo::new("Bytes", 0).with_items(1);
static FINAL: TypeInfo = TypeInfo::new("Final", 8).with_finalizer(nothing);

unsafe extern "C" fn nothing(_: *mut c_void, _: *mut Object) {}

/// A heap with one mutator.
struct World {
    heap: Heap,
    m: Mutator,
}

impl World {
    fn new() -> World {
        let heap = Heap::new(&Config { gc_threads: 0, max_heap_bytes: 32 << 20, ..Config::default() }).unwrap();
        let m = heap.attach().unwrap();
        World { heap, m }
    }

    fn record(&self) -> &Record {
        self.m.record()
    }

    /// A rooted object, young.
    fn young(&self, ty: &'static TypeInfo) -> *mut *mut Object {
        // SAFETY: the object is rooted at once.
        unsafe {
            let object = self.m.alloc_items(ty, if ty.item_size == 0 { 0 } else { 100 });
            self.m.root(object)
        }
    }

    /// A rooted object, old and private, in a marked line.
    fn old(&self, ty: &'static TypeInfo) -> *mut Object {
        let root = self.young(ty);
        // SAFETY: the object is rooted.
        unsafe {
            self.m.collect_full();
            *root
        }
    }

    fn fine(&self) {
        // SAFETY: no unrooted object is used afterwards that could have moved.
        unsafe { self.heap.verify() }.unwrap();
    }

    /// The heap is corrupt in this way.
    #[track_caller]
    fn violates(&self, invariant: Invariant) -> usize {
        // SAFETY: as in `fine`: nothing moves in a verification.
        match unsafe { self.heap.verify() } {
            Err(Error::Corrupt(violation)) => {
                assert_eq!(violation.invariant, invariant, "{violation}");
                assert_eq!(violation.moment, Moment::Asked);
                assert!(violation.to_string().contains(invariant.statement()), "{violation}");
                violation.address
            }
            other => panic!("{invariant:?} was violated, the verifier says {other:?}"),
        }
    }

    /// Damages, finds the violation at this address, mends, and finds nothing.
    #[track_caller]
    fn damage(&self, invariant: Invariant, at: usize, damage: impl FnOnce(), mend: impl FnOnce()) {
        self.fine();
        damage();
        assert_eq!(self.violates(invariant), at, "the address of the damage");
        mend();
        self.fine();
    }

    fn end(self) {
        // SAFETY: nothing is used afterwards.
        unsafe { self.m.detach() };
    }
}

fn field(object: *mut Object, i: usize) -> Slot {
    Object::payload(object).wrapping_add(8 * i).cast()
}

/// What a root holds.
fn at(root: *mut *mut Object) -> *mut Object {
    // SAFETY: a root slot.
    unsafe { slot::load(root) }
}

/// Writes a reference past the barrier.
fn write(slot: Slot, value: *mut Object) {
    // SAFETY: a slot of a live object.
    unsafe { slot::atomic(slot) }.store(value, Relaxed);
}

fn set_flags(object: *mut Object, add: u8, remove: u8) {
    // SAFETY: a live object.
    unsafe { &*object }.set_flags_private(add, remove);
}

#[test]
fn a_heap_is_looked_at_in_full() {
    let w = World::new();
    // SAFETY: the objects are rooted.
    unsafe {
        // The last one made is young in any build, and so is its link.
        let (child, root) = (w.young(&NODE), w.young(&NODE));
        w.m.store(*root, 0, *child);
        let ob = w.m.handle(*root, 32, null_mut(), LinkFlags::LIGHT);
        let verified = w.heap.verify().unwrap();
        assert_eq!((verified.private, verified.old, verified.links, verified.mutators), (2, 0, 0, 1));
        assert!(verified.accounted && verified.pooled_blocks > 0);
        w.m.collect_full();
        let verified = w.heap.verify().unwrap();
        assert_eq!((verified.private, verified.old, verified.links, verified.mutators), (2, 2, 1, 1));
        assert!(verified.accounted);
        PyObject::decref(ob);
    }
    let heap = w.heap.clone();
    w.end();
    // SAFETY: not attached: refused.
    assert_eq!(unsafe { heap.verify() }, Err(Error::NotAttached));
}

#[test]
fn every_invariant_has_a_test() {
    let names = include_str!("../../../../collector/verify/report.rs");
    let (_, names) = names.split_once("pub enum Invariant {").unwrap();
    let (names, _) = names.split_once("\n}").unwrap();
    let own =
        [include_str!("links.rs"), include_str!("memory.rs"), include_str!("objects.rs"), include_str!("state.rs")];
    let own = own.concat();
    let names: Vec<_> =
        names.lines().filter_map(|line| line.trim().strip_suffix(',')).filter(|n| !n.contains(' ')).collect();
    assert!(names.len() > 20, "only {names:?} were found");
    for name in names {
        let named = own
            .split("Invariant::")
            .skip(1)
            .any(|rest| rest.split(|c: char| !c.is_alphanumeric()).next() == Some(name));
        assert!(named, "no test violates {name}");
    }
}
