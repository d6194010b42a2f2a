//! A table of cells with stable addresses: global roots and weak references.
//!
//! Cells live in chunks that are never moved or freed before the table is: the first has [`FIRST`] of them, each next one
//! twice as many up to [`LARGEST`] (so that no single allocation makes a long pause), then all are that big. A directory of
//! pointers finds a chunk from an index. Freed cells go to a lock-free stack and are handed out again.
//! (Doubling chunks behind a directory: Dechev, Pirkelbauer and Stroustrup, 2006.)
//!
//! # Who may do what
//! 1. Any thread allocates and frees; who allocated a cell owns it until it frees it.
//! 2. A collector visits *every* cell that was ever made, free ones too, at any time: so a cell is only ever used through
//!    shared references, its fields are atomics, and its own value says whether it is in use. Its owner stores that value
//!    before it frees the cell; a cell that is handed out again still holds it.
//! 3. The link of a cell that is handed out says so. Who frees a cell takes that back first, so that one that is freed twice is
//!    in the stack once; that nobody has been given it in between is the owner's to see to, and is more likely in a table
//!    that keeps freed cells for a while ([`CellTable::keeping`]).
//!
//! # Orderings
//! - [C-chunk] the cells' default values → the directory entry (release CAS) → whoever indexes it (acquire load).
//! - [C-reuse] the last owner's writes → `IndexStack::push` (release) → `IndexStack::pop` (acquire) of the next.
//! - [`CellTable::for_each`] meets every cell whose `alloc` happens before it: then `made` and the chunk's directory entry
//!   are at least as new as that `alloc` left them, by coherence. Newer ones it may miss.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use crate::heap::pool::{IndexStack, Links};
use crate::sync::Mutex;
use crate::sync::atomic::{
    AtomicPtr, AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

/// Cells in the first chunk; a power of two.
#[cfg(not(loom))]
const FIRST: u32 = 256;
/// Cells in the largest chunks; a power of two.
#[cfg(not(loom))]
const LARGEST: u32 = 1 << 16;
/// Cells that a table can have (a little less, by the smaller chunks).
#[cfg(not(loom))]
const LIMIT: u32 = (1 << 26) + LARGEST;

// Small enough for a model to cross two chunk boundaries.
#[cfg(loom)]
const FIRST: u32 = 1;
#[cfg(loom)]
const LARGEST: u32 = 2;
#[cfg(loom)]
const LIMIT: u32 = 6;

/// The link of a cell that is handed out: no index, nor one more than any.
const IN_USE: u32 = u32::MAX;

/// Chunks smaller than the largest.
const SMALL_CHUNKS: u32 = LARGEST.ilog2() - FIRST.ilog2();
const CHUNKS: u32 = SMALL_CHUNKS + LIMIT / LARGEST - 1;
const CAPACITY: u32 = LIMIT - FIRST;

/// Chunk and offset of a cell. With `j = index + FIRST` the small chunks are the powers of two in `j`, and the large ones
/// its multiples of `LARGEST`.
const fn locate(index: u32) -> (u32, u32) {
    let j = index + FIRST;
    if j < LARGEST {
        let chunk = j.ilog2() - FIRST.ilog2();
        (chunk, j - (FIRST << chunk))
    } else {
        (SMALL_CHUNKS + j / LARGEST - 1, j % LARGEST)
    }
}

const fn chunk_len(chunk: u32) -> u32 {
    if chunk < SMALL_CHUNKS { FIRST << chunk } else { LARGEST }
}

/// `value` comes first: a pointer to it is a pointer to the slot.
#[repr(C)]
struct Slot<T> {
    value: T,
    /// Of the stack of free cells, or [`IN_USE`].
    link: AtomicU32,
    index: u32,
}

/// A growing table of `T` cells.
pub struct CellTable<T> {
    chunks: Box<[AtomicPtr<Slot<T>>]>,
    /// Indices below this were handed out at least once.
    made: AtomicU32,
    free: IndexStack,
    /// So many freed cells wait before they are handed out again.
    keep: usize,
    waiting: Mutex<VecDeque<u32>>,
    _owns: PhantomData<*mut Slot<T>>,
}

// SAFETY: [C2] cells are made on any thread, shared by all (rule 2) and dropped with the table: hence both bounds. The table's
// own fields are atomics, and `Slot::index` is not written after its chunk is published.
unsafe impl<T: Send + Sync> Send for CellTable<T> {}
// SAFETY: [C2] as above.
unsafe impl<T: Send + Sync> Sync for CellTable<T> {}

impl<T> Links for CellTable<T> {
    fn link(&self, i: u32) -> &AtomicU32 {
        let slot = self.slot(i).expect("an index that was made");
        // SAFETY: [C2] `slot` answers published slots, which live as long as the table and are only shared.
        unsafe { &(*slot.as_ptr()).link }
    }
}

impl<T> std::fmt::Debug for CellTable<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CellTable").field("made", &self.made()).finish_non_exhaustive()
    }
}

