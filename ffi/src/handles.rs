//! Handles: `hf_pyobject`, its count, and its link with an object of the heap.
//!
//! The count belongs to every attached thread and needs no mutator. `hf_incref` and `hf_decref` have inline twins in
//! `include/handfast_inline.h`; a twin that brings a count to zero (or below) calls [`hf_decref_zero`]: the core decides
//! what zero means.

use crate::boundary;
use crate::checks;
use crate::ctypes::{HfMutator, HfObject, HfPyobject, size_t};
use crate::heap::HfHeap;
use crate::objects::object;
use crate::status::{Failure, HfStatus};
use crate::threads::{self, running};
use handfast_core::raw::Mutator;
use handfast_core::raw::Object;
use handfast_core::raw::{LinkFlags, PyObject};
use std::ffi::c_void;
use std::ptr;

/// Link flag: when both sides are dead the handle's memory is freed silently, and nobody is told.
pub const HF_LINK_LIGHT: u32 = 1;

/// The handle that a C pointer names, which must be one that can be used.
fn handle(name: &'static str, ob: *mut HfPyobject) -> Result<*mut PyObject, Failure> {
    let ob = address(name, ob)?;
    checks::pyobject(ob);
    Ok(ob)
}

/// The memory that a C pointer names: that of a handle, or to be one.
fn address(name: &'static str, ob: *mut HfPyobject) -> Result<*mut PyObject, Failure> {
    if ob.is_null() {
        return Err(Failure::null(name));
    }
    if !ob.is_aligned() {
        return Err(Failure::argument(format!("{name} is not the address of an hf_pyobject")));
    }
    Ok(HfPyobject::handle(ob))
}

/// The object that a C pointer names, if it can be one.
#[inline(always)]
fn quick(object: *mut HfObject) -> Option<*mut Object> {
    let object = HfObject::object(object);
    (!object.is_null() && object.is_aligned()).then_some(object)
}

/// Flags that the library knows.
fn link_flags(flags: u32) -> Result<LinkFlags, Failure> {
    match flags {
        0 => Ok(LinkFlags::NONE),
        HF_LINK_LIGHT => Ok(LinkFlags::LIGHT),
        _ => Err(Failure::argument(format!("unknown link flags {flags:#x}"))),
    }
}

/// Refuses a size that is no handle's.
fn check_size(size: usize) -> Result<(), Failure> {
    if size < size_of::<HfPyobject>() {
        return Err(Failure::argument(format!("size {size} is smaller than an hf_pyobject")));
    }
    if size > isize::MAX as usize / 2 {
        return Err(Failure::memory(format!("no handle can have {size} bytes")));
    }
    Ok(())
}

/// Makes a handle that only C knows: count 1, not linked, everything behind the first three fields zeroed.
///
/// # Safety
/// Owner: the caller holds the one reference. Thread: the mutator's. Collects: no. NULL: out of memory, or `size` is
/// smaller than an `hf_pyobject`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_pyobject_new(
    mutator: *mut HfMutator,
    size: size_t,
    ob_type: *mut c_void,
) -> *mut HfPyobject {
    if let Some(mutator) = threads::quick(mutator) {
        // SAFETY: [E2] running on this thread.
        let ob = unsafe { mutator.pyobject_new_quick(size, ob_type) };
        if !ob.is_null() {
            return HfPyobject::name(ob);
        }
    }
    // SAFETY: [E1] the caller's promises.
    unsafe { make(mutator, size, ob_type) }
}

/// The same in every case. As C's function it is known not to unwind: who calls it last can jump there.
#[cfg_attr(not(feature = "debug"), inline(never))]
#[cfg_attr(feature = "debug", inline(always))] // A history names the exported function.
unsafe extern "C" fn make(mutator: *mut HfMutator, size: size_t, ob_type: *mut c_void) -> *mut HfPyobject {
    boundary::value("hf_pyobject_new", ptr::null_mut(), || {
        let mutator = running("hf_pyobject_new", mutator)?;
        check_size(size)?;
        // SAFETY: [E2] running on this thread.
        let ob = unsafe { mutator.pyobject_new(size, ob_type) };
        if ob.is_null() {
            return Err(Failure::memory("out of memory"));
        }
        Ok(HfPyobject::name(ob))
    })
}

