//! Publication: before an object becomes reachable from something public, everything private that it reaches becomes
//! public too (INV-1; Qiu and Blackburn, Iso, PLDI 2025; Doligez and Leroy, POPL 1993).
//!
//! Only the owner publishes, or whoever holds its record, so flags are plain writes here; the release store that follows
//! in the caller makes them visible together with the reference. A published object of the nursery never moves again:
//! the next minor collection promotes it in place.

use super::record::{Local, Record};
use crate::object::header::{LINKED, OLD, PUBLIC};
use crate::object::type_info::Slots;
use crate::object::{Object, Slot, slot};
use crate::sync::atomic::{Ordering, fence};
use std::ptr;

impl Record {
    /// Makes a young private object public that has no link and refers to nothing private, as most that are stored into
    /// something public; else answers false, and nothing is done. No call and no list: while few instructions lie between a store and
    /// the next load of the program, the processor waits for memory once for both.
    ///
    /// # Safety
    /// As [`Record::publish`]; `local` is this record's, and `object` private.
    #[inline(always)]
    pub(super) unsafe fn publish_alone(&self, local: &mut Local, object: &Object) -> bool {
        let (flags, ty) = (object.flags(), object.type_info());
        if flags & (LINKED | OLD) != 0 || ty.slots == Slots::Many {
            return false;
        }
        let payload = Object::payload(ptr::from_ref(object).cast_mut());
        for &offset in ty.refs {
            let slot: Slot = payload.wrapping_add(offset).cast();
            // SAFETY: [S1] a slot of an object of ours.
            let target = unsafe { slot::load(slot) };
            // SAFETY: [P1] INV-2: null, public or private to the same mutator.
            if unsafe { target.as_ref() }.is_some_and(|target| target.flags() & PUBLIC == 0) {
                return false;
            }
        }
        let count = local.published.len();
        let [place, ..] = local.published.spare_capacity_mut() else { return false };
        place.write(ptr::from_ref(object).cast_mut());
        // SAFETY: [L1] the owner's list, whose next place, inside of its capacity, was written just now.
        unsafe { local.published.set_len(count + 1) };
        object.set_flags_private(PUBLIC, 0);
        self.count_published(1);
        true
    }

    /// Makes an object and its private closure public. Never collects; no recursion.
    ///
    /// # Safety
    /// Called by the owner or the holder; `object` is live, and public or private to this mutator.
    pub unsafe fn publish(&self, object: *mut Object) {
        // SAFETY: [H2] the caller says that it is live.
        if unsafe { (*object).flags() } & PUBLIC != 0 {
            return;
        }
        // Most are published alone, and need no list.
        let (mut work, mut linked) = (vec![], vec![]);
        let mut count = 0;
        // SAFETY: [H2] as above.
        unsafe { (*object).set_flags_private(PUBLIC, 0) };
        // SAFETY: [L1] the owner or holder; the reference ends with the statement.
        let mut published = std::mem::take(&mut unsafe { self.local() }.published);
        let mut next = Some(object);
        while let Some(object) = next {
            count += 1;
            // SAFETY: [H2] reachable from a live object.
            let flags = unsafe { (*object).flags() };
            if flags & OLD == 0 {
                published.push(object);
            }
            if flags & LINKED != 0 {
                linked.push(object);
            }
            // The last that is found is next: a list needs no list of its own.
            next = None;
            // SAFETY: [P1] INV-2: what a private object refers to is public or private to the same mutator.
            let mut find = |s: Slot| unsafe {
                let target = slot::load(s);
                if !target.is_null() && (*target).flags() & PUBLIC == 0 {
                    (*target).set_flags_private(PUBLIC, 0);
                    if let Some(earlier) = next.replace(target) {
                        work.push(earlier);
                    }
                }
            };
            // SAFETY: [H2] as above.
            let ty = unsafe { (*object).type_info() };
            if ty.slots == Slots::Many {
                // SAFETY: [H2] as above.
                unsafe { slot::for_each(object, find) };
            } else {
                ty.refs.iter().for_each(|&offset| find(Object::payload(object).wrapping_add(offset).cast()));
            }
            next = next.or_else(|| work.pop());
        }
        // SAFETY: [L1] as above; nothing was published in between.
        unsafe { self.local() }.published = published;
        // Release, [L-word]: a link word whose PRIVATE tag is cleared below tells other threads that all of this is public.
        fence(Ordering::Release);
        for object in linked {
            // SAFETY: [L1] as above.
            if let Some(links) = &mut unsafe { self.local() }.links {
                // SAFETY: [K1] live, public since above, and private to this mutator before.
                unsafe { links.published(object) };
            }
        }
        self.count_published(count);
    }

    /// No read-modify-write, and no line that mutators share: only the owner or holder counts here.
    #[inline(always)]
    fn count_published(&self, count: u64) {
        self.published.store(self.published.load(Ordering::Relaxed) + count, Ordering::Relaxed);
    }
}
