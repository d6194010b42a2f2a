//! Sixty-four lines of a block, as several threads see them: which of them are free, or, while the block is `Mixed`, young.
//!
//! A block's set of lines is its owner's. Only while the block is `Mixed` others look, too: a marker that asks whether an
//! address is young.
//!
//! # Orderings
//! - [K-lines] a minor collection updates every slot → `set` (release) → `contains` (acquire) between the marker's two looks
//!   at a slot (INV-4). What the set was before comes with the kind, [K-old]: it is not changed when a block becomes `Mixed`.

use crate::sync::atomic::{AtomicU64, Ordering};

/// A bit for each of sixty-four lines. Zeroed memory has none.
#[derive(Debug)]
#[repr(transparent)]
pub struct LineWord(AtomicU64);

impl LineWord {
    /// Of lines outside of the tables, for checks of the protocols alone.
    #[cfg(loom)]
    pub fn new(lines: u64) -> LineWord {
        LineWord(AtomicU64::new(lines))
    }

    /// The lines, by the block's owner, or by who found the block in a pool.
    #[inline(always)]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Whether it has a line, by anybody. Acquire: [K-lines].
    #[inline(always)]
    pub fn contains(&self, line: usize) -> bool {
        self.0.load(Ordering::Acquire) >> line & 1 != 0
    }

    /// Changes the set, by the block's owner. Release: [K-lines].
    #[inline(always)]
    pub fn set(&self, lines: u64) {
        self.0.store(lines, Ordering::Release);
    }

    /// Adds lines, by the owner of a block that is part of a nursery.
    #[inline(always)]
    pub fn add(&self, lines: u64) {
        // Relaxed: in a `Mixed` block they are there already, and of a `Young` one nobody else asks for lines.
        self.0.store(self.0.load(Ordering::Relaxed) | lines, Ordering::Relaxed);
    }
}