/// Takes memory of the embedder's own (from its malloc, or a static struct that is then made immortal) as a handle. Its
/// three fields are the embedder's to set before: a count, a link of 0, a type. From now on all rules hold for it, but the
/// library never frees it: dealloc and the dead queue hand it back, the dead queue even if the link is light. A count below
/// 1 becomes 1. What is another heap's, or adopted by another heap, is refused.
///
/// # Safety
/// Owner: the memory stays the caller's. Thread: the mutator's. Collects: no. Errors: `HF_ERR_INVALID_ARGUMENT`,
/// `HF_ERR_WRONG_THREAD`, `HF_ERR_OUT_OF_MEMORY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_pyobject_adopt(mutator: *mut HfMutator, ob: *mut HfPyobject, size: size_t) -> HfStatus {
    boundary::status("hf_pyobject_adopt", || {
        let mutator = running("hf_pyobject_adopt", mutator)?;
        let ob = address("ob", ob)?;
        check_size(size)?;
        // SAFETY: [E2] running on this thread; `size` bytes of the caller at `ob`.
        Ok(unsafe { mutator.pyobject_adopt(ob, size) }?)
    })
}

/// Gives adopted memory back to the embedder, before it goes away. It must not be linked any more.
///
/// # Safety
/// Owner: the memory is the caller's alone again. Thread: the mutator's. Collects: no. NULL, linked, or not adopted:
/// does nothing, and `hf_last_error` says why.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_pyobject_disown(mutator: *mut HfMutator, ob: *mut HfPyobject) {
    boundary::nothing("hf_pyobject_disown", || {
        if ob.is_null() {
            return Ok(());
        }
        let mutator = running("hf_pyobject_disown", mutator)?;
        let ob = handle("ob", ob)?;
        // SAFETY: [E2] running on this thread.
        Ok(unsafe { mutator.pyobject_disown(ob) }?)
    });
}

/// What the two ways to link have in common.
fn link(
    function: &'static str,
    arguments: (*mut HfMutator, *mut HfObject, *mut HfPyobject, u32),
    link: impl FnOnce(Mutator, *mut Object, *mut PyObject, LinkFlags) -> Result<(), handfast_core::Error>,
) -> HfStatus {
    boundary::status(function, || {
        let (mutator, object, ob, flags) = arguments;
        let mutator = running(function, mutator)?;
        let object = self::object("object", object)?;
        let ob = handle("ob", ob)?;
        Ok(link(mutator, object, ob, link_flags(flags)?)?)
    })
}

/// Links an object of the heap with a handle that was made for it. The link adds one count of its own.
///
/// # Safety
/// Owner: the caller keeps the references that it has. Thread: the mutator's. Collects: no. Errors:
/// `HF_ERR_ALREADY_LINKED` (nothing has changed), `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_WRONG_THREAD`,
/// `HF_ERR_OUT_OF_MEMORY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_link_gc_owned(
    mutator: *mut HfMutator,
    object: *mut HfObject,
    ob: *mut HfPyobject,
    flags: u32,
) -> HfStatus {
    link("hf_link_gc_owned", (mutator, object, ob, flags), |mutator, object, ob, flags| {
        // SAFETY: [E2] running on this thread; a live object and a live handle, says the caller.
        unsafe { mutator.link_gc_owned(object, ob, flags) }
    })
}

