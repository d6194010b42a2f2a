//! Data reads back as the slice it was made from; atomics in it are shared and mutable.

use handfast::{Config, Error, Heap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

#[test]
fn bytes_of_any_length_read_back() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let source: Vec<u8> = (0..100_000_u32).map(|i| (i * 7 % 251) as u8).collect();
        let lengths = [0, 1, 7, 8, 9, 127, 4096, 8191, 40_000, 100_000];
        let mut copies = Vec::new();
        for len in lengths {
            copies.push(s.alloc_bytes(&source[..len])?);
        }
        s.collect_minor();
        s.collect_full();
        for (copy, len) in copies.iter().zip(lengths) {
            assert_eq!(copy.get(s).as_slice(), &source[..len]);
            assert_eq!(copy.get(s).len(), len);
            assert_eq!(copy.get(s).is_empty(), len == 0);
        }
        Ok(())
    })
}

#[test]
fn items_of_other_sizes_read_back() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let triples = s.alloc_data(&[[1_u8, 2, 3], [4, 5, 6], [7, 8, 9]])?;
        let floats = s.alloc_data_with(1000, |i| i as f64 / 2.0)?;
        let text = s.alloc_bytes("grün".as_bytes())?;
        let broken = s.alloc_bytes(&[0xff])?;
        s.collect_full();
        assert_eq!(triples.get(s).as_slice(), [[1, 2, 3], [4, 5, 6], [7, 8, 9]]);
        assert!(floats.get(s).as_slice().iter().enumerate().all(|(i, &f)| f == i as f64 / 2.0));
        assert_eq!(text.get(s).as_str(), Some("grün"));
        assert_eq!(broken.get(s).as_str(), None);
        Ok(())
    })
}

#[test]
fn atomics_keep_their_values_over_a_move() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let counters = s.alloc_data_with(5, |_| AtomicU32::new(0))?;
        for round in 0..10 {
            counters.get(s).as_slice()[round % 5].fetch_add(round as u32, Relaxed);
            s.collect_minor();
        }
        let values: Vec<_> = counters.get(s).as_slice().iter().map(|c| c.load(Relaxed)).collect();
        assert_eq!(values, [5, 7, 9, 11, 13]);
        Ok(())
    })
}

#[test]
fn a_panic_while_items_are_made_leaves_the_heap_usable() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            s.alloc_data_with(100, |i| if i == 50 { panic!("half way") } else { i }).map(|_| ())
        }));
        assert!(outcome.is_err());
        s.collect_full();
        assert_eq!(s.alloc_data(&[1_u16, 2])?.get(s).as_slice(), [1, 2]);
        Ok(())
    })
}
