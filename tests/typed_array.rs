//! Arrays hold references by index, over collections, small and large.

use handfast::{Array, Config, Error, Field, Heap, Trace};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[derive(Trace)]
struct Table {
    rows: Field<Array<Array<u64>>>,
}

fn squares(len: usize) -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let array = s.alloc_array::<u64>(len)?;
        assert!(array.get(s).iter().all(|item| item.is_none()));
        for i in (0..len).step_by(3) {
            s.scope(|t| {
                let square = t.alloc(i as u64 * i as u64)?;
                t.set_item(array, i, square);
                Ok::<(), Error>(())
            })?;
            if i % 1000 == 0 {
                s.collect_minor();
            }
        }
        s.collect_full();
        assert_eq!(array.get(s).len(), len);
        for (i, item) in array.get(s).iter().enumerate() {
            assert_eq!(item.as_deref().copied(), (i % 3 == 0).then_some(i as u64 * i as u64));
        }
        if len > 0 {
            s.clear_item(array, 0);
            assert_eq!(s.item(array, 0), None);
        }
        assert_eq!(array.get(s).is_empty(), len == 0);
        Ok(())
    })
}

#[test]
fn an_empty_array() -> Result<(), Error> {
    squares(0)
}

#[test]
fn a_small_array() -> Result<(), Error> {
    squares(100)
}

#[test]
fn a_large_array() -> Result<(), Error> {
    squares(20_000)
}

#[test]
fn arrays_of_arrays() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let table = s.alloc(Table { rows: Field::null() })?;
        s.scope(|t| {
            let rows = t.alloc_array(2)?;
            let row = t.alloc_array::<u64>(2)?;
            let number = t.alloc(5_u64)?;
            t.set_item(row, 1, number);
            t.set_item(rows, 0, row);
            t.set(table, |x| &x.rows, rows);
            Ok::<(), Error>(())
        })?;
        s.collect_full();
        let rows = s.get(table, |t| &t.rows).expect("set above");
        assert_eq!(rows.item(0).and_then(|row| row.item(1)).as_deref(), Some(&5));
        assert_eq!(rows.item(1), None);
        Ok(())
    })
}

#[test]
fn an_index_out_of_range_panics() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let array = s.alloc_array::<u64>(3)?;
        let number = s.alloc(1_u64)?;
        for index in [3, 4, usize::MAX / 8, usize::MAX] {
            assert!(catch_unwind(AssertUnwindSafe(|| s.item(array, index))).is_err());
            assert!(catch_unwind(AssertUnwindSafe(|| s.set_item(array, index, number))).is_err());
        }
        Ok(())
    })
}

#[test]
fn a_length_beyond_reason_is_an_error() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        for len in [usize::MAX, usize::MAX / 8, usize::MAX / 16, 1 << 40] {
            assert!(matches!(s.alloc_array::<u64>(len), Err(Error::OutOfMemory { .. })), "{len}");
            assert!(matches!(s.alloc_data_with(len, |_| 0_u8), Err(Error::OutOfMemory { .. })), "{len}");
        }
        assert_eq!(*s.alloc(1_u64)?.get(s), 1);
        Ok(())
    })
}
