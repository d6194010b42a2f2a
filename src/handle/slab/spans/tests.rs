//! Spans of young pairs: each pair is found once, and pages go back in time.

use super::super::page::PAGE_BYTES;
use super::super::range::DIRTY_PAGES;
use super::super::tests::{MIB, given_out, heap, local};
use super::super::{PyObject, SlabHeap, SlabLocal};
use crate::handle::link_word::LinkWord;
use std::ptr;

/// Fills a slot in as a handle does: a young light pair that C does not hold.
fn young(local: &mut SlabLocal, heap: &SlabHeap) -> *mut PyObject {
    const YOUNG: usize = 3 << 62;
    let p: *mut PyObject = local.alloc_young(heap, 48).cast();
    // SAFETY: just allocated.
    let this = unsafe { &*p };
    this.ob_refcnt.set(1);
    this.ob_pypy_link.set(LinkWord(YOUNG | 2));
    p
}

#[test]
fn spans_of_young_pairs_hold_each_once_and_go_back_whole() {
    let heap = heap(64 * MIB);
    let mut local = local(16);
    let mut high = 0;
    for round in 0..10 {
        let made: Vec<usize> = (0..5_000).map(|_| young(&mut local, &heap).addr()).collect();
        let kept = local.alloc(&heap, 48);
        let spans = local.young_spans();
        let mut found: Vec<usize> = spans.iter().flat_map(|span| span.slots()).map(|p| p.addr()).collect();
        assert_eq!(found.len(), spans.iter().map(|span| span.len() as usize).sum::<usize>());
        found.retain(|&p| p != kept.addr());
        found.sort_unstable();
        let mut sorted = made.clone();
        sorted.sort_unstable();
        assert_eq!(found, sorted, "round {round}");
        assert!(local.young_spans().is_empty(), "they were given out once");
        // SAFETY: from `alloc`, freed once.
        unsafe { local.free(&heap, kept) };
        local.trim(&heap);
        for span in spans.iter().rev() {
            let page = span.page(ptr::without_provenance(16)).expect("its own page");
            // The page of the one that was freed by itself would be walked slot by slot; here each slot is known.
            for (i, p) in span.slots().enumerate().filter(|(_, p)| p.addr() != kept.addr()) {
                // SAFETY: given out above, and nobody's any more.
                unsafe { local.free_span(&span.part(p, 1), page) };
                assert!(i < span.len() as usize);
            }
            local.settle(page);
        }
        local.reuse_spans(spans);
        assert!(given_out(&heap, &mut local).is_empty());
        high = if round == 1 { heap.pages() } else { high };
        assert!(round < 1 || heap.pages() == high, "round {round}: {} pages after {high}", heap.pages());
    }
    local.abandon(&heap);
    assert!(heap.committed_bytes() <= DIRTY_PAGES as usize * PAGE_BYTES);
}

#[test]
fn a_page_that_went_back_takes_its_spans_with_it() {
    let heap = heap(64 * MIB);
    let (mut first, mut second) = (local(16), local(32));
    // Two pages full, and a third begun, so that the first two go back when they are empty.
    let made: Vec<_> = (0..2 * 1361 + 1).map(|_| young(&mut first, &heap)).collect();
    for &p in &made[..2 * 1361] {
        // SAFETY: allocated above, freed once.
        unsafe { first.free(&heap, p.cast()) };
    }
    // Those that are loose, too.
    first.collect(&heap);
    let others: Vec<_> = (0..3 * 1361).map(|_| young(&mut second, &heap)).collect();
    let taken = |p: &&*mut PyObject| made.iter().any(|old| old == *p);
    assert!(others.iter().filter(taken).count() >= 1361, "the other mutator has a page that was ours");
    let spans = first.young_spans();
    let ours: Vec<_> = spans.iter().filter(|span| span.page(ptr::without_provenance(16)).is_some()).collect();
    assert_eq!(ours.iter().map(|span| span.len()).sum::<u32>(), 1, "{ours:?}");
    first.reuse_spans(spans);
    first.abandon(&heap);
    second.abandon(&heap);
}

#[test]
fn pages_that_pairs_have_emptied_rest_for_one_minor() {
    let heap = heap(64 * MIB);
    let mut local = local(16);
    let mut minor = |made: usize| {
        (0..made).for_each(|_| assert!(!young(&mut local, &heap).is_null()));
        let spans = local.young_spans();
        local.trim(&heap);
        for span in &spans {
            let page = span.page(ptr::without_provenance(16)).expect("its own page");
            // SAFETY: nobody uses any of them.
            unsafe { local.free_span(span, page) };
            local.settle(page);
        }
        local.reuse_spans(spans);
        local.pages()
    };
    assert_eq!(minor(10 * 1361), 10);
    assert_eq!(minor(10 * 1361), 10, "they rested, and were used again");
    assert!(minor(1) <= 2, "what was not needed has gone back");
    local.abandon(&heap);
}
