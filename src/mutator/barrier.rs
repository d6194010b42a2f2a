//! The write barrier, and shading.
//!
//! If a store's source is private and young, or private, old and remembered already (while no cycle runs), the barrier
//! is one load of the source's flags and one test against the mutator's mask. Otherwise the slow path, in this order,
//! with no safepoint in between:
//!
//! 1. armed: shade the new value (insertion);
//! 2. source public, value private: publish the value; source private and old, value young: remember the source;
//! 3. write. In a cycle shade what was overwritten (deletion; Yuasa 1990). On a public source the write is an exchange
//!    in a cycle, and what it returns is shaded: another thread may have stored since any earlier read. That is so even when
//!    all are armed and this one is scanned (`model/README.md`, 17).
//!
//! A compare-exchange ([`Record::compare_store`]) takes the same steps: the new value is published before the exchange,
//! which may show it to others, so it is public even if the exchange then fails; only what an exchange that succeeded has
//! overwritten is shaded. On a private source it is a comparison and a store.
//!
//! The mixture of the two barriers until a mutator is scanned follows Go's hybrid barrier (proposal 17503); `model/`
//! shows that each of the steps is needed.

use super::record::{Local, Phase, Record};
use super::shared::Grey;
use crate::object::header::{OLD, PUBLIC};
use crate::object::{Object, Slot, reference, slot};
use crate::sync::atomic::{AtomicPtr, Ordering};
use std::ptr;

/// Grey objects of a local buffer before it is handed over.
const BUFFER: usize = 512;

/// What a store still has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "nothing is stored yet, unless nothing is left"]
pub enum Rest {
    /// It is done.
    Nothing,
    /// To publish the value, which is private, and to store it into the source, which is public.
    Publish,
    /// All steps.
    All,
}

impl Record {
    /// Stores `value` into a slot of `source`, with the barrier. Never collects.
    ///
    /// # Safety
    /// Called by the owner; `source` is valid for it, `slot` is one of its slots, `value` is null or valid.
    #[inline(always)]
    pub unsafe fn store(&self, source: *mut Object, slot: Slot, value: *mut Object) {
        // SAFETY: [H2] the caller says that the source is live.
        if unsafe { (*source).flags() } & self.barrier.get() == 0 {
            // Relaxed: private to this thread; a handshake or a publication comes before anybody else looks.
            // SAFETY: [S1] a slot of a live object.
            unsafe { slot::atomic(slot) }.store(value, Ordering::Relaxed);
        } else {
            // SAFETY: [B1] the same promises.
            unsafe { self.store_slow(source, slot, value) };
        }
    }

    /// The slow path.
    ///
    /// # Safety
    /// As [`Record::store`].
    #[cold]
    #[inline(never)]
    pub unsafe fn store_slow(&self, source: *mut Object, slot: Slot, value: *mut Object) {
        // SAFETY: [B1] the same promises.
        unsafe {
            match self.store_quick(source, slot, value) {
                Rest::Nothing => {}
                Rest::Publish => self.store_publishing(source, slot, value),
                Rest::All => self.store_fully(source, slot, value),
            }
        }
    }

    /// The slow path where its first two steps are none, or little: `value` is null, or public, or old while the source is
    /// private, and while armed it is marked, too; or it is young, and the source private and the one of which a slot was
    /// remembered last. Else nothing is done, and the answer says what is left to do. That alone may be a call, so this needs
    /// no frame.
    ///
    /// # Safety
    /// As [`Record::store`].
    #[inline(always)]
    pub unsafe fn store_quick(&self, source: *mut Object, slot: Slot, value: *mut Object) -> Rest {
        // SAFETY: [H2] the caller says that the source is live.
        let is_public = unsafe { (*source).flags() } & PUBLIC != 0;
        // SAFETY: [L1] only the owner calls.
        let local = unsafe { self.local() };
        // SAFETY: [H2] null or live, says the caller.
        if let Some(value) = unsafe { value.as_ref() } {
            let known = if is_public { PUBLIC } else { OLD | PUBLIC };
            if value.flags() & known == 0 {
                if is_public {
                    return Rest::Publish;
                }
                if !local.remembered.remember_again(source, slot) {
                    return Rest::All;
                }
            } else if local.phase == Phase::Armed && local.is_unmarked(value) {
                return Rest::All;
            }
        }
        // SAFETY: [S1] a slot of a live object.
        let field = unsafe { slot::atomic(slot) };
        // SAFETY: [B1] the value is known, and shaded if it must be.
        unsafe { self.write(local, field, is_public, value) };
        Rest::Nothing
    }

