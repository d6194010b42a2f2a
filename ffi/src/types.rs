//! Types: `hf_type_info` is checked and registered with a heap, which answers a number, `hf_type`.
//!
//! **The handle slot.** Offset 0 is both a good place for a handle slot and what a zero-initialised `hf_type_info` says
//! without meaning it. `hf_type_info_init` tells the two apart: it sets `handle_slot` to `HF_NO_SLOT` and marks the
//! struct as `initialised`. In a marked struct `handle_slot` is taken at its word. In an unmarked one 0 means *no slot*:
//! the objects can still be linked (through the heap's side table), and no word of theirs is touched that the program
//! may be using for data. Every other offset means what it says in both.

use crate::boundary;
use crate::ctypes::{CBool, HfMutator, HfObject, size_t};
use crate::heap::HfHeap;
use crate::status::{Failure, HfStatus};
use crate::structs::{self, Growing};
use handfast_core::raw::{Finalize, NO_SLOT, Trace, TypeInfo};
use std::ffi::{CStr, c_char, c_void};
use std::mem::{offset_of, transmute};

/// A type of one heap's objects.
pub type HfType = u32;

/// Visits one reference slot of an object.
pub type HfVisit = Option<unsafe extern "C" fn(slot: *mut *mut HfObject, arg: *mut c_void)>;

/// What `hf_type_info_init` leaves in `initialised`.
const INITIALISED: u64 = 0x6866_7479_7065_0001;

/// The largest payload, as the core documents it: more than 1 GiB.
pub(crate) const MAX_PAYLOAD: usize = handfast_core::raw::MAX_PAYLOAD;

/// What the collector must know of a type. Zero-initialise it, call `hf_type_info_init` (or set `struct_size`), fill it.
/// Offsets count from the start of the payload. Everything is copied: nothing needs to outlive `hf_type_new`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct HfTypeInfo {
    /// `sizeof(hf_type_info)`; `hf_type_info_init` sets it.
    pub struct_size: size_t,
    /// For messages; may be NULL.
    pub name: *const c_char,
    /// Bytes of the fixed part of the payload, header excluded.
    pub size: size_t,
    /// 0: objects of fixed size; else items of this many bytes follow the fixed part.
    pub item_size: size_t,
    /// Offsets of the `hf_object *` fields of the fixed part: multiples of 8.
    pub ref_offsets: *const size_t,
    /// How many there are.
    pub ref_offsets_len: size_t,
    /// Each item is one `hf_object *`; `item_size` is `sizeof(void *)`, `size` a multiple of it.
    pub items_are_refs: CBool,
    /// NULL, or a function that calls `visit(slot, arg)` once for each reference of an object, and replaces the three
    /// fields above. It may run on any thread, at any time, and calls nothing but `visit`, `hf_payload` and `hf_items`.
    pub trace: Option<unsafe extern "C" fn(object: *mut HfObject, visit: HfVisit, arg: *mut c_void)>,
    /// Offset of a pointer-sized word of the fixed part that belongs to the library, for the link; or `HF_NO_SLOT`.
    /// 0 in a struct that `hf_type_info_init` has not seen means `HF_NO_SLOT`.
    pub handle_slot: size_t,
    /// NULL, or what runs once for each object that was found unreachable, on some attached thread, at a point that may
    /// collect. It may make the object reachable again; it may not detach the mutator.
    pub finalize: Option<unsafe extern "C" fn(mutator: *mut HfMutator, object: *mut HfObject)>,
    /// Set by `hf_type_info_init`; leave it alone.
    pub initialised: u64,
}

// SAFETY: [E3] integers, pointers that are not followed unchecked, optional functions; the size first.
unsafe impl Growing for HfTypeInfo {
    const NAME: &'static str = "hf_type_info";
    const FIRST: usize = offset_of!(HfTypeInfo, initialised);
}

impl HfTypeInfo {
    /// All zero but for the slot.
    const fn empty(initialised: u64) -> HfTypeInfo {
        HfTypeInfo {
            struct_size: size_of::<HfTypeInfo>(),
            name: std::ptr::null(),
            size: 0,
            item_size: 0,
            ref_offsets: std::ptr::null(),
            ref_offsets_len: 0,
            items_are_refs: CBool(0),
            trace: None,
            handle_slot: if initialised == 0 { 0 } else { NO_SLOT },
            finalize: None,
            initialised,
        }
    }

    /// The size that the core is told: at least one word, so that an object without fields is an object too.
    fn core_size(&self) -> usize {
        if self.size == 0 && self.item_size == 0 { 8 } else { self.size }
    }

