//! The heap's memory: blocks, their pools, large objects, side tables, the evacuation allocator. Knows objects only as
//! bytes with a start; who is alive it learns from line marks.
//!
//! Blocks are handed from owner to owner through lock-free pools. A block is taken free (for a nursery, or to evacuate
//! into) or recyclable (with holes). After a cycle every old block is swept exactly once: [`Memory::sweep_next`] hands
//! out block numbers, and allocators that need a block sweep for themselves while the collector works through the rest.

pub mod block;
pub mod evacuate;
pub mod fresh;
pub mod kind;
pub mod large;
pub mod line_word;
pub mod lines;
pub mod pool;
pub mod process;
pub mod reserve;
pub mod sweep;

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use block::{BLOCK, BlockTables, Kind, LINE, LINES, LineSet};
use fresh::CHUNK;
use kind::KindByte;
use large::LargeSpace;
use pool::IndexStack;
use reserve::Reservation;
use std::io;
use sweep::SweepTurns;

/// A block with fewer free lines than this is not worth recycling.
const MIN_FREE_LINES: usize = 2;

/// Blocks that an allocator sweeps for itself before it takes fresh memory: bounds what a sweep adds to a pause.
pub const LAZY_SWEEP: usize = 8;

/// Whether the sweep of this cycle forgets the starts of dead objects. The numbers wrap: a dead object could look alive when
/// the number returns that it was last marked with. So twice in each round. Each time in two cycles on end, because a block
/// that somebody was filling during one sweep is swept by the next: such a block is not offered again in between.
fn forgets_starts(epoch: u8) -> bool {
    matches!(epoch, 127 | 128 | 254 | 255)
}

/// The question whether an address is young, with what it needs at hand: it is asked for every slot that is visited.
#[derive(Clone, Copy, Debug)]
pub struct Youth<'a> {
    base: usize,
    bytes: usize,
    kinds: &'a [KindByte],
    blocks: &'a BlockTables,
    large: &'a LargeSpace,
}

impl Youth<'_> {
    /// Whether the object at this address is young, by the side tables alone (INV-4); acquire.
    #[inline(always)]
    pub fn is_young(&self, address: usize) -> bool {
        let offset = address.wrapping_sub(self.base);
        if offset < self.bytes {
            // SAFETY: [M2] the table covers the space.
            let kind = unsafe { self.kinds.get_unchecked(offset >> block::BLOCK_SHIFT) };
            return kind.is_young(|| self.blocks.is_young_line(address));
        }
        self.large.is_young(address)
    }

    /// Whether an address belongs to the block space.
    #[inline(always)]
    pub fn in_blocks(&self, address: usize) -> bool {
        address.wrapping_sub(self.base) < self.bytes
    }
}

/// Where blocks wait for an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// Empty, with memory behind them.
    Free,
    /// Empty, and the operating system has their memory back.
    Released,
    /// With holes.
    Recyclable,
}

/// The memory of one heap.
#[derive(Debug)]
pub struct Memory {
    space: Reservation,
    /// The side tables.
    pub blocks: BlockTables,
    /// Objects of more than a quarter of a block.
    pub large: LargeSpace,
    /// Blocks that were committed once: all numbers below.
    fresh: AtomicU32,
    capacity: u32,
    /// Blocks whose memory is committed, all numbers below. The lock, the only one of the block space, is for who takes a
    /// chunk: once for 128 blocks.
    committed: Mutex<u32>,
    free: IndexStack,
    /// Free blocks whose pages the operating system has back.
    released: IndexStack,
    recyclable: IndexStack,
    recyclable_count: AtomicUsize,
    /// Free lines of the blocks in that pool.
    hole_lines: AtomicUsize,
    free_count: AtomicUsize,
    released_count: AtomicUsize,
    /// Bytes of blocks that are not free, and of large objects.
    used: AtomicUsize,
    limit: usize,
    huge: bool,
    /// How many threads are preparing blocks, which are in no pool meanwhile.
    under_way: AtomicU32,
    /// What a mutator has to take unprepared has ordinary pages.
    attended: bool,
    /// All memory was touched when the heap was made, and is kept.
    touched: bool,
    /// Blocks that nobody has swept yet.
    turns: SweepTurns,
}

