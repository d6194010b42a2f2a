//! A nursery grows while part of what is allocated survives, and not beyond its bound or what the pause target allows.

#![cfg(not(gc_zeal))] // Counts collections, of which there is one at every allocation then.

use handfast::raw::{self, Heap, TypeInfo};
use handfast::{Config, Error};
use std::ptr::null_mut;
use std::time::Duration;

static NODE: TypeInfo = TypeInfo::new("Node", 24).with_refs(&[0]);
const NODES: usize = 1 << 18;

/// Minor collections while every `keep`th of many nodes is kept, in a ring of the last thousand.
fn minors(config: &Config, keep: usize) -> Result<u64, Error> {
    let heap = Heap::new(config)?;
    let m = heap.attach()?;
    // SAFETY: this thread's mutator; what is kept is rooted.
    unsafe {
        let mut kept: Vec<_> = (0..1000).map(|_| m.root(null_mut())).collect();
        for i in 0..NODES {
            let node = m.alloc(&NODE);
            assert!(!node.is_null());
            raw::payload(node).cast::<usize>().add(1).write(i);
            if i % keep == 0 {
                let at = i / keep % kept.len();
                *kept[at] = node;
            }
        }
        for (i, slot) in kept.iter().enumerate().take(NODES.div_ceil(keep)) {
            let value = raw::payload(**slot).cast::<usize>().add(1).read();
            assert_eq!((value % keep, value / keep % kept.len()), (0, i));
        }
        m.detach();
    }
    Ok(heap.stats().minor_collections)
}

fn config(most: usize, pause_target: Duration) -> Config {
    Config { nursery_bytes: 128 << 10, max_nursery_bytes: most, pause_target, gc_threads: 0, ..Config::default() }
}

#[test]
fn a_nursery_grows_while_some_survive() -> Result<(), Error> {
    let patient = Duration::from_secs(60);
    // 8 MiB of nodes: 64 nurseries of 128 KiB, 8 of 1 MiB.
    let fixed = minors(&config(128 << 10, patient), 16)?;
    let grown = minors(&config(1 << 20, patient), 16)?;
    assert!(fixed >= 63, "{fixed}");
    assert!((7..=14).contains(&grown), "{grown}");
    Ok(())
}

#[test]
fn a_nursery_stays_small_where_nothing_survives() -> Result<(), Error> {
    let minors = minors(&config(1 << 20, Duration::from_secs(60)), 1 << 30)?;
    assert!(minors >= 63, "{minors}");
    Ok(())
}

#[test]
fn a_nursery_that_has_grown_in_vain_is_small_again() -> Result<(), Error> {
    let heap = Heap::new(&config(1 << 20, Duration::from_secs(60)))?;
    let m = heap.attach()?;
    // SAFETY: this thread's mutator; all nodes are in a list, whose first is rooted.
    unsafe {
        let first = m.root(null_mut());
        for i in 0..NODES {
            let node = m.alloc(&NODE);
            assert!(!node.is_null());
            raw::payload(node).cast::<usize>().add(1).write(i);
            m.store(node, 0, *first);
            *first = node;
        }
        let mut node = *first;
        for i in (0..NODES).rev() {
            assert_eq!(raw::payload(node).cast::<usize>().add(1).read(), i);
            node = m.load(node, 0);
        }
        assert!(node.is_null());
        m.detach();
    }
    let minors = heap.stats().minor_collections;
    // 3 MiB up to the largest one, twice, and 5 in nurseries of 128 KiB.
    assert!((40..=60).contains(&minors), "{minors}");
    Ok(())
}

#[test]
fn the_pause_target_bounds_a_nursery() -> Result<(), Error> {
    // No time at all: nothing can be copied, so nurseries stay as small as they may.
    let minors = minors(&config(1 << 20, Duration::ZERO), 8)?;
    assert!(minors >= 63, "{minors}");
    Ok(())
}