impl<T: Default> Default for CellTable<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> CellTable<T> {
    /// How many cells were ever made: what `for_each` visits.
    pub fn made(&self) -> usize {
        self.made.load(Relaxed) as usize
    }

    /// Visits every cell that was ever made, free ones too. Any thread, while others allocate and free.
    pub fn for_each(&self, mut f: impl FnMut(&T)) {
        let mut left = self.made.load(Relaxed);
        for (chunk, entry) in (0..).zip(&self.chunks) {
            if left == 0 {
                return;
            }
            let here = left.min(chunk_len(chunk));
            left -= here;
            // Acquire: [C-chunk].
            let slots = entry.load(Acquire);
            if slots.is_null() {
                continue; // an `alloc` under way has counted its cell, but its chunk is not there yet
            }
            for offset in 0..here as usize {
                // SAFETY: [C2] a published chunk has `chunk_len` initialised slots, lives as long as the table and is only
                // shared; `offset` is below that length.
                f(unsafe { &(*slots.add(offset)).value });
            }
        }
    }

    /// Gives a cell back. Its value stays and is visited until the cell is used again: store "not in use" before. False, and
    /// nothing has happened, if it is free already.
    ///
    /// # Safety
    /// `cell` came from [`Self::alloc`] of this table, and is not used afterwards.
    pub unsafe fn free(&self, cell: NonNull<T>) -> bool {
        // SAFETY: [C2] `alloc` made the pointer from one to the whole slot, whose first field the value is.
        let slot = unsafe { cell.cast::<Slot<T>>().as_ref() };
        // Relaxed: whoever frees it knows of its `alloc`; of two who free it at once one is the first.
        let was_in_use = slot.link.compare_exchange(IN_USE, 0, Relaxed, Relaxed).is_ok();
        if was_in_use && let Some(index) = self.in_its_turn(slot.index) {
            self.free.push(self, index);
        }
        was_in_use
    }

    /// The freed cell that is to be handed out next, when this one is freed.
    fn in_its_turn(&self, index: u32) -> Option<u32> {
        if self.keep == 0 {
            return Some(index);
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(|e| e.into_inner());
        waiting.push_back(index);
        if waiting.len() > self.keep { waiting.pop_front() } else { None }
    }

    /// What is wrong with a pointer as a cell of this table.
    ///
    /// # Safety
    /// `cell` came from [`Self::alloc`] of some table that still is, of cells of this size.
    pub unsafe fn check(&self, cell: NonNull<T>) -> Result<(), &'static str> {
        let slot = cell.cast::<Slot<T>>();
        // SAFETY: [C2] a slot of the same layout, as `alloc` made it.
        let (index, link) = unsafe { (slot.as_ref().index, slot.as_ref().link.load(Relaxed)) };
        if index >= self.made.load(Relaxed) || self.slot(index) != Some(slot) {
            return Err("this heap has given out none with this address");
        }
        if link == IN_USE { Ok(()) } else { Err("it has been freed") }
    }

    fn slot(&self, index: u32) -> Option<NonNull<Slot<T>>> {
        let (chunk, offset) = locate(index);
        // Acquire: [C-chunk].
        let slots = NonNull::new(self.chunks[chunk as usize].load(Acquire))?;
        // SAFETY: [C2] `locate` answers an offset below `chunk_len(chunk)`, the length of the chunk's allocation.
        Some(unsafe { slots.add(offset as usize) })
    }
}

