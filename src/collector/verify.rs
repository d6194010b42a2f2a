//! The verifier: checks the design's invariants over old objects, and over a mutator's roots after a minor collection.
//!
//! Between the end of marking and the next cycle's start these hold at any moment, mutators running: an object that is
//! old, in a line with the present mark and itself marked refers only to null, to young objects, and to old objects that
//! are marked; if it is public, old objects that it refers to are public (INV-1). A reference lies in the heap and is 8-aligned.
//! All lines of such an object carry the mark too. What a global root or a list of finalizable objects holds is marked
//! and public. A violation panics with a description: the heap is corrupt.

use crate::heap::Memory;
use crate::heap::block::{BLOCK, Kind, LINE_SHIFT};
use crate::mutator::{Record, Shared};
use crate::object::header::{OLD, PUBLIC};
use crate::object::{Object, Slot, slot};
use crate::sync::atomic::Ordering;
use crate::sync::thread;
use std::time::Duration;

/// Calls `f` with every old object that the cycle `epoch` found alive or that was promoted since. In a cycle that is
/// being armed some of them carry the mark `newer` already.
///
/// # Safety
/// No sweep is under way, and none begins: the caller is a running mutator, or the collector.
pub unsafe fn for_each_marked(memory: &Memory, epoch: u8, newer: u8, mut f: impl FnMut(*mut Object)) {
    // SAFETY: [H2] a start bit in a marked line, or the state of a large page, stands for a promoted object whose memory
    // is not reused.
    let is_marked = |object: *mut Object| [epoch, newer].contains(&unsafe { (*object).mark() });
    for block in 0..memory.block_count() {
        if matches!(memory.blocks.kind(block), Kind::Old | Kind::Recyclable | Kind::Active) {
            memory.blocks.for_each_start(block, epoch, |at| {
                let object = at as *mut Object;
                if is_marked(object) {
                    f(object);
                }
            });
        }
    }
    memory.large.for_each_old(|start| {
        let object = (start + 8) as *mut Object;
        if is_marked(object) {
            f(object);
        }
    });
}

/// Checks everything old that carries the mark `epoch`. What it refers to carries that mark or `newer`, the mark of a
/// cycle that is being armed.
///
/// # Safety
/// As [`for_each_marked`]; marking with that epoch is complete and the next cycle has not begun.
pub unsafe fn verify_old(shared: &Shared, epoch: u8, newer: u8) {
    let memory = &shared.memory;
    // SAFETY: [V1] the caller's promise; [G1] marked objects are live.
    unsafe {
        for_each_marked(memory, epoch, newer, |object| {
            let flags = (*object).flags();
            assert!(flags & OLD != 0, "verify: {object:p} in an old block is not old");
            check_lines(memory, epoch, object);
            slot::for_each(object, |s| check(memory, [epoch, newer], s, flags & PUBLIC != 0, object));
        });
    }
    let held = |object: *mut Object, what: &str| {
        if !object.is_null() && !memory.is_young(object as usize) {
            // SAFETY: [G2] what a global root or the list of finalizable objects holds is public and alive.
            let header = unsafe { &*object };
            let mark = header.mark();
            assert!(header.flags() & PUBLIC != 0, "verify: {what} refers to private {object:p}");
            assert!([epoch, newer].contains(&mark), "verify: {what} refers to {object:p}, which is marked {mark}");
        }
    };
    shared.globals.for_each(|cell| held(cell.get(), "a global root"));
    shared.finalizable.for_each(|cell| held(cell.object.load(Ordering::Acquire), "a list of finalizable objects"));
}

