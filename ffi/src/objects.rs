//! Objects: payload, fields, identity, pinning, publishing, collections on demand.
//!
//! `hf_load`, `hf_store` and `hf_payload` have inline twins in `include/handfast_inline.h` for the common case; what is here
//! is the whole of each, and what the twins fall back to. Both refuse a field outside of the object.

use crate::boundary;
use crate::checks;
use crate::ctypes::{HfMutator, HfObject, size_t};
use crate::status::{Failure, HfStatus};
use crate::threads::{self, collecting, running};
use crate::types::HfType;
use handfast_core::raw::{self, Object};
use std::ffi::c_void;
use std::ptr;

/// The type of objects that no `hf_type_new` described, and of NULL; `cbindgen.toml` gives it to C.
const HF_NO_TYPE: HfType = HfType::MAX;

/// The object that a C pointer names.
pub(crate) fn object(name: &'static str, object: *mut HfObject) -> Result<*mut Object, Failure> {
    let object = HfObject::object(object);
    if object.is_null() {
        return Err(Failure::null(name));
    }
    if !object.is_aligned() {
        return Err(Failure::argument(format!("{name} is not the address of an object")));
    }
    checks::object(name, object);
    Ok(object)
}

/// The object that a C pointer names, if it can be one.
#[inline(always)]
fn quick(object: *mut HfObject) -> Option<*mut Object> {
    let object = HfObject::object(object);
    (!object.is_null() && object.is_aligned()).then_some(object)
}

/// Whether there is such a word in the object.
///
/// # Safety
/// `source` is an object of this mutator.
#[inline(always)]
unsafe fn has_field(source: *mut Object, offset: usize) -> bool {
    // SAFETY: [A1] the caller's promise.
    let info = unsafe { raw::type_of(source) };
    // SAFETY: [T2] a description outlives the objects that name it.
    let (size, item_size) = unsafe { ((*info).size(), (*info).item_size()) };
    if offset < size || item_size == 0 {
        return offset.is_multiple_of(8) && offset < size;
    }
    // SAFETY: [A1] the caller's promise. No object has so many items that this overflows.
    let bytes = unsafe { raw::items(source) } * item_size;
    offset.is_multiple_of(8) && bytes >= 8 && offset - size <= bytes - 8
}

/// Refuses a field that is not a word of the object.
///
/// # Safety
/// `source` is an object of this mutator.
unsafe fn check_field(source: *mut Object, offset: usize) -> Result<(), Failure> {
    // SAFETY: [A1] the caller's promise.
    let info = unsafe { raw::type_of(source) };
    // SAFETY: [T2] a description outlives the objects that name it.
    let info = unsafe { &*info };
    let items = if info.item_size() == 0 {
        0
    } else {
        // SAFETY: [A1] the caller's promise.
        unsafe { raw::items(source) }
    };
    let bytes = items.saturating_mul(info.item_size()).saturating_add(info.size());
    if !offset.is_multiple_of(8) || offset.checked_add(8).is_none_or(|end| end > bytes) {
        return Err(Failure::argument(format!("offset {offset} is not a word of this object of {bytes} bytes")));
    }
    Ok(())
}

/// The payload of an object: its fixed part, then its items. Read references with `hf_load` and write them with
/// `hf_store`; everything else is plain memory of the program.
///
/// # Safety
/// Owner: the object; the pointer is valid as long as the `hf_object *` is. Thread: any that may use the object.
/// Collects: no. NULL of NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_payload(object: *mut HfObject) -> *mut c_void {
    if object.is_null() {
        return ptr::null_mut();
    }
    checks::payload(HfObject::object(object));
    // SAFETY: [A1] address arithmetic; null stays recognisable to the caller.
    unsafe { raw::payload(HfObject::object(object)) }
}

/// The number of items of an object; 0 for types of fixed size, and of NULL.
///
/// # Safety
/// Thread: any that may use the object. Collects: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_items(object: *mut HfObject) -> size_t {
    boundary::value("hf_items", 0, || {
        let object = self::object("object", object)?;
        // SAFETY: [A1] an object.
        Ok(unsafe { raw::items(object) })
    })
}