    /// The slow path where the source is public and `value` private, and young, so that there is nothing to shade, and
    /// published alone (`publish_alone`), as most are. Else answers false, and nothing is done.
    ///
    /// # Safety
    /// As [`Record::store`]; `value` is not null.
    #[inline(always)]
    pub unsafe fn store_alone(&self, slot: Slot, value: *mut Object) -> bool {
        // SAFETY: [L1] only the owner calls.
        let local = unsafe { self.local() };
        // SAFETY: [P1] live, and not public, so it is private to this mutator.
        if !unsafe { self.publish_alone(local, &*value) } {
            return false;
        }
        // SAFETY: [S1] a slot of a live object.
        let field = unsafe { slot::atomic(slot) };
        // SAFETY: [B1] the value is public, and young.
        unsafe { self.write(local, field, true, value) };
        true
    }

    /// So, or with all steps.
    #[inline(never)]
    unsafe fn store_publishing(&self, source: *mut Object, slot: Slot, value: *mut Object) {
        // SAFETY: [B1] the same promises.
        unsafe {
            if !self.store_alone(slot, value) {
                self.store_fully(source, slot, value);
            }
        }
    }

    /// The slow path with all steps.
    #[inline(never)]
    unsafe fn store_fully(&self, source: *mut Object, slot: Slot, value: *mut Object) {
        // SAFETY: [S1] a slot of a live object.
        let field = unsafe { slot::atomic(slot) };
        // SAFETY: [H2] the caller says that the source is live.
        if unsafe { (*source).flags() } & PUBLIC != 0 {
            // SAFETY: [B1] the source is public.
            unsafe { self.store_public(field, value) };
            return;
        }
        // SAFETY: [L1] only the owner calls.
        let local = unsafe { self.local() };
        if !value.is_null() {
            if local.phase == Phase::Armed {
                // SAFETY: [B2] the caller's value is live.
                unsafe { self.shade(local, value) };
            }
            // SAFETY: [H2] as above.
            if unsafe { (*value).flags() } & (OLD | PUBLIC) == 0 {
                // SAFETY: [B3] the source is private, and old: a young one would have taken the fast path.
                unsafe { local.remembered.remember(source, slot) };
            }
        }
        // SAFETY: [B1] the steps before are done.
        unsafe { self.write(local, field, false, value) };
    }

    /// Stores into a field of something public.
    ///
    /// # Safety
    /// Called by the owner; the field belongs to a public object or global root, `value` is null or valid.
    pub unsafe fn store_public(&self, field: &AtomicPtr<Object>, value: *mut Object) {
        // SAFETY: [L1] only the owner calls.
        let phase = unsafe { self.local() }.phase;
        if !value.is_null() {
            if phase == Phase::Armed {
                // SAFETY: [B2] the caller's value is live.
                unsafe { self.shade(self.local(), value) };
            }
            // SAFETY: [P1] the caller's value is public or its own.
            unsafe { self.publish(value) };
        }
        // SAFETY: [B1] the steps before are done.
        unsafe { self.write(self.local(), field, true, value) };
    }

