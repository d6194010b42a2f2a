//! What was read out of a field is unrooted as well, even through a copy of a reference.
use handfast::{Config, Field, Heap, Trace};

#[derive(Trace)]
struct Cell {
    next: Field<Cell>,
}

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        let first = s.alloc(Cell { next: Field::null() }).unwrap();
        let second = first.get(s).get(|c| &c.next).unwrap();
        s.alloc(0_u8).unwrap();
        second.get(|c| &c.next);
    });
}
