//! A field is written through the scope only: it has no setter of its own.
use handfast::{Config, Field, Heap, Trace};

#[derive(Trace)]
struct Cell {
    next: Field<Cell>,
}

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        let first = s.alloc(Cell { next: Field::null() }).unwrap();
        let cell = first.get(s);
        cell.next.set(cell);
    });
}
