//! Blocks and lines: the side tables of the mark-region space (Immix: Blackburn and McKinley, PLDI 2008).
//!
//! The space is cut into blocks of [`BLOCK`] bytes and these into lines of [`LINE`] bytes. Beside the space, never
//! inside it, stand for each block: its kind, a link for the pools, the bitmap of free lines that the last sweep found,
//! a mark byte for each line, and one bit for each 8-byte granule at which an object starts.
//!
//! A block's [`Kind`] says who may write to it and to its tables:
//!
//! ```text
//!   Free ──► Young ──► Old ──► (sweep) ──► Free, Recyclable or Old
//!     └────► Active ──► Old              Recyclable ──► Active
//!                                                 ▲  └──► Mixed ──► Old
//!                                                 └─────────┘
//! ```
//!
//! `Young`: its mutator's nursery. `Mixed`: its free lines are its mutator's nursery. `Active`: an evacuation allocator
//! fills it. `Sweeping`: its claimer. In the other kinds nobody allocates in it; markers write line marks at any time.
//!
//! Orderings: those of kinds are in `kind.rs`. [M-line]: an object, then its start bit and the marks of its lines (release)
//! → walks over old objects (acquire). Everything else is handed over with the block.

pub use super::kind::Kind;
use super::kind::KindByte;
use super::line_word::LineWord;
pub use super::lines::LineSet;
use super::lines::{WORDS, bytes_other_than};
use super::pool::Links;
use super::reserve::Reservation;
use crate::object::slot;
use crate::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, Ordering};
use std::io;

/// Bytes of a block.
pub const BLOCK: usize = 1 << BLOCK_SHIFT;
/// log2 of [`BLOCK`].
pub const BLOCK_SHIFT: usize = 15;
/// Bytes of a line.
pub const LINE: usize = 1 << LINE_SHIFT;
/// log2 of [`LINE`].
pub const LINE_SHIFT: usize = 7;
/// Lines of a block.
pub const LINES: usize = BLOCK / LINE;
/// No block.
pub const NO_BLOCK: u32 = u32::MAX;

/// The side tables of all blocks of a heap.
#[derive(Debug)]
pub struct BlockTables {
    memory: Reservation,
    base: usize,
    capacity: usize,
    kinds: usize,
    links: usize,
    free_lines: usize,
    line_marks: usize,
    starts: usize,
}

impl BlockTables {
    /// Tables for `capacity` blocks whose space starts at `base`.
    ///
    /// # Errors
    /// When the operating system refuses the address space.
    pub fn new(base: usize, capacity: usize) -> io::Result<BlockTables> {
        let kinds = 0;
        let links = (kinds + capacity).next_multiple_of(64);
        let free_lines = (links + 4 * capacity).next_multiple_of(64);
        let line_marks = (free_lines + 8 * WORDS * capacity).next_multiple_of(64);
        let starts = (line_marks + LINES * capacity).next_multiple_of(64);
        let memory = Reservation::zeroed(starts + 2 * LINES * capacity)?;
        Ok(BlockTables { memory, base, capacity, kinds, links, free_lines, line_marks, starts })
    }

    /// Has the operating system provide the memory of the tables now.
    ///
    /// # Errors
    /// That memory is out.
    pub fn populate(&self, huge: bool) -> io::Result<()> {
        let bytes = (self.starts + 2 * LINES * self.capacity).next_multiple_of(4096);
        if huge {
            self.memory.advise_huge(0, bytes, true);
        }
        self.memory.populate(0, bytes)
    }

    /// The kinds of all blocks.
    #[inline(always)]
    pub(super) fn kinds(&self) -> &[KindByte] {
        // SAFETY: [M2] the constructor laid the tables out; zero is a valid value of each.
        unsafe { self.memory.table(self.kinds, self.capacity) }
    }
    #[inline(always)]
    fn free_line_words(&self, block: u32) -> &[LineWord] {
        // SAFETY: [M2] as above; `block` is below the capacity.
        unsafe { self.memory.table(self.free_lines + 8 * WORDS * block as usize, WORDS) }
    }
    /// The marks of a block's lines.
    #[inline(always)]
    pub fn line_marks(&self, block: u32) -> &[AtomicU8] {
        // SAFETY: [M2] as above.
        unsafe { self.memory.table(self.line_marks + LINES * block as usize, LINES) }
    }
    /// Asks for the mark of the line at this address, which will be written soon; if the address is none of the space, for
    /// nothing that matters.
    #[inline(always)]
    pub fn prefetch_mark(&self, address: usize) {
        let line = address.wrapping_sub(self.base) >> LINE_SHIFT;
        slot::prefetch((self.memory.base() + self.line_marks).wrapping_add(line) as *mut u8);
    }
    #[inline(always)]
    fn starts(&self, block: u32) -> &[AtomicU16] {
        // SAFETY: [M2] as above.
        unsafe { self.memory.table(self.starts + 2 * LINES * block as usize, LINES) }
    }
    /// The starts in the line of an address: a multiplication and a sum less than by way of the block.
    #[inline(always)]
    fn starts_beside(&self, address: usize) -> &AtomicU16 {
        // SAFETY: [M2] as above; the address is in the space, so its line is below the number of all lines.
        unsafe {
            self.memory
                .table::<AtomicU16>(self.starts, LINES * self.capacity)
                .get_unchecked((address - self.base) >> LINE_SHIFT)
        }
    }

