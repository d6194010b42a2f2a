//! A mutator's nursery: a handful of blocks, filled one after the other by bumping a cursor.
//!
//! Blocks are taken from the heap when they are first needed and kept from one minor collection to the next; only a
//! block in which something was promoted in place is given up and replaced. In checked builds (feature `debug`) a nursery
//! holds more blocks than it fills between two minor collections and takes them in turn, so that a stale address is
//! recognised for a while.

use crate::heap::Memory;
use crate::heap::block::{BLOCK, Kind, LINES, LineSet};
use crate::object::Object;

/// How many times its capacity a nursery holds, so that blocks rest between two uses.
#[cfg(feature = "debug")]
const TURNS: usize = 2;
#[cfg(not(feature = "debug"))]
const TURNS: usize = 1;

/// The blocks of a nursery.
#[derive(Debug, Default)]
pub struct Nursery {
    blocks: Vec<u32>,
    /// Blocks handed out since the last minor collection.
    used: usize,
    capacity: usize,
    /// Blocks in which objects wait (`waiting.rs`).
    waiting: Vec<u32>,
}

impl Nursery {
    /// An empty nursery of at most `capacity` blocks.
    pub fn new(capacity: usize) -> Nursery {
        Nursery { blocks: Vec::with_capacity(capacity), used: 0, capacity, waiting: Vec::new() }
    }

    /// The next block to fill, as a range of addresses; `None` when the nursery is full or the heap has no block left.
    pub fn next_block(&mut self, memory: &Memory) -> Option<(usize, usize)> {
        if self.used == self.capacity {
            return None;
        }
        if self.used == self.blocks.len() || TURNS > 1 && self.blocks.len() < TURNS * self.capacity {
            match memory.take_free(Kind::Young) {
                Some(block) => {
                    // While a block is young, its free-line word collects the lines of objects promoted in place.
                    memory.blocks.set_free_lines(block, LineSet::NONE);
                    memory.blocks.clear_starts(block, 0..LINES);
                    #[cfg(feature = "debug")]
                    // SAFETY: [N3] a block just taken. What is not allocated must not look like an object.
                    unsafe {
                        std::ptr::write_bytes(memory.blocks.address_of(block) as *mut u8, 0xDB, BLOCK);
                    }
                    self.blocks.insert(self.used, block);
                }
                // Better one that has not rested than none.
                None if self.used < self.blocks.len() => {}
                None => return None,
            }
        }
        let start = memory.blocks.address_of(self.blocks[self.used]);
        self.used += 1;
        Some((start, start + BLOCK))
    }

    /// Its size in blocks from now on. Right after a minor collection: blocks beyond it are given back.
    pub fn resize(&mut self, memory: &Memory, capacity: usize) {
        self.capacity = capacity;
        self.keep(memory, capacity);
    }

    /// Gives back what is more than so many blocks. Right after a minor collection; they are taken again when needed.
    pub fn keep(&mut self, memory: &Memory, capacity: usize) {
        for block in self.blocks.drain((TURNS * capacity).min(self.blocks.len())..) {
            memory.give_free(block);
        }
    }

    /// How many blocks may be put aside for objects that wait.
    pub fn spare(&self) -> usize {
        (self.capacity / 4).max(1)
    }

    /// Whether anything was handed out since the last minor collection.
    pub fn in_use(&self) -> bool {
        self.used != 0
    }

    /// Whether no object is young: nothing was handed out since the last minor collection, and nothing waits.
    pub fn is_empty(&self) -> bool {
        self.used == 0 && self.waiting.is_empty()
    }

    /// Bytes handed out since the last minor collection, given the cursor in the last block.
    pub fn bytes(&self, memory: &Memory, cursor: usize) -> usize {
        match self.used {
            0 => 0,
            n => (n - 1) * BLOCK + cursor.saturating_sub(memory.blocks.address_of(self.blocks[n - 1])),
        }
    }

    /// After a minor collection: blocks with objects promoted in place leave the nursery, the others are used again.
    /// `recycle` says whether their holes may be reused at once. Blocks with objects that wait are put aside.
    pub fn reset(&mut self, memory: &Memory, recycle: bool, waiting: &[*mut Object]) {
        let mut blocks: Vec<u32> = waiting.iter().map(|&object| memory.blocks.block_of(object as usize)).collect();
        blocks.dedup();
        for block in std::mem::replace(&mut self.waiting, blocks) {
            match memory.blocks.free_lines(block) {
                _ if self.waiting.contains(&block) => {}
                LineSet::NONE => memory.give_free(block),
                occupied if recycle => memory.give_recyclable(block, occupied.others()),
                _ => memory.blocks.set_kind(block, Kind::Old),
            }
        }
        let used = std::mem::take(&mut self.used);
        let before = self.blocks.len();
        self.blocks.retain(|&block| {
            let occupied = memory.blocks.free_lines(block);
            if occupied.is_empty() {
                return !self.waiting.contains(&block);
            }
            if recycle {
                memory.give_recyclable(block, occupied.others());
            } else {
                memory.blocks.set_kind(block, Kind::Old);
            }
            false
        });
        if TURNS > 1 {
            // Only blocks that were used have left. The others have their turn.
            let left = before - self.blocks.len();
            self.blocks.rotate_left(used - left);
        }
    }

    /// Whether a block is one of those handed out since the last minor collection, or one in which objects wait.
    #[cfg(feature = "debug")]
    pub fn holds(&self, block: u32) -> bool {
        self.waiting.contains(&block) || self.blocks[..self.used].contains(&block)
    }

    /// Gives every block back: the mutator leaves, or is told to by memory pressure. Nothing in them is alive.
    pub fn give_up(&mut self, memory: &Memory) {
        self.used = 0;
        debug_assert!(self.waiting.is_empty());
        for block in self.blocks.drain(..) {
            memory.give_free(block);
        }
    }

    /// The blocks handed out since the last minor collection, for verification.
    pub fn filled(&self) -> &[u32] {
        &self.blocks[..self.used]
    }

    /// The blocks in which objects wait; they are none of the others.
    pub fn waiting(&self) -> &[u32] {
        &self.waiting
    }

    /// The blocks, for verification and poisoning.
    pub fn blocks(&self) -> &[u32] {
        &self.blocks
    }
}
