//! Publication: before an object becomes reachable from something public, everything private that it reaches becomes
//! public too (INV-1; Qiu and Blackburn, Iso, PLDI 2025; Doligez and Leroy, POPL 1993).
//!
//! Only the owner publishes, or whoever holds its record, so flags are plain writes here; the release store that follows
//! in the caller makes them visible together with the reference. A published object of the nursery never moves again:
//! the next minor collection promotes it in place.

use super::record::Record;
use crate::object::header::{LINKED, OLD, PUBLIC};
use crate::object::{Object, slot};
use crate::sync::atomic::{Ordering, fence};

impl Record {
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
        let mut next = Some(object);
        while let Some(object) = next {
            count += 1;
            // SAFETY: [H2] reachable from a live object.
            let flags = unsafe { (*object).flags() };
            if flags & OLD == 0 {
                // SAFETY: [L1] the owner or holder; no other reference to the local state is in use here.
                unsafe { self.local() }.published.push(object);
            }
            if flags & LINKED != 0 {
                linked.push(object);
            }
            // SAFETY: [P1] INV-2: what a private object refers to is public or private to the same mutator.
            unsafe {
                slot::for_each(object, |s| {
                    let target = slot::load(s);
                    if !target.is_null() && (*target).flags() & PUBLIC == 0 {
                        (*target).set_flags_private(PUBLIC, 0);
                        work.push(target);
                    }
                });
            }
            next = work.pop();
        }
        // Release, [L-word]: a link word whose PRIVATE tag is cleared below tells other threads that all of this is public.
        fence(Ordering::Release);
        for object in linked {
            // SAFETY: [L1] as above.
            if let Some(links) = &mut unsafe { self.local() }.links {
                // SAFETY: [K1] live, public since above, and private to this mutator before.
                unsafe { links.published(object) };
            }
        }
        // No read-modify-write, and no line that mutators share: only the owner or holder counts here.
        self.published.store(self.published.load(Ordering::Relaxed) + count, Ordering::Relaxed);
    }
}
