//! Who sweeps which block: after a cycle every old block is swept once, by whoever takes its turn first.
//!
//! The collector works through all blocks; a mutator that needs one takes some turns itself, so that it does not wait
//! (lazy sweep). A turn says only whose business a block is: whether the block is to be swept is decided by
//! [`KindByte::claim`](super::kind::KindByte::claim), `Old` to `Sweeping`.
//!
//! How many turns are left and which cycle they belong to is *one* word. A mutator may take a turn at the very moment at
//! which the collector begins a sweep: with words of their own it could see the new turns and the old cycle, and sweep a
//! live block by marks that are one cycle old.
//!
//! # Orderings
//! - [W-turn] blocks that became old before → `begin` (release) → `take` (acquire). Takes are read-modify-writes, so the
//!   release reaches the last of them.

use crate::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

/// The turns of one heap that are still to be taken.
///
/// ```text
///   number of the cycle (8 bits) | blocks that are left (32 bits): the next turn is that of the highest
/// ```
#[derive(Debug)]
#[repr(transparent)]
pub struct SweepTurns(AtomicU64);

impl SweepTurns {
    /// None.
    pub fn new() -> SweepTurns {
        SweepTurns(AtomicU64::new(0))
    }

    /// A turn for each of the first `blocks` blocks, in the sweep of the cycle `epoch`. By the collector, when all turns of
    /// the last sweep are taken.
    pub fn begin(&self, epoch: u8, blocks: u32) {
        // Release: [W-turn].
        self.0.store((epoch as u64) << 32 | blocks as u64, Release);
    }

    /// A block, and the cycle whose marks count. `None`: all turns are taken.
    pub fn take(&self) -> Option<(u32, u8)> {
        let mut word = self.0.load(Relaxed);
        loop {
            let block = (word as u32).checked_sub(1)?;
            // Acquire: [W-turn].
            match self.0.compare_exchange_weak(word, word - 1, Acquire, Relaxed) {
                Ok(_) => return Some((block, (word >> 32) as u8)),
                Err(now) => word = now,
            }
        }
    }
}

impl Default for SweepTurns {
    fn default() -> SweepTurns {
        SweepTurns::new()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_block_has_one_turn_in_each_sweep() {
        let turns = SweepTurns::new();
        assert_eq!(turns.take(), None);
        for epoch in [1, 255] {
            turns.begin(epoch, 3);
            let taken: Vec<_> = std::iter::from_fn(|| turns.take()).collect();
            assert_eq!(taken, [(2, epoch), (1, epoch), (0, epoch)]);
            assert_eq!(turns.take(), None);
        }
    }
}
