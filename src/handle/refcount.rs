//! The reference count of a `PyObject`: `ob_refcnt`, which C code touches inline from any attached thread.
//!
//! One signed word: C references, plus one while the object is linked (the link *owns* that count), or the immortal bit,
//! which is tested before C's references are counted, so that immortal objects are never a contended cache line (PEP 683); a
//! link counts all the same. A count that grows absurdly saturates to immortal instead of overflowing. `handfast_inline.h`
//! does the same with C11 atomics; the constants are part of the C interface.
//!
//! # Orderings
//! - [C-last] every thread's use of the object → its `decref` (release) → the one that reaches zero (acquire fence), or the
//!   collector that reads a count of 1 (`get_acquire`): whoever frees sees all that was done before. All writes of a count
//!   that is shared are read-modify-writes, so each release reaches the last. Who reads 1 in the count of an object that is
//!   not linked and has a reference to it has the only one: nobody else may touch the count then, and it is zeroed by a
//!   plain store, at a sixth of the price of an exchange (`decref_unless`).
//! - `incref` is relaxed: who can count a reference already has one.

use crate::sync::atomic::{
    AtomicIsize,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};
use crate::sync::seen;

/// The bit that makes an object immortal.
pub const IMMORTAL: isize = 1 << 60;
/// A count that reaches this becomes immortal. Half of the bit's value, so that even as many increments that are under
/// way at once do not carry into it, nor as many decrements out of it.
const SATURATED: isize = 1 << 59;

/// What a decrement left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "at zero somebody has to free the object"]
pub enum Decref {
    /// References are left, or the object is immortal.
    Alive,
    /// That was the last: the caller deallocates. (If the object is linked, this is an underflow: the link's own count
    /// was taken. Give it back with [`RefCount::add_link`] and report.)
    Zero,
    /// There was none to drop; the count is as it was.
    Underflow,
}

/// What an increment did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incref {
    /// One more, or the object is immortal.
    Counted,
    /// The count was absurdly high: the object is immortal from now on. Told to one caller only, which reports it.
    Saturated,
}

/// A reference count.
#[derive(Debug)]
#[repr(transparent)]
pub struct RefCount(AtomicIsize);

impl RefCount {
    /// A count of `n`.
    #[cfg(not(loom))]
    pub const fn new(n: isize) -> Self {
        RefCount(AtomicIsize::new(n))
    }

    /// A count of `n`.
    #[cfg(loom)]
    pub fn new(n: isize) -> Self {
        RefCount(AtomicIsize::new(n))
    }

    /// One more C reference. The caller has one, or keeps the object alive by its GC side.
    #[inline]
    pub fn incref(&self) -> Incref {
        self.add()
    }

    /// One C reference less. After any answer but `Zero` the object may be gone: do not touch it.
    #[inline]
    pub fn decref(&self) -> Decref {
        self.sub(|| false)
    }

    /// The same, without an exchange where the reference is the only one of an object that is not linked, as `linked` says
    /// that is asked then: no link's count, so 1 is the caller's own, and what others did with theirs is over.
    #[inline]
    pub fn decref_unless(&self, linked: impl FnOnce() -> bool) -> Decref {
        self.sub(|| !linked())
    }

    /// The link's own count, when a pair is linked. An immortal object has one, too: what C holds is the count without it.
    pub fn add_link(&self) -> Incref {
        if self.incref_quick() { Incref::Counted } else { self.add_in_any_case() }
    }

    /// The link's own count back, when a pair is unlinked; an immortal object's, too.
    pub fn drop_link(&self) -> Decref {
        self.take()
    }

    /// The same in the frequent case: there is a reference already, and the count is far from saturation (by half the
    /// immortal bit, as above, so that nothing need be looked at afterwards). Else false, and nothing has happened.
    #[inline(always)]
    pub fn incref_quick(&self) -> bool {
        let ordinary = (self.0.load(Relaxed) as usize).wrapping_sub(1) < SATURATED as usize - 2;
        if ordinary {
            self.0.fetch_add(1, Relaxed);
        }
        ordinary
    }

    #[inline]
    fn add(&self) -> Incref {
        if self.incref_quick() { Incref::Counted } else { self.add_slow() }
    }

    #[cold]
    #[inline(never)]
    fn add_slow(&self) -> Incref {
        if self.0.load(Relaxed) & IMMORTAL != 0 {
            return Incref::Counted;
        }
        self.add_in_any_case()
    }

    /// One more, of an immortal object too.
    #[cold]
    fn add_in_any_case(&self) -> Incref {
        let before = self.0.fetch_add(1, Relaxed);
        // Whoever finds the bit set already was late, not first.
        if before >= SATURATED - 1 && self.0.fetch_or(IMMORTAL, Relaxed) & IMMORTAL == 0 {
            return Incref::Saturated;
        }
        Incref::Counted
    }

