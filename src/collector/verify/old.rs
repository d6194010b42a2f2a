//! What all threads share: old objects, global roots, weak references, finalizable objects.
//!
//! Looked at while mutators run. That is possible because an object that is old and marked neither moves nor dies before
//! the next sweep (V1), and a reference in it, whenever it is read, is null, young, or to an old object that is marked.
//!
//! One thing is not true at every moment: publication flags an object public first and what it refers to next, before
//! anybody else can reach either. So a public object that refers to a private one is a [`Suspect`] at first. After a
//! handshake every mutator has passed a safepoint, of which there is none inside a publication: all that were under way
//! are over, and what is stored into a public object later is public. What a second look then finds is a violation.

use super::report::{Invariant, Violation};
use super::{describe, sound};
use crate::heap::Memory;
use crate::heap::block::{BLOCK, Kind, LINE_SHIFT};
use crate::mutator::Shared;
use crate::mutator::inspect::Moment;
use crate::object::header::{LINKED, OLD, PUBLIC};
use crate::object::{Object, Slot, slot};
use crate::sync::atomic::Ordering;

/// Calls `f` with every old object that the cycle `epoch` found alive or that was promoted since. In a cycle that is
/// being armed some of them carry the mark `newer` already.
///
/// # Safety
/// No sweep is under way, and none begins: the caller is a running mutator, or the collector.
pub unsafe fn for_each_marked(memory: &Memory, epoch: u8, newer: u8, mut f: impl FnMut(*mut Object)) {
    // SAFETY: [H2] a start bit in a marked line, or the state of a large page, stands for a promoted object whose memory
    // is not reused.
    let is_marked = |object: *mut Object| [epoch, newer].contains(&unsafe { (*object).mark() });
    for block in 0..memory.block_count() {
        if matches!(memory.blocks.kind(block), Kind::Old | Kind::Recyclable | Kind::Active | Kind::Mixed) {
            memory.blocks.for_each_start(block, epoch, |at| {
                let object = at as *mut Object;
                if is_marked(object) {
                    f(object);
                }
            });
        }
    }
    memory.large.for_each_old(|start| {
        let object = (start + 8) as *mut Object;
        if is_marked(object) {
            f(object);
        }
    });
}

/// A public object that seemed to refer to a private one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suspect {
    source: *mut Object,
    slot: Slot,
}

struct Look<'a> {
    shared: &'a Shared,
    epoch: u8,
    moment: Moment,
    count: u64,
    linked: Vec<*mut Object>,
    suspects: Vec<Suspect>,
    found: Option<Violation>,
}

/// What was found of old objects.
#[derive(Debug)]
pub(super) struct Found {
    /// How many are marked.
    pub(super) count: u64,
    /// Those of them that are public and linked.
    pub(super) linked: Vec<*mut Object>,
    /// Whom to look at again.
    pub(super) suspects: Vec<Suspect>,
}

/// Checks everything old that carries the mark `epoch`; some must be looked at again by [`again`].
///
/// # Safety
/// As [`for_each_marked`]; marking with that epoch is complete and the next cycle has not begun.
pub(super) unsafe fn check(shared: &Shared, epoch: u8, moment: Moment) -> Result<Found, Violation> {
    let mut look = Look { shared, epoch, moment, count: 0, linked: vec![], suspects: vec![], found: None };
    // SAFETY: [V1] the caller's promise; [G1] marked objects are live.
    unsafe {
        for_each_marked(&shared.memory, epoch, epoch, |object| {
            look.object(object);
        });
    }
    look.cells();
    let Look { count, linked, suspects, found, .. } = look;
    found.map_or(Ok(Found { count, linked, suspects }), Err)
}

/// Looks at suspects again.
///
/// # Safety
/// As [`check`], and every mutator has answered a handshake since.
pub(super) unsafe fn again(shared: &Shared, moment: Moment, suspects: &[Suspect]) -> Result<(), Violation> {
    for suspect in suspects {
        // SAFETY: [S1] a slot of an object that was marked, and no sweep came since.
        let target = unsafe { slot::atomic(suspect.slot) }.load(Ordering::Acquire);
        if target.is_null() {
            continue;
        }
        let source = suspect.source as usize;
        if let Some(violation) = sound(shared, moment, target, source) {
            return Err(violation);
        }
        // SAFETY: [V2] sound, and by INV-1 public.
        if unsafe { (*target).flags_acquire() } & PUBLIC == 0 {
            let detail = format!("public, and refers to private {}", describe(shared, target as usize));
            return Err(Violation::new(Invariant::Public, moment, source, detail));
        }
    }
    Ok(())
}

