//! Objects keep their contents over minor and full collections while they are rooted.

use handfast::{Config, Error, Heap, Trace};

#[derive(Trace)]
struct Sample {
    small: u8,
    large: [u64; 9],
    text: &'static str,
}

#[test]
fn rooted_objects_keep_their_contents() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let mut samples = Vec::new();
        for i in 0..1000_u64 {
            samples.push(s.alloc(Sample { small: i as u8, large: [i; 9], text: "text" })?);
            s.alloc([i; 30])?; // a dead neighbour: this root is dropped with the scope, but nobody uses it
            match i {
                300 | 900 => s.collect_minor(),
                600 => s.collect_full(),
                _ => {}
            }
        }
        s.collect_full();
        for (i, sample) in samples.iter().enumerate() {
            let sample = sample.get(s);
            assert_eq!(sample.small, i as u8);
            assert_eq!(sample.large, [i as u64; 9]);
            assert_eq!(sample.text, "text");
        }
        Ok(())
    })
}

#[test]
fn objects_without_contents_can_be_made() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let (a, b) = (s.alloc(())?, s.alloc(())?);
        s.collect_minor();
        assert!(!s.same(a, b));
        assert!(s.same(a, a));
        Ok(())
    })
}

#[test]
fn values_of_any_size_arrive_whole() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        // An object that follows another at once: what is written beyond the end of the first changes the second.
        macro_rules! check {
            ($($item:ty: $($n:literal)*;)*) => {$($({
                let value: [$item; $n] = std::array::from_fn(|i| (i + 1) as $item);
                let (first, second) = (s.alloc(value)?, s.alloc([7_u64; 2])?);
                assert_eq!(*first.get(s), value);
                s.collect_minor();
                assert_eq!((*first.get(s), *second.get(s)), (value, [7, 7]));
            })*)*};
        }
        check! {
            u8: 1 2 3 4 5 6 7 8 9 12 15 16 17 24 31 32 40 48 56 63 64 65 71 72 73 80;
            u32: 1 2 3 4 5 6 8 10 12 14 15 16 17 18 20;
            u64: 1 2 3 4 5 6 7 8 9 10 13;
        }
        Ok(())
    })
}