/// The type of an object; `HF_NO_TYPE` for one whose type was not made with `hf_type_new`, and of NULL.
///
/// # Safety
/// Thread: any that may use the object. Collects: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_type_of(object: *mut HfObject) -> HfType {
    boundary::value("hf_type_of", HF_NO_TYPE, || {
        let object = self::object("object", object)?;
        // SAFETY: [A1] an object.
        let info = unsafe { raw::type_of(object) };
        // SAFETY: [T2] a description outlives its objects.
        Ok(unsafe { (*info).id() })
    })
}

/// Reads a reference field. `offset` counts from the start of the payload.
///
/// # Safety
/// Owner: the collector. Thread: the mutator's. Collects: no. NULL: the field is, or there is no such field.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_load(mutator: *mut HfMutator, source: *mut HfObject, offset: size_t) -> *mut HfObject {
    boundary::value("hf_load", ptr::null_mut(), || {
        let mutator = running("hf_load", mutator)?;
        let source = object("source", source)?;
        // SAFETY: [A1] an object.
        unsafe { check_field(source, offset) }?;
        // SAFETY: [E2] running on this thread; the field is inside.
        Ok(HfObject::name(unsafe { mutator.load(source, offset) }))
    })
}

/// Writes a reference field, with the write barrier. `offset` counts from the start of the payload.
///
/// # Safety
/// Owner: the collector. Thread: the mutator's. Collects: no. No such field: does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_store(
    mutator: *mut HfMutator,
    source: *mut HfObject,
    offset: size_t,
    value_or_null: *mut HfObject,
) {
    if let Some(mutator) = threads::quick(mutator)
        && let Some(source) = quick(source)
        && HfObject::object(value_or_null).is_aligned()
        // SAFETY: [A1] an object.
        && unsafe { has_field(source, offset) }
        // SAFETY: [E2] running on this thread; the field is inside.
        && unsafe { mutator.store_quick(source, offset, HfObject::object(value_or_null)) }
    {
        return;
    }
    // SAFETY: [E1] the caller's promises.
    unsafe { store(mutator, source, offset, value_or_null) }
}

/// What the inline `hf_store` calls when the source is public, or old, and the field exists. Not for programs.
///
/// # Safety
/// Owner: the collector. Thread: the mutator's. Collects: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_store_barrier(
    mutator: *mut HfMutator,
    source: *mut HfObject,
    offset: size_t,
    value_or_null: *mut HfObject,
) {
    if let Some(mutator) = threads::quick(mutator)
        && let Some(source) = quick(source)
        && HfObject::object(value_or_null).is_aligned()
        // SAFETY: [E2] running on this thread; the field is inside, as the caller has found.
        && unsafe { mutator.store_quick(source, offset, HfObject::object(value_or_null)) }
    {
        return;
    }
    // SAFETY: [E1] the caller's promises.
    unsafe { store(mutator, source, offset, value_or_null) }
}

/// The same in every case.
#[inline(never)]
unsafe extern "C" fn store(
    mutator: *mut HfMutator,
    source: *mut HfObject,
    offset: size_t,
    value_or_null: *mut HfObject,
) {
    boundary::nothing("hf_store", || {
        let mutator = running("hf_store", mutator)?;
        let source = object("source", source)?;
        let value = if value_or_null.is_null() { ptr::null_mut() } else { object("value", value_or_null)? };
        // SAFETY: [A1] an object.
        unsafe { check_field(source, offset) }?;
        // SAFETY: [E2] running on this thread; the field is inside.
        unsafe { mutator.store(source, offset, value) };
        Ok(())
    });
}

/// A number that stays the same for one object, whatever moves. Two objects may share it.
///
/// # Safety
/// Thread: the mutator's. Collects: no. 0 of NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_identity(mutator: *mut HfMutator, object: *mut HfObject) -> usize {
    boundary::value("hf_identity", 0, || {
        let mutator = running("hf_identity", mutator)?;
        let object = self::object("object", object)?;
        // SAFETY: [E2] running on this thread.
        Ok(unsafe { mutator.identity(object) })
    })
}

