//! Fresh memory: how blocks come to their pages, and who waits for that.
//!
//! A page costs nothing until it is touched; then who touches it waits while the operating system clears it. Of a huge page
//! that is a tenth of a millisecond, and on a virtual machine whose host has taken the memory back some milliseconds. So
//!
//! - the collector's thread makes blocks ready before mutators need them, huge page by huge page ([`Memory::prepare`]); while it
//!   marks, for a quarter of its time at most ([`Beside`]);
//! - a mutator that needs more than there is does not wait for that: it takes a chunk as it is;
//! - in huge pages, or, where pauses are to be short ([`Memory::attended`]), in ordinary ones, each of which is microseconds.
//!   These stay ordinary: to make them huge later would stop whoever uses them meanwhile. A program that builds large
//!   structures is 5 to 10 percent slower on them;
//! - of these a mutator that fills its nursery touches, block by block, what the survivors will be copied to
//!   ([`Memory::prepare_block`]): its minor collection would wait for all of them at once;
//! - a heap may have all its memory touched when it is made ([`Memory::touched`]).
//!
//! Who changes the access to a range, or what is advised for it, waits for all threads that have a page provided there just
//! now, and they for him. So memory is committed in steps of many chunks, and no lock is held while pages are touched.
//! Blocks on their way from one pool to the other are in none; who finds nothing else waits for these.
//!
//! Orderings: [M-way]: that a thread moves blocks, before they leave a pool, and that they are in the other, before it says
//! that it is done (release) → who finds no block, in the pool and in this order (acquire).
//!
//! Neighbouring chunks with the same kind of pages are one mapping of the process. Linux allows 65,530 of them: enough for
//! 256 GiB, however the two kinds mix.

use super::block::BLOCK;
use super::{LAZY_SWEEP, Memory};
use crate::sync::Backoff;
use crate::sync::atomic::{AtomicU32, Ordering, fence};
use std::io;
use std::time::Instant;

/// Fresh blocks are taken into use in chunks of this many bytes: two huge pages.
pub(super) const CHUNK: usize = 4 << 20;
const CHUNK_BLOCKS: u32 = (CHUNK / BLOCK) as u32;

/// Chunks are committed so many at a time, since whoever commits waits for all page faults of the process.
const COMMIT_CHUNKS: u32 = 16;

/// Bytes of a huge page.
const HUGE_PAGE: usize = 2 << 20;

/// While it is there, blocks are between two pools.
struct UnderWay<'a>(&'a AtomicU32);

impl UnderWay<'_> {
    fn begin(count: &AtomicU32) -> UnderWay<'_> {
        count.fetch_add(1, Ordering::Relaxed);
        // Release: [M-way].
        fence(Ordering::Release);
        UnderWay(count)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        // Release: [M-way].
        self.0.fetch_sub(1, Ordering::Release);
    }
}

/// Preparing memory beside other work: a quarter of the time at most. Marking that is late costs more than ordinary pages:
/// a mutator that finds no memory at all waits for its end.
#[derive(Debug, Default)]
pub struct Beside {
    again: Option<Instant>,
}

impl Beside {
    /// [`Memory::prepare`], if it is time.
    pub fn prepare(&mut self, memory: &Memory) {
        let start = Instant::now();
        if memory.is_short() && self.again.is_none_or(|again| start >= again) {
            memory.prepare();
            self.again = Some(Instant::now() + 3 * start.elapsed());
        }
    }
}

impl Memory {
    /// The same, of which some thread [prepares](Memory::prepare) what mutators need: what it has not come to they take in
    /// ordinary pages. A mutator that touches a huge page first stands while all of it is cleared, which on a virtual machine
    /// whose host has taken the memory back is milliseconds; an ordinary page is microseconds.
    pub fn attended(self) -> Memory {
        if self.huge {
            // Where huge pages are for everybody, these must be asked for.
            self.space.advise_huge(0, self.capacity as usize * BLOCK, false);
        }
        Memory { attended: true, ..self }
    }

    /// The same, with all memory that blocks can take at hand from now on: touched, and never given back. Pages of a large
    /// object are touched when it is allocated, and are kept as well.
    ///
    /// # Errors
    /// That memory is out.
    pub fn touched(mut self) -> io::Result<Memory> {
        let bytes = self.limit;
        self.space.commit(0, bytes)?;
        if self.huge {
            self.space.advise_huge(0, bytes, true);
        }
        self.space.populate(0, bytes)?;
        self.blocks.populate(self.huge)?;
        self.large.keep(bytes)?;
        let blocks = (bytes / BLOCK) as u32;
        *self.committed.lock().unwrap_or_else(|e| e.into_inner()) = self.capacity;
        self.fresh.store(blocks, Ordering::Release);
        self.push_all_free(0..blocks);
        self.touched = true;
        Ok(self)
    }

