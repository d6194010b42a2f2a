//! The contents of an object are shared: nothing can be swapped out of them.
use handfast::{Config, Field, Heap, Trace};

#[derive(Trace)]
struct Cell {
    next: Field<Cell>,
}

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        let cell = s.alloc(Cell { next: Field::null() }).unwrap();
        let taken = std::mem::take(&mut cell.get(s).next);
        s.alloc(Cell { next: taken }).unwrap();
    });
}
