//! The end of C-only objects: the decref that reaches zero, the embedder's dealloc, and memory given back.
//!
//! A C-only object lives by its count alone; the decref that drops the last reference calls the heap's dealloc at once,
//! on that thread. A dealloc usually drops other objects; past a depth of [`NESTING`] the rest is put on a list of the
//! thread and done by the outermost call (the trashcan of CPython), so that a chain of a million needs no stack.

use super::debug;
use super::heaps;
use super::links::Links;
use super::local_links::LocalLinks;
use super::pyobject::PyObject;
use super::refcount::Decref;
use super::slab::{PageHeader, SlabHeap};
use crate::mutator::Record;
use crate::mutator::handshake::Target;
use crate::sync::thread_local;
use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

/// Nested deallocs before the rest is postponed.
const NESTING: u32 = 50;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static POSTPONED: RefCell<Vec<*mut PyObject>> = const { RefCell::new(Vec::new()) };
}

/// Whether this thread is in a dealloc, whose caller uses the thread's attachment when it returns.
pub(crate) fn in_dealloc() -> bool {
    DEPTH.with(Cell::get) != 0
}

impl PyObject {
    /// Drops a C reference. The last one of an unlinked object runs the heap's dealloc at once; on a linked object it
    /// has no side effect. Any attached thread; never collects.
    ///
    /// # Safety
    /// `ob` is a live `PyObject`, and the caller gives up a reference that it holds.
    #[inline]
    pub unsafe fn decref(ob: *mut PyObject) {
        // SAFETY: [K2] the caller's promise.
        let _ = unsafe { PyObject::try_decref(ob) };
    }

