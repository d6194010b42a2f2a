//! To close a heap that has mutators is refused and does nothing: a thread that attaches meanwhile is not turned away.

mod support;

use handfast::raw::Heap;
use handfast::{Config, Error};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

#[test]
fn a_refused_close_turns_nobody_away() -> Result<(), Error> {
    support::fail_fast();
    let heap = Heap::new(&Config { gc_threads: 0, ..Config::default() })?;
    let m = heap.attach()?;
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                assert!(matches!(heap.close(), Err(Error::StillAttached { .. })));
            }
        });
        scope.spawn(|| {
            for _ in 0..if cfg!(gc_zeal) { 100 } else { 2000 } {
                let other = heap.attach().expect("the heap is not closed");
                // SAFETY: this thread's mutator; it holds nothing.
                unsafe { other.detach() };
            }
            done.store(true, Ordering::Relaxed);
        });
    });
    // SAFETY: as above.
    unsafe { m.detach() };
    heap.close()?;
    assert!(matches!(heap.attach(), Err(Error::Closed)));
    Ok(())
}
