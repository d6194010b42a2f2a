//! What a type answers for a name, remembered: a table for the process, as CPython's method cache.
//!
//! An entry is the answer that the dicts of a type and of its bases gave, "nothing" included, with the version of the
//! time. A dict that was asked for an entry is *watched* from then on (`dict`): whatever changes one counts the version
//! up, and all entries are void. Names are compared by address, so only interned ones, which live for ever, have
//! entries; types do, too. The answer is borrowed from the dict that has it.

use crate::layout::{Ob, Ty};
use handfast::raw::IMMORTAL;
use std::cell::UnsafeCell;
use std::ptr::{eq, null_mut};

const ENTRIES: usize = 1024;

#[derive(Clone, Copy)]
struct Entry {
    ty: Ty,
    name: Ob,
    version: u64,
    found: Ob,
}

struct Table {
    version: u64,
    entries: [Entry; ENTRIES],
}

struct Cache(UnsafeCell<Table>);

// SAFETY: [X8] used by the thread that holds the extension lock.
unsafe impl Sync for Cache {}

static CACHE: Cache = Cache(UnsafeCell::new(Table {
    version: 1,
    entries: [Entry { ty: null_mut(), name: null_mut(), version: 0, found: null_mut() }; ENTRIES],
}));

fn with<R>(f: impl FnOnce(&mut Table) -> R) -> R {
    // SAFETY: [X8] this thread holds the lock; the functions below call nothing that comes here.
    f(unsafe { &mut *CACHE.0.get() })
}

#[inline(always)]
fn place(ty: Ty, name: Ob) -> usize {
    (ty as usize >> 5 ^ name as usize >> 4) % ENTRIES
}

/// What is known of a name: the attribute, or null for "none".
#[inline]
pub fn get(ty: Ty, name: Ob) -> Option<Ob> {
    with(|table| {
        let entry = &table.entries[place(ty, name)];
        (eq(entry.ty, ty) && eq(entry.name, name) && entry.version == table.version).then_some(entry.found)
    })
}

/// Whether a name may have entries.
pub fn may_keep(name: Ob) -> bool {
    // SAFETY: [X2] the caller's name.
    unsafe { (*name).ob_refcnt & IMMORTAL != 0 }
}

/// Remembers; the dicts that were asked are watched.
pub fn put(ty: Ty, name: Ob, found: Ob) {
    with(|table| table.entries[place(ty, name)] = Entry { ty, name, version: table.version, found });
}

/// Some type has changed.
pub fn changed() {
    with(|table| table.version += 1);
}
