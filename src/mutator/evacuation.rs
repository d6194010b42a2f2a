//! Evacuation: what is reached of a nursery goes where it will stay.
//!
//! A private young object is copied into memory of old blocks and leaves a forwarding address; what cannot or must not move
//! is promoted in place: its lines become old. Either way its slots are visited, depth first, by an explicit stack: deep
//! structures need no recursion. (Copying depth first: Moon, Garbage collection in a large Lisp system, LFP 1984.)

use super::ahead::{AHEAD, Ahead};
use super::budget::Budget;
use crate::heap::evacuate::EvacuationAllocator;
use crate::heap::{Memory, Youth};
use crate::object::header::{Extent, HASHED, LINKED, OLD, PINNED, PUBLIC, UNLOGGED};
use crate::object::type_info::Slots;
use crate::object::{Object, Slot, TypeInfo, reference, slot};

/// A mark on what waits in the worklist: a slot, not an object.
const IS_SLOT: usize = 1;
/// So many bytes beyond an object that survives the memory is asked for. Survivors lie side by side, and a structure is mostly
/// visited in the order in which it was built; without this most of the time goes into waiting for their headers.
const BEYOND: usize = 1024;

/// An object that has just been promoted, and its type.
type Promoted = (*mut Object, &'static TypeInfo);

/// Evacuation in progress.
pub(super) struct Evacuation<'a> {
    pub(super) memory: &'a Memory,
    pub(super) youth: Youth<'a>,
    pub(super) allocator: EvacuationAllocator,
    pub(super) colour: u8,
    /// Promoted objects whose slots have not been visited.
    pub(super) worklist: Vec<*mut Object>,
    /// Remembered slots that refer to young objects whose headers have been asked for.
    pub(super) ahead: Ahead<*mut Object, AHEAD>,
    /// Whether the next object may be copied.
    pub(super) budget: Budget,
    /// Large objects that survive.
    pub(super) large: Vec<*mut Object>,
    /// Promoted objects that have a link: where they were, and where they are.
    pub(super) linked: Vec<(*mut Object, *mut Object)>,
    /// Objects that only C holds, as far as is known, and that wait for a later minor (`waiting.rs`).
    pub(super) waiting: Vec<*mut Object>,
    pub(super) bytes: usize,
    pub(super) objects: u64,
}

