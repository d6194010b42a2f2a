//! Who sweeps which block: after a cycle every old block is swept once, by whoever takes its number first.
//!
//! The collector works through all numbers; a mutator that needs a block takes some itself and sweeps them, so that it
//! does not wait (lazy sweep). A number says only whose turn it is: whether the block is to be swept is decided by
//! [`KindByte::claim`](super::kind::KindByte::claim), `Old` to `Sweeping`.

use crate::sync::atomic::{AtomicU8, AtomicU32, Ordering};

/// The numbers of one heap that are still to be taken.
#[derive(Debug)]
pub struct SweepTurns {
    /// The next block to sweep; at or past `end`: nothing left.
    cursor: AtomicU32,
    end: AtomicU32,
    epoch: AtomicU8,
}

impl SweepTurns {
    /// None.
    pub fn new() -> SweepTurns {
        SweepTurns { cursor: AtomicU32::new(0), end: AtomicU32::new(0), epoch: AtomicU8::new(0) }
    }

    /// Hands out `blocks` numbers for the sweep of the cycle `epoch`. By the collector, when the last sweep is over.
    pub fn begin(&self, epoch: u8, blocks: u32) {
        self.epoch.store(epoch, Ordering::Relaxed);
        self.end.store(blocks, Ordering::Relaxed);
        // Release: whoever takes a number sees the epoch and the end.
        self.cursor.store(0, Ordering::Release);
    }

    /// The next number, and the cycle whose marks count. `None`: all are taken.
    pub fn take(&self) -> Option<(u32, u8)> {
        let end = self.end.load(Ordering::Relaxed);
        if self.cursor.load(Ordering::Relaxed) >= end {
            return None;
        }
        let block = self.cursor.fetch_add(1, Ordering::AcqRel);
        if block >= self.end.load(Ordering::Relaxed) {
            return None;
        }
        Some((block, self.epoch.load(Ordering::Relaxed)))
    }
}

impl Default for SweepTurns {
    fn default() -> SweepTurns {
        SweepTurns::new()
    }
}
