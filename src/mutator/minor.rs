//! The minor collection: one mutator, its own nursery, no atomics on its own objects, no other thread involved.
//!
//! Roots are the root stack, the remembered set, the objects of its private young links that C holds, and private
//! objects whose finalizers are due. Reached private young objects are evacuated into the old generation (`evacuation.rs`); a
//! forwarding address stays behind and every slot is updated. What cannot or must not move (published, pinned, hashed, large,
//! or no memory to copy to) is promoted in place: its lines become old, its block leaves the nursery. The rest dies, and with
//! it its links; its memory is simply filled again. Where nearly everything survived last time and free blocks are at
//! hand, everything is promoted in place: copying would buy nothing (but see `Sizing::way`). And when a collection has used up
//! its time, what it has not reached yet is (`budget.rs`).
//!
//! The order matters to the marker, which may be reading this mutator's old private objects (INV-4): all slots are
//! updated before any block changes its kind.
//!
//! In the snapshot handshake the same collection shades what the roots refer to and what is promoted in place.

use super::ahead::{AHEAD, Ahead};
use super::budget::Budget;
use super::evacuation::Evacuation;
use super::record::{Local, Phase, Record};
use super::shared::{Counters, Shared};
use super::sizing::{self, Room};
use crate::heap::block::BLOCK;
use crate::heap::evacuate::EvacuationAllocator;
use crate::object::header::{OLD, PUBLIC, UNLOGGED};
use crate::object::{Object, slot};
use crate::sync::atomic::Ordering;

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
            for &object in &local.remembered.objects {
                // A trace function's slot is used until `visit` returns.
                if (*object).type_info().trace.is_some() {
                    slot::for_each(object, |slot| evacuation.visit(slot));
                } else {
                    slot::for_each(object, |slot| evacuation.visit_soon(slot));
                }
            }
            evacuation.visit_all(local.remembered.slots());
            while let Some(slot) = evacuation.ahead.take() {
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
