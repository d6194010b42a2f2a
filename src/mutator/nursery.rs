//! A mutator's nursery: a handful of blocks, filled one after the other by bumping a cursor.
//!
//! Blocks are taken from the heap when they are first needed and kept from one minor collection to the next; only a
//! block in which something was promoted in place is given up and replaced. In checked builds (feature `debug`) a nursery
//! holds more blocks than it fills between two minor collections and takes them in turn, so that a stale address is
//! recognised for a while.
//!
//! What replaces a block may be holes of old blocks, while most of what survives is public. Else a program that publishes a part
//! of what it allocates would leave a row of blocks that are mostly empty, and take fresh ones for ever: its nursery would never
//! see the holes, since what is published is not copied into any. Such a block is `Mixed`: its free lines are young, the others
//! old as before. It goes back with the next minor collection. Where survivors are copied, they need the holes, and the nursery
//! keeps its blocks.

use crate::heap::Memory;
use crate::heap::block::{BLOCK, Kind, LINE, LINE_SHIFT, LINES, LineSet};
use crate::object::Object;
use std::ops::Range;

/// How many times its capacity a nursery holds, so that blocks rest between two uses.
#[cfg(feature = "debug")]
const TURNS: usize = 2;
#[cfg(not(feature = "debug"))]
const TURNS: usize = 1;

/// So many blocks without a fitting run are taken at most between two minor collections: nobody else can fill their holes
/// meanwhile.
const MISSES: usize = 8;

/// The blocks of a nursery.
#[derive(Debug, Default)]
pub struct Nursery {
    blocks: Vec<u32>,
    /// Blocks handed out since the last minor collection.
    used: usize,
    capacity: usize,
    /// Blocks in which objects wait (`waiting.rs`).
    waiting: Vec<u32>,
    /// Blocks taken since the last minor collection whose free lines are ours.
    mixed: Vec<u32>,
    /// Lines of the last of them that were not handed out yet.
    rest: LineSet,
    /// How many of them had no run that was long enough.
    misses: usize,
    /// The part that was handed out last: addresses.
    region: Range<usize>,
    /// Bytes of the parts that were handed out before since the last minor collection.
    filled: usize,
    /// What survives is mostly public, and stays where it is.
    stays: bool,
}

impl Nursery {
    /// An empty nursery of at most `capacity` blocks.
    pub fn new(capacity: usize) -> Nursery {
        Nursery { blocks: Vec::with_capacity(capacity), capacity, ..Nursery::default() }
    }

    /// The next part to fill, a range of addresses of at least `bytes`; `None` when the nursery is full or the heap has no
    /// memory for it left.
    pub fn next_region(&mut self, memory: &Memory, bytes: usize) -> Option<Range<usize>> {
        let filled = self.filled + self.region.len();
        if filled >= self.capacity * BLOCK {
            return None;
        }
        self.region = self.own_block(memory).or_else(|| self.hole(memory, bytes)).or_else(|| self.new_block(memory))?;
        self.filled = filled;
        Some(self.region.clone())
    }

    /// A block that was part of the nursery before.
    fn own_block(&mut self, memory: &Memory) -> Option<Range<usize>> {
        let resting = TURNS == 1 || self.blocks.len() >= TURNS * self.capacity;
        (self.used < self.blocks.len() && resting).then(|| self.hand_out(memory))
    }

    /// A run of free lines, of the block that is in use or of the next one with holes.
    fn hole(&mut self, memory: &Memory, bytes: usize) -> Option<Range<usize>> {
        // What is copied needs the holes itself. And blocks of its own come first, be it that they have not rested.
        if !self.stays && !cfg!(gc_zeal) || self.used < self.blocks.len() {
            return None;
        }
        let least = bytes.div_ceil(LINE);
        let mut taken = false;
        loop {
            while let Some(run) = self.rest.take_run() {
                if run.len() >= least {
                    let block = memory.blocks.address_of(*self.mixed.last()?);
                    return Some(block + (run.start << LINE_SHIFT)..block + (run.end << LINE_SHIFT));
                }
            }
            self.misses += usize::from(taken);
            if self.misses >= MISSES || !memory.has_more_holes() {
                return None;
            }
            let (block, free) = memory.take_mixed()?;
            poison(memory, block, free);
            self.mixed.push(block);
            self.rest = free;
            taken = true;
        }
    }