    /// Whether there are blocks that were never in use.
    fn has_fresh(&self) -> bool {
        self.fresh.load(Ordering::Acquire) + CHUNK_BLOCKS <= self.capacity
    }

    /// Takes another chunk.
    #[cold]
    pub(super) fn grow(&self) -> Option<u32> {
        if self.has_fresh() {
            let mut committed = self.committed.lock().unwrap_or_else(|e| e.into_inner());
            if let Some(block) = self.pop_free() {
                return Some(block);
            }
            if let Some(first) = self.take_chunk(&mut committed) {
                let rest = first + 1..first + CHUNK_BLOCKS;
                if self.attended {
                    self.push_all_released(rest);
                } else {
                    if self.huge {
                        self.space.advise_huge(first as usize * BLOCK, CHUNK, true);
                    }
                    self.push_all_free(rest);
                }
                return Some(first);
            }
        }
        let backoff = Backoff::new();
        loop {
            // Acquire: [M-way].
            let more = self.under_way.load(Ordering::Acquire) > 0;
            // A heap of holes asks often, and nobody need wait for the answer that there is nothing.
            match self.pop_free() {
                None if more => backoff.snooze(),
                block => return block,
            }
        }
    }

    /// Takes a chunk that was never in use, without pages yet; its first block. The blocks are in no pool.
    fn take_chunk(&self, committed: &mut u32) -> Option<u32> {
        if !self.has_fresh() {
            return None;
        }
        let first = self.fresh.load(Ordering::Relaxed);
        if first == *committed {
            let blocks = (COMMIT_CHUNKS * CHUNK_BLOCKS).min(self.capacity - first);
            self.space.commit(first as usize * BLOCK, blocks as usize * BLOCK).ok()?;
            *committed += blocks;
        }
        // Release, [M-fresh]: who counts the blocks finds them committed.
        self.fresh.store(first + CHUNK_BLOCKS, Ordering::Release);
        Some(first)
    }

    /// Whether so few free blocks are left that somebody should [prepare](Memory::prepare) more: an eighth of what is in
    /// use, at most thirty-two chunks: whoever makes them ready may be slower for a while than those who use them up.
    pub fn is_short(&self) -> bool {
        let ahead = (self.used() / 8).min(32 * CHUNK);
        self.free_count.load(Ordering::Relaxed).saturating_mul(BLOCK) < ahead
            && self.used() + CHUNK <= self.limit
            && (self.has_fresh() || self.released_count.load(Ordering::Relaxed) > 0)
    }

    /// Makes free blocks with pages behind them, so that a mutator that takes one does not wait for the operating system
    /// to clear them: a minor collection that fills a fresh huge page would spend half a millisecond there, or many where the
    /// host of a virtual machine has taken the memory back. A chunk at most, since the caller has other things to do; whether
    /// memory is short still.
    pub fn prepare(&self) -> bool {
        let under_way = UnderWay::begin(&self.under_way);
        for _ in 0..CHUNK_BLOCKS {
            if !self.is_short() {
                break;
            }
            let Some(block) = self.pop_released() else {
                self.prepare_chunk();
                break;
            };
            self.space.touch(block as usize * BLOCK, BLOCK);
            self.push_free(block);
        }
        drop(under_way);
        self.is_short()
    }

    /// Makes a chunk of free blocks that were never in use, by the huge page. Nobody waits meanwhile: the lock is not held
    /// while pages are cleared, and a mutator that needs a block at once takes another chunk.
    fn prepare_chunk(&self) {
        let mut committed = self.committed.lock().unwrap_or_else(|e| e.into_inner());
        let Some(first) = self.take_chunk(&mut committed) else { return };
        drop(committed);
        let start = first as usize * BLOCK;
        if self.huge {
            self.space.advise_huge(start, CHUNK, true);
        }
        for page in (start..start + CHUNK).step_by(HUGE_PAGE) {
            self.space.touch(page, HUGE_PAGE);
            self.push_all_free((page / BLOCK) as u32..((page + HUGE_PAGE) / BLOCK) as u32);
        }
    }