    /// The block that holds an address of the space.
    #[inline(always)]
    pub fn block_of(&self, address: usize) -> u32 {
        ((address - self.base) >> BLOCK_SHIFT) as u32
    }

    /// The first address of a block.
    #[inline(always)]
    pub fn address_of(&self, block: u32) -> usize {
        self.base + ((block as usize) << BLOCK_SHIFT)
    }

    /// A block's kind.
    #[inline(always)]
    pub fn kind(&self, block: u32) -> Kind {
        self.kinds()[block as usize].get()
    }

    /// Changes the kind of a block that the caller owns.
    #[inline]
    pub fn set_kind(&self, block: u32, kind: Kind) {
        self.kinds()[block as usize].set(kind);
    }

    /// Gives up a block that the caller was filling, when `mark` has marked its lines.
    #[inline]
    pub fn give_up(&self, block: u32, mark: impl FnOnce()) {
        self.kinds()[block as usize].give_up(mark);
    }

    /// Claims a block by changing its kind.
    #[must_use = "a block that was not claimed is another's"]
    pub fn claim(&self, block: u32, from: Kind, to: Kind) -> bool {
        self.kinds()[block as usize].claim(from, to)
    }

    /// The free lines that the last sweep found in a block.
    pub fn free_lines(&self, block: u32) -> LineSet {
        let words = self.free_line_words(block);
        LineSet(std::array::from_fn(|i| words[i].get()))
    }

    /// Sets the free lines of a block that the caller owns.
    pub fn set_free_lines(&self, block: u32, lines: LineSet) {
        for (word, lines) in self.free_line_words(block).iter().zip(lines.0) {
            word.set(lines);
        }
    }

    /// Whether the line of an address is one of those that its block's owner fills, in a `Mixed` block.
    #[inline(always)]
    pub(super) fn is_young_line(&self, address: usize) -> bool {
        let line = (address & (BLOCK - 1)) >> LINE_SHIFT;
        self.free_line_words(self.block_of(address))[line / 64].contains(line % 64)
    }

    /// The lines of a `Mixed` block in which nothing was promoted, by its owner; and whether its lines carry no mark but
    /// `colour`: a block that was taken before a sweep has others, and that sweep has passed it by. For cycles whose sweep
    /// does more than look at marks the answer is no.
    pub fn left_of_mixed(&self, block: u32, colour: u8) -> (LineSet, bool) {
        let (mut free, mut swept) = (self.free_lines(block), !super::forgets_starts(colour));
        for (line, mark) in self.line_marks(block).iter().enumerate() {
            match mark.load(Ordering::Relaxed) {
                0 => {}
                mark => {
                    free.remove(line);
                    swept &= mark == colour;
                }
            }
        }
        (free, swept)
    }

    /// Clears all marks but `epoch` in a block that the caller sweeps; the lines without it.
    pub fn retain_marks(&self, block: u32, epoch: u8) -> LineSet {
        const AT_ONCE: usize = size_of::<u64>();
        let marks = self.line_marks(block);
        // SAFETY: [M4] nobody writes marks of a block that is swept, and the table is aligned for words.
        let words = unsafe { marks.as_ptr().cast::<[u64; LINES / AT_ONCE]>().read() };
        let mut free = LineSet::NONE;
        for (i, word) in words.into_iter().enumerate() {
            let (others, stale) = (bytes_other_than(word, epoch), bytes_other_than(word, 0));
            let line = i * AT_ONCE;
            free.0[line / 64] |= u64::from(others) << (line % 64);
            // Numbers come back after 255 cycles: a mark that stayed would make a dead line look alive then.
            let mut clear = others & stale;
            while clear != 0 {
                marks[line + clear.trailing_zeros() as usize].store(0, Ordering::Relaxed);
                clear &= clear - 1;
            }
        }
        free
    }

    /// Adds the lines of `[start, start + bytes)` to the set of a block that the caller owns.
    #[inline(always)]
    pub fn add_free_lines(&self, start: usize, bytes: usize) {
        let words = self.free_line_words(self.block_of(start));
        LineSet::for_each_word(start & (BLOCK - 1), bytes, |word, lines| {
            words[word].add(lines);
        });
    }