    /// The same; says what was wrong when the object stays as it was, or is leaked, instead. That has been reported.
    ///
    /// # Errors
    /// The object's count was zero, or the link's own only, or its memory is no heap's.
    ///
    /// # Safety
    /// As [`PyObject::decref`].
    #[doc(hidden)]
    #[inline]
    pub unsafe fn try_decref(ob: *mut PyObject) -> Result<(), &'static str> {
        debug::check_use("decref", ob);
        // SAFETY: [K2] the caller holds a reference.
        let this = unsafe { &*ob };
        match this.ob_refcnt.decref_unless(|| cfg!(feature = "debug") || this.link().is_linked()) {
            Decref::Alive => Ok(()),
            // SAFETY: [K2] the caller's promise.
            Decref::Zero => unsafe { PyObject::zero(ob) },
            Decref::Underflow => refuse("decref", ob, "its count was zero already"),
        }
    }

    /// What follows a decrement that was made elsewhere, by the inline decref of C, and left zero or less.
    ///
    /// # Errors
    /// As [`PyObject::try_decref`].
    ///
    /// # Safety
    /// The caller has just dropped a reference of `ob`, and the count was 1 or less before.
    pub unsafe fn decref_reached(ob: *mut PyObject) -> Result<(), &'static str> {
        // Acquire: pairs with the release of every decrement [C-last]; nobody counts up what has no references.
        // SAFETY: [K2] the memory outlives the last reference until it is freed below.
        if unsafe { (*ob).ob_refcnt.get_acquire() } == 0 && cfg!(not(feature = "debug")) {
            // SAFETY: [K2] the caller's promise.
            return unsafe { PyObject::zero(ob) };
        }
        // An underflow, or a checked build, which wants to look: the reference is given back, and dropped again. Nobody else
        // can hold a count that is zero, so that is not seen by anybody.
        // SAFETY: [K2] as above.
        unsafe {
            PyObject::incref(ob);
            PyObject::try_decref(ob)
        }
    }

    /// What follows a decref that reached zero.
    ///
    /// # Safety
    /// The caller has just dropped the last counted reference of `ob`, and acquired what others did with it.
    pub unsafe fn decref_zero(ob: *mut PyObject) {
        // SAFETY: [K6] the caller's promises.
        let _ = unsafe { PyObject::zero(ob) };
    }

    #[inline(never)]
    unsafe fn zero(ob: *mut PyObject) -> Result<(), &'static str> {
        // SAFETY: [K6] the caller's promises.
        if unsafe { PyObject::zero_quick(ob) } {
            return Ok(());
        }
        // SAFETY: [K6] as above.
        unsafe { PyObject::zero_slow(ob) }
    }

    /// The same in the case that is frequent where the heap has no dealloc: an unlinked object of this thread's running
    /// mutator's heap is freed. Else false, and nothing has happened. No panic; see
    /// [`LocalLinks::handle_quick`](super::local_links::LocalLinks::handle_quick).
    ///
    /// # Safety
    /// As [`PyObject::decref_zero`].
    #[doc(hidden)]
    #[inline(always)]
    pub unsafe fn zero_quick(ob: *mut PyObject) -> bool {
        // SAFETY: [K6] what it asks for is the caller's promise.
        unsafe { free_quick(ob, |links| links.dealloc.get().is_none()) }
    }

    /// [`PyObject::decref_reached`] in that case.
    ///
    /// # Safety
    /// As [`PyObject::decref_reached`].
    #[doc(hidden)]
    #[inline(always)]
    pub unsafe fn reached_quick(ob: *mut PyObject) -> bool {
        // Acquire: as there. Below zero is an underflow, which is another matter.
        // SAFETY: [K2] as there.
        let zero = unsafe { (*ob).ob_refcnt.get_acquire() } == 0;
        // SAFETY: [K6] the caller's promise.
        zero && unsafe { PyObject::zero_quick(ob) }
    }

    #[inline(never)]
    unsafe fn zero_slow(ob: *mut PyObject) -> Result<(), &'static str> {
        // SAFETY: [K2] nobody has freed it: that is what is decided here.
        let this = unsafe { &*ob };
        if this.link().is_linked() {
            // The link's own count was taken: an underflow of C's side. Put it back; never free.
            this.count_link();
            return refuse("decref", ob, "more references were dropped than taken; the link's count has been restored");
        }
        let (other, links, record);
        if let Some((own, its)) = heaps::own(ob) {
            // SAFETY: [L2] this thread is attached to that heap: its links stay until it detaches, which a dealloc may not
            // do, and after the dealloc they are not used.
            (links, record) = (unsafe { &*own }, Some(its));
        } else if let Some(found) = heaps::of(ob) {
            other = found;
            (links, record) = (&*other, None);
        } else {
            return refuse("decref", ob, "it belongs to no heap of this process; its memory is leaked");
        }
        debug::check_zero(links, this);
        let Some((function, arg)) = links.dealloc.get() else {
            // SAFETY: [K6] its last reference is gone.
            unsafe { links.free_by(record, ob) };
            return Ok(());
        };
        if DEPTH.with(Cell::get) >= NESTING {
            POSTPONED.with(|list| list.borrow_mut().push(ob));
            return Ok(());
        }
        DEPTH.with(|depth| depth.set(depth.get() + 1));
        let guard = Depth;
        // SAFETY: [K7] the embedder's callback, for an object that nobody else can reach.
        unsafe { function(ob, arg) };
        if DEPTH.with(Cell::get) == 1 {
            while let Some(next) = POSTPONED.with(|list| list.borrow_mut().pop()) {
                if let Some(links) = heaps::of(next) {
                    // SAFETY: [K6] as above.
                    unsafe { dealloc(&links, next) };
                }
            }
        }
        drop(guard);
        Ok(())
    }

    /// Gives the memory of a C-only or dead object back. Adopted memory is let go of, not freed. Any thread.
    ///
    /// # Safety
    /// `ob` is an unlinked `PyObject` that nobody uses afterwards.
    #[inline]
    pub unsafe fn free(ob: *mut PyObject) {
        // SAFETY: [K6] the caller's promise.
        if !unsafe { PyObject::free_quick(ob) } {
            // SAFETY: [K6] as above.
            let _ = unsafe { PyObject::try_free(ob) };
        }
    }

    /// The same for an unlinked object of this thread's running mutator's heap. Else false, and nothing has happened. No
    /// panic, as in [`PyObject::zero_quick`].
    ///
    /// # Safety
    /// As [`PyObject::free`].
    #[doc(hidden)]
    #[inline(always)]
    pub unsafe fn free_quick(ob: *mut PyObject) -> bool {
        // SAFETY: [K6] the caller's promise.
        unsafe { free_quick(ob, |_| true) }
    }

    /// The same in every case; says why when nothing was freed, which has been reported.
    ///
    /// # Errors
    /// It is linked, or its memory is no heap's.
    ///
    /// # Safety
    /// As [`PyObject::free`].
    #[doc(hidden)]
    #[inline(never)]
    pub unsafe fn try_free(ob: *mut PyObject) -> Result<(), &'static str> {
        debug::check_free(ob);
        let freed = if let Some((links, record)) = heaps::own(ob) {
            // SAFETY: [L2] this thread is attached to that heap: its links stay. [K6] The caller's promise.
            unsafe { (*links).free_by(Some(record), ob) }
        } else if let Some(links) = heaps::of(ob) {
            // SAFETY: [K6] the caller's promise.
            unsafe { links.free_by(None, ob) }
        } else {
            return refuse("free", ob, "it belongs to no heap of this process");
        };
        if freed { Ok(()) } else { refuse("free", ob, "it is linked still; nothing was done") }
    }
}

