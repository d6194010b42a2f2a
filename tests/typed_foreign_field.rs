//! A field that is not a part of the object it is written through is refused, and read as null.

use handfast::{Config, Error, Field, Heap, Trace};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[derive(Trace)]
struct Cell {
    next: Field<Cell>,
}

#[test]
fn a_field_off_the_heap_stays_null() -> Result<(), Error> {
    static STRAY: Field<Cell> = Field::null();
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let cell = s.alloc(Cell { next: Field::null() })?;
        let message = catch_unwind(AssertUnwindSafe(|| s.set(cell, |_| &STRAY, cell))).unwrap_err();
        assert!(message.downcast_ref::<&str>().unwrap().contains("not a part of the object"));
        assert_eq!(s.get(cell, |_| &STRAY), None);
        assert_eq!(s.get(cell, |c| &c.next), None);
        Ok(())
    })
}
