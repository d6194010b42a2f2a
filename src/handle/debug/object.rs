//! Whether an `hf_object *` is an object: asked of the side tables first, and of its header only then.
//!
//! A pointer goes stale when its mutator collects. In checked builds a nursery uses other blocks after each minor
//! collection and fills those it has left with a pattern ([`Nursery`](crate::mutator::nursery::Nursery)), so that a stale
//! address lies in a block that is not in use, behind the cursor, or where no object starts. An old object has a start bit, and
//! the mark of the last cycle, unless it has died. An address of a nursery into the middle of an object is not
//! recognised: young objects have no start bits.

use crate::heap::block::Kind;
use crate::heap::large::PAGE;
use crate::mutator::Record;
use crate::object::Object;
use crate::object::header::{PUBLIC, next_epoch, previous_epoch};

/// What is wrong with an address that should be an object of this mutator.
///
/// # Safety
/// The caller is the running owner of `record`.
pub(crate) unsafe fn check_object(record: &Record, object: *mut Object) -> Result<(), &'static str> {
    let memory = &record.shared().memory;
    let address = object as usize;
    if !memory.contains(address) {
        return Err("it is no object of this heap (another heap's, or no object at all)");
    }
    if !memory.in_blocks(address) {
        if address % PAGE != 8 || !memory.large.is_in_use(address) {
            return Err("no object is there: a large object has died, or the pointer is wrong");
        }
        // SAFETY: [H2] the header of a large object that is not freed.
        let header = unsafe { &*object };
        return if memory.large.is_young(address) { Ok(()) } else { check_mark(record, header) };
    }
    let block = memory.blocks.block_of(address);
    match memory.blocks.kind(block) {
        Kind::Free => Err("no object is there: the memory is free (a stale pointer)"),
        Kind::Young | Kind::Mixed if memory.is_young(address) => {
            // SAFETY: [L1] the caller's promise; nothing else uses the record's state meanwhile.
            let nursery = &unsafe { record.local() }.nursery;
            // SAFETY: [N1] a committed block; the header is read as atomics.
            let header = unsafe { &*object };
            match is_header(object) {
                // Behind the cursor, too: a batch has a copy of it. What was not allocated since the last minor is poison.
                true if nursery.holds(block) => Ok(()),
                false if nursery.holds(block) => Err(STALE),
                _ if nursery.blocks().contains(&block) => Err(STALE),
                true if header.flags() & PUBLIC != 0 => Ok(()),
                _ => Err("it is in the nursery of another thread and not public (or stale)"),
            }
        }
        Kind::Young | Kind::Mixed | Kind::Active | Kind::Old | Kind::Recyclable | Kind::Sweeping => {
            if !memory.blocks.is_start(address) {
                return Err(STALE);
            }
            // SAFETY: [H2] a start bit stands at a header.
            check_mark(record, unsafe { &*object })
        }
    }
}

const STALE: &str = "no object is there: it has moved or died since the pointer was taken (a stale pointer)";

/// Whether there may be a header: a type's address, not forwarded, not the pattern of an emptied nursery.
fn is_header(object: *mut Object) -> bool {
    // SAFETY: [H2] committed memory of this heap; only the word is looked at.
    let word =
        unsafe { (*object.cast::<crate::sync::atomic::AtomicU64>()).load(crate::sync::atomic::Ordering::Relaxed) };
    let ty = word & ((1 << 48) - 1);
    ty != 0 && ty.is_multiple_of(8) && ty != 0xDBDB_DBDB_DBDB
}

/// An old object carries the mark of the last cycle or of the running one.
fn check_mark(record: &Record, header: &Object) -> Result<(), &'static str> {
    let ask = record.shared().ask();
    let (mark, epoch) = (header.mark(), ask.epoch);
    // The next cycle may have begun since the first line, and its marker been here.
    let alive = mark == epoch || mark == next_epoch(epoch) || (ask.in_cycle() && mark == previous_epoch(epoch));
    if alive { Ok(()) } else { Err("it has died: nothing referred to it when a cycle looked (an unrooted pointer)") }
}
