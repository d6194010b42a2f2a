//! The parts of a dict on the heap, as `dict` tells them: words, entries, hashes, index.

use crate::runtime::mutator;
use handfast::raw::{self, Object, TypeInfo};
use handfast_cpyext_macros::contract;

/// A dict.
pub static DICT: TypeInfo = TypeInfo::new("dict", 48).with_handle_slot(0).with_refs(&[ENTRIES_AT, TABLE_AT]);
/// Its entries.
pub static ENTRIES: TypeInfo = TypeInfo::new("dict entries", 0).with_ref_items();
/// Its hashes and its index.
pub static TABLE: TypeInfo = TypeInfo::new("dict table", 0).with_items(8);

/// Where the former are.
pub const ENTRIES_AT: usize = 8;
/// Where the latter are.
pub const TABLE_AT: usize = 16;
/// The word with the number of entries.
pub const USED: usize = 3;
/// The word with the number of entries that were ever appended.
pub const FILL: usize = 4;
/// The word with the size of the index.
pub const CAPACITY: usize = 5;

/// Of the index: nothing was ever here.
pub const EMPTY: u32 = u32::MAX;
/// Of the index: what was here is gone.
pub const DUMMY: u32 = u32::MAX - 1;

/// In the word of the capacity: what changes the dict tells `type_cache`.
pub const WATCHED: usize = 1;

/// The parts of a dict between two points that may collect.
pub struct Parts {
    pub object: *mut Object,
    pub entries: *mut Object,
    pub hashes: *mut u64,
    pub index: *mut u32,
    pub mask: usize,
}

/// Entries for which there is room.
pub const fn usable(capacity: usize) -> usize {
    capacity * 2 / 3
}

/// A word of a dict.
#[inline]
#[contract]
pub unsafe fn word(object: *mut Object, at: usize) -> *mut usize {
    raw::payload(object).cast::<usize>().add(at)
}

impl Parts {
    /// `None` when nothing was ever inserted.
    #[inline]
    #[contract]
    pub unsafe fn of(object: *mut Object) -> Option<Parts> {
        let capacity = word(object, CAPACITY).read() & !WATCHED;
        if capacity == 0 {
            return None;
        }
        let hashes = raw::payload(mutator().load(object, TABLE_AT)).cast::<u64>();
        Some(Parts {
            object,
            entries: mutator().load(object, ENTRIES_AT),
            hashes,
            index: hashes.add(usable(capacity)).cast(),
            mask: capacity - 1,
        })
    }

    /// A key.
    #[inline]
    #[contract]
    pub unsafe fn key(&self, entry: usize) -> *mut Object {
        mutator().load(self.entries, 16 * entry)
    }

    /// Its value.
    #[inline]
    #[contract]
    pub unsafe fn value(&self, entry: usize) -> *mut Object {
        mutator().load(self.entries, 16 * entry + 8)
    }

    /// The place in the index at which the entry is.
    #[contract]
    pub unsafe fn place(&self, hash: u64, entry: u32) -> usize {
        let mut probe = Probe::new(hash, self.mask);
        while self.index.add(probe.at).read() != entry {
            probe.next();
        }
        probe.at
    }

    /// Appends an entry, for which there is room, and which is not there.
    #[contract]
    pub unsafe fn append(&self, hash: u64, key: *mut Object, value: *mut Object) {
        let fill = word(self.object, FILL);
        let entry = fill.read();
        let mut probe = Probe::new(hash, self.mask);
        while self.index.add(probe.at).read() < DUMMY {
            probe.next();
        }
        self.index.add(probe.at).write(entry as u32);
        self.hashes.add(entry).write(hash);
        mutator().store(self.entries, 16 * entry, key);
        mutator().store(self.entries, 16 * entry + 8, value);
        fill.write(entry + 1);
        let used = word(self.object, USED);
        used.write(used.read() + 1);
    }
}

/// The places that a hash leads to, one after the other.
pub struct Probe {
    pub at: usize,
    perturb: usize,
    mask: usize,
}

impl Probe {
    /// The first.
    pub fn new(hash: u64, mask: usize) -> Probe {
        Probe { at: hash as usize & mask, perturb: hash as usize, mask }
    }

    /// The next.
    pub fn next(&mut self) {
        self.perturb >>= 5;
        self.at = (self.at.wrapping_mul(5).wrapping_add(self.perturb).wrapping_add(1)) & self.mask;
    }
}

/// Sets the size of the index.
#[contract]
pub unsafe fn set_capacity(object: *mut Object, capacity: usize) {
    let place = word(object, CAPACITY);
    place.write(capacity | place.read() & WATCHED);
}