impl Look<'_> {
    fn expect(&mut self, ok: bool, invariant: Invariant, address: usize, detail: impl FnOnce() -> String) {
        if !ok && self.found.is_none() {
            self.found = Some(Violation::new(invariant, self.moment, address, detail()));
        }
    }

    unsafe fn object(&mut self, object: *mut Object) {
        if self.found.is_some() {
            return;
        }
        self.count += 1;
        let (shared, at) = (self.shared, object as usize);
        if let Some(violation) = sound(shared, self.moment, object, at) {
            self.found = Some(violation);
            return;
        }
        // SAFETY: [G1] marked objects are live.
        let flags = unsafe { (*object).flags_acquire() };
        self.expect(flags & OLD != 0, Invariant::Age, at, || {
            format!("in a marked line, young by its header: {}", describe(shared, at))
        });
        if flags & (PUBLIC | LINKED) == PUBLIC | LINKED {
            self.linked.push(object);
        }
        // SAFETY: [G1] as above.
        unsafe {
            self.lines(object);
            slot::for_each(object, |s| self.slot(s, flags & PUBLIC != 0, object));
        }
    }

    /// The sweep keeps lines, not objects: each line of a live object must carry the mark.
    unsafe fn lines(&mut self, object: *mut Object) {
        let (shared, epoch) = (self.shared, self.epoch);
        if !shared.memory.in_blocks(object as usize) {
            return;
        }
        // SAFETY: [G1] marked objects are live.
        let extent = unsafe { Object::extent(object) };
        let marks = shared.memory.blocks.line_marks(shared.memory.blocks.block_of(extent.start));
        let offset = object as usize & (BLOCK - 1);
        // From the header's line on: an item count may stand on the line before.
        let (first, last) = (offset >> LINE_SHIFT, ((extent.start & (BLOCK - 1)) + extent.bytes - 1) >> LINE_SHIFT);
        for (i, mark) in marks[first..=last].iter().enumerate() {
            let mark = mark.load(Ordering::Acquire);
            self.expect(mark == epoch, Invariant::Line, object as usize, || {
                format!("line {i} of it is marked {mark}, it lives in {epoch}: {}", describe(shared, object as usize))
            });
        }
    }

    unsafe fn slot(&mut self, slot: Slot, public: bool, source: *mut Object) {
        let (shared, epoch, at) = (self.shared, self.epoch, source as usize);
        // SAFETY: [S1] a slot of a live object.
        let field = unsafe { slot::atomic(slot) };
        loop {
            let target = field.load(Ordering::Acquire);
            if target.is_null() || self.found.is_some() {
                return;
            }
            let in_heap = (target as usize).is_multiple_of(8) && shared.memory.contains(target as usize);
            self.expect(in_heap, Invariant::Reference, at, || {
                format!("refers to {target:p}, which is no object of this heap")
            });
            if !in_heap {
                return;
            }
            let young = shared.memory.is_young(target as usize);
            // A private object's young referents are its owner's, who alone may read them (INV-4).
            if young && !public {
                return;
            }
            if field.load(Ordering::Acquire) != target {
                continue;
            }
            if let Some(violation) = sound(shared, self.moment, target, at) {
                self.found = Some(violation);
                return;
            }
            // SAFETY: [V2] INV-4: both looks passed; or public by INV-1, and sound.
            let header = unsafe { &*target };
            let flags = header.flags_acquire();
            if public && flags & PUBLIC == 0 {
                self.suspects.push(Suspect { source, slot });
            }
            if !young {
                let mark = header.mark();
                self.expect(mark == epoch, Invariant::Mark, target as usize, || {
                    format!("{source:p} refers to it and is marked {epoch}: {}", describe(shared, target as usize))
                });
                self.expect(flags & OLD != 0, Invariant::Age, target as usize, || {
                    format!("old by its block, young by its header: {}", describe(shared, target as usize))
                });
            }
            return;
        }
    }

    /// Global roots, weak references, finalizable objects.
    fn cells(&mut self) {
        let shared = self.shared;
        shared.globals.for_each(|cell| self.held(Invariant::Global, cell.get()));
        shared.finalizable.for_each(|cell| {
            let object = cell.object.load(Ordering::Acquire);
            self.held(Invariant::Finalizer, object);
            if self.found.is_none() && !object.is_null() {
                // SAFETY: [G2] what the list holds is public, and was found sound.
                let ty = unsafe { (*object).type_info() };
                self.expect(ty.finalize.is_some(), Invariant::Finalizer, object as usize, || {
                    format!("type {:?} has no finalizer", ty.name)
                });
            }
        });
        // Until they are cleared weak references may hold what is dead.
        if self.moment != Moment::Marked {
            shared.weaks.for_each(|cell| self.held(Invariant::Weak, cell.target.load(Ordering::Acquire)));
        }
    }

    /// What a cell holds is public and alive.
    fn held(&mut self, invariant: Invariant, object: *mut Object) {
        if object.is_null() || self.found.is_some() {
            return;
        }
        let (shared, epoch, at) = (self.shared, self.epoch, object as usize);
        if let Some(violation) = sound(shared, self.moment, object, 0) {
            self.found = Some(Violation { invariant, ..violation });
            return;
        }
        // SAFETY: [G2] what a cell holds is public, and it was found sound.
        let header = unsafe { &*object };
        let flags = header.flags_acquire();
        self.expect(flags & PUBLIC != 0, invariant, at, || format!("held, and private: {}", describe(shared, at)));
        let alive = shared.memory.is_young(at) || flags & OLD == 0 || header.mark() == epoch;
        self.expect(alive, invariant, at, || format!("held, and not marked {epoch}: {}", describe(shared, at)));
    }
}