    /// Where the handle slot is, given the offsets of the references.
    fn slot(&self, refs: &[usize]) -> Result<usize, Failure> {
        let slot = self.handle_slot;
        if slot == NO_SLOT || (slot == 0 && self.initialised != INITIALISED) {
            return Ok(NO_SLOT);
        }
        if !slot.is_multiple_of(8) || slot.checked_add(8).is_none_or(|end| end > self.size) {
            return Err(invalid(format!("handle_slot {slot} is not a word of the fixed part of {} bytes", self.size)));
        }
        if self.trace.is_none() && refs.contains(&slot) {
            return Err(invalid(format!("handle_slot {slot} is listed as a reference")));
        }
        Ok(slot)
    }

    /// Everything that contradicts itself, before the core sees it.
    fn check(&self, refs: &[usize]) -> Result<(), Failure> {
        if self.size > MAX_PAYLOAD {
            return Err(invalid(format!("size {} is more than the largest payload, {MAX_PAYLOAD}", self.size)));
        }
        if self.item_size > MAX_PAYLOAD {
            return Err(invalid(format!(
                "item_size {} is more than the largest payload, {MAX_PAYLOAD}",
                self.item_size
            )));
        }
        if self.trace.is_some() {
            return Ok(());
        }
        if self.items_are_refs.get() && (self.item_size != 8 || !self.size.is_multiple_of(8)) {
            return Err(invalid(
                "items that are references need an item_size of 8 and a size that is a multiple of it",
            ));
        }
        let mut seen = std::collections::HashSet::new();
        for offset in refs {
            if !offset.is_multiple_of(8) || offset.checked_add(8).is_none_or(|end| end > self.size) {
                return Err(invalid(format!(
                    "reference {offset} is not a word of the fixed part of {} bytes",
                    self.size
                )));
            }
            if !seen.insert(*offset) {
                return Err(invalid(format!("reference {offset} is listed twice")));
            }
        }
        Ok(())
    }

    /// The core's description, without name and offsets.
    fn info(&self, slot: usize) -> TypeInfo {
        let mut info = TypeInfo::new("", self.core_size());
        if self.items_are_refs.get() && self.trace.is_none() {
            info = info.with_ref_items();
        } else if self.item_size != 0 {
            info = info.with_items(self.item_size);
        }
        if let Some(trace) = self.trace {
            // SAFETY: [E5] the same signature: an object's address, a function of two pointers that is never NULL, a pointer.
            let trace = unsafe { transmute::<unsafe extern "C" fn(*mut HfObject, HfVisit, *mut c_void), Trace>(trace) };
            info = info.with_trace(trace);
        }
        if slot != NO_SLOT {
            info = info.with_handle_slot(slot);
        }
        if let Some(finalize) = self.finalize {
            // SAFETY: [E5] the same signature: a mutator's address and an object's.
            let finalize =
                unsafe { transmute::<unsafe extern "C" fn(*mut HfMutator, *mut HfObject), Finalize>(finalize) };
            info = info.with_finalizer(finalize);
        }
        info
    }
}

/// A description that contradicts itself.
fn invalid(cause: impl Into<std::borrow::Cow<'static, str>>) -> Failure {
    Failure::new(HfStatus::HF_ERR_INVALID_TYPE, cause)
}

/// Fills a type description of `size` bytes (`sizeof(hf_type_info)` of the program): all zero, `handle_slot` is
/// `HF_NO_SLOT`, `struct_size` is set. `hf_type_info_init(info)` is a macro for it.
///
/// # Safety
/// Owner: the caller. Thread: any. Collects: no. NULL or an impossible size: does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_type_info_init_sized(info: *mut HfTypeInfo, size: size_t) {
    boundary::nothing("hf_type_info_init", || {
        // SAFETY: [E3] `size` bytes at `info` are the caller's to fill.
        unsafe { structs::init(info, &HfTypeInfo::empty(INITIALISED), size) }
    });
}

/// Fills the whole description, as this version of the interface knows it. In C, a macro of this name passes the
/// program's own size.
///
/// # Safety
/// Owner: the caller. Thread: any. Collects: no. NULL: does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_type_info_init(info: *mut HfTypeInfo) {
    // SAFETY: [E3] `initialised` has been a field since the first version.
    unsafe { hf_type_info_init_sized(info, offset_of!(HfTypeInfo, initialised) + size_of::<u64>()) };
}

