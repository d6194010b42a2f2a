//! Whether a nursery grows: while size may help.
//!
//! Whether it does is only known of sizes that were tried. While a good part survives the nursery doubles. Where it cannot
//! any more and most survives the largest one, too, size has not helped, and the nursery goes back to its first size, which
//! is in the caches and makes short pauses. It tries again when several times as much has been allocated as a try takes, each
//! time after twice as long a wait, or at once when most no longer survives.

use crate::heap::block::BLOCK;

/// A nursery gets smaller when of so many times its first size, allocated on end, next to nothing has survived. One that
/// has grown out of the caches makes every allocation slower, so it should not take many of its collections to notice.
pub const FEW: usize = 8;

/// So many collections on end of the largest nursery show that size does not help: one may be that of a structure that stays.
const TRIES: usize = 2;

/// After how many times the largest nursery, allocated with the smallest, size is tried again: at first, and at most. A try
/// allocates some four times the largest one.
pub const WAIT: usize = 32;
pub const LONGEST_WAIT: usize = 16 * WAIT;

/// What the last collections of full nurseries say of the next size.
#[derive(Debug, Default)]
pub struct Growth {
    /// Bytes allocated on end of which nearly nothing survived.
    few: usize,
    /// Collections on end of the largest nursery which most survived.
    in_vain: usize,
    /// Bytes to allocate before the next try.
    wait: usize,
    /// The last wait, in times the largest nursery; 0 before the first.
    last_wait: usize,
}

impl Growth {
    /// The size in blocks that would be best after a collection of a full nursery of `blocks`, of whose `allocated` bytes so
    /// many survived for whose sake it might grow. It begins with `first` blocks and may have `limit`; the answer may be more.
    pub fn want(&mut self, allocated: usize, survived: usize, blocks: usize, first: usize, limit: usize) -> usize {
        self.few = if survived < allocated / 64 { self.few + allocated } else { 0 };
        if survived <= allocated / 5 * 4 {
            (self.in_vain, self.wait, self.last_wait) = (0, 0, 0);
            return if self.few >= FEW * first * BLOCK {
                self.few = 0;
                (blocks / 2).max(first)
            } else if survived > allocated / 24 {
                blocks * 2
            } else {
                blocks
            };
        }
        if self.wait > 0 {
            self.wait = self.wait.saturating_sub(allocated);
            return first;
        }
        if blocks <= limit / 2 || blocks < first * 2 {
            self.in_vain = 0;
            return blocks * 2;
        }
        self.in_vain += 1;
        if self.in_vain < TRIES {
            return blocks * 2;
        }
        self.in_vain = 0;
        self.last_wait = (self.last_wait * 2).clamp(WAIT, LONGEST_WAIT);
        self.wait = self.last_wait * blocks * BLOCK;
        first
    }
}
