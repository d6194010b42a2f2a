//! Roots: scopes of slots on a thread's root stack, globals, weak references.

use crate::boundary::{self, misuse};
use crate::checks;
use crate::ctypes::{HfGlobal, HfMutator, HfObject, HfWeak, size_t};
use crate::objects::object;
use crate::status::{Failure, HfStatus};
use crate::threads::running;
use handfast_core::raw::{GlobalCell, Mutator, Object, WeakCell};
use std::ptr::{self, NonNull};

/// What `hf_scope_open` answers when it could not open one.
const NO_SCOPE: size_t = size_t::MAX;

/// An object that may be NULL.
fn optional(name: &'static str, value: *mut HfObject) -> Result<*mut Object, Failure> {
    if value.is_null() { Ok(ptr::null_mut()) } else { object(name, value) }
}

/// The global root that a C pointer names.
fn global(mutator: Mutator, global: *mut HfGlobal) -> Result<*mut GlobalCell, Failure> {
    let cell = NonNull::new(HfGlobal::cell(global)).ok_or_else(|| Failure::null("global"))?;
    if !cell.is_aligned() {
        return Err(Failure::argument("global is not the address of an hf_global"));
    }
    checks::global(mutator, cell);
    Ok(cell.as_ptr())
}

/// The weak reference that a C pointer names.
fn weak(mutator: Mutator, weak: *mut HfWeak) -> Result<*mut WeakCell, Failure> {
    let cell = NonNull::new(HfWeak::cell(weak)).ok_or_else(|| Failure::null("weak"))?;
    if !cell.is_aligned() {
        return Err(Failure::argument("weak is not the address of an hf_weak"));
    }
    checks::weak(mutator, cell);
    Ok(cell.as_ptr())
}

/// Opens a scope for roots.
///
/// # Safety
/// Owner: the thread; close it with `hf_scope_close`. Thread: the mutator's. Collects: no. `SIZE_MAX` for NULL or
/// another thread's mutator.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_scope_open(mutator: *mut HfMutator) -> size_t {
    boundary::value("hf_scope_open", NO_SCOPE, || {
        let mutator = running("hf_scope_open", mutator)?;
        // SAFETY: [E2] running on this thread.
        Ok(checks::scope_open(mutator, unsafe { mutator.scope_open() }))
    })
}

/// Closes a scope and those opened after it: their slots are gone. A number that is no open scope of this mutator changes
/// nothing: `hf_last_error` says so.
///
/// # Safety
/// Thread: the mutator's. Collects: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_scope_close(mutator: *mut HfMutator, scope: size_t) {
    boundary::nothing("hf_scope_close", || {
        let mutator = running("hf_scope_close", mutator)?;
        let scope =
            checks::scope_close(mutator, scope).map_err(|cause| misuse("hf_scope_close", Failure::argument(cause)))?;
        // SAFETY: [E2] running on this thread.
        if scope != NO_SCOPE && unsafe { mutator.scope_close(scope) } {
            return Ok(());
        }
        Err(misuse("hf_scope_close", Failure::argument(format!("{scope} is not an open scope"))))
    });
}

/// A slot that holds this object (or NULL) and that the collector updates when it moves. The program may write other
/// objects of this mutator, or NULL, into it.
///
/// # Safety
/// Owner: the innermost open scope; the slot is gone when that closes, or at `hf_detach` when none is open. Thread: the
/// mutator's, for the slot too. Collects: no. NULL for NULL, another thread's mutator, or
/// where there is no memory for one more root; those that there are stay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_root(mutator: *mut HfMutator, object: *mut HfObject) -> *mut *mut HfObject {
    boundary::value("hf_root", ptr::null_mut(), || {
        let mutator = running("hf_root", mutator)?;
        let object = optional("object", object)?;
        // SAFETY: [E2] running on this thread.
        Ok(unsafe { mutator.try_root(object) }?.cast())
    })
}

/// Makes a root that all threads can share. The object (which may be NULL) becomes public.
///
/// # Safety
/// Owner: `*out` is the caller's until `hf_global_free`; NULL is written there on failure. Thread: the mutator's.
/// Collects: no. Errors: `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_WRONG_THREAD`, `HF_ERR_OUT_OF_MEMORY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_global_new(
    mutator: *mut HfMutator,
    object: *mut HfObject,
    out: *mut *mut HfGlobal,
) -> HfStatus {
    boundary::status("hf_global_new", || {
        if out.is_null() {
            return Err(Failure::null("out"));
        }
        // SAFETY: [E3] not NULL, so writable.
        unsafe { out.write(ptr::null_mut()) };
        let mutator = running("hf_global_new", mutator)?;
        let object = optional("object", object)?;
        // SAFETY: [E2] running on this thread.
        let cell = unsafe { mutator.global_new(object) };
        if cell.is_null() {
            return Err(Failure::memory("out of memory"));
        }
        // SAFETY: [E3] as above.
        unsafe { out.write(cell.cast()) };
        Ok(())
    })
}