    /// Makes a free block with pages behind it, where there are less than `bytes` of such: for a mutator that fills its nursery
    /// and expects so much of it to survive. Its minor collection would wait for all these pages at once. Only in heaps with
    /// ordinary pages: a huge one would be a wait of its own.
    pub fn prepare_block(&self, bytes: usize) {
        if !self.attended
            || self.free_count.load(Ordering::Relaxed).saturating_mul(BLOCK) >= bytes
            || self.left() < bytes
        {
            return;
        }
        let _under_way = UnderWay::begin(&self.under_way);
        let block = self.pop_released().or_else(|| {
            if let Some(block) = self.sweep_for_free(LAZY_SWEEP) {
                // It was in use, and has its pages.
                self.push_free(block);
                return None;
            }
            let first = self.take_chunk(&mut self.committed.lock().unwrap_or_else(|e| e.into_inner()))?;
            self.push_all_released(first + 1..first + CHUNK_BLOCKS);
            Some(first)
        });
        if let Some(block) = block {
            self.space.touch(block as usize * BLOCK, BLOCK);
            self.push_free(block);
        }
    }

    /// The first of them will be taken first.
    fn push_all_released(&self, blocks: std::ops::Range<u32>) {
        self.released_count.fetch_add(blocks.len(), Ordering::Relaxed);
        blocks.rev().for_each(|block| self.released.push(&self.blocks, block));
    }

    /// The first of them will be taken first.
    fn push_all_free(&self, blocks: std::ops::Range<u32>) {
        blocks.rev().for_each(|block| self.push_free(block));
    }

