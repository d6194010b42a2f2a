//! The cell table: cells are handed out once, keep their address, and a walk meets all that were there.
#![cfg(loom)]

use std::ptr::NonNull;

use loom_tests::mutator::cells::CellTable;
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicUsize, Ordering,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use loom_tests::sync::thread;
use loom_tests::{Plain, check, check_all};

/// A cell as the collector sees it, and something that is its owner's alone.
struct Cell {
    seen: AtomicUsize,
    own: Plain<u32>,
    made: Plain<u32>,
}

impl Default for Cell {
    fn default() -> Self {
        let cell = Cell { seen: AtomicUsize::new(0), own: Plain::new(0), made: Plain::new(0) };
        cell.made.set(7);
        cell
    }
}

fn take(table: &CellTable<Cell>) -> NonNull<Cell> {
    let cell = table.alloc();
    // SAFETY: cells live as long as their table, which every caller holds.
    let shared = unsafe { cell.as_ref() };
    assert_eq!(shared.made.get(), 7);
    shared.own.touch();
    shared.seen.store(1, Relaxed);
    cell
}

fn give(table: &CellTable<Cell>, cell: NonNull<Cell>) {
    // SAFETY: as in `take`.
    unsafe { cell.as_ref() }.seen.store(0, Relaxed);
    // SAFETY: the caller allocated it from this table and gives it back once.
    unsafe { table.free(cell) };
}

fn in_use(table: &CellTable<Cell>) -> usize {
    let mut sum = 0;
    table.for_each(|cell| {
        assert_eq!(cell.made.get(), 7);
        sum += cell.seen.load(Relaxed);
    });
    sum
}

#[test]
fn a_cell_has_one_owner_while_chunks_grow() {
    check_all(|| {
        let table = Arc::new(CellTable::new());
        let other = {
            let table = table.clone();
            thread::spawn(move || {
                take(&table);
                take(&table);
            })
        };
        take(&table);
        other.join().unwrap();
        assert_eq!(in_use(&table), 3);
        assert_eq!(table.made(), 3);
    });
}

/// Two threads take and give one cell in turn; one of them may touch it once more.
fn two_owners(touches: bool) {
    check_all(move || {
        let table = Arc::new(CellTable::new());
        give(&table, take(&table));
        let other = {
            let table = table.clone();
            thread::spawn(move || {
                let cell = take(&table);
                give(&table, cell);
                if touches {
                    // SAFETY: as in `take`.
                    unsafe { cell.as_ref() }.own.touch();
                }
            })
        };
        give(&table, take(&table));
        other.join().unwrap();
        assert!(table.made() <= 2);
        assert_eq!(in_use(&table), 0);
    });
}

#[test]
fn a_freed_cell_has_one_next_owner() {
    two_owners(false);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_a_cell_is_touched_after_it_was_freed() {
    two_owners(true);
}

/// Two threads free one cell, against the rules; `free` says who did.
fn freed_by_two(free: fn(&CellTable<Cell>, NonNull<Cell>) -> bool) {
    check_all(move || {
        let table = Arc::new(CellTable::new());
        let cell = take(&table);
        let address = cell.as_ptr() as usize;
        let other = {
            let table = table.clone();
            thread::spawn(move || free(&table, NonNull::new(address as *mut Cell).unwrap()))
        };
        let mine = free(&table, cell);
        assert_ne!(mine, other.join().unwrap(), "one of them");
        assert_eq!(table.alloc(), cell);
        assert_ne!(table.alloc(), cell);
    });
}

#[test]
fn a_cell_freed_by_two_at_once_is_handed_out_once() {
    // SAFETY: a cell of this table; whether it is free is what is asked for.
    freed_by_two(|table, cell| unsafe { table.free(cell) });
}

#[test]
#[should_panic(expected = "one of them")]
fn twin_whether_a_cell_is_free_is_asked_before() {
    freed_by_two(|table, cell| {
        // SAFETY: as above.
        let in_use = unsafe { table.check(cell) }.is_ok();
        if in_use {
            // SAFETY: as above.
            unsafe { table.free(cell) };
        }
        in_use
    });
}

#[test]
fn a_walk_meets_what_was_there_and_only_whole_cells() {
    check(|| {
        let table = Arc::new(CellTable::new());
        take(&table);
        let others: Vec<_> = (0..2)
            .map(|_| {
                let table = table.clone();
                thread::spawn(move || {
                    take(&table);
                })
            })
            .collect();
        let met = in_use(&table);
        assert!((1..=3).contains(&met), "{met}");
        others.into_iter().for_each(|t| t.join().unwrap());
        assert_eq!(in_use(&table), 3);
    });
}

#[test]
fn a_walk_after_a_handover_meets_the_cell() {
    check_all(|| {
        let table = Arc::new((CellTable::new(), AtomicUsize::new(0)));
        let other = {
            let table = table.clone();
            thread::spawn(move || {
                take(&table.0);
                take(&table.0);
                table.1.store(1, Release);
            })
        };
        if table.1.load(Acquire) == 1 {
            assert_eq!(in_use(&table.0), 2, "a cell that the walk missed");
        }
        other.join().unwrap();
    });
}

/// Two owners of one cell after each other; the second keeps it.
fn handed_on(give: fn(&CellTable<Cell>, NonNull<Cell>)) {
    check_all(move || {
        let table = Arc::new(CellTable::new());
        let other = {
            let table = table.clone();
            thread::spawn(move || give(&table, take(&table)))
        };
        take(&table);
        other.join().unwrap();
        assert_eq!(in_use(&table), 1, "a root that nobody visits");
    });
}

#[test]
fn a_cell_in_use_says_so() {
    handed_on(give);
}

#[test]
#[should_panic(expected = "a root that nobody visits")]
fn twin_cell_is_freed_before_it_says_so() {
    handed_on(|table, cell| {
        // SAFETY: allocated from this table, given back once.
        unsafe { table.free(cell) };
        // SAFETY: cells live as long as their table. (Not the caller's any more: the fault of this twin.)
        unsafe { cell.as_ref() }.seen.store(0, Relaxed);
    });
}

/// One chunk that a thread makes and publishes with the given ordering while another indexes it.
fn weak_chunk(publishes: Ordering, handover: Ordering) {
    check_all(move || {
        let table = Arc::new((AtomicUsize::new(0), Cell::default(), AtomicUsize::new(0)));
        let other = {
            let table = table.clone();
            thread::spawn(move || {
                table.1.made.set(7);
                table.1.seen.store(1, Relaxed);
                let _ = table.0.compare_exchange(0, 1, publishes, Acquire);
                table.2.store(1, handover);
            })
        };
        let after = table.2.load(Acquire) == 1;
        let mut met = 0;
        if table.0.load(Acquire) == 1 {
            table.1.made.get();
            met = table.1.seen.load(Relaxed);
        }
        assert!(!after || met == 1, "a cell that the walk missed");
        other.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_chunk_published_without_release() {
    weak_chunk(Relaxed, Release);
}

#[test]
#[should_panic(expected = "a cell that the walk missed")]
fn twin_handover_without_release() {
    weak_chunk(AcqRel, Relaxed);
}
