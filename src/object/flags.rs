//! The flags of an object: one byte of its header.
//!
//! While an object is private only its owner writes them, by plain stores; once it is public anybody may, by
//! read-modify-writes. The change from one to the other is the publication itself: the owner sets PUBLIC while nobody else
//! knows the object, and the store that makes it known comes later ([F-put]).
//!
//! # Orderings
//! - [H-old] the mark that a promotion gives → `set_shared` of OLD (release) → `get_acquire`: who sees OLD sees the mark.

use crate::sync::atomic::{
    AtomicU8,
    Ordering::{Acquire, Relaxed, Release},
};

/// Reachable from another thread; never moves again.
pub const PUBLIC: u8 = 1;
/// In the old generation.
pub const OLD: u8 = 2;
/// Private, old, and not in its owner's remembered set.
pub const UNLOGGED: u8 = 4;
/// Pinned while young: promoted in place.
pub const PINNED: u8 = 8;
/// Has a `PyObject`.
pub const LINKED: u8 = 16;
/// Its address has been given out as identity: promoted in place.
pub const HASHED: u8 = 32;

/// The flags of one object.
#[derive(Debug)]
#[repr(transparent)]
pub struct Flags(AtomicU8);

impl Flags {
    /// Of an object outside of the heap, for checks of the protocols alone.
    #[cfg(loom)]
    pub fn new(flags: u8) -> Flags {
        Flags(AtomicU8::new(flags))
    }

    /// Relaxed: enough for the owner, and for tests of PUBLIC by whoever already holds a reference.
    #[inline(always)]
    pub fn get(&self) -> u8 {
        self.0.load(Relaxed)
    }

    /// Acquire: [H-old].
    #[inline(always)]
    pub fn get_acquire(&self) -> u8 {
        self.0.load(Acquire)
    }

    /// Adds and removes flags of an object that only this thread can reach.
    #[inline(always)]
    pub fn set_private(&self, add: u8, remove: u8) {
        self.0.store(self.0.load(Relaxed) & !remove | add, Relaxed);
    }

    /// Adds flags to an object that other threads may reach. Release: [H-old].
    #[inline]
    pub fn set_shared(&self, add: u8) {
        self.0.fetch_or(add, Release);
    }
}
