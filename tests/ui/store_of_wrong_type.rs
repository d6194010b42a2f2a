//! A field takes references to its own type only.
use handfast::{Config, Field, Heap, Trace};

#[derive(Trace)]
struct Cell {
    value: Field<u64>,
}

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        let cell = s.alloc(Cell { value: Field::null() }).unwrap();
        let value = s.alloc(1_u32).unwrap();
        s.set(cell, |c| &c.value, value);
    });
}