    /// Gives free blocks, and free pages of large objects, beyond `reserve` bytes each back to the operating system; none
    /// where memory was touched to be there.
    pub fn trim(&self, reserve: usize) {
        if self.touched {
            return;
        }
        self.large.trim(reserve);
        let _under_way = UnderWay::begin(&self.under_way);
        while self.free_count.load(Ordering::Relaxed) * BLOCK > reserve {
            let Some(block) = self.free.pop(&self.blocks) else { return };
            self.free_count.fetch_sub(1, Ordering::Relaxed);
            self.space.release(block as usize * BLOCK, BLOCK);
            self.released_count.fetch_add(1, Ordering::Relaxed);
            self.released.push(&self.blocks, block);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::heap::Memory;
    use crate::heap::block::BLOCK;
    use crate::heap::block::Kind;
    use crate::heap::fresh::{CHUNK, UnderWay};
    use crate::sync::atomic::{AtomicBool, Ordering};
    use crate::sync::thread;
    use std::fs::File;
    use std::os::unix::fs::FileExt;
    use std::time::Duration;

    /// Whether the page of an address is there.
    fn is_present(address: usize) -> bool {
        let mut entry = [0; 8];
        let map = File::open("/proc/self/pagemap").unwrap();
        map.read_exact_at(&mut entry, (address / 4096 * 8) as u64).unwrap();
        u64::from_ne_bytes(entry) >> 63 == 1
    }

    fn pages(memory: &Memory, block: u32) -> usize {
        let start = memory.blocks.address_of(block);
        (start..start + BLOCK).step_by(4096).filter(|&page| is_present(page)).count()
    }

    #[test]
    fn what_was_not_prepared_comes_page_by_page() {
        let memory = Memory::new(64 << 20, true).unwrap().attended();
        let block = memory.take_free(Kind::Old).unwrap();
        assert_eq!(pages(&memory, block), 0);
        // SAFETY: a block of ours.
        unsafe { (memory.blocks.address_of(block) as *mut u8).write_volatile(1) };
        assert_eq!(pages(&memory, block), 1, "no huge page");
    }

    #[test]
    fn what_was_prepared_is_there() {
        for huge in [false, true] {
            let memory = Memory::new(256 << 20, huge).unwrap().attended();
            while memory.used() < 128 << 20 {
                memory.take_free(Kind::Old).unwrap();
            }
            assert!(memory.prepare(), "more than a chunk is wanted");
            for _ in 0..CHUNK / BLOCK {
                let block = memory.take_free(Kind::Old).unwrap();
                assert_eq!(pages(&memory, block), BLOCK / 4096);
            }
        }
    }

    #[test]
    fn what_a_mutator_expects_is_made_ready_block_by_block() {
        let memory = Memory::new(CHUNK, true).unwrap();
        memory.prepare_block(BLOCK);
        assert_eq!(memory.committed(), 0, "a huge page would be a wait of its own");
        let memory = memory.attended();
        for expected in [1, 2, 3] {
            for _ in 0..2 {
                memory.prepare_block(expected * BLOCK);
                assert_eq!(memory.committed(), expected * BLOCK, "one more, and not again");
            }
        }
        for _ in 0..3 {
            let block = memory.take_free(Kind::Old).unwrap();
            assert_eq!(pages(&memory, block), BLOCK / 4096);
        }
        assert_eq!(memory.take_free(Kind::Old).map(|block| pages(&memory, block)), Some(0));
        memory.prepare_block(CHUNK);
        assert_eq!(memory.committed(), 4 * BLOCK, "there is no room for so much");
    }

    #[test]
    fn what_was_touched_is_there_and_stays() {
        for huge in [false, true] {
            let memory = Memory::new((9 << 20) + 1, huge).unwrap().attended().touched().unwrap();
            for _ in 0..2 {
                let blocks: Vec<u32> = std::iter::from_fn(|| memory.take_free(Kind::Old)).collect();
                assert_eq!(blocks.len() * BLOCK, memory.limit());
                assert!(blocks.iter().all(|&block| pages(&memory, block) == BLOCK / 4096));
                assert!(!memory.is_short(), "there is nothing to prepare");
                blocks.into_iter().for_each(|block| memory.give_free(block));
                memory.trim(0);
                assert_eq!(memory.committed(), memory.limit());
            }
        }
    }

    #[test]
    fn a_block_on_its_way_is_waited_for() {
        let memory = Memory::new(CHUNK, false).unwrap();
        memory.give_free(memory.take_free(Kind::Old).unwrap());
        let under_way = UnderWay::begin(&memory.under_way);
        let block = memory.pop_free().unwrap();
        let taken = thread::scope(|scope| {
            let taker = scope.spawn(|| std::iter::from_fn(|| memory.take_free(Kind::Old)).count());
            // It has taken all others, and asks for this one.
            while memory.used() < memory.limit() && !taker.is_finished() {
                thread::yield_now();
            }
            // Longer than it would take to find that there is none.
            thread::sleep(Duration::from_millis(20));
            memory.push_free(block);
            drop(under_way);
            taker.join().unwrap()
        });
        assert_eq!(taken * BLOCK, CHUNK, "all that the limit allows");
    }

    #[test]
    fn there_are_never_fewer_free_blocks_than_none() {
        let memory = Memory::new(CHUNK, false).unwrap();
        let blocks: Vec<u32> = std::iter::from_fn(|| memory.take_free(Kind::Old)).collect();
        // The only one: who gives it back has hardly done so when another takes it.
        memory.give_free(blocks[0]);
        let take_and_give = || {
            for _ in 0..300_000 {
                if let Some(block) = memory.take_free(Kind::Old) {
                    let count = memory.free_count.load(Ordering::Relaxed);
                    assert!(count <= CHUNK / BLOCK, "{count} blocks are free");
                    memory.give_free(block);
                }
            }
        };
        thread::scope(|scope| {
            scope.spawn(take_and_give);
            take_and_give();
        });
    }

    #[test]
    fn blocks_on_their_way_are_waited_for() {
        const LIMIT: usize = 16 << 20;
        let memory = Memory::new(LIMIT, false).unwrap().attended();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    memory.prepare();
                    memory.prepare_block(LIMIT / 2);
                    memory.trim(0);
                }
            });
            for _ in 0..100 {
                let blocks: Vec<u32> = std::iter::from_fn(|| memory.take_free(Kind::Old)).collect();
                assert_eq!(blocks.len() * BLOCK, LIMIT, "all that the limit allows");
                blocks.into_iter().for_each(|block| memory.give_free(block));
            }
            done.store(true, Ordering::Relaxed);
        });
    }

    #[test]
    fn memory_is_made_ready_a_chunk_at_a_time() {
        let memory = Memory::new(256 << 20, false).unwrap();
        assert!(!memory.is_short(), "nothing is in use");
        while memory.used() < 200 << 20 {
            memory.take_free(Kind::Old).unwrap();
        }
        let mut steps = 0;
        let mut committed = memory.committed();
        while memory.is_short() {
            let short = memory.prepare();
            assert_eq!(short, memory.is_short());
            assert!(memory.committed() - committed <= CHUNK);
            committed = memory.committed();
            steps += 1;
            assert!(steps <= 8, "an eighth of what is in use is less than eight chunks");
        }
        // Of 25 MiB that should be ready a part was.
        assert!(steps >= 5, "{steps}");
        while memory.used() + CHUNK <= memory.limit() {
            memory.take_free(Kind::Old).unwrap();
        }
        assert!(!memory.prepare(), "at the limit there is nothing to make ready");
    }
}
