//! Parcels: how slots become spans, how many wait, and that all come back.

use super::super::page::{SIZES, capacity};
use super::super::tests::{MIB, given_out, heap, local};
use super::super::{PageHeader, SlabHeap, SlabLocal, slot};
use super::MOST;
use crate::sync::thread;
use std::collections::BTreeSet;
use std::ptr;

/// Neighbours, in address order, on one page.
fn neighbours(owner: &mut SlabLocal, heap: &SlabHeap, size: usize, slots: usize) -> Vec<*mut u8> {
    let made: Vec<_> = (0..slots).map(|_| owner.alloc(heap, size)).collect();
    assert!(made.is_sorted() && made.iter().all(|p| ptr::eq(page(*p), page(made[0]))));
    made
}

fn page(p: *mut u8) -> &'static PageHeader {
    // SAFETY: slots of a heap that lives.
    unsafe { SlabHeap::page(p) }
}

fn free(freer: &mut SlabLocal, heap: &SlabHeap, slots: impl IntoIterator<Item = *mut u8>) {
    // SAFETY: the tests free what they have made, once.
    slots.into_iter().for_each(|p| unsafe { freer.free(heap, p) });
}

/// The spans that were pushed to a page, the newest first.
fn pushed(page: &PageHeader) -> Vec<(usize, u32)> {
    let mut spans = vec![];
    let mut first = page.remote().peek();
    while first != 0 {
        // SAFETY: free slots of the page.
        let (next, slots) = unsafe { slot::span(ptr::with_exposed_provenance_mut(first)) };
        spans.push((first, slots));
        first = next.addr();
    }
    spans
}

#[test]
fn neighbours_are_pushed_as_one_span_whichever_way_they_are_freed() {
    let heap = heap(64 * MIB);
    let (mut owner, mut freer) = (local(16), local(32));
    let up = neighbours(&mut owner, &heap, 48, 20);
    free(&mut freer, &heap, up.iter().copied());
    assert_eq!(pushed(page(up[0])), [], "they wait");
    freer.send(&heap);
    assert_eq!(pushed(page(up[0])), [(up[0].addr(), 20)]);
    let down = neighbours(&mut owner, &heap, 48, 20);
    free(&mut freer, &heap, down.iter().rev().copied());
    freer.send(&heap);
    assert_eq!(pushed(page(up[0])), [(down[0].addr(), 20), (up[0].addr(), 20)]);
    freer.send(&heap);
    assert_eq!(pushed(page(up[0])).len(), 2, "an empty parcel is not sent");
    owner.abandon(&heap);
}

#[test]
fn what_has_gaps_is_a_chain_of_spans() {
    let heap = heap(64 * MIB);
    let (mut owner, mut freer) = (local(16), local(32));
    let made = neighbours(&mut owner, &heap, 64, 12);
    let (some, rest): (Vec<_>, Vec<_>) = made.iter().copied().enumerate().partition(|(i, _)| ![3, 7, 8].contains(i));
    free(&mut freer, &heap, some.into_iter().map(|(_, p)| p));
    freer.send(&heap);
    assert_eq!(pushed(page(made[0])), [(made[9].addr(), 3), (made[4].addr(), 3), (made[0].addr(), 3)]);
    owner.collect(&heap);
    let left: BTreeSet<_> = rest.into_iter().map(|(_, p)| p.addr()).collect();
    assert_eq!(given_out(&heap, &mut owner), left);
    owner.abandon(&heap);
}

#[test]
fn no_more_waits_than_an_eighth_of_a_page() {
    let heap = heap(64 * MIB);
    let (mut owner, mut freer) = (local(16), local(32));
    for (class, &size) in SIZES.iter().enumerate() {
        let most = (capacity(class) / 8).clamp(1, MOST) as usize;
        let made = neighbours(&mut owner, &heap, size, capacity(class) as usize);
        for (freed, &p) in made.iter().enumerate() {
            free(&mut freer, &heap, [p]);
            let sent: u32 = pushed(page(p)).iter().map(|(_, slots)| slots).sum();
            assert!(freed + 1 - sent as usize <= most, "{freed} freed, {sent} sent of class {class}");
        }
        freer.send(&heap);
        assert_eq!(pushed(page(made[0])).iter().map(|(_, slots)| slots).sum::<u32>(), capacity(class));
    }
    owner.collect(&heap);
    assert!(given_out(&heap, &mut owner).is_empty());
    owner.abandon(&heap);
    freer.abandon(&heap);
}

#[test]
fn a_new_page_is_taken_after_the_parcel_was_sent() {
    let heap = heap(64 * MIB);
    let (mut first, mut second) = (local(16), local(32));
    let class = super::super::page::class_of(64);
    let made = neighbours(&mut first, &heap, 64, capacity(class) as usize);
    first.abandon(&heap);
    // Nobody's page, of which nothing is free but what is in the parcel.
    free(&mut second, &heap, made[..5].iter().copied());
    let pages = heap.pages();
    let again: BTreeSet<_> = (0..5).map(|_| second.alloc(&heap, 64)).collect();
    assert_eq!(again, made[..5].iter().copied().collect(), "adopted with what the adopter itself had freed there");
    assert_eq!(heap.pages(), pages);
    free(&mut second, &heap, made);
    second.abandon(&heap);
}

#[test]
fn parcels_of_many_threads_for_the_same_pages_come_back() {
    let heap = heap(64 * MIB);
    let mut owner = local(16);
    for round in 0..10 {
        let made: Vec<usize> = (0..6000).map(|_| owner.alloc(&heap, 48).expose_provenance()).collect();
        thread::scope(|s| {
            for i in 0..3 {
                let (heap, made) = (&heap, &made);
                s.spawn(move || {
                    let mut freer = local(32 + 16 * i);
                    // Runs of four, so that there are spans and gaps.
                    let own = made.chunks(4).skip(i).step_by(3).flatten();
                    free(&mut freer, heap, own.map(|&p| ptr::with_exposed_provenance_mut(p)));
                    freer.abandon(heap);
                });
            }
        });
        owner.collect(&heap);
        assert!(given_out(&heap, &mut owner).is_empty(), "round {round}");
    }
    owner.abandon(&heap);
}
