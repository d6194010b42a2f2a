//! The evacuation allocator: where a mutator's minor collections put survivors.
//!
//! Thread-local bump allocation into the holes of recyclable blocks (Immix: Blackburn and McKinley, PLDI 2008). An
//! object of more than two lines that does not fit into the present hole goes to an overflow block instead, so that it
//! does not waste the hole. A hole's lines are marked when it is left, with the colour its owner promotes with, so that
//! a sweep of that colour keeps them; the allocator is therefore retired before the owner changes its colour.

use super::Memory;
use super::block::{BLOCK, Kind, LINE, LINE_SHIFT, LineSet, NO_BLOCK};

/// Objects of more bytes than this do not look through holes that are too small for them.
const MEDIUM: usize = 2 * LINE;

/// One bump region and the block that it lies in.
#[derive(Debug)]
struct Region {
    start: usize,
    cursor: usize,
    limit: usize,
    block: u32,
    /// Lines of the block not yet offered.
    holes: LineSet,
}

impl Region {
    const fn none() -> Region {
        Region { start: 0, cursor: 0, limit: 0, block: NO_BLOCK, holes: LineSet::NONE }
    }

    /// Moves on to the next hole of the block.
    fn next_hole(&mut self, memory: &Memory, colour: u8) -> bool {
        self.leave_hole(memory, colour);
        if self.block == NO_BLOCK {
            return false;
        }
        let Some(run) = self.holes.take_run() else { return false };
        self.start = memory.blocks.address_of(self.block) + (run.start << LINE_SHIFT);
        self.cursor = self.start;
        self.limit = self.start + (run.len() << LINE_SHIFT);
        memory.blocks.clear_starts(self.block, run);
        true
    }

    /// Marks the lines that were filled.
    fn leave_hole(&mut self, memory: &Memory, colour: u8) {
        if self.cursor > self.start {
            memory.blocks.mark_lines(self.start, self.cursor - self.start, colour);
        }
        (self.start, self.cursor, self.limit) = (0, 0, 0);
    }

    fn retire(&mut self, memory: &Memory, colour: u8) {
        if self.block != NO_BLOCK {
            let block = std::mem::replace(&mut self.block, NO_BLOCK);
            memory.blocks.give_up(block, || self.leave_hole(memory, colour));
        }
        self.holes = LineSet::NONE;
    }
}

/// A mutator's own allocator in the old generation.
#[derive(Debug)]
pub struct EvacuationAllocator {
    small: Region,
    overflow: Region,
}

impl EvacuationAllocator {
    /// An allocator without a block.
    pub const fn new() -> EvacuationAllocator {
        EvacuationAllocator { small: Region::none(), overflow: Region::none() }
    }

    /// Memory for a survivor, null when there is none: the object is then promoted in place.
    #[inline(always)]
    pub fn alloc(&mut self, memory: &Memory, bytes: usize, colour: u8) -> *mut u8 {
        let at = self.small.cursor;
        if at + bytes <= self.small.limit {
            self.small.cursor = at + bytes;
            return at as *mut u8;
        }
        self.alloc_slow(memory, bytes, colour)
    }

    #[cold]
    fn alloc_slow(&mut self, memory: &Memory, bytes: usize, colour: u8) -> *mut u8 {
        debug_assert!(bytes <= BLOCK / 2);
        if bytes > MEDIUM && self.small.limit != 0 {
            let at = self.overflow.cursor;
            if at + bytes <= self.overflow.limit {
                self.overflow.cursor = at + bytes;
                return at as *mut u8;
            }
            self.overflow.retire(memory, colour);
            if let Some(block) = memory.take_free(Kind::Active) {
                self.overflow = Region { block, holes: LineSet::ALL, ..Region::none() };
                self.overflow.next_hole(memory, colour);
                let at = self.overflow.cursor;
                self.overflow.cursor += bytes;
                return at as *mut u8;
            }
        }
        loop {
            while self.small.next_hole(memory, colour) {
                if bytes <= self.small.limit - self.small.cursor {
                    let at = self.small.cursor;
                    self.small.cursor += bytes;
                    return at as *mut u8;
                }
            }
            self.small.retire(memory, colour);
            let Some((block, holes)) = memory.take_recyclable() else {
                let Some(block) = memory.take_free(Kind::Active) else { return std::ptr::null_mut() };
                self.small = Region { block, holes: LineSet::ALL, ..Region::none() };
                continue;
            };
            self.small = Region { block, holes, ..Region::none() };
        }
    }

