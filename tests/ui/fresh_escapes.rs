//! An object that is being made does not leave the closure that makes it.
use handfast::{Config, Field, Heap, Trace};

#[derive(Trace)]
struct Cell {
    next: Field<Cell>,
}

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        let mut kept = None;
        let cell = s.alloc_with(Cell { next: Field::null() }, |new| kept = Some(new)).unwrap();
        s.alloc(1_u64).unwrap(); // may move the cell
        kept.unwrap().set(|cell| &cell.next, cell);
    });
}
