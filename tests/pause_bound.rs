//! A program that begins to keep what it allocates: its first minor collections do no more work than the pause target has
//! time for. What is counted is work, not time.

#![cfg(not(gc_zeal))] // One collection at every allocation leaves none with much to do.

use handfast::raw::{self, Heap, Mutator, Object, TypeInfo};
use handfast::{Config, Error};
use std::ptr::null_mut;
use std::time::Duration;

static NODE: TypeInfo = TypeInfo::new("Node", 24).with_refs(&[0]);
const BYTES: usize = 32;

fn config(pause_target: Duration) -> Config {
    Config { max_nursery_bytes: 16 << 20, max_heap_bytes: 1 << 30, pause_target, gc_threads: 0, ..Config::default() }
}

unsafe fn node(m: Mutator, value: usize) -> *mut Object {
    // SAFETY: the caller's mutator; 24 bytes of payload.
    unsafe {
        let node = m.alloc(&NODE);
        assert!(!node.is_null());
        raw::payload(node).cast::<usize>().add(1).write(value);
        node
    }
}

/// Allocates 48 MiB of which a twentieth is kept for a while: the nursery grows.
unsafe fn serve(m: Mutator) {
    // SAFETY: the caller's mutator; what is kept is rooted.
    unsafe {
        let scope = m.scope_open();
        let mut kept: Vec<_> = (0..64 << 10).map(|_| m.root(null_mut())).collect();
        for i in 0..(48 << 20) / BYTES {
            let new = node(m, i);
            if i % 20 == 0 {
                let at = i / 20 % kept.len();
                *kept[at] = new;
            }
        }
        m.scope_close(scope);
        m.collect_minor();
    }
}

/// What a minor collection finds where everything survives: the bytes that it promotes, of these the bytes that it copies.
unsafe fn keep_all(heap: &Heap, m: Mutator) -> (usize, usize) {
    // SAFETY: the caller's mutator; the list is rooted; addresses are only compared.
    unsafe {
        let scope = m.scope_open();
        let list = m.root(null_mut());
        let (before, mut made) = (heap.stats(), vec![]);
        while heap.stats().minor_collections == before.minor_collections {
            let new = node(m, made.len());
            m.store(new, 0, *list);
            *list = new;
            made.push(new);
        }
        // The last was allocated after the collection.
        let (mut at, mut copied) = (m.load(*list, 0), 0);
        made.pop();
        for (i, &address) in made.iter().enumerate().rev() {
            assert_eq!(raw::payload(at).cast::<usize>().add(1).read(), i);
            copied += usize::from(at != address) * BYTES;
            at = m.load(at, 0);
        }
        assert!(at.is_null());
        heap.verify().unwrap();
        m.scope_close(scope);
        ((heap.stats().promoted_bytes - before.promoted_bytes) as usize, copied)
    }
}

/// The work of the first collections after the program has changed.
fn work(pause_target: Duration) -> Result<Vec<(usize, usize)>, Error> {
    let heap = Heap::new(&config(pause_target))?;
    let m = heap.attach()?;
    // SAFETY: this thread's mutator.
    unsafe {
        serve(m);
        let work = (0..4).map(|_| keep_all(&heap, m)).collect();
        m.collect_full();
        heap.verify().unwrap();
        m.detach();
        Ok(work)
    }
}

#[test]
fn a_nursery_of_a_server_is_no_larger_than_can_be_kept_in_the_target() -> Result<(), Error> {
    // 0.2 ns for a byte that stays in place is what is assumed; nothing else has been measured.
    let (promoted, _) = work(Duration::from_micros(400))?[0];
    assert!(promoted <= 2 << 20, "{promoted} bytes in one collection");
    assert!(promoted >= 1 << 20, "there is time for more than {promoted} bytes");
    Ok(())
}

#[test]
fn a_nursery_may_be_large_where_there_is_time() -> Result<(), Error> {
    let work = work(Duration::from_secs(60))?;
    assert!(work[0].0 >= 14 << 20 && work[0].1 == work[0].0, "all is copied: {work:?}");
    Ok(())
}

#[test]
fn where_there_is_no_time_the_rest_stays_where_it_is() -> Result<(), Error> {
    let work = work(Duration::ZERO)?;
    assert!(work.iter().all(|&(promoted, _)| promoted <= 128 << 10), "the least nursery: {work:?}");
    assert!((1..=(32 << 10) + BYTES).contains(&work[0].1), "copied until the first look at the clock: {work:?}");
    Ok(())
}