/// Links a handle that C made with an object of the heap that was made for it. The link adds one count of its own.
///
/// # Safety
/// Owner: the caller keeps the references that it has. Thread: the mutator's. Collects: no. Errors:
/// `HF_ERR_ALREADY_LINKED` (nothing has changed), `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_WRONG_THREAD`,
/// `HF_ERR_OUT_OF_MEMORY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_link_c_owned(
    mutator: *mut HfMutator,
    object: *mut HfObject,
    ob: *mut HfPyobject,
    flags: u32,
) -> HfStatus {
    link("hf_link_c_owned", (mutator, object, ob, flags), |mutator, object, ob, flags| {
        // SAFETY: [E2] running on this thread; a live object and a live handle, says the caller.
        unsafe { mutator.link_c_owned(object, ob, flags) }
    })
}

/// The handle of an object, which is made (with this size and type) when there is none yet. While the object is linked
/// every thread gets the same address.
///
/// # Safety
/// Owner: the answer is a new reference, the caller's to drop with `hf_decref`. Thread: the mutator's. Collects: no.
/// NULL: out of memory, or `size` is smaller than an `hf_pyobject` and there is no handle yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_handle(
    mutator: *mut HfMutator,
    object: *mut HfObject,
    size: size_t,
    ob_type: *mut c_void,
    flags: u32,
) -> *mut HfPyobject {
    if flags <= HF_LINK_LIGHT
        && let Some(mutator) = threads::quick(mutator)
        && let Some(object) = quick(object)
    {
        // SAFETY: [E2] running on this thread.
        let ob = unsafe { mutator.handle_quick(object, size, ob_type, LinkFlags(flags)) };
        if !ob.is_null() {
            return HfPyobject::name(ob);
        }
    }
    // SAFETY: [E1] the caller's promises.
    unsafe { get_or_make(mutator, object, size, ob_type, flags) }
}

/// The same in every case.
#[cfg_attr(not(feature = "debug"), inline(never))]
#[cfg_attr(feature = "debug", inline(always))] // A history names the exported function.
unsafe extern "C" fn get_or_make(
    mutator: *mut HfMutator,
    object: *mut HfObject,
    size: size_t,
    ob_type: *mut c_void,
    flags: u32,
) -> *mut HfPyobject {
    boundary::value("hf_handle", ptr::null_mut(), || {
        let mutator = running("hf_handle", mutator)?;
        let object = self::object("object", object)?;
        let flags = link_flags(flags)?;
        if let Err(failure) = check_size(size) {
            // Fine for an object that has a handle: it is not made anew, and what is linked stays linked while its
            // object is reachable.
            // SAFETY: [E2] running on this thread.
            if unsafe { mutator.from_obj(object) }.is_null() {
                return Err(failure);
            }
        }
        // SAFETY: [E2] running on this thread.
        let ob = unsafe { mutator.handle(object, size.max(size_of::<HfPyobject>()), ob_type, flags) };
        if ob.is_null() {
            return Err(Failure::memory("out of memory"));
        }
        Ok(HfPyobject::name(ob))
    })
}

/// The handle of an object; NULL when it has none.
///
/// # Safety
/// Owner: borrowed: valid while the object is reachable; take a reference with `hf_incref` to keep it. Thread: the
/// mutator's. Collects: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_from_obj(mutator: *mut HfMutator, object: *mut HfObject) -> *mut HfPyobject {
    boundary::value("hf_from_obj", ptr::null_mut(), || {
        let mutator = running("hf_from_obj", mutator)?;
        let object = self::object("object", object)?;
        // SAFETY: [E2] running on this thread.
        Ok(HfPyobject::name(unsafe { mutator.from_obj(object) }))
    })
}

