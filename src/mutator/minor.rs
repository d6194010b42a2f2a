//! The minor collection: one mutator, its own nursery, no atomics on its own objects, no other thread involved.
//!
//! Roots are the root stack, the remembered set, the objects of its private young links that C holds, and private
//! objects whose finalizers are due. Reached private young objects are evacuated into the old generation; a forwarding
//! address stays behind and every slot is updated. What cannot or must not move (published, pinned, hashed, large, or no
//! memory to copy to) is promoted in place: its lines become old, its block leaves the nursery. The rest dies, and with
//! it its links; its memory is simply filled again. Where nearly everything survived last time and free blocks are at
//! hand, everything is promoted in place: copying would buy nothing (but see `Sizing::way`). And when a collection has used up
//! its time, what it has not reached yet is (`budget.rs`).
//!
//! The order matters to the marker, which may be reading this mutator's old private objects (INV-4): all slots are
//! updated before any block changes its kind. Work is kept on an explicit stack, so deep structures need no recursion.
//!
//! In the snapshot handshake the same collection shades what the roots refer to and what is promoted in place.

use super::ahead::{AHEAD, Ahead};
use super::budget::Budget;
use super::record::{Local, Phase, Record};
use super::shared::{Counters, Shared};
use super::sizing::{self, Room};
use crate::heap::block::BLOCK;
use crate::heap::evacuate::EvacuationAllocator;
use crate::heap::{Memory, Youth};
use crate::object::header::{Extent, HASHED, LINKED, OLD, PINNED, PUBLIC, UNLOGGED};
use crate::object::type_info::Slots;
use crate::object::{Object, Slot, TypeInfo, reference, slot};
use crate::sync::atomic::Ordering;

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
    allocator: EvacuationAllocator,
    colour: u8,
    /// Promoted objects whose slots have not been visited.
    worklist: Vec<*mut Object>,
    /// Remembered slots that refer to young objects whose headers have been asked for.
    ahead: Ahead,
    /// Whether the next object may be copied.
    budget: Budget,
    /// Large objects that survive.
    large: Vec<*mut Object>,
    /// Promoted objects that have a link: where they were, and where they are.
    linked: Vec<(*mut Object, *mut Object)>,
    /// Objects that only C holds, as far as is known, and that wait for a later minor (`waiting.rs`).
    pub(super) waiting: Vec<*mut Object>,
    bytes: usize,
    objects: u64,
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
    unsafe fn visit_soon(&mut self, slot: Slot) {
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

    #[inline(never)]
    unsafe fn visit_due(&mut self, slot: Slot) {
        // SAFETY: [S1] a slot of a live object of this mutator, and what it refers to.
        unsafe {
            let promoted = young(self.youth, slot).and_then(|object| self.update(slot, object));
            self.follow(promoted);
            self.drain();
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
    fn keep(&mut self, object: *mut Object, extent: Extent) {
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
    unsafe fn find(&self, object: *mut Object) -> *mut Object {
        // SAFETY: [N1] young or just promoted; ours.
        unsafe { if (*object).flags() & (PUBLIC | OLD) != 0 { object } else { Object::forwarded(object) } }
    }
}

impl Record {
    /// Collects this mutator's nursery. `snapshot`: also give the snapshot of a cycle (the phase is `Armed`).
    ///
    /// # Safety
    /// Called by the owner or the holder, at a point that may collect.
    pub unsafe fn minor(&self, snapshot: bool) {
        let (shared, start) = (self.shared(), sizing::thread_time());
        // SAFETY: [L1] the owner or holder; nothing below takes another reference while this one is used.
        let local = unsafe { self.local() };
        let young = local.nursery.bytes(self.cursor.get());
        let allocated = young + local.large_bytes;
        let room = Self::room(local, shared, allocated);
        let way = local.sizing.way(&room);
        let count = shared.copies.load(Ordering::Relaxed);
        let mut evacuation = Evacuation {
            memory: &shared.memory,
            youth: shared.memory.youth(),
            allocator: std::mem::replace(&mut local.evacuation, EvacuationAllocator::new()),
            colour: local.parity,
            worklist: std::mem::take(&mut local.worklist),
            ahead: Ahead::new(),
            budget: Budget::new(&local.sizing, way, &room, start, young, count),
            large: vec![],
            linked: std::mem::take(&mut local.linked),
            waiting: std::mem::take(&mut local.waiting),
            bytes: 0,
            objects: 0,
        };
        let published;
        // SAFETY: [N1] everything visited below is a root or slot of this mutator.
        unsafe {
            self.visit_roots(local, &mut evacuation, snapshot);
            evacuation.drain();
            evacuation.visit_waiting();
            self.visit_finalizable(local, &mut evacuation, snapshot);
            let before = evacuation.bytes;
            self.promote_published(local, &mut evacuation);
            published = evacuation.bytes - before;
            evacuation.let_wait(local.nursery.spare());
            if let Some(links) = &mut local.links {
                links.after_minor(&evacuation.linked, &evacuation.waiting);
            }
        }
        let survivors = std::mem::take(&mut local.finalizable);
        // Every slot has been updated by now (INV-4).
        for &object in &evacuation.large {
            shared.memory.large.set_old(object as usize);
        }
        Self::free_large(local, shared);
        local.nursery.reset(&shared.memory, local.parity, local.phase == Phase::Idle, &evacuation.waiting);
        local.pins.clear();
        for object in local.remembered.objects.drain(..) {
            // SAFETY: [B3] remembered objects are alive until the minor that forgets them.
            let header = unsafe { &*object };
            if header.flags() & PUBLIC == 0 {
                header.set_flags_private(UNLOGGED, 0);
            }
        }
        local.remembered.clear_slots();
        Counters::add(&shared.counters.minors, 1);
        Counters::add(&shared.counters.allocated_bytes, allocated as u64);
        Counters::add(&shared.counters.promoted_bytes, evacuation.bytes as u64);
        Counters::add(&shared.counters.promoted_objects, evacuation.objects);
        local.promoted += evacuation.bytes + std::mem::take(&mut local.tenured);
        let end = sizing::thread_time();
        if let Some([copied, kept]) = evacuation.budget.parts(evacuation.bytes, end) {
            local.sizing.measure_parts(allocated, way, copied, kept);
        }
        local.sizing.look_at(evacuation.bytes, evacuation.objects, published);
        local.nursery.look_at(evacuation.bytes, published);
        let room = Self::room(local, shared, local.sizing.blocks() * BLOCK);
        let blocks = local.sizing.after_minor(allocated, evacuation.bytes, end.saturating_sub(start), way, &room);
        local.nursery.resize(&shared.memory, blocks);
        if snapshot {
            // A cycle gives back to the operating system what nobody uses, and this thread may never allocate again.
            local.nursery.keep(&shared.memory, shared.nurseries.first);
        }
        local.evacuation = evacuation.allocator;
        local.worklist = evacuation.worklist;
        local.linked = evacuation.linked;
        local.linked.clear();
        local.waiting = evacuation.waiting;
        local.waiting.clear();
        // The nursery is empty: the next allocation takes its first block.
        self.move_cursor(0);
        local.block_end = 0;
        let _ = self.limit.set(0, &self.word);
        for object in survivors {
            // SAFETY: [P1] promoted, live, its own or public.
            unsafe { self.register_finalizable(object) };
        }
    }

    /// What a nursery of so many bytes finds for its survivors.
    fn room(local: &Local, shared: &Shared, bytes: usize) -> Room {
        let memory = &shared.memory;
        let some_blocks = memory.has_blocks(bytes) && !cfg!(gc_zeal);
        Room {
            left: memory.left() + local.nursery.blocks().len() * BLOCK,
            blocks: some_blocks && memory.is_rather_free(),
            some_blocks,
            holes: memory.has_holes((local.sizing.expected(bytes) / 2).max(BLOCK)),
        }
    }

    unsafe fn visit_roots(&self, local: &mut Local, evacuation: &mut Evacuation<'_>, snapshot: bool) {
        let mut shade = vec![];
        // SAFETY: [N1] roots, remembered slots and links are this mutator's.
        unsafe {
            local.roots.for_each(|slot| {
                evacuation.visit(slot);
                if snapshot {
                    shade.push(slot::load(slot));
                }
            });
            for object in local.due.iter_mut() {
                evacuation.visit(object);
                shade.push(*object);
            }
            if let Some(links) = &mut local.links {
                let patience = if local.phase == Phase::Idle { local.link_patience } else { 0 };
                links.visit_held(&mut |object, age| {
                    if age < patience && evacuation.may_wait(object) {
                        evacuation.waiting.push(object);
                    } else {
                        shade.push(evacuation.promote(object));
                    }
                });
            }
            if snapshot {
                for object in shade {
                    self.shade(local, object);
                }
            }
            for i in 0..local.remembered.objects.len() {
                slot::for_each(local.remembered.objects[i], |slot| evacuation.visit_soon(slot));
            }
            let slots = local.remembered.slots();
            for (i, &slot) in slots.iter().enumerate() {
                // They lie where the program stored, in no order: each is a miss in the cache.
                if let Some(&next) = slots.get(i + AHEAD) {
                    slot::prefetch(next);
                }
                evacuation.visit_soon(slot);
            }
            let ahead = std::mem::replace(&mut evacuation.ahead, Ahead::new());
            for &slot in ahead.waiting() {
                evacuation.visit_due(slot);
            }
        }
    }

    /// Dead young objects with a finalizer are kept for it, in the order of their allocation; `local.finalizable` keeps
    /// those that survived, at their new addresses.
    unsafe fn visit_finalizable(&self, local: &mut Local, evacuation: &mut Evacuation<'_>, snapshot: bool) {
        let mut survivors = vec![];
        let mut dead = vec![];
        for object in std::mem::take(&mut local.finalizable) {
            // SAFETY: [N1] young objects of this mutator.
            let at = unsafe { evacuation.find(object) };
            if at.is_null() { dead.push(object) } else { survivors.push(at) }
        }
        for object in dead {
            // SAFETY: [N1] as above.
            let at = unsafe { evacuation.promote(object) };
            local.due.push_back(at);
            if snapshot {
                // A root since this moment, and the roots were shaded before.
                // SAFETY: [B2] promoted just now.
                unsafe { self.shade(local, at) };
            }
        }
        // SAFETY: [N1] as above.
        unsafe { evacuation.drain() };
        local.finalizable = survivors;
    }

    /// Public young objects stay where they are, reachable or not: other threads may hold them.
    unsafe fn promote_published(&self, local: &mut Local, evacuation: &mut Evacuation<'_>) {
        let mut published = std::mem::take(&mut local.published);
        for (i, &object) in published.iter().enumerate() {
            // Most were published long ago, for a cache.
            if let Some(&next) = published.get(i + AHEAD) {
                slot::prefetch(next);
            }
            // SAFETY: [N1] public objects of this nursery.
            let header = unsafe { &*object };
            if header.flags() & OLD != 0 {
                continue;
            }
            header.set_mark(local.parity);
            // Release: whoever sees OLD sees the mark.
            header.set_flags_shared(OLD);
            // SAFETY: [H2] whole: a public object is never forwarded.
            evacuation.keep(object, unsafe { Object::extent(object) });
            if local.phase == Phase::Armed {
                // SAFETY: [B2] live as long as somebody may hold it; another thread may have taken it while it was young.
                unsafe { self.shade(local, object) };
            }
        }
        published.clear();
        local.published = published;
    }

    fn free_large(local: &mut Local, shared: &Shared) {
        for object in local.large.drain(..) {
            // SAFETY: [N1] large objects do not move; dead ones are still whole.
            let (old, extent) = unsafe { ((*object).flags() & OLD != 0, Object::large_extent(object)) };
            if !old {
                shared.memory.free_large(extent.start, extent.bytes);
            }
        }
        local.large_bytes = 0;
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
