//! A field cannot be moved out of an object.
use handfast::{Config, Field, Heap, Trace};

#[derive(Trace)]
struct Cell {
    next: Field<Cell>,
}

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        let cell = s.alloc(Cell { next: Field::null() }).unwrap();
        let moved = cell.get(s).contents().next;
        s.alloc(Cell { next: moved }).unwrap();
    });
}