/// The object of a handle; NULL when it is not linked. A handle of another heap is an error, and the answer NULL; the inlined
/// function, which does not look, may answer that heap's object instead, which is not this mutator's to use.
///
/// # Safety
/// Owner: the collector; root the answer before the next call that may collect. The caller holds a reference to `ob`.
/// Thread: the mutator's. Collects: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_to_obj(mutator: *mut HfMutator, ob: *mut HfPyobject) -> *mut HfObject {
    if let Some(mutator) = threads::quick(mutator)
        && ob.is_aligned()
        && !ob.is_null()
        // SAFETY: [E2] running on this thread; [E4] a live handle.
        && let Some(object) = unsafe { mutator.to_obj_quick(HfPyobject::handle(ob)) }
    {
        return HfObject::name(object);
    }
    // SAFETY: [E1] the caller's promises.
    unsafe { to_obj(mutator, ob) }
}

/// The same in every case.
#[cfg_attr(not(feature = "debug"), inline(never))]
#[cfg_attr(feature = "debug", inline(always))] // A history names the exported function.
unsafe extern "C" fn to_obj(mutator: *mut HfMutator, ob: *mut HfPyobject) -> *mut HfObject {
    boundary::value("hf_to_obj", ptr::null_mut(), || {
        let mutator = running("hf_to_obj", mutator)?;
        let ob = handle("ob", ob)?;
        // SAFETY: [E2] running on this thread; a live handle.
        let object = unsafe { mutator.to_obj(ob) };
        // SAFETY: [E4] a live handle.
        if object.is_null() && unsafe { PyObject::is_linked(ob) } {
            return Err(Failure::argument("ob belongs to another heap"));
        }
        Ok(HfObject::name(object))
    })
}

/// Takes a reference.
///
/// # Safety
/// Owner: the caller has one more, and had (or borrows) one. Thread: any attached, running or native. Collects: no.
/// NULL: does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_incref(ob: *mut HfPyobject) {
    boundary::nothing("hf_incref", || {
        if !ob.is_null() {
            // SAFETY: [E4] a live handle.
            unsafe { PyObject::incref(HfPyobject::handle(ob)) };
        }
        Ok(())
    });
}

/// Drops a reference. When it is the last one of a handle that is not linked, the dealloc callback runs at once.
///
/// # Safety
/// Owner: the caller has one less; do not touch `ob` afterwards. Thread: any attached, running or native. Collects: no.
/// NULL: does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_decref(ob: *mut HfPyobject) {
    boundary::nothing("hf_decref", || {
        if !ob.is_null() {
            // SAFETY: [E4] a live handle, of which the caller has a reference.
            unsafe { PyObject::try_decref(HfPyobject::handle(ob)) }.map_err(Failure::argument)?;
        }
        Ok(())
    });
}

/// Drops a reference on a thread that is not attached. The reference goes, still counted, to a queue of the heap: `ob`
/// lives until a mutator takes it from there, at its next point that may collect, or until `hf_heap_free`. Only then, and
/// on that thread, dealloc may run. Waits for nobody.
///
/// # Safety
/// Owner: the caller has one less; do not touch `ob` afterwards. Thread: any, attached or not. Collects: no. NULL: does
/// nothing. An `ob` that is not of this heap: does nothing but say so.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_decref_detached(heap: *mut HfHeap, ob: *mut HfPyobject) {
    boundary::nothing("hf_decref_detached", || {
        if ob.is_null() {
            return Ok(());
        }
        let ob = handle("ob", ob)?;
        // SAFETY: [E1] NULL or alive.
        let heap = unsafe { HfHeap::from_c(heap) }?;
        let known = heap.raw().owns_pyobject(ob);
        // SAFETY: [E4] a live handle, of which the caller has a reference.
        unsafe { heap.raw().decref_detached(ob) };
        if !known {
            return Err(Failure::argument("ob does not belong to this heap"));
        }
        Ok(())
    });
}

/// What the inline `hf_decref` calls when it has brought a count to zero or below. Not for programs.
///
/// # Safety
/// Owner: the caller has dropped the last reference. Thread: any attached, running or native. Collects: no. NULL: does
/// nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_decref_zero(ob: *mut HfPyobject) {
    // SAFETY: [E4] as below; acquire: pairs with every other decrement.
    if ob.is_aligned() && !ob.is_null() && unsafe { PyObject::reached_quick(HfPyobject::handle(ob)) } {
        return;
    }
    // SAFETY: [E1] the caller's promises.
    unsafe { zero(ob) }
}