/// The sweep keeps lines, not objects: each line of a live object must carry the mark.
unsafe fn check_lines(memory: &Memory, epoch: u8, object: *mut Object) {
    if !memory.in_blocks(object as usize) {
        return;
    }
    // SAFETY: [G1] marked objects are live.
    let extent = unsafe { Object::extent(object) };
    let marks = memory.blocks.line_marks(memory.blocks.block_of(extent.start));
    let offset = object as usize & (BLOCK - 1);
    // From the header's line on: an item count may stand on the line before.
    let (first, last) = (offset >> LINE_SHIFT, ((extent.start & (BLOCK - 1)) + extent.bytes - 1) >> LINE_SHIFT);
    for (i, mark) in marks[first..=last].iter().enumerate() {
        let mark = mark.load(Ordering::Acquire);
        assert!(mark == epoch, "verify: line {i} of {object:p} carries {mark}, the object lives in {epoch}");
    }
}

unsafe fn check(memory: &Memory, marks: [u8; 2], slot: Slot, public: bool, source: *mut Object) {
    // SAFETY: [S1] a slot of a live object.
    let field = unsafe { slot::atomic(slot) };
    let mut patience = 2000;
    loop {
        let target = field.load(Ordering::Acquire);
        if target.is_null() {
            return;
        }
        assert!(
            (target as usize).is_multiple_of(8) && memory.contains(target as usize),
            "verify: {source:p} refers to {target:p}, which is no object of this heap"
        );
        if memory.is_young(target as usize) {
            return;
        }
        if field.load(Ordering::Acquire) != target {
            continue;
        }
        // SAFETY: [G1] INV-4: both looks passed.
        let header = unsafe { &*target };
        let mark = header.mark();
        assert!(marks.contains(&mark), "verify: {source:p} is marked {marks:?}, its {target:p} {mark}");
        let flags = header.flags_acquire();
        assert!(flags & OLD != 0, "verify: {target:p} in an old block is not old");
        if !public || flags & PUBLIC != 0 {
            return;
        }
        // Publication makes the source public first and what it refers to next, before anybody else can reach either: its
        // owner may be in the middle of that. It ends soon; what stays is a violation.
        assert!(patience > 0, "verify: public {source:p} refers to private {target:p}");
        patience -= 1;
        thread::sleep(Duration::from_millis(1));
    }
}

/// Checks a mutator right after its minor collection: nothing private and young is left, so every root is old or public.
///
/// # Safety
/// Called by the owner or holder, after a minor collection and before an allocation.
pub unsafe fn verify_roots(record: &Record) {
    let memory = &record.shared().memory;
    // SAFETY: [L1] the caller's promise.
    unsafe { record.local() }.roots.for_each(|slot| {
        // SAFETY: [S1] a root slot.
        let object = unsafe { slot::load(slot) };
        if object.is_null() {
            return;
        }
        assert!(memory.contains(object as usize), "verify: root {slot:p} holds {object:p}, no object of this heap");
        // SAFETY: [N1] roots refer to live objects, public or of this mutator.
        let flags = unsafe { (*object).flags() };
        assert!(flags & (OLD | PUBLIC) != 0, "verify: root {slot:p} holds {object:p}, private and young after a minor");
    });
}

/// What the side tables and the header say of an address: for messages.
pub fn describe(shared: &Shared, address: usize) -> String {
    let (memory, ask) = (&shared.memory, shared.ask());
    if !memory.contains(address) {
        return format!("{address:#x} is not in this heap");
    }
    // SAFETY: [H2] the caller asks for an object; a header that is none is read as numbers only.
    let header = unsafe { &*(address as *const Object) };
    let (flags, mark) = (header.flags(), header.mark());
    let place = if memory.in_blocks(address) {
        let block = memory.blocks.block_of(address);
        let line = (address & (BLOCK - 1)) >> LINE_SHIFT;
        format!(
            "block {block} ({:?}), line {line} marked {}",
            memory.blocks.kind(block),
            memory.blocks.line_marks(block)[line].load(Ordering::Relaxed)
        )
    } else {
        "large".to_owned()
    };
    format!("{address:#x}: {place}, flags {flags:#b}, marked {mark}; asked: {ask:?}")
}