impl Evacuation<'_> {
    /// Promotes what a slot refers to, if it is ours and young, and updates the slot.
    #[inline(always)]
    pub(super) unsafe fn visit(&mut self, slot: Slot) {
        // SAFETY: [S1] a slot of a live object of this mutator, and what it refers to.
        if let Some((new, _)) = unsafe { young(self.youth, slot).and_then(|object| self.update(slot, object)) } {
            self.worklist.push(new);
        }
    }

    /// Does so a little later, when the object's header has come, and visits what it refers to while that is in the cache.
    #[inline(always)]
    pub(super) unsafe fn visit_soon(&mut self, slot: Slot) {
        // SAFETY: [S1] slots of live objects of this mutator.
        unsafe {
            if let Some(object) = young(self.youth, slot) {
                slot::prefetch(object);
                let due = self.ahead.put(slot);
                if !due.is_null() {
                    self.visit_due(due);
                }
            }
        }
    }

    #[inline(always)]
    pub(super) unsafe fn visit_due(&mut self, slot: Slot) {
        // SAFETY: [S1] a slot of a live object of this mutator, and what it refers to.
        unsafe {
            let promoted = young(self.youth, slot).and_then(|object| self.update(slot, object));
            self.follow(promoted);
            if !self.worklist.is_empty() {
                self.drain();
            }
        }
    }

    /// Visits remembered slots.
    #[inline(never)]
    pub(super) unsafe fn visit_all(&mut self, slots: &[Slot]) {
        for (i, &slot) in slots.iter().enumerate() {
            // They lie where the program stored, in no order: each is a miss in the cache.
            if let Some(&next) = slots.get(i + AHEAD) {
                slot::prefetch(next);
            }
            // SAFETY: [S1] slots of live objects of this mutator.
            unsafe { self.visit_soon(slot) };
        }
    }

    /// Promotes the young object that a slot refers to, and updates the slot.
    #[inline(always)]
    unsafe fn update(&mut self, slot: Slot, object: *mut Object) -> Option<Promoted> {
        // SAFETY: [N1] young, and by INV-2 public or private to this mutator.
        let (new, unvisited) = unsafe { self.place(object) };
        if new != object {
            // The marker that finds the new address sees the copy: [F-put].
            // SAFETY: [S1] a slot of a live object of this mutator.
            reference::put(unsafe { slot::atomic(slot) }, new);
        }
        unvisited.map(|ty| (new, ty))
    }

    /// Where a young object is from now on. Its slots will be visited.
    pub(super) unsafe fn promote(&mut self, object: *mut Object) -> *mut Object {
        // SAFETY: [N1] young, and by INV-2 public or private to this mutator.
        let (new, unvisited) = unsafe { self.place(object) };
        if unvisited.is_some() {
            self.worklist.push(new);
        }
        new
    }

    /// Where a young object is from now on, and its type if it has just been promoted and has slots, which the caller sees
    /// to.
    #[inline(always)]
    unsafe fn place(&mut self, object: *mut Object) -> (*mut Object, Option<&'static TypeInfo>) {
        // SAFETY: [N1] young: readable if public, ours if private. A forwarding address has no flags.
        let flags = unsafe { (*object).flags() };
        if flags & (PUBLIC | OLD) != 0 {
            return (object, None);
        }
        // SAFETY: [N1] private and young, so ours.
        let ty = match unsafe { Object::type_or_forwarded(object) } {
            Ok(ty) => ty,
            Err(forwarded) => return (forwarded, None),
        };
        slot::prefetch(object.wrapping_byte_add(BEYOND));
        let slots = (ty.slots != Slots::None).then_some(ty);
        // SAFETY: [H2] not forwarded, so it is whole.
        let extent = unsafe { Object::extent_as(object, ty) };
        if flags & (PINNED | HASHED) == 0 && self.youth.in_blocks(object as usize) && self.budget.may_copy(self.bytes) {
            let to = self.allocator.alloc(self.memory, extent.bytes, self.colour);
            if !to.is_null() {
                let new: *mut Object = to.wrapping_add(object as usize - extent.start).cast();
                // SAFETY: [N2] fresh memory of that many bytes in a block that this mutator fills.
                unsafe {
                    copy(extent.start, to, extent.bytes);
                    Object::init(new, ty, flags & LINKED | OLD | UNLOGGED, self.colour);
                    Object::forward(object, new);
                }
                self.memory.blocks.set_start(new as usize);
                if flags & LINKED != 0 {
                    self.linked.push((object, new));
                }
                self.bytes += extent.bytes;
                self.objects += 1;
                return (new, slots);
            }
        }
        // SAFETY: [N1] private and young, so ours.
        unsafe {
            (*object).set_mark(self.colour);
            (*object).set_flags_private(OLD | UNLOGGED, 0);
        }
        if flags & LINKED != 0 {
            self.linked.push((object, object));
        }
        self.keep(object, extent);
        (object, slots)
    }

    /// Makes the lines of an object old that was promoted in place. Its block stays young, for everybody who asks, until
    /// all slots are updated (INV-4): see `Nursery::reset`.
    #[inline(always)]
    pub(super) fn keep(&mut self, object: *mut Object, extent: Extent) {
        self.bytes += extent.bytes;
        self.objects += 1;
        if self.youth.in_blocks(object as usize) {
            let blocks = &self.memory.blocks;
            // While a block is young, its free-line word collects the lines that are occupied.
            blocks.add_free_lines(extent.start, extent.bytes);
            blocks.set_start(object as usize);
            blocks.mark_lines(extent.start, extent.bytes, self.colour);
        } else {
            self.large.push(object);
        }
    }

    /// Visits the slots of everything promoted so far, and of what that promotes: depth first, so that an object lies before
    /// what its first slot refers to, as a program that walks the structure will ask for them.
    pub(super) unsafe fn drain(&mut self) {
        while let Some(entry) = self.worklist.pop() {
            let next = if entry as usize & IS_SLOT != 0 {
                let slot: Slot = entry.wrapping_byte_sub(IS_SLOT).cast();
                // SAFETY: [N2] the slot of a promoted object; ours to update. It was put on the list with a young object in it.
                unsafe { self.update(slot, slot::load(slot)) }
            } else {
                // SAFETY: [N2] promoted objects are whole.
                Some((entry, unsafe { (*entry).type_info() }))
            };
            // SAFETY: [N2] as above.
            unsafe { self.follow(next) };
        }
    }

    /// Visits the slots of an object, of what its first slot refers to, and so on.
    #[inline(always)]
    unsafe fn follow(&mut self, mut next: Option<Promoted>) {
        while let Some(promoted) = next {
            // SAFETY: [N2] promoted objects are whole; its slots are ours.
            next = unsafe { self.visit_slots(promoted) };
        }
    }

    /// Visits the slots of a promoted object, or puts them on the list; what the first slot's visit has promoted.
    #[inline(always)]
    unsafe fn visit_slots(&mut self, (object, ty): Promoted) -> Option<Promoted> {
        let (Slots::Few, [first, others @ ..]) = (ty.slots, ty.refs) else {
            // SAFETY: [N2] a promoted object; its slots are ours.
            unsafe { slot::for_each(object, |slot| self.visit(slot)) };
            return None;
        };
        let payload = Object::payload(object);
        let young_at = |youth: Youth<'_>, offset: usize| {
            let slot: Slot = payload.wrapping_add(offset).cast();
            // SAFETY: [S1] a slot of an object of ours.
            unsafe { young(youth, slot) }.map(|object| (slot, object))
        };
        for &offset in others.iter().rev() {
            if let Some((slot, object)) = young_at(self.youth, offset) {
                slot::prefetch(object);
                self.worklist.push(slot.wrapping_byte_add(IS_SLOT).cast());
            }
        }
        let (slot, object) = young_at(self.youth, *first)?;
        // SAFETY: [N1] ours and young, and it is what the slot refers to.
        unsafe { self.update(slot, object) }
    }

    /// Where an object is after the drain; null if it died.
    pub(super) unsafe fn find(&self, object: *mut Object) -> *mut Object {
        // SAFETY: [N1] young or just promoted; ours.
        unsafe { if (*object).flags() & (PUBLIC | OLD) != 0 { object } else { Object::forwarded(object) } }
    }
}

