//! The address range of one heap's slabs, and who gets which pages of it.
//!
//! The range is reserved once, without access, and committed from the bottom in chunks; beside it lies a table with the
//! linked bits of every page (committed in step), the links that stacks of pages are threaded through, and one byte of
//! kind per page. Nothing is unmapped before the heap is dropped, so a stale address never faults: pages given back to
//! the operating system read as zero.
//!
//! Single pages are taken without locks: from the stack of dirty free pages, then of clean ones (given back to the
//! operating system), then from the holes that runs left, then by moving the high-water mark. Runs of pages are rare
//! (objects over [`MAX_SMALL`](super::page::MAX_SMALL)) and take a short mutex. Any thread may call anything here.
//!
//! Orderings: the stacks order hand-overs of pages ([P-push] of `heap/pool.rs`). `high` is advanced with release after the pages below
//! it are committed, and read with acquire: who iterates to `pages()` touches committed tables only.

use super::page::{self, LinkedBits, PAGE_BYTES, PageHeader};
use crate::heap::pool::{IndexStack, Links};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags};
use std::collections::BTreeMap;
use std::{io, ptr};

/// Pages committed at a time.
const CHUNK_PAGES: u32 = 16;
/// Free pages kept before more go back to the operating system.
pub(super) const DIRTY_PAGES: u32 = 64;

/// What a page is used for, for walks.
const FREE: u8 = 0;
const FIRST: u8 = 1;

/// A private anonymous mapping.
#[derive(Debug)]
struct Mapping {
    start: *mut u8,
    len: usize,
}

impl Mapping {
    fn new(len: usize, prot: ProtFlags) -> io::Result<Mapping> {
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: [Z1] a new mapping at an address of the kernel's choice overlays nothing.
        let start = unsafe { rustix::mm::mmap_anonymous(ptr::null_mut(), len, prot, flags) }?;
        start.expose_provenance();
        Ok(Mapping { start: start.cast(), len })
    }

    /// Makes `[start, start + len)` readable and writable.
    fn commit(&self, start: *mut u8, len: usize) -> io::Result<()> {
        debug_assert!(start.addr() >= self.start.addr() && start.addr() + len <= self.start.addr() + self.len);
        // SAFETY: [Z1] the bytes are of this mapping; more access invalidates nothing.
        unsafe { rustix::mm::mprotect(start.cast(), len, MprotectFlags::READ | MprotectFlags::WRITE) }?;
        Ok(())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: [Z1] the range is dropped with its heap, when nobody uses its memory any more.
        let done = unsafe { rustix::mm::munmap(self.start.cast(), self.len) };
        debug_assert!(done.is_ok());
    }
}

/// The reserved range; see the module's text.
#[derive(Debug)]
pub(super) struct Range {
    memory: Mapping,
    tables: Mapping,
    /// First page; aligned to `PAGE_BYTES`.
    base: *mut u8,
    /// Pages that fit.
    limit: u32,
    bits: *const LinkedBits,
    links: *const AtomicU32,
    kinds: *const AtomicU8,
    committed: AtomicU32,
    high: AtomicU32,
    dirty: IndexStack,
    clean: IndexStack,
    dirty_count: AtomicU32,
    /// Pages in use or dirty.
    resident: AtomicU32,
    /// Free pages in `runs`; read without the lock as a hint.
    run_pages: AtomicU32,
    /// Holes for runs: first page to number of pages; all clean; neighbours are merged.
    runs: Mutex<BTreeMap<u32, u32>>,
}

// SAFETY: [Z1] the pointers lead to mappings that the range owns; what is mutable behind them is atomic or held by one thread.
unsafe impl Send for Range {}
// SAFETY: [Z1] as above.
unsafe impl Sync for Range {}

impl Links for Range {
    fn link(&self, i: u32) -> &AtomicU32 {
        debug_assert!(i < self.limit);
        // SAFETY: [Z1] the table has `limit` words, zeroed memory is a valid atomic, and it is unmapped with the range.
        unsafe { &*self.links.wrapping_add(i as usize) }
    }
}

