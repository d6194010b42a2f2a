//! Lines, blocks, pools, nurseries, large objects.

use super::objects::Over;
use super::*;
use crate::sync::atomic::{AtomicBool, AtomicUsize};

#[test]
fn a_reference_into_a_free_block() {
    let w = World::new();
    let root = w.young(&NODE);
    let memory = &w.record().shared().memory;
    let block = memory.take_free(Kind::Young).unwrap();
    memory.give_free(block);
    let wild = memory.blocks.address_of(block) + 64;
    w.damage(
        Invariant::Reference,
        wild,
        || write(field(at(root), 0), wild as *mut Object),
        || write(field(at(root), 0), null_mut()),
    );
    w.end();
}

#[test]
fn a_dead_line_with_a_live_object() {
    let w = World::new();
    let private = w.old(&ARRAY);
    let public = w.old(&ARRAY);
    // SAFETY: rooted.
    unsafe { w.m.publish(public) };
    let tables = &w.record().shared().memory.blocks;
    for object in [private, public] {
        // It is longer than a line: the last one has no start of an object in it.
        let last = object as usize + 8 * 100;
        let line = &tables.line_marks(tables.block_of(last))[(last & (BLOCK - 1)) / LINE];
        let mark = line.load(Relaxed);
        w.damage(Invariant::Line, object as usize, || line.store(0, Relaxed), || line.store(mark, Relaxed));
    }
    w.end();
}

#[test]
fn an_object_that_is_not_recorded_where_it_starts() {
    let w = World::new();
    let old = w.old(&NODE);
    let tables = &w.record().shared().memory.blocks;
    let line = (old as usize & (BLOCK - 1)) / LINE;
    w.damage(
        Invariant::Line,
        old as usize,
        || tables.clear_starts(tables.block_of(old as usize), line..line + 1),
        || tables.set_start(old as usize),
    );
    w.end();
}

#[test]
fn a_block_of_a_nursery_that_is_of_another_kind() {
    let w = World::new();
    let young = at(w.young(&NODE));
    let tables = &w.record().shared().memory.blocks;
    let block = tables.block_of(young as usize);
    w.damage(
        Invariant::Block,
        tables.address_of(block),
        || tables.set_kind(block, Kind::Old),
        || tables.set_kind(block, Kind::Young),
    );
    let line = &tables.line_marks(block)[5];
    w.damage(Invariant::Block, tables.address_of(block), || line.store(1, Relaxed), || line.store(0, Relaxed));
    w.end();
}

#[test]
fn a_block_in_a_pool_that_is_of_another_kind_or_has_live_lines() {
    let w = World::new();
    let memory = &w.record().shared().memory;
    let block = memory.take_free(Kind::Active).unwrap();
    memory.give_free(block);
    let (tables, at) = (&memory.blocks, memory.blocks.address_of(block));
    w.damage(Invariant::Block, at, || tables.set_kind(block, Kind::Old), || tables.set_kind(block, Kind::Free));
    let line = &tables.line_marks(block)[9];
    w.damage(Invariant::Block, at, || line.store(1, Relaxed), || line.store(0, Relaxed));
    // A block with a hole less, or more, than its marks say.
    let old = w.old(&NODE);
    let block = tables.block_of(old as usize);
    assert_eq!(tables.kind(block), Kind::Recyclable);
    let (at, free) = (tables.address_of(block), tables.free_lines(block));
    let run = { free }.take_run().unwrap();
    let (mut less, mut more) = (free, free);
    less.remove(run.start);
    more.insert(run.start - 1);
    w.damage(Invariant::Block, at, || tables.set_free_lines(block, less), || tables.set_free_lines(block, free));
    w.damage(Invariant::Block, at, || tables.set_free_lines(block, more), || tables.set_free_lines(block, free));
    w.end();
}

#[test]
fn a_block_that_is_twice_in_a_pool() {
    let w = World::new();
    w.fine();
    let memory = &w.record().shared().memory;
    let block = memory.take_free(Kind::Active).unwrap();
    memory.give_free(block);
    memory.give_free(block);
    assert_eq!(w.violates(Invariant::Pool), memory.blocks.address_of(block));
    // A circle in the pool cannot be mended; the heap is left as it is.
    std::mem::forget(w);
}

