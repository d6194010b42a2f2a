//! dict: the whole of it is on the heap, its `PyObject` is a head without data.
//!
//! An object of three parts: itself (used, fill, capacity), the *entries* (references: key, value, key, value…, in the
//! order of insertion) and the *table* (plain words: the hash of each entry, then an open-addressing index of 32-bit
//! entry numbers). The layout is CPython's since 3.6 (Raymond Hettinger's compact dict).
//!
//! A comparison may run code of C, which may change the dict and collect: afterwards everything is looked up again, and
//! the search starts over if the entry is not the one that was compared. Parts of the dict are addresses between two
//! points that may collect only. Deleted entries stay until the next growth.

use crate::answer::Res;
use crate::cross::{alloc, alloc_items, borrow_c, to_gc};
pub use crate::dict_api::{PyDict_Copy, PyDict_Items, PyDict_Keys, PyDict_Merge, PyDict_Values};
pub use crate::dict_parts::DICT;
use crate::dict_parts::{
    CAPACITY, DUMMY, EMPTY, ENTRIES, ENTRIES_AT, FILL, Parts, Probe, TABLE, TABLE_AT, USED, WATCHED, set_capacity,
    usable, word,
};
use crate::err;
use crate::layout::{NULL, Ob, PyObject, Ty, flag, has, raw_ob, type_of};
use crate::object::{PyObject_Hash, PyObject_RichCompareBool};
use crate::own::Own;
use crate::runtime::{bury, mutator};
use crate::type_cache;
use crate::types::{PyDict_Type, PyUnicode_Type};
use crate::unicode;
use handfast::raw::{self, LinkFlags, Object};
use handfast_cpyext_macros::{capi, contract, slot};
use std::ptr;

/// The dict of a `PyObject`; a subtype's instance that has died, and runs its dealloc, has none any more.
#[contract]
unsafe fn object(dict: Ob) -> Option<*mut Object> {
    let p = mutator().to_obj(raw_ob(dict));
    (!p.is_null()).then_some(p)
}

#[contract]
pub unsafe fn check(dict: Ob) -> Res<*mut Object> {
    if dict.is_null() || !has(dict, flag::DICT) {
        return err::bad_internal_call("a dict was expected");
    }
    match object(dict) {
        Some(p) => Ok(p),
        None => err::bad_internal_call("the dict is gone"),
    }
}

/// From now on the types' cache is told of changes.
#[contract]
pub unsafe fn watch(dict: Ob) {
    if let Some(p) = object(dict) {
        let place = word(p, CAPACITY);
        place.write(place.read() | WATCHED);
    }
}

/// Somebody may have remembered what it has.
#[inline]
#[contract]
unsafe fn will_change(object: *mut Object) {
    if word(object, CAPACITY).read() & WATCHED != 0 {
        type_cache::changed();
    }
}

/// Finds the entry of a key.
#[contract]
unsafe fn find(dict: Ob, key: Ob, hash: u64) -> Res<Option<usize>> {
    Ok(find_in_parts(dict, key, hash)?.map(|(_, entry)| entry))
}

/// The same, and the parts that it is in.
#[inline]
#[contract]
unsafe fn find_in_parts(dict: Ob, key: Ob, hash: u64) -> Res<Option<(Parts, usize)>> {
    let plain = ptr::eq(type_of(key), &raw mut PyUnicode_Type);
    'again: loop {
        let Some(parts) = object(dict).and_then(|p| Parts::of(p)) else { return Ok(None) };
        let mut probe = Probe::new(hash, parts.mask);
        loop {
            let entry = parts.index.add(probe.at).read();
            if entry == EMPTY {
                return Ok(None);
            }
            if entry != DUMMY && parts.hashes.add(entry as usize).read() == hash {
                let entry = entry as usize;
                let there = parts.key(entry);
                let other = borrow_c(there);
                if ptr::eq(other, key) {
                    return Ok(Some((parts, entry)));
                }
                if other.is_null() {
                    return err::no_memory();
                }
                if plain && ptr::eq(type_of(other), &raw mut PyUnicode_Type) {
                    if unicode::same(other, key) {
                        return Ok(Some((parts, entry)));
                    }
                } else {
                    let held = Own::share(other);
                    let same = PyObject_RichCompareBool(held.ob(), key, crate::object::EQ)?;
                    // That may have run anything.
                    let now = object(dict).and_then(|p| Parts::of(p));
                    let still = now.as_ref().is_some_and(|now| {
                        entry < word(now.object, FILL).read() && {
                            let there = now.key(entry);
                            !there.is_null() && ptr::eq(borrow_c(there), held.ob())
                        }
                    });
                    if let Some(now) = now
                        && still
                        && same
                    {
                        return Ok(Some((now, entry)));
                    }
                    // Each part moves once at most, so this ends.
                    let same_parts = object(dict).and_then(|p| Parts::of(p)).is_some_and(|now| {
                        (now.object, now.entries, now.hashes) == (parts.object, parts.entries, parts.hashes)
                    });
                    if !still || !same_parts {
                        continue 'again;
                    }
                }
            }
            probe.next();
        }
    }
}

