//! Young objects that wait: those that C alone holds, as far as a minor collection can tell.
//!
//! A pair that is made for a call dies with the next minor collection. If a minor comes in the middle of the call, C holds
//! the pair: its object would be promoted, and with the promotion the pair would be left to the global cycle, which may come
//! much later. A heap with `link_patience` lets such an object stay young instead, where it is, for so many minors: when C
//! has let go, the next minor of the owner ends the pair.
//!
//! **Why this is sound.** An object waits only if this very minor has reached it by nothing but its link: not from a root,
//! not from what was promoted, not from another object that waits. It stays young and private, so whatever comes to refer to
//! it later, after a crossing, is seen by the next minor as a reference to any young object is: a root, a young object, or a
//! remembered slot. What it refers to itself is promoted: it is a root of this minor like any held object.
//!
//! **Where it does not apply.** While a cycle is under way nobody waits: a snapshot must find all that is alive old (or
//! newer than itself). Public, pinned, hashed and large objects are old at once, as ever, since they cannot move or their
//! youth cannot be kept; so are those with a finalizer or a trace function, and those whose block has become old because of
//! a neighbour that was promoted in place. A mutator that leaves takes nobody's youth with it.
//!
//! **Cost.** The block of an object that waits is not filled again until it has gone; a quarter of the nursery may wait so,
//! and what is beyond that is promoted.

use super::evacuation::Evacuation;
use crate::object::header::{HASHED, OLD, PINNED, PUBLIC};
use crate::object::{Object, slot};

impl Evacuation<'_> {
    /// Whether a young object that C holds may stay young.
    ///
    /// # Safety
    /// A live private young object of this mutator.
    pub(super) unsafe fn may_wait(&self, object: *mut Object) -> bool {
        // SAFETY: [N1] the caller's promise.
        if !unsafe { self.is_left(object) } || !self.youth.in_blocks(object as usize) {
            return false;
        }
        // SAFETY: [H2] not forwarded, so it is whole.
        let (flags, ty) = unsafe { ((*object).flags(), (*object).type_info()) };
        flags & (PINNED | HASHED) == 0 && ty.finalize.is_none() && ty.trace.is_none()
    }

    /// Whether nothing has promoted it.
    unsafe fn is_left(&self, object: *mut Object) -> bool {
        // SAFETY: [N1] a young object of this mutator, or what is left of it.
        unsafe { (*object).flags() & (PUBLIC | OLD) == 0 && Object::forwarded(object).is_null() }
    }

    /// All roots have been visited: what the waiting refer to is promoted, perhaps some of themselves.
    ///
    /// # Safety
    /// As the minor collection's other steps.
    pub(super) unsafe fn visit_waiting(&mut self) {
        for i in 0..self.waiting.len() {
            let object = self.waiting[i];
            // SAFETY: [N1] as `may_wait` was told. If it comes to be promoted by its own slots, its copy is visited, too.
            unsafe {
                if self.is_left(object) {
                    slot::for_each(object, |slot| self.visit(slot));
                    self.drain();
                }
            }
        }
    }

    /// Everything else has been promoted: leaves those in `waiting` that nothing has reached, in at most `spare` blocks, none
    /// of which gets old; the others are promoted.
    ///
    /// # Safety
    /// As the minor collection's other steps.
    pub(super) unsafe fn let_wait(&mut self, spare: usize) {
        let blocks = &self.memory.blocks;
        loop {
            let mut waiting = std::mem::take(&mut self.waiting);
            // SAFETY: [N5] it waits from here on, or is promoted.
            waiting.retain(|&object| unsafe { self.is_left(object) });
            // What lies together waits together.
            waiting.sort_unstable();
            let (mut used, mut last, mut promoted) = (0, None, false);
            for &object in &waiting {
                let block = blocks.block_of(object as usize);
                if last != Some(block) {
                    (used, last) = (used + 1, Some(block));
                }
                if used > spare || !blocks.free_lines(block).is_empty() {
                    // SAFETY: [N1] as above; its slots have been visited.
                    unsafe {
                        self.promote(object);
                        self.drain();
                    }
                    promoted = true;
                }
            }
            self.waiting = waiting;
            if !promoted {
                return;
            }
            // For want of memory one may have been promoted in place: its block is old now.
        }
    }
}