impl<T: Default> CellTable<T> {
    /// An empty table.
    pub fn new() -> Self {
        Self::keeping(0)
    }

    /// An empty table that hands out a freed cell when as many others have been freed after it, and not at once.
    pub fn keeping(keep: usize) -> Self {
        CellTable {
            chunks: (0..CHUNKS).map(|_| AtomicPtr::new(ptr::null_mut())).collect(),
            made: AtomicU32::new(0),
            free: IndexStack::new(),
            keep,
            waiting: Mutex::new(VecDeque::new()),
            _owns: PhantomData,
        }
    }

    /// A cell of the caller's own: with the value with which it was freed, or the default. Use it through shared
    /// references only (rule 2). It keeps its address until the table is dropped.
    ///
    /// # Panics
    /// When the table is full (2²⁶ cells).
    pub fn alloc(&self) -> NonNull<T> {
        let index = self.free.pop(self).unwrap_or_else(|| self.make_index());
        let slot = self.slot(index).unwrap_or_else(|| self.alloc_chunk(index));
        // SAFETY: [C2] a published slot, and from now on the caller's.
        unsafe { slot.as_ref() }.link.store(IN_USE, Relaxed);
        slot.cast()
    }

    fn make_index(&self) -> u32 {
        let mut index = self.made.load(Relaxed);
        loop {
            assert!(index < CAPACITY, "more than {CAPACITY} cells in one table");
            match self.made.compare_exchange_weak(index, index + 1, Relaxed, Relaxed) {
                Ok(_) => return index,
                Err(now) => index = now,
            }
        }
    }

    #[cold]
    fn alloc_chunk(&self, index: u32) -> NonNull<Slot<T>> {
        let (chunk, offset) = locate(index);
        let len = chunk_len(chunk);
        let slots: Box<[Slot<T>]> = (index - offset..)
            .take(len as usize)
            .map(|index| Slot { value: T::default(), link: AtomicU32::new(0), index })
            .collect();
        let slots = Box::into_raw(slots).cast::<Slot<T>>();
        // Success, release: [C-chunk]. Failure, acquire: [C-chunk] for the chunk of whoever was faster.
        let published = self.chunks[chunk as usize].compare_exchange(ptr::null_mut(), slots, Release, Acquire);
        let chosen = match published {
            Ok(_) => slots,
            Err(other) => {
                // SAFETY: [C2] made above by `Box::into_raw` with this length, and nobody else has seen it.
                unsafe { drop_chunk(slots, len) };
                other
            }
        };
        // SAFETY: [C2] not null on either way, and `offset` is below the chunk's length.
        unsafe { NonNull::new_unchecked(chosen).add(offset as usize) }
    }
}

/// # Safety
/// `slots` came from a boxed slice of `len` slots and is not used any more.
unsafe fn drop_chunk<T>(slots: *mut Slot<T>, len: u32) {
    let slice = ptr::slice_from_raw_parts_mut(slots, len as usize);
    // SAFETY: [C2] by the contract of this function.
    drop(unsafe { Box::from_raw(slice) });
}