/// The same in every case.
#[cfg_attr(not(feature = "debug"), inline(never))]
#[cfg_attr(feature = "debug", inline(always))] // A history names the exported function.
unsafe extern "C" fn zero(ob: *mut HfPyobject) {
    // The function that the program has called.
    boundary::nothing("hf_decref", || {
        let ob = handle("ob", ob)?;
        // SAFETY: [E4] the memory of a handle outlives its last reference until dealloc has run.
        unsafe { PyObject::decref_reached(ob) }.map_err(Failure::argument)
    });
}

/// How many references C holds: the link's own is not counted.
///
/// # Safety
/// The caller holds or borrows a reference. Thread: any attached. Collects: no. 0 of NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_refcnt(ob: *const HfPyobject) -> isize {
    boundary::value("hf_refcnt", 0, || {
        let ob = handle("ob", ob.cast_mut())?;
        // SAFETY: [E4] a live handle.
        Ok(unsafe { PyObject::refcnt(ob) })
    })
}

/// Whether there is one reference and no link, so that the caller alone knows `ob`.
///
/// # Safety
/// The caller holds a reference. Thread: any attached. Collects: no. False of NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_is_unique(ob: *const HfPyobject) -> bool {
    boundary::value("hf_is_unique", false, || {
        let ob = handle("ob", ob.cast_mut())?;
        // SAFETY: [E4] a live handle.
        Ok(unsafe { PyObject::is_unique(ob) })
    })
}

/// Makes a handle immortal: its count has no meaning any more, and it never dies.
///
/// # Safety
/// The caller holds a reference. Thread: any attached. Collects: no. NULL: does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_set_immortal(ob: *mut HfPyobject) {
    boundary::nothing("hf_set_immortal", || {
        let ob = handle("ob", ob)?;
        // SAFETY: [E4] a live handle.
        unsafe { PyObject::set_immortal(ob) };
        Ok(())
    });
}

/// The next handle whose pair has died: not linked any more, its count is 1. NULL when there is none. Each is given once.
///
/// # Safety
/// Owner: the count of 1 is the caller's: drop it with `hf_decref`, or free the memory with `hf_pyobject_free`.
/// Thread: any attached. Collects: no. NULL of a NULL heap; safe before anything is set up.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_next_dead(heap: *mut HfHeap) -> *mut HfPyobject {
    boundary::value("hf_next_dead", ptr::null_mut(), || {
        // SAFETY: [E1] NULL or alive.
        Ok(HfPyobject::name(unsafe { HfHeap::from_c(heap) }?.raw().next_dead()))
    })
}

/// Frees the memory of a handle that is not linked: in the dealloc callback, or after `hf_next_dead`. The embedder frees
/// adopted memory itself, after `hf_pyobject_disown`.
///
/// # Safety
/// Owner: the memory is gone. Thread: any attached. Collects: no. NULL: does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_pyobject_free(ob: *mut HfPyobject) {
    // SAFETY: [E4] as below.
    if ob.is_aligned() && !ob.is_null() && unsafe { PyObject::free_quick(HfPyobject::handle(ob)) } {
        return;
    }
    // SAFETY: [E1] the caller's promises.
    unsafe { free(ob) }
}

/// The same in every case.
#[inline(never)]
unsafe fn free(ob: *mut HfPyobject) {
    boundary::nothing("hf_pyobject_free", || {
        if ob.is_null() {
            return Ok(());
        }
        let ob = address("ob", ob)?;
        // SAFETY: [E4] a handle that nobody uses any more, says the caller.
        unsafe { PyObject::try_free(ob) }.map_err(Failure::argument)
    });
}