/// Frees an unlinked object of this thread's running mutator's heap, if `may`: one of a page of its own, to where it gives
/// out next, or a small one of another's page.
///
/// # Safety
/// Nobody uses `ob` afterwards.
#[inline(always)]
unsafe fn free_quick(ob: *mut PyObject, may: impl FnOnce(&Links) -> bool) -> bool {
    if cfg!(feature = "debug") {
        return false;
    }
    let Some((links, record)) = heaps::latest(ob) else { return false };
    // SAFETY: [L2] this thread is attached to that heap: links and record stay.
    let (links, record) = unsafe { (&*links, &*record) };
    // SAFETY: [K5] it is in the slabs of that heap.
    let (this, page) = unsafe { (&*ob, SlabHeap::page(ob.cast())) };
    if this.link().is_linked() || record.word.target() != Target::Running || !may(links) {
        return false;
    }
    // SAFETY: [L1] the record of this very thread, which is running, and not inside another use of its links.
    let Some(local) = (unsafe { LocalLinks::of(record) }) else { return false };
    if !ptr::eq(page.owner().cast(), record) {
        // SAFETY: [K6] the caller's promise; [Z4] a slot of that page.
        return unsafe { free_away(local, record, page, ob) };
    }
    // SAFETY: [K6] the caller's promise; [Z4] on a page of this mutator.
    let freed = unsafe { local.slab.free_loose(&links.slabs, page, ob.cast()) };
    if freed {
        LocalLinks::count_c_only(record, -1);
    }
    freed
}

/// The same on another mutator's page; not inlined, so that the other case needs no registers for it.
#[inline(never)]
unsafe fn free_away(local: &mut LocalLinks, record: &Record, page: &'static PageHeader, ob: *mut PyObject) -> bool {
    // SAFETY: [K6] the caller's promise; [Z4] a slot of that page.
    let freed = unsafe { local.slab.free_away(&local.links.slabs, page, ob.cast()) };
    if freed {
        LocalLinks::count_c_only(record, -1);
    }
    freed
}

struct Depth;

impl Drop for Depth {
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get() - 1));
    }
}

/// Hands an object whose count is zero to the embedder, or frees it.
unsafe fn dealloc(links: &Links, ob: *mut PyObject) {
    match links.dealloc.get() {
        // SAFETY: [K7] the embedder's callback, for an object that nobody else can reach.
        Some((function, arg)) => unsafe { function(ob, arg) },
        None => {
            // SAFETY: [K6] its last reference is gone.
            unsafe { links.free(ob) };
        }
    }
}

/// Calls the `fn(*mut PyObject)` that `arg` is. A panic ends here: those who called know nothing of it, and what else is due
/// must be done. The object that it was about is left as it is then; nobody knows how far its dealloc came.
pub(crate) unsafe extern "C" fn call_dealloc(ob: *mut PyObject, arg: *mut c_void) {
    // SAFETY: [K7] whoever sets this function makes `arg` from such a one.
    let dealloc = unsafe { std::mem::transmute::<*mut c_void, fn(*mut PyObject)>(arg) };
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| dealloc(ob))) {
        // Dropping what was thrown could panic again.
        std::mem::forget(payload);
        say("dealloc", ob, "the heap's dealloc has panicked; unless it had freed the object, that is leaked");
    }
}

/// A count has grown until it could not be told from an overflow. Said once for each object; no reason to stop.
#[cold]
pub(super) fn saturated(function: &'static str, ob: *const PyObject) {
    say(function, ob, "its count is absurdly high: it is immortal from now on");
}

/// A C caller broke a rule; nothing was corrupted. Checked builds stop here.
pub(super) fn report(function: &'static str, ob: *const PyObject, what: &str) {
    debug::misuse(function, ob, what);
    say(function, ob, what);
}

/// The same, for a call that did nothing but say so.
#[cold]
fn refuse(function: &'static str, ob: *const PyObject, what: &'static str) -> Result<(), &'static str> {
    report(function, ob, what);
    Err(what)
}

fn say(function: &'static str, ob: *const PyObject, what: &str) {
    crate::trace_event!("misuse", function = function, ob = ob as usize, what = what);
    eprintln!("handfast: {function}({ob:p}): {what}");
}
