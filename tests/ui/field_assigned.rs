//! Nor can it be assigned to.
use handfast::{Config, Field, Heap, Trace};

#[derive(Trace)]
struct Cell {
    next: Field<Cell>,
}

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        let first = s.alloc(Cell { next: Field::null() }).unwrap();
        first.get(s).next = Field::null();
    });
}