impl Memory {
    /// Memory for at most `limit` bytes of blocks and large objects.
    ///
    /// # Errors
    /// When the operating system refuses the address space.
    pub fn new(limit: usize, huge: bool) -> io::Result<Memory> {
        let limit = limit.next_multiple_of(BLOCK);
        let capacity = (limit.next_multiple_of(CHUNK) / BLOCK) as u32;
        let space = Reservation::new(capacity as usize * BLOCK, CHUNK)?;
        let blocks = BlockTables::new(space.base(), capacity as usize)?;
        // Address space is cheap: fragmentation of large objects must not be what runs out first.
        let large = LargeSpace::new((limit * 2).max(8 << 30), huge)?;
        Ok(Memory {
            space,
            blocks,
            large,
            fresh: AtomicU32::new(0),
            capacity,
            committed: Mutex::new(0),
            free: IndexStack::new(),
            released: IndexStack::new(),
            recyclable: IndexStack::new(),
            recyclable_count: AtomicUsize::new(0),
            hole_lines: AtomicUsize::new(0),
            free_count: AtomicUsize::new(0),
            released_count: AtomicUsize::new(0),
            used: AtomicUsize::new(0),
            limit,
            huge,
            under_way: AtomicU32::new(0),
            attended: false,
            touched: false,
            turns: SweepTurns::new(),
        })
    }

    /// The first address of the block space.
    #[inline(always)]
    pub fn base(&self) -> usize {
        self.space.base()
    }

    /// First address and bytes of the block space.
    pub fn block_space(&self) -> (usize, usize) {
        (self.space.base(), self.capacity as usize * BLOCK)
    }

    /// Whether an address belongs to the block space.
    #[inline(always)]
    pub fn in_blocks(&self, address: usize) -> bool {
        self.space.contains(address)
    }

    /// Whether an address belongs to this heap.
    #[inline(always)]
    pub fn contains(&self, address: usize) -> bool {
        self.space.contains(address) || self.large.contains(address)
    }