/// Registers a type with a heap.
///
/// # Safety
/// Owner: `info` stays the caller's, everything is copied; the type lives as long as the heap. Thread: any.
/// Collects: no. Errors: `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_INVALID_TYPE`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_type_new(heap: *mut HfHeap, info: *const HfTypeInfo, out: *mut HfType) -> HfStatus {
    boundary::status("hf_type_new", || {
        // SAFETY: [E1] NULL or alive.
        let heap = unsafe { HfHeap::from_c(heap) }?;
        if out.is_null() {
            return Err(Failure::null("out"));
        }
        // SAFETY: [E3] NULL or readable as far as its struct_size says.
        let info = unsafe { structs::read(info, HfTypeInfo::empty(0)) }?;
        // SAFETY: [E6] as the fields say.
        let refs = unsafe { references(&info) }?;
        info.check(refs)?;
        let slot = info.slot(refs)?;
        let name = if info.name.is_null() {
            "unnamed".into()
        } else {
            // SAFETY: [E6] a name that is not NULL is a string of the caller.
            unsafe { CStr::from_ptr(info.name) }.to_string_lossy()
        };
        let stored = heap.raw().register_type(&name, refs, info.info(slot))?;
        // SAFETY: [T2] the heap keeps what it has registered as long as it lives.
        let id = unsafe { (*stored).id() };
        // SAFETY: [E3] not NULL, so writable.
        unsafe { out.write(id) };
        Ok(())
    })
}

/// The reference offsets that count.
///
/// # Safety
/// Unless replaced by a trace function, `ref_offsets` points at `ref_offsets_len` numbers, or is NULL.
unsafe fn references<'a>(info: &HfTypeInfo) -> Result<&'a [usize], Failure> {
    if info.trace.is_some() || info.ref_offsets_len == 0 {
        return Ok(&[]);
    }
    if info.ref_offsets.is_null() {
        return Err(Failure::null("ref_offsets"));
    }
    if info.ref_offsets_len > info.size / 8 {
        return Err(invalid("more references than words in the fixed part"));
    }
    if !info.ref_offsets.is_aligned() {
        return Err(Failure::argument("ref_offsets is not aligned"));
    }
    // SAFETY: [E6] not NULL, aligned, and as many as the caller says.
    Ok(unsafe { std::slice::from_raw_parts(info.ref_offsets, info.ref_offsets_len) })
}

#[cfg(test)]
mod tests {
    use super::*;

    unsafe extern "C" fn trace(_: *mut HfObject, _: HfVisit, _: *mut c_void) {}

    fn info(initialised: bool, size: usize, slot: usize) -> HfTypeInfo {
        let mut info = HfTypeInfo::empty(if initialised { INITIALISED } else { 0 });
        info.size = size;
        info.handle_slot = slot;
        info
    }

    #[test]
    fn zero_without_init_is_no_slot() {
        assert_eq!(info(false, 16, 0).slot(&[]).unwrap(), NO_SLOT);
        assert_eq!(info(false, 16, 0).slot(&[0]).unwrap(), NO_SLOT);
        assert_eq!(info(false, 16, 8).slot(&[0]).unwrap(), 8);
    }

    #[test]
    fn zero_after_init_is_a_slot() {
        assert_eq!(info(true, 16, 0).slot(&[8]).unwrap(), 0);
        assert!(info(true, 16, 0).slot(&[0]).is_err());
        assert!(info(true, 4, 0).slot(&[]).is_err());
        assert_eq!(info(true, 4, NO_SLOT).slot(&[]).unwrap(), NO_SLOT);
    }

    #[test]
    fn a_slot_is_a_word_of_the_fixed_part() {
        for slot in [4, 16, 12, usize::MAX - 7, usize::MAX - 1] {
            assert!(info(false, 16, slot).slot(&[]).is_err(), "{slot}");
        }
    }

    #[test]
    fn references_are_distinct_words_of_the_fixed_part() {
        assert!(info(true, 16, NO_SLOT).check(&[0, 8]).is_ok());
        for refs in [[0, 0], [0, 4], [0, 16], [0, usize::MAX - 7]] {
            assert!(info(true, 16, NO_SLOT).check(&refs).is_err(), "{refs:?}");
        }
    }

    #[test]
    fn a_trace_function_replaces_the_rest() {
        let mut traced = info(true, 16, 8);
        traced.trace = Some(trace);
        traced.items_are_refs = CBool(1);
        traced.ref_offsets_len = 99;
        assert!(traced.check(&[]).is_ok());
        // SAFETY: a traced type's offsets are not read.
        assert_eq!(unsafe { references(&traced) }.unwrap(), &[] as &[usize]);
        assert_eq!(traced.slot(&[8]).unwrap(), 8);
    }

    #[test]
    fn items_that_are_references_are_words() {
        let mut items = info(true, 8, NO_SLOT);
        items.items_are_refs = CBool(1);
        items.item_size = 4;
        assert!(items.check(&[]).is_err());
        items.item_size = 8;
        assert!(items.check(&[]).is_ok());
        items.size = 4;
        assert!(items.check(&[]).is_err());
    }
}