/// What a slot refers to, if it is young.
///
/// # Safety
/// A slot of a live object.
#[inline(always)]
unsafe fn young(youth: Youth<'_>, slot: Slot) -> Option<*mut Object> {
    // SAFETY: [S1] the caller's.
    let object = unsafe { slot::load(slot) };
    (!object.is_null() && youth.is_young(object as usize)).then_some(object)
}

/// Copies an object. Most are a few words, for which a call to the library costs more than the copy.
///
/// # Safety
/// `bytes` are readable at `from` and writable at `to`; the two do not overlap.
#[inline(always)]
unsafe fn copy(from: usize, to: *mut u8, bytes: usize) {
    const WIDE: usize = size_of::<Wide>();
    let (from, to) = (from as *const u8, to);
    // The first and the last of it, which may overlap: no loop, no count.
    if (WIDE..=4 * WIDE).contains(&bytes) {
        // SAFETY: [N2] inside both: reads and writes of `WIDE` bytes at offsets up to `bytes - WIDE`.
        unsafe {
            let first = from.cast::<Wide>().read_unaligned();
            let last = from.add(bytes - WIDE).cast::<Wide>().read_unaligned();
            if bytes > 2 * WIDE {
                let second = from.add(WIDE).cast::<Wide>().read_unaligned();
                let third = from.add(bytes - 2 * WIDE).cast::<Wide>().read_unaligned();
                to.add(WIDE).cast::<Wide>().write_unaligned(second);
                to.add(bytes - 2 * WIDE).cast::<Wide>().write_unaligned(third);
            }
            to.cast::<Wide>().write_unaligned(first);
            to.add(bytes - WIDE).cast::<Wide>().write_unaligned(last);
        }
    } else {
        // SAFETY: [N2] the caller's promise.
        unsafe { std::ptr::copy_nonoverlapping(from, to, bytes) };
    }
}

/// What is copied at once.
type Wide = [u64; 2];
