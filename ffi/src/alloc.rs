//! Allocation: by the number of a type, with items, by a layout that was looked up before, and by a layout and a size that the
//! compiler knows.
//!
//! All but the one with items have inline twins in `include/handfast_inline.h`; what is here is the whole of each, and what the
//! twins fall back to. Each tries its simplest case first, in which nothing can panic. The inlined ones trust a layout; here it
//! must be one of the mutator's heap, which is noticed where a nursery block ends at the latest.

use crate::boundary::{self, misuse};
use crate::ctypes::{HfLayout, HfMutator, HfObject, size_t};
use crate::heap::HfHeap;
use crate::status::Failure;
use crate::threads::{self, collecting, running};
use crate::types::{HfType, MAX_PAYLOAD};
use handfast_core::raw::{self, Mutator, TypeInfo};
use std::ptr;

/// The description of a type of a heap.
fn known_type(heap: &raw::Heap, id: HfType) -> Result<*const TypeInfo, Failure> {
    heap.type_by_id(id).ok_or_else(|| Failure::argument(format!("unknown type {id}")))
}

/// Allocates an object of a type with this number, whatever it takes.
fn allocate_type(
    function: &'static str,
    mutator: *mut HfMutator,
    id: HfType,
    items: usize,
) -> Result<*mut HfObject, Failure> {
    let mutator = running(function, mutator)?;
    // SAFETY: [E2] attached by this thread.
    let heap = unsafe { mutator.heap() };
    allocate(mutator, known_type(heap, id)?, items)
}

/// Allocates an object with this description, of the mutator's heap.
fn allocate(mutator: Mutator, info: *const TypeInfo, items: usize) -> Result<*mut HfObject, Failure> {
    // SAFETY: [T2] a description lives as long as its heap.
    let (size, item_size) = unsafe { ((*info).size(), (*info).item_size()) };
    let object = if item_size == 0 {
        if items != 0 {
            return Err(Failure::argument(format!("{items} items of a type that has none")));
        }
        // SAFETY: [E2] running on this thread; the description is of this heap.
        collecting(|| unsafe { mutator.alloc(info) })
    } else {
        let bytes = items.checked_mul(item_size).and_then(|bytes| bytes.checked_add(size));
        if bytes.is_none_or(|bytes| bytes > MAX_PAYLOAD) {
            let cause = format!("{items} items of {item_size} bytes are more than the largest object");
            return Err(Failure::memory(cause));
        }
        // SAFETY: [E2] running on this thread; the description is of this heap.
        collecting(|| unsafe { mutator.alloc_items(info, items) })
    };
    if object.is_null() {
        // SAFETY: [E2] attached by this thread.
        unsafe { mutator.heap() }.check()?;
        return Err(Failure::memory("out of memory"));
    }
    Ok(HfObject::name(object))
}

/// Allocates an object with a zeroed payload; of a type with items, one without items.
///
/// # Safety
/// Owner: the collector; root it before the next call that may collect. Thread: the mutator's. **May collect.**
/// NULL: out of memory (after a full collection; the heap stays usable), or an unknown type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_alloc(mutator: *mut HfMutator, type_: HfType) -> *mut HfObject {
    if let Some(mutator) = threads::quick(mutator)
        // SAFETY: [E2] attached by this thread.
        && let Some(info) = unsafe { mutator.heap() }.type_by_id(type_)
    {
        // SAFETY: [E2] running on this thread; the description is of this heap.
        let object = unsafe {
            mutator.learn_type(info);
            mutator.alloc_quick(info)
        };
        if !object.is_null() {
            return HfObject::name(object);
        }
    }
    // SAFETY: [E1] the caller's promises.
    unsafe { alloc(mutator, type_) }
}

/// The same in every case. As C's function it is known not to unwind: who calls it last can jump there.
#[inline(never)]
unsafe extern "C" fn alloc(mutator: *mut HfMutator, type_: HfType) -> *mut HfObject {
    boundary::value("hf_alloc", ptr::null_mut(), || allocate_type("hf_alloc", mutator, type_, 0))
}

/// Allocates an object with `items` items, all zeroed.
///
/// # Safety
/// Owner: the collector; root it before the next call that may collect. Thread: the mutator's. **May collect.**
/// NULL: out of memory (after a full collection; the heap stays usable), an unknown type, or items of a type that
/// has none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_alloc_items(mutator: *mut HfMutator, type_: HfType, items: size_t) -> *mut HfObject {
    if let Some(mutator) = threads::quick(mutator)
        // SAFETY: [E2] attached by this thread.
        && let Some(info) = unsafe { mutator.heap() }.type_by_id(type_)
    {
        // SAFETY: [E2] running on this thread; the description is of this heap.
        let object = unsafe { mutator.alloc_items_quick(info, items) };
        if !object.is_null() {
            return HfObject::name(object);
        }
    }
    // SAFETY: [E1] the caller's promises.
    unsafe { alloc_items(mutator, type_, items) }
}