    #[inline]
    fn sub(&self, alone: impl FnOnce() -> bool) -> Decref {
        let now = self.0.load(Relaxed);
        // Two or more, and not immortal: one comparison for what is frequent.
        if (now as usize).wrapping_sub(2) >= IMMORTAL as usize - 2 {
            if now & IMMORTAL != 0 {
                return Decref::Alive;
            }
            // Acquire: [C-last], pairs with the release of every other decrement.
            if now == 1 && alone() && self.0.load(Acquire) == 1 {
                self.0.store(0, Relaxed);
                return Decref::Zero;
            }
        }
        self.take()
    }

    /// One less, of an immortal object too.
    #[inline]
    fn take(&self) -> Decref {
        // Release: [C-last].
        let before = self.0.fetch_sub(1, Release);
        if before > 1 {
            // Immortal since the test above: then the one taken is of those that it had, and no harm is done.
            return Decref::Alive;
        }
        if before == 1 {
            // Acquire: [C-last], pairs with the release of every other decrement.
            fence(Acquire);
            seen(&self.0);
            return Decref::Zero;
        }
        self.0.fetch_add(1, Relaxed);
        Decref::Underflow
    }

    /// The whole word. Acquire ([C-last]): a collector that reads 1 on a linked object sees all that C did with it.
    #[inline]
    pub fn get_acquire(&self) -> isize {
        self.0.load(Acquire)
    }

    /// Whether C holds the object of a link: more than the link's own count, or for ever. Acquire: [C-last].
    #[inline]
    pub fn is_held(&self) -> bool {
        let count = self.get_acquire();
        count > 1 || count & IMMORTAL != 0
    }

    /// Sets the word, while no other thread uses the object (or it is its only user's to reset, as in the dead queue).
    #[inline(always)]
    pub fn set(&self, n: isize) {
        self.0.store(n, Relaxed);
    }

    /// For ever. The count that it had stays below the bit and no longer changes.
    pub fn set_immortal(&self) {
        self.0.fetch_or(IMMORTAL, Relaxed);
    }

    /// Whether it is for ever.
    #[inline]
    pub fn is_immortal(&self) -> bool {
        self.0.load(Relaxed) & IMMORTAL != 0
    }

    /// The count without the immortal bit, the link's own included. Relaxed: for reports.
    pub fn count(&self) -> isize {
        self.0.load(Relaxed) & !IMMORTAL
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_last_reference_reports_zero() {
        let c = RefCount::new(1);
        c.incref();
        assert_eq!(c.count(), 2);
        assert_eq!(c.decref(), Decref::Alive);
        assert_eq!(c.decref(), Decref::Zero);
        assert_eq!(c.get_acquire(), 0);
    }

    #[test]
    fn an_underflow_changes_nothing() {
        let c = RefCount::new(0);
        assert_eq!(c.decref(), Decref::Underflow);
        assert_eq!(c.get_acquire(), 0);
    }

    #[test]
    fn a_link_owns_one_count() {
        let c = RefCount::new(1);
        c.add_link();
        assert_eq!(c.decref(), Decref::Alive);
        assert_eq!(c.get_acquire(), 1);
        assert_eq!(c.drop_link(), Decref::Zero);
    }

    #[test]
    fn an_immortal_count_does_not_move() {
        static COUNT: RefCount = RefCount::new(1);
        COUNT.set_immortal();
        for _ in 0..10 {
            assert_eq!(COUNT.decref(), Decref::Alive);
        }
        COUNT.incref();
        COUNT.add_link();
        assert_eq!(COUNT.drop_link(), Decref::Alive);
        assert!(COUNT.is_immortal());
        assert_eq!(COUNT.get_acquire(), IMMORTAL | 1);
        assert_eq!(COUNT.count(), 1);
    }

    #[test]
    fn an_immortal_link_owns_one_count_too() {
        let [before, after] = [RefCount::new(5), RefCount::new(5)];
        before.set_immortal();
        assert_eq!(before.add_link(), Incref::Counted);
        after.add_link();
        after.set_immortal();
        assert_eq!((before.get_acquire(), after.get_acquire()), (IMMORTAL | 6, IMMORTAL | 6));
        assert_eq!(before.drop_link(), Decref::Alive);
        assert_eq!(before.get_acquire(), IMMORTAL | 5);
    }

    #[test]
    fn a_huge_count_becomes_immortal_instead_of_overflowing() {
        let c = RefCount::new(0);
        c.set(SATURATED - 2);
        assert_eq!(c.incref(), Incref::Counted);
        assert!(!c.is_immortal());
        assert_eq!(c.incref(), Incref::Saturated);
        assert!(c.is_immortal());
        assert_eq!(c.incref(), Incref::Counted, "said once");
        assert_eq!(c.decref(), Decref::Alive);
        assert!(c.is_immortal());
    }
}