#[test]
fn a_block_or_bytes_that_nobody_has() {
    let w = World::new();
    let memory = &w.record().shared().memory;
    for kind in [Kind::Active, Kind::Young, Kind::Free, Kind::Recyclable, Kind::Sweeping] {
        w.fine();
        let block = memory.take_free(kind).unwrap();
        assert_eq!(w.violates(Invariant::Pool), memory.blocks.address_of(block), "{kind:?}");
        memory.give_free(block);
        w.fine();
    }
    // Freed without being given back to the budget.
    let bytes = 3 * crate::heap::large::PAGE;
    let pages = memory.alloc_large(bytes).unwrap();
    memory.large.free(pages, bytes);
    assert_eq!(w.violates(Invariant::Pool), 0);
    // Taken past the budget, and given back to it.
    let again = memory.large.alloc(bytes).unwrap();
    memory.free_large(again, bytes);
    w.fine();
    w.end();
}

#[test]
fn a_nursery_whose_cursor_is_elsewhere() {
    let w = World::new();
    w.young(&NODE);
    let cursor = w.record().cursor.get();
    for wrong in [0, cursor + 2 * BLOCK] {
        w.damage(Invariant::Nursery, wrong, || w.record().cursor.set(wrong), || w.record().cursor.set(cursor));
    }
    w.end();
}

/// Has a thread's mutator say that so much is zeroed ahead, with this word in it, and looks at it meanwhile.
fn with_zeroed(w: &World, bytes: usize, word: usize, look: impl FnOnce(usize)) {
    let (said, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let (end, heap) = (Over(&over), &w.heap);
        scope.spawn(|| {
            let m = heap.attach().unwrap();
            // SAFETY: this thread's mutator; the memory beyond the cursor is its own. A safepoint that is asked to inspect
            // leaves the cursor where it is.
            unsafe {
                m.alloc(&NODE);
                let (record, cursor) = (m.record(), m.record().cursor.get());
                (cursor as *mut [usize; 16]).write([word; 16]);
                record.zeroed.set(cursor + bytes);
                said.store(cursor + bytes, Relaxed);
                while !over.load(Relaxed) {
                    m.safepoint();
                    thread::yield_now();
                }
                record.zeroed.set(0);
                m.detach();
            }
        });
        // SAFETY: this thread is native while it waits.
        unsafe { w.m.native_enter() };
        while said.load(Relaxed) == 0 {
            thread::yield_now();
        }
        // SAFETY: as above.
        unsafe { w.m.native_leave() };
        look(said.load(Relaxed));
        drop(end);
    });
}

#[test]
fn memory_that_was_zeroed_ahead_and_is_not_zero() {
    let w = World::new();
    with_zeroed(&w, 128, 0, |_| w.fine());
    with_zeroed(&w, 128, 1, |at| assert_eq!(w.violates(Invariant::Nursery), at));
    with_zeroed(&w, 2 * BLOCK, 0, |at| assert_eq!(w.violates(Invariant::Nursery), at));
    w.fine();
    w.end();
}

#[test]
fn a_large_object_whose_table_or_extent_is_wrong() {
    let w = World::new();
    let memory = &w.record().shared().memory;
    // SAFETY: rooted objects.
    unsafe {
        let roots = [(); 2].map(|()| w.m.root(w.m.alloc_items(&BYTES, 20 << 10)));
        w.fine();
        let young = *roots[1];
        let list = &raw mut w.record().local().large;
        let all = (*list).clone();
        w.damage(Invariant::Private, young as usize, || (*list).retain(|&object| object != young), || *list = all);
        w.m.collect_full();
        // The first of the two reaches into the second; and the last one beyond all pages.
        let (first, last) = ((*roots[0]).min(*roots[1]), (*roots[0]).max(*roots[1]));
        let page = |object: *mut Object| object as usize - 8;
        let items = |object: *mut Object| object.cast::<usize>().sub(1);
        w.damage(Invariant::Large, page(last), || items(first).write(24 << 10), || items(first).write(20 << 10));
        w.damage(Invariant::Large, page(last), || items(last).write(1 << 20), || items(last).write(20 << 10));
        // One that is young and in nobody's list.
        let pages = memory.alloc_large(9000).unwrap();
        assert_eq!(w.violates(Invariant::Large), 0);
        memory.free_large(pages, 9000);
        w.fine();
        // Not at the beginning of its pages.
        let inside = last.wrapping_byte_add(4096);
        w.damage(Invariant::Reference, inside as usize, || write(roots[0], inside), || write(roots[0], first));
    }
    w.end();
}