/// Makes room for one entry more. May collect.
#[contract]
unsafe fn reserve(dict: Ob) -> Res<()> {
    let p = check(dict)?;
    let (capacity, used, fill) = (word(p, CAPACITY).read() & !WATCHED, word(p, USED).read(), word(p, FILL).read());
    if capacity != 0 && fill < usable(capacity) {
        return Ok(());
    }
    let mut wanted = 8;
    while usable(wanted) < used * 2 + 1 {
        wanted *= 2;
    }
    if wanted > DUMMY as usize {
        return err::no_memory();
    }
    resize(dict, wanted)
}

/// Copies the entries into parts of this capacity. May collect.
#[contract]
unsafe fn resize(dict: Ob, capacity: usize) -> Res<()> {
    let scope = mutator().scope_open();
    let entries = mutator().root(alloc_items(&ENTRIES, 2 * usable(capacity))?);
    let table = alloc_items(&TABLE, usable(capacity) + capacity / 2);
    let table = match table {
        Ok(table) => table,
        Err(error) => {
            mutator().scope_close(scope);
            return Err(error);
        }
    };
    let p = check(dict)?;
    let old = Parts::of(p);
    let fill = word(p, FILL).read();
    let hashes = raw::payload(table).cast::<u64>();
    let index = hashes.add(usable(capacity)).cast::<u32>();
    for at in 0..capacity {
        index.add(at).write(EMPTY);
    }
    let new = Parts { object: p, entries: *entries, hashes, index, mask: capacity - 1 };
    mutator().store(p, ENTRIES_AT, *entries);
    mutator().store(p, TABLE_AT, table);
    set_capacity(p, capacity);
    word(p, USED).write(0);
    word(p, FILL).write(0);
    if let Some(old) = old {
        for entry in 0..fill {
            let key = old.key(entry);
            if !key.is_null() {
                new.append(old.hashes.add(entry).read(), key, old.value(entry));
            }
        }
    }
    mutator().scope_close(scope);
    Ok(())
}

#[inline]
#[contract]
unsafe fn hash_of(key: Ob) -> Res<u64> {
    if ptr::eq(type_of(key), &raw mut PyUnicode_Type) {
        return Ok(unicode::hash(key) as u64);
    }
    Ok(PyObject_Hash(key)? as u64)
}

/// The value of a key, borrowed.
#[inline]
#[contract]
pub unsafe fn get(dict: Ob, key: Ob) -> Res<Option<Ob>> {
    let hash = hash_of(key)?;
    get_hashed(dict, key, hash)
}

#[inline]
#[contract]
unsafe fn get_hashed(dict: Ob, key: Ob, hash: u64) -> Res<Option<Ob>> {
    let Some((parts, entry)) = find_in_parts(dict, key, hash)? else { return Ok(None) };
    let value = borrow_c(parts.value(entry));
    if value.is_null() { err::no_memory() } else { Ok(Some(value)) }
}

/// Sets the value of a key. May collect.
#[contract]
pub unsafe fn set(dict: Ob, key: Ob, value: Ob) -> Res<()> {
    check(dict)?;
    let hash = hash_of(key)?;
    to_gc(key)?;
    to_gc(value)?;
    reserve(dict)?;
    let found = find(dict, key, hash)?;
    if found.is_none() {
        // The comparison may have filled it.
        reserve(dict)?;
    }
    let p = check(dict)?;
    let Some(parts) = Parts::of(p) else { return err::bad_internal_call("a dict has lost its parts") };
    let new = mutator().to_obj(raw_ob(value));
    will_change(p);
    match found {
        Some(entry) => mutator().store(parts.entries, 16 * entry + 8, new),
        None => parts.append(hash, mutator().to_obj(raw_ob(key)), new),
    }
    Ok(())
}

/// Removes a key; its value, or `None` when it is not there.
#[contract]
pub unsafe fn pop(dict: Ob, key: Ob) -> Res<Option<Own>> {
    check(dict)?;
    let hash = hash_of(key)?;
    let Some(entry) = find(dict, key, hash)? else { return Ok(None) };
    let Some(parts) = Parts::of(check(dict)?) else { return Ok(None) };
    will_change(parts.object);
    let value = borrow_c(parts.value(entry));
    if value.is_null() {
        return err::no_memory();
    }
    let value = Own::share(value);
    let place = parts.place(hash, entry as u32);
    parts.index.add(place).write(DUMMY);
    mutator().store(parts.entries, 16 * entry, ptr::null_mut());
    mutator().store(parts.entries, 16 * entry + 8, ptr::null_mut());
    let used = word(parts.object, USED);
    used.write(used.read() - 1);
    Ok(Some(value))
}