/// The same in every case.
#[inline(never)]
unsafe extern "C" fn alloc_items(mutator: *mut HfMutator, type_: HfType, items: size_t) -> *mut HfObject {
    boundary::value("hf_alloc_items", ptr::null_mut(), || allocate_type("hf_alloc_items", mutator, type_, items))
}

/// The layout of a type, for `hf_alloc_layout` and `hf_alloc_sized`.
///
/// # Safety
/// Owner: the heap; it lives as long. Thread: any. Collects: no. NULL: an unknown type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_type_layout(heap: *mut HfHeap, type_: HfType) -> *const HfLayout {
    boundary::value("hf_type_layout", ptr::null(), || {
        // SAFETY: [E1] NULL or alive.
        let heap = unsafe { HfHeap::from_c(heap) }?;
        Ok(known_type(heap.raw(), type_)?.cast())
    })
}

/// As `hf_alloc`, for a type of the same heap whose layout was looked up before; in C, fixed-size types without a
/// finalizer are allocated inline, which takes a few instructions.
///
/// # Safety
/// Owner: the collector; root it before the next call that may collect. Thread: the mutator's. **May collect.**
/// NULL: out of memory (after a full collection; the heap stays usable).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_alloc_layout(mutator: *mut HfMutator, layout: *const HfLayout) -> *mut HfObject {
    if let Some(mutator) = threads::quick(mutator)
        && !layout.is_null()
    {
        // SAFETY: [E2] running on this thread; the description is of this heap.
        let object = unsafe { mutator.alloc_quick(layout.cast()) };
        if !object.is_null() {
            return HfObject::name(object);
        }
    }
    // SAFETY: [E1] the caller's promises.
    unsafe { alloc_layout(mutator, layout) }
}

/// The same in every case.
#[inline(never)]
unsafe extern "C" fn alloc_layout(mutator: *mut HfMutator, layout: *const HfLayout) -> *mut HfObject {
    boundary::value("hf_alloc_layout", ptr::null_mut(), || {
        let mutator = running("hf_alloc_layout", mutator)?;
        allocate(mutator, known_layout("hf_alloc_layout", mutator, layout)?, 0)
    })
}

/// As `hf_alloc_layout`, where the program knows the size of the type's payload when it is compiled: `size` is
/// `sizeof` of the struct that it describes. In C the allocation is inline then and zeroes just that, so that what the
/// program writes next need not be zeroed first: the shortest way to an object.
///
/// # Safety
/// Owner: the collector; root it before the next call that may collect. Thread: the mutator's. **May collect.**
/// NULL: out of memory (after a full collection; the heap stays usable), or `size` is not the type's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_alloc_sized(
    mutator: *mut HfMutator,
    layout: *const HfLayout,
    size: size_t,
) -> *mut HfObject {
    if let Some(mutator) = threads::quick(mutator)
        && !layout.is_null()
        // SAFETY: [T2] a description of this heap.
        && has_size(unsafe { &*layout.cast::<TypeInfo>() }, size)
    {
        // SAFETY: [E2] running on this thread; the description is of this heap.
        let object = unsafe { mutator.alloc_quick(layout.cast()) };
        if !object.is_null() {
            return HfObject::name(object);
        }
    }
    // SAFETY: [E1] the caller's promises.
    unsafe { alloc_sized(mutator, layout, size) }
}

/// The same in every case.
#[inline(never)]
unsafe extern "C" fn alloc_sized(mutator: *mut HfMutator, layout: *const HfLayout, size: size_t) -> *mut HfObject {
    boundary::value("hf_alloc_sized", ptr::null_mut(), || {
        let mutator = running("hf_alloc_sized", mutator)?;
        let info = known_layout("hf_alloc_sized", mutator, layout)?;
        // SAFETY: [T2] a description of this heap.
        let known = unsafe { &*info };
        if !has_size(known, size) {
            let cause = format!("size is {size}, the payload of type {} has {} bytes", known.id(), known.size());
            return Err(misuse("hf_alloc_sized", Failure::argument(cause)));
        }
        allocate(mutator, info, 0)
    })
}

/// Whether the fixed part of a type's payload is what so many bytes come to. That of a type without any is a word.
#[inline(always)]
fn has_size(info: &TypeInfo, size: usize) -> bool {
    info.size().wrapping_sub(size) < 8 || size == 0 && info.item_size() == 0 && info.size() == 8
}

/// The description that a layout is, which must be of the mutator's heap.
fn known_layout(function: &'static str, mutator: Mutator, layout: *const HfLayout) -> Result<*const TypeInfo, Failure> {
    if layout.is_null() {
        return Err(Failure::null("layout"));
    }
    let info: *const TypeInfo = layout.cast();
    // SAFETY: [T2] of some heap that is alive, by the caller's promise.
    let id = unsafe { (*info).id() };
    // SAFETY: [E2] attached by this thread.
    if unsafe { mutator.heap() }.type_by_id(id) != Some(info) {
        return Err(misuse(function, Failure::argument(format!("layout ({layout:p}) is none of this heap"))));
    }
    Ok(info)
}