    /// A block that was free; better one that has not rested than none.
    fn new_block(&mut self, memory: &Memory) -> Option<Range<usize>> {
        if let Some(block) = memory.take_free(Kind::Young) {
            // While a block is young, its free-line word collects the lines of objects promoted in place.
            memory.blocks.set_free_lines(block, LineSet::NONE);
            memory.blocks.clear_starts(block, 0..LINES);
            poison(memory, block, LineSet::ALL);
            self.blocks.insert(self.used, block);
        }
        (self.used < self.blocks.len()).then(|| self.hand_out(memory))
    }

    fn hand_out(&mut self, memory: &Memory) -> Range<usize> {
        let start = memory.blocks.address_of(self.blocks[self.used]);
        self.used += 1;
        start..start + BLOCK
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

    /// A minor collection promoted so many bytes, and so many of them because they were public.
    pub fn look_at(&mut self, promoted: usize, public: usize) {
        if promoted > 0 {
            self.stays = public > promoted / 2;
        }
    }

    /// How many blocks may be put aside for objects that wait.
    pub fn spare(&self) -> usize {
        (self.capacity / 4).max(1)
    }

    /// Whether anything was handed out since the last minor collection.
    pub fn in_use(&self) -> bool {
        !self.region.is_empty()
    }

    /// Whether no object is young: nothing was handed out since the last minor collection, and nothing waits.
    pub fn is_empty(&self) -> bool {
        self.region.is_empty() && self.waiting.is_empty()
    }

    /// Bytes handed out since the last minor collection, given the cursor in the last part.
    pub fn bytes(&self, cursor: usize) -> usize {
        self.filled + cursor.saturating_sub(self.region.start).min(self.region.len())
    }

    /// After a minor collection: blocks with objects promoted in place leave the nursery, the others are used again.
    /// `recycle` says whether their holes may be reused at once; in a block that was old before, only if no sweep has passed it
    /// by. Survivors have the mark `colour`. Blocks with objects that wait are put aside.
    pub fn reset(&mut self, memory: &Memory, colour: u8, recycle: bool, waiting: &[*mut Object]) {
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
        for block in std::mem::take(&mut self.mixed) {
            let (free, swept) = memory.blocks.left_of_mixed(block, colour);
            poison(memory, block, free);
            if recycle && swept {
                memory.give_recyclable(block, free);
            } else {
                memory.blocks.set_kind(block, Kind::Old);
            }
        }
        (self.rest, self.region, self.filled, self.misses) = (LineSet::NONE, 0..0, 0, 0);
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
        self.blocks.iter().for_each(|&block| poison(memory, block, LineSet::ALL));
        if TURNS > 1 {
            // Only blocks that were used have left. The others have their turn.
            let left = before - self.blocks.len();
            self.blocks.rotate_left(used - left);
        }
    }

    /// Whether a block is one of those handed out since the last minor collection, or one in which objects wait.
    #[cfg(feature = "debug")]
    pub fn holds(&self, block: u32) -> bool {
        self.waiting.contains(&block) || self.blocks[..self.used].contains(&block) || self.mixed.contains(&block)
    }

    /// Gives every block back: the mutator leaves, or is told to by memory pressure. Nothing in them is alive.
    pub fn give_up(&mut self, memory: &Memory) {
        (self.used, self.region, self.filled) = (0, 0..0, 0);
        debug_assert!(self.waiting.is_empty() && self.mixed.is_empty());
        for block in self.blocks.drain(..) {
            memory.give_free(block);
        }
    }

    /// The blocks handed out since the last minor collection, for verification.
    pub fn filled(&self) -> &[u32] {
        &self.blocks[..self.used]
    }

    /// The blocks whose free lines are its own.
    pub fn mixed(&self) -> &[u32] {
        &self.mixed
    }

    /// The part that is being filled; empty when there is none.
    pub fn region(&self) -> Range<usize> {
        self.region.clone()
    }

    /// The blocks in which objects wait; they are none of the others.
    pub fn waiting(&self) -> &[u32] {
        &self.waiting
    }

    /// The blocks, for verification.
    pub fn blocks(&self) -> &[u32] {
        &self.blocks
    }
}

/// Under `gc_zeal`, and in checked builds, free lines are filled with a pattern that no valid reference has, and that does
/// not look like an object.
fn poison(memory: &Memory, block: u32, mut lines: LineSet) {
    if cfg!(any(gc_zeal, feature = "debug")) {
        while let Some(run) = lines.take_run() {
            let at = memory.blocks.address_of(block) + (run.start << LINE_SHIFT);
            // SAFETY: [N3] lines of a block of ours in which nothing is alive.
            unsafe { std::ptr::write_bytes(at as *mut u8, 0xDB, run.len() << LINE_SHIFT) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::TypeInfo;
    use crate::object::header::OLD;

    /// A heap whose blocks have all been swept, with the lines of `old` marked in each.
    fn swept(blocks: usize, old: &[Range<usize>]) -> Memory {
        let memory = Memory::new(blocks * BLOCK, false).unwrap();
        let taken: Vec<u32> = std::iter::from_fn(|| memory.take_free(Kind::Active)).collect();
        assert_eq!(taken.len(), blocks);
        for block in taken {
            let start = memory.blocks.address_of(block);
            for run in old {
                memory.blocks.mark_lines(start + run.start * LINE, run.len() * LINE, 3);
                memory.blocks.set_start(start + run.start * LINE);
            }
            memory.blocks.set_kind(block, Kind::Old);
            assert!(memory.blocks.claim(block, Kind::Old, Kind::Sweeping));
            memory.sweep_block(block, 3);
        }
        memory
    }

    /// A nursery of which what survives is public.
    fn public(capacity: usize) -> Nursery {
        Nursery { stays: true, ..Nursery::new(capacity) }
    }

    fn lines(memory: &Memory, region: &Range<usize>) -> Range<usize> {
        let block = memory.blocks.address_of(memory.blocks.block_of(region.start));
        (region.start - block) / LINE..(region.end - block) / LINE
    }

    #[test]
    fn holes_of_old_blocks_are_young_while_the_nursery_has_them() {
        let memory = swept(128, &[0..1, 3..100]);
        let mut nursery = public(4);
        let region = nursery.next_region(&memory, 3 * LINE).expect("a hole");
        assert_eq!(lines(&memory, &region), 100..LINES, "two lines are too few");
        let block = memory.blocks.block_of(region.start);
        assert_eq!((memory.blocks.kind(block), nursery.mixed()), (Kind::Mixed, &[block][..]));
        let start = memory.blocks.address_of(block);
        let young: Vec<bool> = [0, 1, 3, 99, 100, 255].map(|line| memory.is_young(start + line * LINE)).to_vec();
        assert_eq!(young, [false, true, false, false, true, true]);
        assert!(memory.blocks.is_start(start), "what is old there starts as before");
        assert_eq!((nursery.bytes(region.start + 80), nursery.bytes(region.end)), (80, region.len()));
        // Two objects are promoted in place, one over the end of a line.
        memory.blocks.add_free_lines(region.start, 64);
        memory.blocks.mark_lines(region.start, 64, 3);
        memory.blocks.mark_lines(region.start + 3 * LINE - 8, 64, 3);
        nursery.reset(&memory, 3, true, &[]);
        assert_eq!((memory.blocks.kind(block), nursery.bytes(0), nursery.in_use()), (Kind::Recyclable, 0, false));
        let mut free = memory.blocks.free_lines(block);
        let runs: Vec<_> = std::iter::from_fn(|| free.take_run()).collect();
        assert_eq!(runs, [1..3, 101..102, 104..LINES]);
        assert!(!memory.is_young(region.start));
        assert_eq!(memory.used(), 128 * BLOCK);
    }

    #[test]
    fn it_is_full_when_its_bytes_are_handed_out_and_a_larger_object_gets_a_larger_hole() {
        let memory = swept(128, &[0..60, 64..70, 200..LINES]);
        let mut nursery = public(1);
        let regions: Vec<_> = std::iter::from_fn(|| nursery.next_region(&memory, 64)).collect();
        let handed: usize = regions.iter().map(Range::len).sum();
        assert!((BLOCK..BLOCK + 130 * LINE).contains(&handed), "{handed}");
        assert_eq!(lines(&memory, &regions[0]), 60..64);
        nursery.reset(&memory, 3, true, &[]);
        let region = nursery.next_region(&memory, 5 * LINE).expect("a hole");
        assert_eq!(lines(&memory, &region), 70..200);
        nursery.reset(&memory, 3, true, &[]);
        let region = nursery.next_region(&memory, 131 * LINE);
        assert_eq!(region, None, "no hole is so long, and there is no free block");
        nursery.reset(&memory, 3, true, &[]);
        nursery.give_up(&memory);
        assert_eq!(memory.holes(), 128 * 134 * LINE);
    }

    #[test]
    fn a_block_that_a_sweep_has_passed_by_waits_for_the_next() {
        for (recycle, mark) in [(true, 4), (false, 3)] {
            let memory = swept(128, &[0..50, 50..100]);
            let mut nursery = public(4);
            let region = nursery.next_region(&memory, 64).expect("a hole");
            let block = memory.blocks.block_of(region.start);
            memory.blocks.mark_lines(memory.blocks.address_of(block), LINE, mark);
            nursery.reset(&memory, 3, recycle, &[]);
            assert_eq!(memory.blocks.kind(block), Kind::Old, "marks of another cycle, or of one that goes on");
        }
    }

    #[test]
    fn what_is_dead_is_forgotten_before_its_number_returns() {
        static TYPE: TypeInfo = TypeInfo::new("Bytes", 8);
        for first in [127, 254] {
            let (memory, mut nursery) = (swept(8, &[0..50, 50..100]), public(4));
            // It died in the last cycle, in a line of something that lives on.
            let dead = memory.base() + 16;
            // SAFETY: [N3] memory of this test.
            unsafe { Object::init(dead as *mut Object, &TYPE, OLD, first - 1) };
            memory.blocks.set_start(dead);
            for epoch in [first, first + 1] {
                // The nursery takes what is to be had while the cycle marks, so that the sweep passes it by.
                nursery.mixed.extend(std::iter::from_fn(|| memory.take_mixed()).map(|(block, _)| block));
                for block in 0..8 {
                    memory.blocks.mark_lines(memory.blocks.address_of(block), 100 * LINE, epoch);
                }
                memory.begin_sweep(epoch);
                while memory.sweep_next() {}
                nursery.reset(&memory, epoch, true, &[]);
            }
            assert!(!memory.blocks.is_start(dead), "two sweeps have passed the block by");
        }
    }

    #[test]
    fn blocks_without_a_long_run_are_left_to_others() {
        // Every other line is free.
        let old: Vec<_> = (0..LINES / 2).map(|i| 2 * i..2 * i + 1).collect();
        let memory = swept(128, &old);
        let mut nursery = public(64);
        for _ in 0..MISSES {
            assert_eq!(nursery.next_region(&memory, 8 * LINE), None, "no run is so long, and no block is free");
        }
        let left = (0..128).filter(|&block| memory.blocks.kind(block) == Kind::Recyclable).count();
        assert_eq!((nursery.mixed().len(), left), (MISSES, 128 - MISSES));
        nursery.reset(&memory, 3, true, &[]);
        assert_eq!(memory.holes(), 128 * LINES / 2 * LINE);
        nursery.next_region(&memory, 8 * LINE);
        assert_eq!(nursery.mixed().len(), MISSES, "the next one may try again");
    }

    #[test]
    fn where_free_blocks_are_or_holes_are_few_whole_blocks_are_taken() {
        let whole = |memory: &Memory| public(2).next_region(memory, 64).map(|region| region.len());
        assert_eq!(whole(&Memory::new(16 << 20, false).unwrap()), Some(BLOCK));
        assert_eq!(whole(&swept(128, &[0..100, 100..240])), if cfg!(gc_zeal) { Some(16 * LINE) } else { None });
    }

    #[test]
    fn holes_are_taken_while_what_survives_is_public() {
        let memory = swept(128, &[0..100, 101..200]);
        let mut nursery = public(4);
        for (promoted, public, stays) in [(100, 51, true), (0, 0, true), (100, 50, false), (0, 0, false), (8, 8, true)]
        {
            nursery.look_at(promoted, public);
            let region = nursery.next_region(&memory, 64);
            let expected = if stays || cfg!(gc_zeal) { Some(100..101) } else { None };
            assert_eq!(region.map(|region| lines(&memory, &region)), expected, "{public} of {promoted}");
            nursery.reset(&memory, 3, true, &[]);
        }
    }
}
