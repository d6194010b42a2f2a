//! A list of a million numbers, built and reversed without `unsafe`, with collections in between.
//!
//! `cargo run --release --example list`

use handfast::{Config, Error, Field, Heap, Ref, Scope, Trace, Var};

/// One cell of a list of numbers.
#[derive(Trace)]
struct Cell {
    value: u64,
    next: Field<Cell>,
}

/// Puts `value` before the list in `list`.
fn push(s: &mut Scope<'_>, list: &Var<'_, Cell>, value: u64) -> Result<(), Error> {
    // The inner scope takes its root with it; what is in `list` stays.
    s.scope(|t| {
        let cell = t.alloc(Cell { value, next: Field::null() })?;
        t.set(cell, |c| &c.next, list.get(t));
        list.set(t, cell);
        Ok(())
    })
}

/// Turns the list in `list` round, cell by cell, in place.
fn reverse(s: &Scope<'_>, list: &Var<'_, Cell>) {
    let mut done: Option<Ref<'_, Cell>> = None;
    let mut rest = list.get(s);
    while let Some(cell) = rest {
        rest = cell.get(|c| &c.next);
        s.set(cell, |c| &c.next, done);
        done = Some(cell);
    }
    list.set(s, done);
}

/// The sum of the list and its first number. Reads only: nothing needs a root.
fn sum(s: &Scope<'_>, list: &Var<'_, Cell>) -> (u64, Option<u64>) {
    let first = list.get(s).map(|cell| cell.value);
    let cells = std::iter::successors(list.get(s), |cell| cell.get(|c| &c.next));
    (cells.map(|cell| cell.value).sum(), first)
}

fn main() -> Result<(), Error> {
    const COUNT: u64 = 1_000_000;
    let heap = Heap::new(Config::default())?;
    let mut mutator = heap.attach()?;
    mutator.scope(|s| {
        let list = s.var();
        for value in 0..COUNT {
            push(s, &list, value)?;
        }
        let (total, first) = sum(s, &list);
        println!("{COUNT} cells, sum {total}, first {first:?}");
        assert_eq!((total, first), (COUNT * (COUNT - 1) / 2, Some(COUNT - 1)));

        reverse(s, &list);
        s.collect_full();
        let (total, first) = sum(s, &list);
        println!("reversed and collected: sum {total}, first {first:?}");
        assert_eq!((total, first), (COUNT * (COUNT - 1) / 2, Some(0)));
        Ok::<(), Error>(())
    })?;
    let stats = heap.stats();
    println!("{} minor collections, {} cycles", stats.minor_collections, stats.cycles);
    Ok(())
}
