//! Types that are registered with a heap at run time, by number.

use crate::Error;
use crate::object::type_info::SLOW;
use crate::object::{MAX_PAYLOAD, NO_SLOT, TypeInfo};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicPtr, Ordering};
use std::ptr::{self, null_mut};
use std::sync::OnceLock;

/// Types of a chunk.
const CHUNK: usize = 256;
const CHUNKS: usize = 4096;

/// What a registered description borrows, and the description.
struct Registered {
    info: TypeInfo,
    _name: Box<str>,
    _refs: Box<[usize]>,
}

/// A borrow without its lifetime.
///
/// # Safety
/// Nobody uses the result after `value` is gone.
unsafe fn outlive<T: ?Sized>(value: &T) -> &'static T {
    // SAFETY: [T2] the caller's promise.
    unsafe { &*ptr::from_ref(value) }
}

type Chunk = Box<[AtomicPtr<TypeInfo>]>;

/// Stands where no type is.
static NO_TYPE: TypeInfo = TypeInfo::new("", 0);

fn no_type() -> *mut TypeInfo {
    ptr::from_ref(&NO_TYPE).cast_mut()
}

fn new_chunk() -> Chunk {
    (0..CHUNK).map(|_| AtomicPtr::new(no_type())).collect()
}

/// The registered types of one heap: numbers from 1, look-ups without a lock.
pub(super) struct TypeTable {
    first: Chunk,
    more: Box<[OnceLock<Chunk>]>,
    #[allow(clippy::vec_box, reason = "objects hold the addresses")]
    all: Mutex<Vec<Box<Registered>>>,
}

impl TypeTable {
    pub(super) fn new() -> TypeTable {
        TypeTable {
            first: new_chunk(),
            more: (1..CHUNKS).map(|_| OnceLock::new()).collect(),
            all: Mutex::new(Vec::new()),
        }
    }

    #[inline]
    pub(super) fn get(&self, id: u32) -> Option<*const TypeInfo> {
        let id = id as usize;
        let entry = if id < CHUNK { &self.first[id] } else { &self.more.get(id / CHUNK - 1)?.get()?[id % CHUNK] };
        // Acquire: [T-entry].
        let info = entry.load(Ordering::Acquire);
        if ptr::eq(info, no_type()) { None } else { Some(info) }
    }

    /// Checks a description and stores it with copies of its name and offsets.
    pub(super) fn register(&self, name: &str, refs: &[usize], info: TypeInfo) -> Result<*const TypeInfo, Error> {
        check(name, refs, &info)?;
        let mut all = self.all.lock().unwrap_or_else(|e| e.into_inner());
        let id = all.len() + 1;
        if id >= CHUNK * CHUNKS {
            return Err(invalid(name, format!("a heap has at most {} types", CHUNK * CHUNKS - 1)));
        }
        let (boxed_name, boxed_refs): (Box<str>, Box<[usize]>) = (name.into(), refs.into());
        // SAFETY: [T2] the boxes live beside the description, in the heap, which outlives its objects; nothing else gets at
        // these references.
        let (static_name, static_refs) = unsafe { (outlive(&*boxed_name), outlive(&*boxed_refs)) };
        let mut info = TypeInfo { id: id as u32, name: static_name, ..info.with_refs(static_refs) };
        if cfg!(feature = "debug") {
            // The inlined allocation of C leaves all to the library, which looks at the thread and at the heap.
            info.fast_bytes = SLOW;
        }
        all.push(Box::new(Registered { info, _name: boxed_name, _refs: boxed_refs }));
        let stored = all.last_mut().map_or(null_mut(), |r| &raw mut r.info);
        if stored as usize >> 48 != 0 {
            all.pop();
            return Err(invalid(name, "this machine's addresses have more than 48 bits".into()));
        }
        let chunk = if id < CHUNK { &self.first } else { self.more[id / CHUNK - 1].get_or_init(new_chunk) };
        // Release, [T-entry]: who finds the address finds the description.
        chunk[id % CHUNK].store(stored, Ordering::Release);
        Ok(stored)
    }
}

fn invalid(name: &str, reason: String) -> Error {
    Error::InvalidType { name: name.to_owned(), reason }
}

fn check(name: &str, refs: &[usize], info: &TypeInfo) -> Result<(), Error> {
    if info.size > MAX_PAYLOAD {
        return Err(invalid(
            name,
            format!("{} bytes are more than the {MAX_PAYLOAD} of the largest object", info.size),
        ));
    }
    if info.item_size > MAX_PAYLOAD {
        return Err(invalid(name, format!("items of {} bytes are larger than the largest object", info.item_size)));
    }
    if info.items_are_refs && info.item_size != 8 {
        return Err(invalid(name, format!("items that are references have 8 bytes, not {}", info.item_size)));
    }
    let word = |offset: usize, what: &str| {
        if !offset.is_multiple_of(8) {
            return Err(invalid(name, format!("{what} at {offset} is not at a multiple of 8")));
        }
        if offset.checked_add(8).is_none_or(|end| end > info.size) {
            return Err(invalid(name, format!("{what} at {offset} is outside of the {} bytes", info.size)));
        }
        Ok(())
    };
    for (i, &offset) in refs.iter().enumerate() {
        word(offset, "a reference")?;
        if refs[..i].contains(&offset) {
            return Err(invalid(name, format!("the reference at {offset} is listed twice")));
        }
    }
    if info.handle_slot != NO_SLOT {
        word(info.handle_slot, "the handle slot")?;
        if refs.contains(&info.handle_slot) {
            return Err(invalid(name, format!("the handle slot at {} is listed as a reference", info.handle_slot)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr;

    #[test]
    fn contradictions_are_refused_and_names_are_copied() {
        let table = TypeTable::new();
        let base = TypeInfo::new("", 16);
        let ok = table.register("A", &[0], base).unwrap();
        // SAFETY: the table is alive.
        let ok = unsafe { &*ok };
        assert_eq!((ok.id(), ok.name()), (1, "A"));
        assert_eq!(table.get(1), Some(ptr::from_ref(ok)));
        assert_eq!(table.get(2), None);
        assert_eq!(table.get(u32::MAX), None);
        let bad = |refs: &[usize], info| table.register("B", refs, info).unwrap_err().to_string();
        assert!(bad(&[4], base).contains("multiple of 8"));
        assert!(bad(&[16], base).contains("outside"));
        assert!(bad(&[usize::MAX - 7], base).contains("outside"));
        assert!(bad(&[8, 8], base).contains("twice"));
        assert!(bad(&[8], base.with_handle_slot(8)).contains("listed as a reference"));
        assert!(bad(&[], TypeInfo::new("", usize::MAX / 2)).contains("largest object"));
        assert_eq!(table.get(2), None, "nothing was stored");
    }
}
