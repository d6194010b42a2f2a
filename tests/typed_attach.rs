//! A thread attaches to a heap once at a time, and detaches when its mutator is dropped.

use handfast::{Config, Error, Heap};

#[test]
fn a_second_attachment_is_refused_until_the_first_is_dropped() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    let mut mutator = heap.attach()?;
    assert!(matches!(heap.attach(), Err(Error::AlreadyAttached)));
    assert!(matches!(mutator.heap().attach(), Err(Error::AlreadyAttached)));
    assert!(matches!(heap.close(), Err(Error::StillAttached { mutators: 1 })));
    assert_eq!(mutator.scope(|s| s.alloc(1_u64).map(|one| *one.get(s)))?, 1);
    mutator.detach()?;
    let again = heap.attach()?;
    drop(again);
    heap.close()?;
    Ok(())
}