impl Range {
    pub(super) fn new(reserve_bytes: usize) -> io::Result<Range> {
        let pages = reserve_bytes.div_ceil(PAGE_BYTES);
        let limit = u32::try_from(pages).ok().filter(|&n| n != 0 && n < u32::MAX - CHUNK_PAGES);
        let limit = limit.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "slab reserve out of range"))?;
        let os_page = rustix::param::page_size();
        let memory = Mapping::new((pages + 1) * PAGE_BYTES, ProtFlags::empty())?;
        let base = memory.start.map_addr(|a| a.next_multiple_of(PAGE_BYTES));
        let bits_len = (pages * size_of::<LinkedBits>()).next_multiple_of(os_page);
        let rest_len = pages * (size_of::<AtomicU32>() + size_of::<AtomicU8>());
        let tables = Mapping::new(bits_len + rest_len.next_multiple_of(os_page), ProtFlags::empty())?;
        let links = tables.start.wrapping_add(bits_len);
        tables.commit(links, rest_len.next_multiple_of(os_page))?;
        Ok(Range {
            base,
            limit,
            bits: tables.start.cast_const().cast(),
            links: links.cast_const().cast(),
            kinds: links.wrapping_add(pages * size_of::<AtomicU32>()).cast_const().cast(),
            memory,
            tables,
            committed: AtomicU32::new(0),
            high: AtomicU32::new(0),
            dirty: IndexStack::new(),
            clean: IndexStack::new(),
            dirty_count: AtomicU32::new(0),
            resident: AtomicU32::new(0),
            run_pages: AtomicU32::new(0),
            runs: Mutex::new(BTreeMap::new()),
        })
    }

    #[inline]
    pub(super) fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.base.addr()) < self.limit as usize * PAGE_BYTES
    }

    /// Pages that have ever been in use.
    pub(super) fn pages(&self) -> u32 {
        self.high.load(Ordering::Acquire)
    }

    pub(super) fn resident(&self) -> u32 {
        self.resident.load(Ordering::Relaxed)
    }

    /// The header of page `i`, below `pages()`; of no page when it is free or inside a run.
    pub(super) fn header(&self, i: u32) -> &'static PageHeader {
        debug_assert!(i < self.pages());
        // SAFETY: [Z1] committed memory, all atomics, mapped until the heap is dropped: no header is used after that.
        unsafe { &*self.page_base(i).cast_const().cast() }
    }

    pub(super) fn page_base(&self, i: u32) -> *mut u8 {
        self.base.wrapping_add(i as usize * PAGE_BYTES)
    }

    /// The linked bits of page `i`, below `pages()`.
    pub(super) fn bits(&self, i: u32) -> &LinkedBits {
        // SAFETY: [Z1] committed with the page, zeroed memory is valid, unmapped with the range.
        unsafe { &*self.bits.wrapping_add(i as usize) }
    }

    /// Whether a page in use, or a run, starts at `i`.
    pub(super) fn is_first(&self, i: u32) -> bool {
        self.kind(i).load(Ordering::Acquire) == FIRST
    }

    fn kind(&self, i: u32) -> &AtomicU8 {
        debug_assert!(i < self.limit);
        // SAFETY: [Z1] the table has `limit` bytes, zeroed memory is a valid atomic, and it is unmapped with the range.
        unsafe { &*self.kinds.wrapping_add(i as usize) }
    }

    /// Takes one page, dirty or not; `None` when the range is full or the system has no memory.
    pub(super) fn take_page(&self) -> Option<u32> {
        let i = if let Some(i) = self.dirty.pop(self) {
            self.dirty_count.fetch_sub(1, Ordering::Relaxed);
            i
        } else {
            let i = self.clean.pop(self).or_else(|| self.take_hole()).or_else(|| self.grow(1))?;
            self.resident.fetch_add(1, Ordering::Relaxed);
            i
        };
        self.kind(i).store(FIRST, Ordering::Release);
        Some(i)
    }

    /// Nothing is in use in page or run `i` any more; it is not free yet.
    pub(super) fn set_unused(&self, i: u32) {
        self.kind(i).store(FREE, Ordering::Release);
    }

    /// Gives a page back, which the caller holds and has set unused.
    pub(super) fn free_page(&self, i: u32) {
        // The limit is a soft one: two threads may both pass it.
        if self.dirty_count.load(Ordering::Relaxed) < DIRTY_PAGES || !self.discard(self.page_base(i), PAGE_BYTES) {
            self.dirty_count.fetch_add(1, Ordering::Relaxed);
            self.dirty.push(self, i);
        } else {
            self.resident.fetch_sub(1, Ordering::Relaxed);
            self.clean.push(self, i);
        }
    }

    /// Takes `n` pages in a row, all zero.
    pub(super) fn take_run(&self, n: u32) -> Option<u32> {
        let i = self.take_from_runs(n).or_else(|| self.grow(n)).or_else(|| {
            self.gather();
            self.take_from_runs(n)
        })?;
        self.resident.fetch_add(n, Ordering::Relaxed);
        self.kind(i).store(FIRST, Ordering::Release);
        Some(i)
    }

    /// Gives `n` pages in a row back, which the caller holds and has set unused.
    pub(super) fn free_run(&self, i: u32, n: u32) {
        if !self.discard(self.page_base(i), n as usize * PAGE_BYTES) {
            // The holes for runs must be zero; single pages need not be.
            self.dirty_count.fetch_add(n, Ordering::Relaxed);
            (i..i + n).for_each(|page| self.dirty.push(self, page));
            return;
        }
        self.resident.fetch_sub(n, Ordering::Relaxed);
        let mut runs = self.lock_runs();
        Self::insert_hole(&mut runs, i, n);
        self.run_pages.fetch_add(n, Ordering::Relaxed);
    }

    /// Gives the memory of `[start, start + len)` back to the system; it reads as zero from then on. False: it does not.
    pub(super) fn discard(&self, start: *mut u8, len: usize) -> bool {
        debug_assert!(self.contains(start.addr()) && len <= self.memory.len);
        // Of all systems only Linux promises zeros.
        // SAFETY: [Z1] the caller holds these bytes of the range, and nobody relies on what is in them.
        cfg!(target_os = "linux") && unsafe { rustix::mm::madvise(start.cast(), len, Advice::LinuxDontNeed) }.is_ok()
    }

    /// Moves the high-water mark by `n` pages, which are zero.
    fn grow(&self, n: u32) -> Option<u32> {
        let mut high = self.high.load(Ordering::Relaxed);
        loop {
            match self.grow_from(high, n)? {
                Ok(first) => return Some(first),
                Err(now) => high = now,
            }
        }
    }

    /// The same if the mark is at `high`; `Err`: it is elsewhere; `None`: no room or no memory.
    fn grow_from(&self, high: u32, n: u32) -> Option<Result<u32, u32>> {
        let end = high.checked_add(n).filter(|&end| end <= self.limit)?;
        self.commit(end)?;
        // Release, [S-high]: pairs with `pages`, for what `commit` did.
        Some(self.high.compare_exchange(high, end, Ordering::Release, Ordering::Relaxed))
    }

    /// Makes pages and tables below `end` accessible. Several threads may do so at once: it is idempotent.
    fn commit(&self, end: u32) -> Option<()> {
        // Acquire: pairs with the release below, so that `grow`'s release covers another thread's commit too.
        let from = self.committed.load(Ordering::Acquire);
        if end <= from {
            return Some(());
        }
        let to = end.next_multiple_of(CHUNK_PAGES).min(self.limit);
        let len = (to - from) as usize * PAGE_BYTES;
        self.memory.commit(self.page_base(from), len).ok()?;
        let os_page = rustix::param::page_size();
        let first = from as usize * size_of::<LinkedBits>() / os_page * os_page;
        let last = (to as usize * size_of::<LinkedBits>()).next_multiple_of(os_page);
        self.tables.commit(self.tables.start.wrapping_add(first), last - first).ok()?;
        self.committed.fetch_max(to, Ordering::AcqRel);
        Some(())
    }

    /// One page out of the holes for runs.
    fn take_hole(&self) -> Option<u32> {
        if self.run_pages.load(Ordering::Relaxed) == 0 { None } else { self.take_from_runs(1) }
    }

    /// The first `n` pages of the smallest hole that fits, or a hole at the high-water mark made longer.
    fn take_from_runs(&self, n: u32) -> Option<u32> {
        let mut runs = self.lock_runs();
        if let Some((&i, &len)) = runs.iter().filter(|&(_, &len)| len >= n).min_by_key(|&(_, &len)| len) {
            runs.remove(&i);
            if len > n {
                runs.insert(i + n, len - n);
            }
            self.run_pages.fetch_sub(n, Ordering::Relaxed);
            return Some(i);
        }
        let (&i, &len) = runs.last_key_value()?;
        self.grow_from(i + len, n - len)?.ok()?;
        runs.remove(&i);
        self.run_pages.fetch_sub(len, Ordering::Relaxed);
        Some(i)
    }

    /// Turns the free single pages into holes for runs; when the range is nearly full.
    fn gather(&self) {
        let mut runs = self.lock_runs();
        let mut put_back = Vec::new();
        while let Some(i) = self.clean.pop(self) {
            Self::insert_hole(&mut runs, i, 1);
            self.run_pages.fetch_add(1, Ordering::Relaxed);
        }
        while let Some(i) = self.dirty.pop(self) {
            if !self.discard(self.page_base(i), PAGE_BYTES) {
                put_back.push(i);
                continue;
            }
            self.dirty_count.fetch_sub(1, Ordering::Relaxed);
            self.resident.fetch_sub(1, Ordering::Relaxed);
            Self::insert_hole(&mut runs, i, 1);
            self.run_pages.fetch_add(1, Ordering::Relaxed);
        }
        put_back.into_iter().for_each(|i| self.dirty.push(self, i));
    }

    fn insert_hole(runs: &mut BTreeMap<u32, u32>, mut i: u32, mut n: u32) {
        if let Some(after) = runs.remove(&(i + n)) {
            n += after;
        }
        if let Some((&before, &len)) = runs.range(..i).next_back()
            && before + len == i
        {
            (i, n) = (before, n + len);
        }
        runs.insert(i, n);
    }

    fn lock_runs(&self) -> crate::sync::MutexGuard<'_, BTreeMap<u32, u32>> {
        // A panic under the lock can only come from an allocation failure, before the map changed.
        self.runs.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

const _: () = assert!(size_of::<page::LinkedBits>() == 512);