    /// Gives its blocks up: they are old from now on. Before the owner's colour changes, and when it leaves.
    pub fn retire(&mut self, memory: &Memory, colour: u8) {
        self.small.retire(memory, colour);
        self.overflow.retire(memory, colour);
    }

    /// The blocks that it fills, for verification: number, the bytes filled since the present hole was entered, and the
    /// lines not yet offered.
    pub fn regions(&self) -> impl Iterator<Item = (u32, std::ops::Range<usize>, LineSet)> {
        let filled = |region: &Region| {
            (region.block != NO_BLOCK).then_some((region.block, region.start..region.cursor, region.holes))
        };
        [filled(&self.small), filled(&self.overflow)].into_iter().flatten()
    }

    /// Whether an address lies in a block that this allocator fills.
    #[cfg(test)]
    fn holds(&self, address: usize, base: usize) -> bool {
        let block = ((address - base) / BLOCK) as u32;
        block == self.small.block || block == self.overflow.block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_holes_and_marks_their_lines() {
        let memory = Memory::new(16 << 20, false).unwrap();
        let mut evac = EvacuationAllocator::new();
        let first = evac.alloc(&memory, 64, 3) as usize;
        assert!(evac.holds(first, memory.base()));
        // 5 objects of 240 bytes: two lines' worth do not overlap.
        let mut last = first;
        for _ in 0..5 {
            let at = evac.alloc(&memory, 240, 3) as usize;
            assert!(at >= last + 64);
            last = at;
        }
        evac.retire(&memory, 3);
        let block = memory.blocks.block_of(first);
        assert_eq!(memory.blocks.kind(block), Kind::Old);
        let marked = memory
            .blocks
            .line_marks(block)
            .iter()
            .filter(|m| m.load(crate::sync::atomic::Ordering::Relaxed) == 3)
            .count();
        assert_eq!(marked, (64 + 5 * 240usize).div_ceil(LINE));
        // Swept with that colour the rest of the block is a hole.
        assert!(memory.blocks.claim(block, Kind::Old, Kind::Sweeping));
        memory.sweep_block(block, 3);
        assert_eq!(memory.blocks.kind(block), Kind::Recyclable);
        let again = evac.alloc(&memory, 64, 3) as usize;
        assert_eq!(memory.blocks.block_of(again), block);
        assert_eq!(again, first + marked * LINE);
    }

    #[test]
    fn a_sweep_leaves_no_mark_that_could_come_back() {
        let memory = Memory::new(16 << 20, false).unwrap();
        let mut evac = EvacuationAllocator::new();
        let (old, kept) = (evac.alloc(&memory, 2 * LINE, 3) as usize, evac.alloc(&memory, 64, 3) as usize);
        evac.retire(&memory, 3);
        let block = memory.blocks.block_of(old);
        // The next cycle finds only the second object; 255 cycles later its number is 3 again.
        memory.blocks.mark_lines(kept, 64, 4);
        assert!(memory.blocks.claim(block, Kind::Old, Kind::Sweeping));
        memory.sweep_block(block, 4);
        let marks: Vec<u8> =
            memory.blocks.line_marks(block).iter().map(|m| m.load(crate::sync::atomic::Ordering::Relaxed)).collect();
        assert_eq!(marks[..4], [0, 0, 4, 0]);
    }

    #[test]
    fn medium_objects_do_not_waste_small_holes() {
        let memory = Memory::new(16 << 20, false).unwrap();
        let mut evac = EvacuationAllocator::new();
        for _ in 0..3 {
            assert!(!evac.alloc(&memory, 8 << 10, 1).is_null());
        }
        assert!(!evac.alloc(&memory, 64, 1).is_null());
        let medium = evac.alloc(&memory, 8 << 10, 1) as usize;
        let next = evac.alloc(&memory, 64, 1) as usize;
        assert_ne!(memory.blocks.block_of(medium), memory.blocks.block_of(next));
    }

    #[test]
    fn says_when_memory_is_out() {
        let memory = Memory::new(4 << 20, false).unwrap();
        let mut evac = EvacuationAllocator::new();
        let mut n = 0usize;
        while !evac.alloc(&memory, 1024, 1).is_null() {
            n += 1;
            assert!(n < 1 << 20);
        }
        assert!(n >= 4 << 10 >> 1, "used {n} KiB of 4 MiB");
        assert!(memory.used() <= 4 << 20);
    }
}
