//! The evacuation allocator: where a mutator's minor collections put survivors.
//!
//! Thread-local bump allocation into the holes of recyclable blocks (Immix: Blackburn and McKinley, PLDI 2008). An
//! object of more than two lines that does not fit into the present hole goes to an overflow block instead, so that it
//! does not waste the hole. An object that nearly fills a line begins on a new one where little is lost by it: at random
//! replacement a line is filled again only when all in it have died, so what shares its line with nobody leaves a hole that
//! fits the next of its size. A hole's lines are marked when it is left, with the colour its owner promotes with, so that
//! a sweep of that colour keeps them; the allocator is therefore retired before the owner changes its colour.

use super::block::{BLOCK, Kind, LINE, LINE_SHIFT, LineSet, NO_BLOCK};
use super::{LAZY_SWEEP, Memory};
use crate::object::slot;

/// Objects of more bytes than this do not look through holes that are too small for them.
const MEDIUM: usize = 2 * LINE;

/// An object of more bytes than this begins on a new line if less than [`TAIL`] bytes of the present one are left.
const NEARLY_A_LINE: usize = LINE - TAIL;

/// The end of a line that may be left empty for that.
const TAIL: usize = LINE / 4;

/// Whether an object of so many bytes nearly fills a line, so that it should not lie on two.
pub fn nearly_fills_line(bytes: usize) -> bool {
    (NEARLY_A_LINE + 1..=LINE).contains(&bytes)
}

/// Where an object of so many bytes is to begin, in a hole that is filled up to `cursor`: there, or on the next line.
#[inline(always)]
fn start_for(cursor: usize, bytes: usize) -> usize {
    let tail = cursor.wrapping_neg() % LINE;
    if bytes > NEARLY_A_LINE && tail < TAIL { cursor + tail } else { cursor }
}

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
        self.ask_for_next(memory);
        true
    }

    /// Asks for the memory of the hole after this one. Holes lie where objects have died, and nothing else knows where that
    /// is: without this the first stores into each wait for memory, and what comes after them waits, too.
    #[inline]
    fn ask_for_next(&self, memory: &Memory) {
        if let Some(line) = self.holes.first() {
            let at = (memory.blocks.address_of(self.block) + (line << LINE_SHIFT)) as *mut u8;
            slot::prefetch(at);
            slot::prefetch(at.wrapping_add(LINE / 2));
        }
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
        if bytes > NEARLY_A_LINE {
            return self.alloc_line(memory, bytes, colour);
        }
        let at = self.small.cursor;
        if at + bytes <= self.small.limit {
            self.small.cursor = at + bytes;
            return at as *mut u8;
        }
        self.alloc_slow(memory, bytes, colour)
    }

    /// The same, for what is to begin on a new line. Apart, since most objects are small and copied in a few instructions.
    #[inline(never)]
    fn alloc_line(&mut self, memory: &Memory, bytes: usize, colour: u8) -> *mut u8 {
        let at = start_for(self.small.cursor, bytes);
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
            let at = start_for(self.overflow.cursor, bytes);
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
            let block = memory
                .take_recyclable(LAZY_SWEEP)
                .or_else(|| memory.take_free(Kind::Active).map(|block| (block, LineSet::ALL)))
                .or_else(|| memory.take_recyclable(usize::MAX));
            let Some((block, holes)) = block else { return std::ptr::null_mut() };
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
    use crate::sync::atomic::Ordering::Relaxed;

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
        let marked = memory.blocks.line_marks(block).iter().filter(|m| m.load(Relaxed) == 3).count();
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
        let marks: Vec<u8> = memory.blocks.line_marks(block).iter().map(|m| m.load(Relaxed)).collect();
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

    /// Bytes of occupied lines of what lives: after objects of these sizes were made one after the other, and when most
    /// have been replaced, a quarter of them at random from one sweep to the next.
    fn occupied(sizes: &[usize]) -> (f64, f64) {
        const OBJECTS: usize = 1 << 13;
        let memory = Memory::new(16 << 20, false).unwrap();
        let mut evac = EvacuationAllocator::new();
        let mut state = 88_172_645_463_325_252_u64;
        let mut random = |n: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 20) as usize % n
        };
        let bytes: Vec<usize> = (0..OBJECTS).map(|_| sizes[random(sizes.len())]).collect();
        let mut objects: Vec<usize> = bytes.iter().map(|&bytes| evac.alloc(&memory, bytes, 1) as usize).collect();
        let mut after = Vec::new();
        for epoch in 2..26 {
            evac.retire(&memory, epoch - 1);
            for (&at, &bytes) in objects.iter().zip(&bytes) {
                memory.blocks.mark_lines(at, bytes, epoch);
            }
            memory.begin_sweep(epoch);
            while memory.sweep_next() {}
            let marks = (0..memory.block_count()).flat_map(|block| memory.blocks.line_marks(block));
            let lines = marks.filter(|mark| mark.load(Relaxed) == epoch).count();
            after.push((lines * LINE) as f64 / bytes.iter().sum::<usize>() as f64);
            for _ in 0..OBJECTS / 4 {
                let i = random(OBJECTS);
                objects[i] = evac.alloc(&memory, bytes[i], epoch) as usize;
            }
        }
        (after[0], after[after.len() - 8..].iter().sum::<f64>() / 8.0)
    }

    #[test]
    fn what_nearly_fills_a_line_shares_it_with_nobody() {
        // In comments: with objects one after the other, wherever lines end.
        let cases: [(&[usize], f64, f64); 13] = [
            (&[24], 1.00, 2.46),
            (&[32], 1.00, 2.09),
            (&[40], 1.00, 2.01),
            (&[48], 1.00, 1.98),
            (&[56], 1.00, 1.79),
            (&[64], 1.00, 1.50),
            (&[80], 1.00, 1.62),
            (&[96], 1.00, 1.47),
            (&[104], 1.23, 1.23),         // 1.00, 1.42
            (&[112], 1.14, 1.14),         // 1.00, 1.33
            (&[120], 1.07, 1.07),         // 1.00, 1.24
            (&[128], 1.00, 1.00),         // 1.00, 1.00
            (&[24, 40, 112], 1.02, 1.73), // 1.00, 1.76
        ];
        for (sizes, fresh, worn) in cases {
            let found = occupied(sizes);
            let near = |a: f64, b: f64| (a - b).abs() < 0.03;
            assert!(near(found.0, fresh) && near(found.1, worn), "{sizes:?}: {found:.3?}, not {fresh} and {worn}");
        }
    }

    #[test]
    fn at_the_limit_a_hole_is_looked_for_in_all_blocks() {
        let memory = Memory::new(4 << 20, false).unwrap();
        let mut evac = EvacuationAllocator::new();
        let objects: Vec<usize> = (0..4 << 10).map(|_| evac.alloc(&memory, 1024, 1) as usize).collect();
        assert!(evac.alloc(&memory, 1024, 1).is_null(), "all memory is in use");
        evac.retire(&memory, 1);
        // Everything is alive but the first object, which lies in the block that is swept last.
        objects.iter().filter(|&&at| at != memory.base()).for_each(|&at| memory.blocks.mark_lines(at, 1024, 2));
        memory.begin_sweep(2);
        assert_eq!(evac.alloc(&memory, 1024, 2) as usize, memory.base());
        assert!(evac.alloc(&memory, 1024, 2).is_null());
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