/// The next entry from `*position` on, with its hash; both borrowed.
#[contract]
pub unsafe fn next(dict: Ob, position: &mut usize) -> Option<(Ob, Ob, u64)> {
    let parts = object(dict).and_then(|p| Parts::of(p))?;
    let fill = word(parts.object, FILL).read();
    while *position < fill {
        let entry = *position;
        *position += 1;
        let key = parts.key(entry);
        if !key.is_null() {
            let (key, value) = (borrow_c(key), borrow_c(parts.value(entry)));
            return (!key.is_null() && !value.is_null()).then(|| (key, value, parts.hashes.add(entry).read()));
        }
    }
    None
}

/// The number of entries.
#[contract]
pub unsafe fn len(dict: Ob) -> usize {
    object(dict).map_or(0, |p| word(p, USED).read())
}

/// A new dict. May collect.
#[contract]
pub unsafe fn new() -> Res<Own> {
    bury();
    let ob = mirror(alloc(&DICT)?);
    Own::new(ob).map_or_else(err::no_memory, Ok)
}

/// The `PyObject` of a dict: a new reference, or null.
#[contract]
pub unsafe fn mirror(p: *mut Object) -> Ob {
    mutator().handle(p, size_of::<PyObject>(), (&raw mut PyDict_Type).cast(), LinkFlags::LIGHT).cast()
}

/// `dict.__new__`: also of subtypes, whose instances C has made.
#[slot]
pub unsafe fn dict_new(ty: Ty, _args: Ob, _kwargs: Ob) -> Res<Own> {
    if ptr::eq(ty, &raw mut PyDict_Type) {
        return new();
    }
    let ob = crate::types::alloc_instance(ty, 0)?;
    let p = alloc(&DICT)?;
    crate::cross::link(p, ob.ob(), LinkFlags::NONE);
    Ok(ob)
}

/// A new dict.
#[capi]
pub unsafe fn PyDict_New() -> Res<Own> {
    new()
}

/// Sets the value of a key.
#[capi]
pub unsafe fn PyDict_SetItem(dict: Ob, key: Ob, value: Ob) -> Res<()> {
    set(dict, key, value)
}

/// The value of a key, borrowed; errors are swallowed, as in CPython.
#[capi]
pub unsafe fn PyDict_GetItem(dict: Ob, key: Ob) -> Ob {
    if dict.is_null() || !has(dict, flag::DICT) {
        return NULL;
    }
    if !err::is_raised() {
        return get(dict, key)
            .unwrap_or_else(|_| {
                err::clear();
                None
            })
            .unwrap_or(NULL);
    }
    let before = err::take();
    let found = get(dict, key).ok().flatten().unwrap_or(NULL);
    err::restore(before);
    found
}

/// The value of a key, borrowed; NULL without an exception when it is not there.
#[capi]
pub unsafe fn PyDict_GetItemWithError(dict: Ob, key: Ob) -> Res<Ob> {
    check(dict)?;
    Ok(get(dict, key)?.unwrap_or(NULL))
}

/// Whether a key is there.
#[capi]
pub unsafe fn PyDict_Contains(dict: Ob, key: Ob) -> Res<bool> {
    check(dict)?;
    let hash = hash_of(key)?;
    Ok(find(dict, key, hash)?.is_some())
}

/// Removes a key, which has to be there.
#[capi]
pub unsafe fn PyDict_DelItem(dict: Ob, key: Ob) -> Res<()> {
    match pop(dict, key)? {
        Some(_) => Ok(()),
        None => err::key_error(key),
    }
}

/// Removes all entries.
#[capi]
pub unsafe fn PyDict_Clear(dict: Ob) {
    if let Ok(p) = check(dict) {
        will_change(p);
        set_capacity(p, 0);
        word(p, USED).write(0);
        word(p, FILL).write(0);
        mutator().store(p, ENTRIES_AT, ptr::null_mut());
        mutator().store(p, TABLE_AT, ptr::null_mut());
    } else {
        err::clear();
    }
}

/// The number of entries.
#[capi]
pub unsafe fn PyDict_Size(dict: Ob) -> Res<isize> {
    check(dict)?;
    Ok(len(dict) as isize)
}

/// Walks through the entries.
#[capi]
pub unsafe fn PyDict_Next(dict: Ob, position: *mut isize, key: *mut Ob, value: *mut Ob) -> i32 {
    if dict.is_null() || !has(dict, flag::DICT) {
        return 0;
    }
    let mut at = *position as usize;
    let entry = next(dict, &mut at);
    *position = at as isize;
    let Some((k, v, _)) = entry else { return 0 };
    if !key.is_null() {
        *key = k;
    }
    if !value.is_null() {
        *value = v;
    }
    1
}

/// The value of a key; if it is not there, sets it to `default`. Borrowed.
#[capi]
pub unsafe fn PyDict_SetDefault(dict: Ob, key: Ob, default: Ob) -> Res<Ob> {
    check(dict)?;
    if let Some(value) = get(dict, key)? {
        return Ok(value);
    }
    set(dict, key, default)?;
    Ok(default)
}