    /// The third step: the write, which in a cycle shades what it overwrites.
    ///
    /// # Safety
    /// Called by the owner after the first two steps; the field is one of something public if it `is_public`, else of something
    /// private to this mutator.
    #[inline(always)]
    unsafe fn write(&self, local: &mut Local, field: &AtomicPtr<Object>, is_public: bool, value: *mut Object) {
        if local.phase == Phase::Idle {
            reference::put(field, value);
            return;
        }
        let old = if is_public {
            reference::exchange(field, value)
        } else {
            // Relaxed: only this mutator stores into what is private to it.
            let old = field.load(Ordering::Relaxed);
            // The marker that reads this slot sees the object: [F-put].
            reference::put(field, value);
            old
        };
        // SAFETY: [B2] what the field has held until now is live.
        unsafe { self.shade(local, old) };
    }

    /// Stores `value` into a slot of `source` if it holds `expected`, with the barrier; whether it did. On a public source
    /// this is one atomic step, and `value` is public afterwards in either case. Never collects.
    ///
    /// # Safety
    /// As [`Record::store`]; `expected` is null or valid.
    pub unsafe fn compare_store(
        &self,
        source: *mut Object,
        slot: Slot,
        expected: *mut Object,
        value: *mut Object,
    ) -> bool {
        // SAFETY: [S1] a slot of a live object.
        let field = unsafe { slot::atomic(slot) };
        // SAFETY: [H2] the caller says that the source is live.
        if unsafe { (*source).flags() } & PUBLIC != 0 {
            // SAFETY: [B1] the source is public.
            return unsafe { self.compare_store_public(field, expected, value) };
        }
        // Relaxed: only this mutator stores into what is private to it.
        let same = field.load(Ordering::Relaxed) == expected;
        if same {
            // SAFETY: [B1] the same promises.
            unsafe { self.store(source, slot, value) };
        }
        same
    }

    /// As [`Record::compare_store`], for a field of something public.
    ///
    /// # Safety
    /// As [`Record::store_public`].
    unsafe fn compare_store_public(
        &self,
        field: &AtomicPtr<Object>,
        expected: *mut Object,
        value: *mut Object,
    ) -> bool {
        // SAFETY: [L1] only the owner calls.
        let phase = unsafe { self.local() }.phase;
        if !value.is_null() {
            if phase == Phase::Armed {
                // SAFETY: [B2] the caller's value is live.
                unsafe { self.shade(self.local(), value) };
            }
            // SAFETY: [P1] the caller's value is public or its own.
            unsafe { self.publish(value) };
        }
        let stored = reference::replace(field, expected, value);
        if stored && phase != Phase::Idle {
            // SAFETY: [B2] what a public field held until now is live.
            unsafe { self.shade(self.local(), expected) };
        }
        stored
    }

    /// Marks an old unmarked object of the running cycle and buffers it; a young one needs nothing: its owner's snapshot
    /// or its promotion sees it.
    ///
    /// # Safety
    /// Called by the owner in a cycle; `object` is null or live, and public or private to this mutator.
    #[inline(always)]
    pub unsafe fn shade(&self, local: &mut Local, object: *mut Object) {
        // SAFETY: [H2] null or live, says the caller.
        if let Some(header) = unsafe { object.as_ref() }
            && local.is_unmarked(header)
        {
            self.make_grey(local, header);
        }
    }

    #[inline(never)]
    fn make_grey(&self, local: &mut Local, object: &Object) {
        object.set_mark(local.epoch);
        let grey = Grey::new(ptr::from_ref(object).cast_mut());
        if local.grey.len() < local.grey.capacity().min(BUFFER - 1) {
            local.grey.push(grey);
        } else {
            self.buffer_grey(local, grey);
        }
    }

    /// Where the buffer has to grow, or is full.
    #[cold]
    fn buffer_grey(&self, local: &mut Local, grey: Grey) {
        local.grey.push(grey);
        if local.grey.len() >= BUFFER {
            self.hand_over(local);
        }
    }
}

impl Local {
    /// Whether an object is old, and not marked by the running cycle.
    #[inline(always)]
    pub(super) fn is_unmarked(&self, object: &Object) -> bool {
        // Acquire: whoever sees OLD sees the mark that came with the promotion.
        object.flags_acquire() & OLD != 0 && object.mark() != self.epoch
    }
}