    /// Marks the lines of `[start, start + bytes)`, the last one first: whoever sees the mark of a line (acquire) sees those
    /// of the lines behind it, and the objects.
    #[inline]
    pub fn mark_lines(&self, start: usize, bytes: usize, epoch: u8) {
        let block = self.block_of(start);
        let offset = start & (BLOCK - 1);
        let marks = self.line_marks(block);
        let (first, last) = (offset >> LINE_SHIFT, (offset + bytes - 1) >> LINE_SHIFT);
        marks[last].store(epoch, Ordering::Release);
        if first < last {
            for mark in marks[first..last].iter().rev() {
                mark.store(epoch, Ordering::Release);
            }
        }
    }

    /// Records that an object starts at `address`, in a block that the caller owns. Release, as for the line marks.
    #[inline(always)]
    pub fn set_start(&self, address: usize) {
        let word = self.starts_beside(address);
        let bit = 1 << (address >> 3 & 15);
        word.store(word.load(Ordering::Relaxed) | bit, Ordering::Release);
    }

    /// Whether an object has started at `address` and its line was not given to others since.
    pub fn is_start(&self, address: usize) -> bool {
        let offset = address & (BLOCK - 1);
        let word = self.starts(self.block_of(address))[offset >> LINE_SHIFT].load(Ordering::Acquire);
        offset.is_multiple_of(8) && word >> (offset >> 3 & 15) & 1 != 0
    }

    /// Forgets the objects that started in these lines of a block that the caller owns.
    pub fn clear_starts(&self, block: u32, lines: std::ops::Range<usize>) {
        for word in &self.starts(block)[lines] {
            word.store(0, Ordering::Relaxed);
        }
    }

    /// Calls `f` with the address of each object start in lines that carry the mark `epoch`.
    pub fn for_each_start(&self, block: u32, epoch: u8, mut f: impl FnMut(usize)) {
        let (marks, starts) = (self.line_marks(block), self.starts(block));
        for line in 0..LINES {
            let mut word = starts[line].load(Ordering::Acquire);
            // An object may start in a line and be found alive only by a line mark of its own: both or neither.
            if marks[line].load(Ordering::Acquire) != epoch {
                word = 0;
            }
            while word != 0 {
                let bit = word.trailing_zeros() as usize;
                word &= word - 1;
                f(self.address_of(block) + (line << LINE_SHIFT) + (bit << 3));
            }
        }
    }

    /// Forgets object starts for which `keep` says no, in a block that the caller owns.
    pub fn retain_starts(&self, block: u32, mut keep: impl FnMut(usize) -> bool) {
        for (line, word) in self.starts(block).iter().enumerate() {
            let mut bits = word.load(Ordering::Relaxed);
            let mut kept = bits;
            while bits != 0 {
                let bit = bits.trailing_zeros() as usize;
                bits &= bits - 1;
                if !keep(self.address_of(block) + (line << LINE_SHIFT) + (bit << 3)) {
                    kept &= !(1 << bit);
                }
            }
            word.store(kept, Ordering::Relaxed);
        }
    }
}

impl Links for BlockTables {
    fn link(&self, block: u32) -> &AtomicU32 {
        // SAFETY: [M2] the constructor laid the tables out.
        let links: &[AtomicU32] = unsafe { self.memory.table(self.links, self.capacity) };
        &links[block as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::Memory;

    #[test]
    fn a_sweep_keeps_the_marks_of_its_cycle_alone() {
        let memory = Memory::new(4 << 20, false).unwrap();
        let (other, block) = (memory.take_free(Kind::Active).unwrap(), memory.take_free(Kind::Active).unwrap());
        let marks_of = |block: u32| -> Vec<u8> {
            memory.blocks.line_marks(block).iter().map(|mark| mark.load(Ordering::Relaxed)).collect()
        };
        for epoch in [1, 2, 127, 128, 254, 255] {
            let before: Vec<u8> =
                (0..LINES).map(|line| [epoch, 0, epoch ^ 0x80, 1, 255][line * line % 7 % 5]).collect();
            for block in [other, block] {
                for (mark, &value) in memory.blocks.line_marks(block).iter().zip(&before) {
                    mark.store(value, Ordering::Relaxed);
                }
            }
            let mut free = LineSet::NONE;
            (0..LINES).filter(|&line| before[line] != epoch).for_each(|line| free.insert(line));
            assert_eq!(memory.blocks.retain_marks(block, epoch), free);
            let after: Vec<u8> = before.iter().map(|&mark| if mark == epoch { mark } else { 0 }).collect();
            assert_eq!(marks_of(block), after);
            assert_eq!(memory.blocks.retain_marks(block, epoch), free, "nothing is left to clear");
            assert_eq!(marks_of(other), before, "the block beside it");
        }
    }
}