    /// The question whether an address is young, for loops.
    pub fn youth(&self) -> Youth<'_> {
        let (base, bytes) = self.block_space();
        Youth { base, bytes, kinds: self.blocks.kinds(), blocks: &self.blocks, large: &self.large }
    }

    /// Whether the object at this address is young, by the side tables alone (INV-4); acquire.
    #[inline]
    pub fn is_young(&self, address: usize) -> bool {
        self.youth().is_young(address)
    }

    /// Bytes in use: blocks that are not free, and large objects.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Bytes that are not in use.
    pub fn left(&self) -> usize {
        self.limit.saturating_sub(self.used())
    }

    /// Bytes that survivors may still take: what is not in use, and the holes of recyclable blocks.
    pub fn room(&self) -> usize {
        self.left() + self.holes()
    }

    /// Bytes of the holes of recyclable blocks.
    pub fn holes(&self) -> usize {
        self.hole_lines.load(Ordering::Relaxed) * LINE
    }

    /// The most bytes that may be in use.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes of memory that the heap holds from the operating system.
    pub fn committed(&self) -> usize {
        let blocks = self.fresh.load(Ordering::Relaxed) as usize;
        blocks.saturating_sub(self.released_count.load(Ordering::Relaxed)) * BLOCK + self.large.held_bytes()
    }

    fn charge(&self, bytes: usize) -> bool {
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > self.limit {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        true
    }

    /// Takes a free block, to be used as `kind`; `None` at the limit or when the machine is out of memory.
    pub fn take_free(&self, kind: Kind) -> Option<u32> {
        if !self.charge(BLOCK) {
            return None;
        }
        let block = self
            .pop_free()
            .or_else(|| self.sweep_for_free(LAZY_SWEEP))
            .or_else(|| self.grow())
            .or_else(|| self.sweep_for_free(usize::MAX));
        match block {
            Some(block) => {
                self.blocks.set_kind(block, kind);
                Some(block)
            }
            None => {
                self.used.fetch_sub(BLOCK, Ordering::Relaxed);
                None
            }
        }
    }

    fn pop_free(&self) -> Option<u32> {
        if let Some(block) = self.free.pop(&self.blocks) {
            self.free_count.fetch_sub(1, Ordering::Relaxed);
            return Some(block);
        }
        self.pop_released()
    }

    /// A free block without pages behind it.
    fn pop_released(&self) -> Option<u32> {
        let block = self.released.pop(&self.blocks)?;
        self.released_count.fetch_sub(1, Ordering::Relaxed);
        Some(block)
    }

    /// Whether there are at least as many free blocks as blocks with holes.
    pub fn is_rather_free(&self) -> bool {
        self.free_count.load(Ordering::Relaxed) >= self.recyclable_count.load(Ordering::Relaxed)
    }

    /// Whether a nursery should take holes before whole blocks: there are more blocks with holes than free ones, and an eighth of
    /// them is free, on average.
    pub fn has_more_holes(&self) -> bool {
        let blocks = self.recyclable_count.load(Ordering::Relaxed);
        let lines = self.hole_lines.load(Ordering::Relaxed);
        blocks > 0 && (cfg!(gc_zeal) || !self.is_rather_free() && lines >= blocks * (LINES / 8))
    }

    /// Whether `bytes` are to be had in whole blocks, be it that nobody has touched them yet.
    pub fn has_blocks(&self, bytes: usize) -> bool {
        let unused = (self.capacity - self.fresh.load(Ordering::Relaxed)) as usize;
        let free = self.free_count.load(Ordering::Relaxed) + self.released_count.load(Ordering::Relaxed);
        self.left() >= bytes && (unused + free).saturating_mul(BLOCK) >= bytes
    }

    /// Whether there are holes for so many bytes, which are filled before free blocks are.
    pub fn has_holes(&self, bytes: usize) -> bool {
        self.hole_lines.load(Ordering::Relaxed).saturating_mul(LINE) >= bytes
    }

    fn push_free(&self, block: u32) {
        // Counted before anybody can take it and count it out: the count is never less than none.
        self.free_count.fetch_add(1, Ordering::Relaxed);
        self.free.push(&self.blocks, block);
    }

    /// Gives back a block that the caller owns and that holds no live object.
    pub fn give_free(&self, block: u32) {
        self.blocks.set_kind(block, Kind::Free);
        self.used.fetch_sub(BLOCK, Ordering::Relaxed);
        self.push_free(block);
    }

    /// Offers a block that the caller owns for recycling.
    pub fn give_recyclable(&self, block: u32, free: LineSet) {
        if free.len() < MIN_FREE_LINES {
            self.blocks.set_kind(block, Kind::Old);
            return;
        }
        self.blocks.set_free_lines(block, free);
        self.blocks.set_kind(block, Kind::Recyclable);
        self.recyclable_count.fetch_add(1, Ordering::Relaxed);
        self.hole_lines.fetch_add(free.len(), Ordering::Relaxed);
        self.recyclable.push(&self.blocks, block);
    }

    /// Takes a block with holes; sweeps so many blocks for one, at most, if a sweep is under way.
    pub fn take_recyclable(&self, at_most: usize) -> Option<(u32, LineSet)> {
        for _ in 0..at_most {
            if let Some(block) = self.recyclable.pop(&self.blocks) {
                self.blocks.set_kind(block, Kind::Active);
                return Some((block, self.leaves_pool(block)));
            }
            if !self.sweep_next() {
                return None;
            }
        }
        None
    }

    /// Takes a block with holes for a nursery, which fills its free lines. No object starts there from now on.
    pub fn take_mixed(&self) -> Option<(u32, LineSet)> {
        let (block, free) = self.take_recyclable(LAZY_SWEEP)?;
        let mut rest = free;
        while let Some(run) = rest.take_run() {
            self.blocks.clear_starts(block, run);
        }
        self.blocks.set_kind(block, Kind::Mixed);
        Some((block, free))
    }

    /// Accounts for a block that was taken out of the pool of recyclable ones; its holes.
    fn leaves_pool(&self, block: u32) -> LineSet {
        let free = self.blocks.free_lines(block);
        self.recyclable_count.fetch_sub(1, Ordering::Relaxed);
        self.hole_lines.fetch_sub(free.len(), Ordering::Relaxed);
        free
    }

    fn sweep_for_free(&self, at_most: usize) -> Option<u32> {
        for _ in 0..at_most {
            if !self.sweep_next() {
                return None;
            }
            if let Some(block) = self.pop_free() {
                return Some(block);
            }
        }
        None
    }

    /// Pages for a large object of `bytes`, young and zeroed.
    pub fn alloc_large(&self, bytes: usize) -> Option<usize> {
        let pages = bytes.next_multiple_of(large::PAGE);
        if !self.charge(pages) {
            return None;
        }
        let at = self.large.alloc(bytes);
        if at.is_none() {
            self.used.fetch_sub(pages, Ordering::Relaxed);
        }
        at
    }

    /// Frees a large object.
    pub fn free_large(&self, start: usize, bytes: usize) {
        self.large.free(start, bytes);
        self.used.fetch_sub(bytes.next_multiple_of(large::PAGE), Ordering::Relaxed);
    }

    /// Begins the sweep of a cycle: everything not marked `epoch` is dead. The last sweep is over.
    pub fn begin_sweep(&self, epoch: u8) {
        self.turns.begin(epoch, self.fresh.load(Ordering::Acquire));
        // Recyclable blocks are swept again: the cycle has found more of their lines dead. After the turns have begun: at no
        // moment there is neither a hole nor a block to sweep. And at once: a turn may have passed them by.
        for block in self.recyclable.take_all(&self.blocks) {
            self.leaves_pool(block);
            self.blocks.set_kind(block, Kind::Old);
            self.sweep_old(block, epoch);
        }
    }

    /// Sweeps one block, if any is left; any thread. Returns false when all numbers are taken.
    pub fn sweep_next(&self) -> bool {
        std::iter::from_fn(|| self.turns.take()).any(|(block, epoch)| self.sweep_old(block, epoch))
    }

    /// Sweeps a block if it is old; whether it was.
    fn sweep_old(&self, block: u32, epoch: u8) -> bool {
        if !self.blocks.claim(block, Kind::Old, Kind::Sweeping) {
            return false;
        }
        if forgets_starts(epoch) {
            self.blocks.retain_starts(block, |at| {
                // SAFETY: [H2] a start bit stands at the header of an object that was promoted into this block.
                unsafe { (*(at as *const crate::object::Object)).mark() == epoch }
            });
        }
        self.sweep_block(block, epoch);
        true
    }

    /// Sweeps a claimed block: its lines without the mark `epoch` are free.
    pub fn sweep_block(&self, block: u32, epoch: u8) {
        let free = self.blocks.retain_marks(block, epoch);
        if free == LineSet::ALL { self.give_free(block) } else { self.give_recyclable(block, free) }
    }

    /// Calls `f` with every block of a pool, and answers whether they all stayed there meanwhile: see
    /// [`IndexStack::examine`].
    pub fn examine_pool(&self, pool: Pool, f: impl FnMut(u32)) -> bool {
        let stack = match pool {
            Pool::Free => &self.free,
            Pool::Released => &self.released,
            Pool::Recyclable => &self.recyclable,
        };
        // One more than there are: a circle is told from a full pool.
        stack.examine(&self.blocks, self.block_count() as usize + 1, f)
    }

    /// Blocks that were ever in use: all numbers below.
    pub fn block_count(&self) -> u32 {
        // Acquire: [M-fresh].
        self.fresh.load(Ordering::Acquire)
    }
}
