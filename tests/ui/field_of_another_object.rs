//! The field that is written must come from the object that it is written through.
use handfast::{Config, Field, Heap, Trace};

#[derive(Trace)]
struct Cell {
    next: Field<Cell>,
}

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        let a = s.alloc(Cell { next: Field::null() }).unwrap();
        let b = s.alloc(Cell { next: Field::null() }).unwrap();
        let of_b = &b.get(s).contents().next;
        s.set(a, |_| of_b, a);
    });
}
