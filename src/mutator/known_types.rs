//! What C's inlined allocation knows of types: the first few hundred of a heap, by number.
//!
//! Each mutator has a table of its own, in its record, so that nothing but the cursor stands between a number and the end
//! of the object: no pointer to a table, none to the description. An entry is written by its owner when it first asks the library
//! for an object of that type, and until then sends it there.

use crate::object::TypeInfo;
use crate::object::type_info::SLOW;
use std::cell::Cell;
use std::ptr::null;

/// So many types, from number 0 on.
pub const KNOWN: usize = 256;

/// An entry, as `struct hf_known_type` of the C header repeats it.
#[repr(C)]
#[derive(Debug)]
struct KnownType {
    /// The description.
    layout: Cell<*const TypeInfo>,
    /// Its `fast_bytes`; while the type is not known, more than any nursery has.
    bytes: Cell<usize>,
}

/// The table.
#[repr(C)]
#[derive(Debug)]
pub struct KnownTypes([KnownType; KNOWN]);

impl KnownTypes {
    /// One that knows no type.
    pub fn new() -> KnownTypes {
        KnownTypes([const { KnownType { layout: Cell::new(null()), bytes: Cell::new(SLOW) } }; KNOWN])
    }

    /// Remembers a type of the heap, if its number is one of the first. By the owner.
    #[inline]
    pub fn learn(&self, ty: &TypeInfo) {
        if let Some(known) = self.0.get(ty.id as usize)
            && known.bytes.get() != ty.fast_bytes
        {
            known.layout.set(ty);
            known.bytes.set(ty.fast_bytes);
        }
    }
}