/// The object of a global root.
///
/// # Safety
/// Owner: the collector. Thread: the mutator's; the global may be any thread's of this heap. Collects: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_global_get(mutator: *mut HfMutator, global: *mut HfGlobal) -> *mut HfObject {
    boundary::value("hf_global_get", ptr::null_mut(), || {
        let mutator = running("hf_global_get", mutator)?;
        let cell = self::global(mutator, global)?;
        // SAFETY: [E2] running on this thread; the cell is not freed, says the caller.
        Ok(HfObject::name(unsafe { mutator.global_get(cell) }))
    })
}

/// Sets a global root to another object, which becomes public, or to NULL.
///
/// # Safety
/// Thread: the mutator's; the global may be any thread's of this heap. Collects: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_global_set(mutator: *mut HfMutator, global: *mut HfGlobal, object: *mut HfObject) {
    boundary::nothing("hf_global_set", || {
        let mutator = running("hf_global_set", mutator)?;
        let cell = self::global(mutator, global)?;
        let object = optional("object", object)?;
        // SAFETY: [E2] running on this thread; the cell is not freed, says the caller.
        unsafe { mutator.global_set(cell, object) };
        Ok(())
    });
}

/// Frees a global root.
///
/// # Safety
/// Owner: the global is gone. Thread: the mutator's, which need not have made it. Collects: no. NULL: does nothing. One of
/// another heap, or that has been freed already and not been given out again: does nothing but say so.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_global_free(mutator: *mut HfMutator, global: *mut HfGlobal) {
    boundary::nothing("hf_global_free", || {
        if global.is_null() {
            return Ok(());
        }
        let mutator = running("hf_global_free", mutator)?;
        let cell = self::global(mutator, global)?;
        // SAFETY: [E2] running on this thread; a cell of this heap, says the caller.
        if unsafe { mutator.global_free(cell) } {
            Ok(())
        } else {
            Err(Failure::argument("global has been freed already, or is another heap's"))
        }
    });
}

/// Makes a weak reference to an object.
///
/// # Safety
/// Owner: `*out` is the caller's until `hf_weak_free`; NULL is written there on failure. Thread: the mutator's.
/// Collects: no. Errors: `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_WRONG_THREAD`, `HF_ERR_OUT_OF_MEMORY`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_weak_new(
    mutator: *mut HfMutator,
    object: *mut HfObject,
    out: *mut *mut HfWeak,
) -> HfStatus {
    boundary::status("hf_weak_new", || {
        if out.is_null() {
            return Err(Failure::null("out"));
        }
        // SAFETY: [E3] not NULL, so writable.
        unsafe { out.write(ptr::null_mut()) };
        let mutator = running("hf_weak_new", mutator)?;
        let object = self::object("object", object)?;
        // SAFETY: [E2] running on this thread.
        let cell = unsafe { mutator.weak_new(object) };
        if cell.is_null() {
            return Err(Failure::memory("out of memory"));
        }
        // SAFETY: [E3] as above.
        unsafe { out.write(cell.cast()) };
        Ok(())
    })
}

/// The object of a weak reference; NULL once it is dead.
///
/// # Safety
/// Owner: the collector; root the answer before the next call that may collect. Thread: the mutator's; the weak
/// reference may be any thread's of this heap. Collects: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_weak_get(mutator: *mut HfMutator, weak: *mut HfWeak) -> *mut HfObject {
    boundary::value("hf_weak_get", ptr::null_mut(), || {
        let mutator = running("hf_weak_get", mutator)?;
        let cell = self::weak(mutator, weak)?;
        // SAFETY: [E2] running on this thread; the cell is not freed, says the caller.
        Ok(HfObject::name(unsafe { mutator.weak_get(cell) }))
    })
}

/// Frees a weak reference.
///
/// # Safety
/// Owner: the weak reference is gone. Thread: the mutator's, which need not have made it. Collects: no. NULL: does
/// nothing. One of another heap, or that has been freed already and not been given out again: does nothing but say so.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_weak_free(mutator: *mut HfMutator, weak: *mut HfWeak) {
    boundary::nothing("hf_weak_free", || {
        if weak.is_null() {
            return Ok(());
        }
        let mutator = running("hf_weak_free", mutator)?;
        let cell = self::weak(mutator, weak)?;
        // SAFETY: [E2] running on this thread; a cell of this heap, says the caller.
        if unsafe { mutator.weak_free(cell) } {
            Ok(())
        } else {
            Err(Failure::argument("weak has been freed already, or is another heap's"))
        }
    });
}
