//! Nothing is allocated while an object is being made.
use handfast::{Config, Field, Heap, Trace};

#[derive(Trace)]
struct Cell {
    value: Field<u64>,
}

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        s.alloc_with(Cell { value: Field::null() }, |new| {
            let value = s.alloc(1_u64).unwrap(); // may move the cell
            new.set(|cell| &cell.value, value);
        })
        .unwrap();
    });
}
