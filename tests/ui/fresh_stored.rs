//! An object that is being made is no reference yet: nothing else can be made to refer to it.
use handfast::{Config, Field, Heap, Trace};

#[derive(Trace)]
struct Cell {
    next: Field<Cell>,
}

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        let first = s.alloc(Cell { next: Field::null() }).unwrap();
        s.alloc_with(Cell { next: Field::null() }, |new| {
            new.scope().set(first, |cell| &cell.next, new);
        })
        .unwrap();
    });
}
