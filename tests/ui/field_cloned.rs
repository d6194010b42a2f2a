//! A field cannot be copied out of an object.
use handfast::{Config, Field, Heap, Trace};

#[derive(Trace)]
struct Cell {
    next: Field<Cell>,
}

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        let cell = s.alloc(Cell { next: Field::null() }).unwrap();
        let cloned = cell.get(s).contents().next.clone();
        s.alloc(Cell { next: cloned }).unwrap();
    });
}