/// Collects this thread's nursery.
///
/// # Safety
/// Thread: the mutator's. **May collect.** Errors: `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_WRONG_THREAD`,
/// `HF_ERR_FORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_collect_minor(mutator: *mut HfMutator) -> HfStatus {
    boundary::status("hf_collect_minor", || {
        let mutator = running("hf_collect_minor", mutator)?;
        // SAFETY: [E2] attached by this thread.
        unsafe { mutator.heap() }.check()?;
        // SAFETY: [E2] running on this thread.
        collecting(|| unsafe { mutator.collect_minor() });
        Ok(())
    })
}

/// Runs a whole cycle. When it returns, everything that was unreachable before the call has died, and the dead queue
/// holds its share. It waits for threads that run without coming to a safepoint.
///
/// # Safety
/// Thread: the mutator's. **May collect.** Errors: `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_WRONG_THREAD`,
/// `HF_ERR_FORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_collect_full(mutator: *mut HfMutator) -> HfStatus {
    boundary::status("hf_collect_full", || {
        let mutator = running("hf_collect_full", mutator)?;
        // SAFETY: [E2] attached by this thread.
        unsafe { mutator.heap() }.check()?;
        // SAFETY: [E2] running on this thread.
        collecting(|| unsafe { mutator.collect_full() });
        Ok(())
    })
}

/// Makes an object, and everything that it reaches, visible to other threads. Storing it into something public does
/// this too; a program calls it before it hands the address over by other means.
///
/// # Safety
/// Thread: the mutator's. Collects: no; the object does not move any more. Errors: `HF_ERR_INVALID_ARGUMENT`,
/// `HF_ERR_WRONG_THREAD`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_publish(mutator: *mut HfMutator, object: *mut HfObject) -> HfStatus {
    boundary::status("hf_publish", || {
        let mutator = running("hf_publish", mutator)?;
        let object = self::object("object", object)?;
        // SAFETY: [E2] running on this thread.
        unsafe { mutator.publish(object) };
        Ok(())
    })
}

/// Whether an object is public: other threads may reach it. False of NULL.
///
/// # Safety
/// Thread: the mutator's. Collects: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_is_public(mutator: *mut HfMutator, object: *mut HfObject) -> bool {
    boundary::value("hf_is_public", false, || {
        let mutator = running("hf_is_public", mutator)?;
        let object = self::object("object", object)?;
        // SAFETY: [E2] running on this thread.
        Ok(unsafe { mutator.is_public(object) })
    })
}

/// Whether an object is young: in a nursery. False of NULL.
///
/// # Safety
/// Thread: the mutator's. Collects: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_is_young(mutator: *mut HfMutator, object: *mut HfObject) -> bool {
    boundary::value("hf_is_young", false, || {
        let mutator = running("hf_is_young", mutator)?;
        let object = self::object("object", object)?;
        // SAFETY: [E2] running on this thread.
        Ok(unsafe { mutator.is_young(object) })
    })
}

/// Keeps an object where it is until it is unpinned as often. It does not keep it alive.
///
/// # Safety
/// Thread: the mutator's. Collects: no. Errors: `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_WRONG_THREAD`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_pin(mutator: *mut HfMutator, object: *mut HfObject) -> HfStatus {
    boundary::status("hf_pin", || {
        let mutator = running("hf_pin", mutator)?;
        let object = self::object("object", object)?;
        // SAFETY: [E2] running on this thread.
        unsafe { mutator.pin(object) };
        Ok(())
    })
}

/// Ends one `hf_pin`.
///
/// # Safety
/// Thread: the mutator's. Collects: no. NULL: does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_unpin(mutator: *mut HfMutator, object: *mut HfObject) {
    boundary::nothing("hf_unpin", || {
        let mutator = running("hf_unpin", mutator)?;
        let object = self::object("object", object)?;
        // SAFETY: [E2] running on this thread.
        unsafe { mutator.unpin(object) };
        Ok(())
    });
}