impl<T> Drop for CellTable<T> {
    fn drop(&mut self) {
        for (chunk, entry) in (0..).zip(&self.chunks) {
            // Relaxed: whoever has exclusive access has synchronised with all others.
            let slots = entry.load(Relaxed);
            if !slots.is_null() {
                // SAFETY: [C2] `alloc_chunk` published a boxed slice of `chunk_len` slots; nobody uses the table any more.
                unsafe { drop_chunk(slots, chunk_len(chunk)) };
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::atomic::AtomicUsize;

    /// # Panics
    /// Never: cells of a table are live while it is.
    fn value(cell: NonNull<AtomicUsize>) -> &'static AtomicUsize {
        // SAFETY: each test below keeps its table until its end, and uses no cell afterwards.
        unsafe { &*cell.as_ptr() }
    }

    #[test]
    fn every_index_has_a_place_of_its_own() {
        let mut expected = 0;
        for chunk in 0..CHUNKS {
            for offset in [0, chunk_len(chunk) - 1] {
                assert_eq!(locate(expected + offset), (chunk, offset));
            }
            expected += chunk_len(chunk);
        }
        assert_eq!(expected, CAPACITY);
        const { assert!(CAPACITY >= 1 << 26) };
    }

    #[test]
    fn cells_keep_address_and_value_as_the_table_grows() {
        let table = CellTable::<AtomicUsize>::new();
        let cells: Vec<_> = (0..100_000).map(|_| table.alloc()).collect();
        for (i, &cell) in cells.iter().enumerate() {
            value(cell).store(i + 1, Relaxed);
        }
        let mut sum = 0;
        table.for_each(|cell| sum += cell.load(Relaxed));
        assert_eq!(sum, (1..=100_000).sum());
        assert_eq!(table.made(), 100_000);
    }

    #[test]
    fn a_freed_cell_is_visited_and_handed_out_again() {
        let table = CellTable::<AtomicUsize>::new();
        let (a, b) = (table.alloc(), table.alloc());
        value(a).store(1, Relaxed);
        value(b).store(2, Relaxed);
        value(a).store(0, Relaxed);
        // SAFETY: `a` is this table's and not used until it is handed out again.
        assert!(unsafe { table.free(a) });
        let mut seen = vec![];
        table.for_each(|cell| seen.push(cell.load(Relaxed)));
        assert_eq!(seen, [0, 2]);
        assert_eq!(table.alloc(), a);
        assert_eq!(table.made(), 2);
    }

    #[test]
    fn a_cell_that_is_freed_twice_is_handed_out_once() {
        let table = CellTable::<AtomicUsize>::new();
        let (a, b) = (table.alloc(), table.alloc());
        // SAFETY: both are this table's.
        let freed = unsafe { [table.free(a), table.free(b), table.free(a), table.free(b)] };
        assert_eq!(freed, [true, true, false, false]);
        let cells: std::collections::BTreeSet<_> = (0..10).map(|_| table.alloc()).collect();
        assert_eq!(cells.len(), 10);
    }

    #[test]
    fn a_table_knows_its_cells() {
        let (table, other) = (CellTable::<AtomicUsize>::keeping(100), CellTable::<AtomicUsize>::new());
        let cells: Vec<_> = (0..1000).map(|_| table.alloc()).collect();
        // SAFETY: cells of tables that are there until the end, here and below.
        let check = |cell| unsafe { table.check(cell) };
        assert!(cells.iter().all(|&cell| check(cell).is_ok()));
        let foreign = [other.alloc(), (0..2000).map(|_| other.alloc()).last().unwrap()];
        assert_eq!(foreign.map(check), [Err("this heap has given out none with this address"); 2]);
        // SAFETY: this table's.
        unsafe { table.free(cells[3]) };
        assert_eq!(check(cells[3]), Err("it has been freed"));
        // SAFETY: likewise.
        let mut free = |&cell| unsafe { table.free(cell) };
        assert!(cells[4..104].iter().all(&mut free));
        assert_eq!(table.alloc(), cells[3], "not before a hundred others have been freed");
        assert!(!cells.contains(&table.alloc()), "the others wait");
    }

    #[test]
    fn threads_never_share_a_cell() {
        let table = CellTable::<AtomicUsize>::new();
        crate::sync::thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    for _ in 0..100 {
                        let mine: Vec<_> = (0..10).map(|_| table.alloc()).collect();
                        for &cell in &mine {
                            assert_eq!(value(cell).fetch_add(1, Relaxed), 0);
                        }
                        table.for_each(|cell| assert!(cell.load(Relaxed) <= 1));
                        for &cell in &mine {
                            value(cell).store(0, Relaxed);
                            // SAFETY: allocated above, freed once.
                            unsafe { table.free(cell) };
                        }
                    }
                });
            }
        });
        assert!(table.made() <= 40);
    }

    #[test]
    fn dropping_a_table_drops_its_cells() {
        #[derive(Default)]
        struct Counted(Option<crate::sync::Arc<AtomicUsize>>);
        thread_local!(static DROPS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) });
        impl Drop for Counted {
            fn drop(&mut self) {
                assert!(self.0.is_none());
                DROPS.set(DROPS.get() + 1);
            }
        }
        let table = CellTable::<Counted>::new();
        table.alloc();
        drop(table);
        assert_eq!(DROPS.get(), FIRST);
    }
}
