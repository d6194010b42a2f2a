//! When memory is out an allocation is an error; what exists is intact, and there is room again once some of it is dropped.

use handfast::{Config, Error, Heap};

#[test]
fn out_of_memory_is_an_error_and_the_heap_stays_usable() -> Result<(), Error> {
    let config = Config { gc_threads: 0, max_heap_bytes: 16 << 20, nursery_bytes: 256 << 10, ..Config::default() };
    let heap = Heap::new(config)?;
    heap.attach()?.scope(|s| {
        let kept = s.alloc(7_u64)?;
        let refused = s.scope(|t| {
            let mut blocks = Vec::new();
            let error = loop {
                match t.alloc([blocks.len() as u64; 100]) {
                    Ok(block) => blocks.push(block),
                    Err(error) => break error,
                }
                assert!(blocks.len() < 100_000, "80 MB went into a heap of 16 MiB");
            };
            for (i, block) in blocks.iter().enumerate() {
                assert_eq!(block.get(t)[99], i as u64);
            }
            assert!(blocks.len() > 10_000, "only {} objects fitted", blocks.len());
            error
        });
        assert!(matches!(refused, Error::OutOfMemory { requested: 800, .. }), "{refused:?}");
        assert_eq!(*kept.get(s), 7);
        for i in 0..10_000_u64 {
            s.scope(|t| t.alloc([i; 100]).map(|block| assert_eq!(block.get(t)[0], i)))?;
        }
        Ok(())
    })
}
