//! Checked builds (feature `debug`): what the interface itself knows of misuse.
//!
//! Each exported function enters here with its name ([`enter`]), so that whatever is found below, in the core too, can be
//! told with it; the mutator that it was given is noted as well ([`uses`]), so that arguments are checked against the
//! right heap. Scopes get numbers that are not used again in place of heights: a scope is closed once, and after those
//! that were opened inside of it. What is found is told on standard error, and the process aborts.
//!
//! Without the feature `checks_off.rs` stands in for this module.

use crate::boundary::misuse;
use crate::ctypes::size_t;
use crate::status::Failure;
use crate::threads::is_collecting;
use handfast_core::raw::{GlobalCell, LeakReport, Mutator, Object, PyObject, WeakCell, debug};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Mutex;

/// An open scope: whose, its number, and the height of the root stack below it.
struct Scope {
    mutator: Mutator,
    number: u32,
    height: u32,
}

/// The addresses of all heaps of the process.
static HEAPS: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());

thread_local! {
    static FUNCTION: Cell<&'static str> = const { Cell::new("") };
    static MUTATOR: Cell<Option<Mutator>> = const { Cell::new(None) };
    /// The thread's open scopes, and the number of the last. While a thread ends they may be gone: then nothing is checked.
    static SCOPES: RefCell<(Vec<Scope>, u32)> = const { RefCell::new((Vec::new(), 0)) };
}

/// A call of an exported function, until it is dropped.
pub(crate) struct Entered {
    function: &'static str,
    mutator: Option<Mutator>,
}

/// The thread is in this function from now on, until the answer is dropped.
pub(crate) fn enter(function: &'static str) -> Entered {
    let mutator = MUTATOR.try_with(|m| m.replace(None)).ok().flatten();
    let _ = FUNCTION.try_with(|f| f.set(function));
    Entered { function: debug::enter(function), mutator }
}

impl Drop for Entered {
    fn drop(&mut self) {
        debug::enter(self.function);
        let _ = FUNCTION.try_with(|f| f.set(self.function));
        let _ = MUTATOR.try_with(|m| m.set(self.mutator));
    }
}

/// Whether the thread has attached this mutator and not detached it; the address is not followed.
pub(crate) fn is_known(mutator: Mutator) -> bool {
    debug::is_attached(mutator)
}

/// The function works for this mutator, which is the thread's.
pub(crate) fn uses(mutator: Mutator) {
    let _ = MUTATOR.try_with(|m| m.set(Some(mutator)));
}

fn mutator() -> Option<Mutator> {
    MUTATOR.try_with(Cell::get).ok().flatten()
}

/// A heap was made.
pub(crate) fn heap_made(heap: *const c_void) {
    HEAPS.lock().unwrap_or_else(|e| e.into_inner()).insert(heap.addr());
}

/// A heap is gone.
pub(crate) fn heap_freed(heap: *const c_void) {
    HEAPS.lock().unwrap_or_else(|e| e.into_inner()).remove(&heap.addr());
}

/// Stops at what is no heap; NULL is the function's to refuse.
pub(crate) fn heap(heap: *const c_void) {
    if !heap.is_null() && !HEAPS.lock().unwrap_or_else(|e| e.into_inner()).contains(&heap.addr()) {
        refuse("heap", heap, "no heap is there: it has been freed, or was never made");
    }
}

/// Stops at a `PyObject` that must not be used, or that is another heap's.
pub(crate) fn pyobject(ob: *mut PyObject) {
    // SAFETY: [E2] attached by this thread, as `uses` was told.
    unsafe { debug::check_pyobject(mutator(), ob) };
}

/// Stops at what is no object.
pub(crate) fn object(name: &'static str, object: *mut Object) {
    let mutator = mutator();
    // A trace function is asked about objects that are moving, by a collection that owns the mutator's state.
    if mutator.is_none() && is_collecting() {
        return;
    }
    // SAFETY: [E2] attached by this thread, as `uses` was told; not in a collection: callbacks with a mutator run outside.
    if let Err(what) = unsafe { debug::check_object(mutator, object) } {
        refuse(name, object.cast(), what);
    }
}

/// Stops at what is no global root of this mutator's heap, or is one that has been freed.
pub(crate) fn global(mutator: Mutator, cell: NonNull<GlobalCell>) {
    // SAFETY: [E2] attached by this thread; a cell of some heap, says the caller.
    if let Err(what) = unsafe { debug::check_global(mutator, cell) } {
        refuse("global", cell.as_ptr().cast(), what);
    }
}

/// The same for weak references.
pub(crate) fn weak(mutator: Mutator, cell: NonNull<WeakCell>) {
    // SAFETY: [E2] attached by this thread; a cell of some heap, says the caller.
    if let Err(what) = unsafe { debug::check_weak(mutator, cell) } {
        refuse("weak", cell.as_ptr().cast(), what);
    }
}

/// Stops in the function that the thread is in.
fn refuse(name: &'static str, address: *const c_void, what: &'static str) {
    misuse(FUNCTION.try_with(Cell::get).unwrap_or("hf_"), Failure::argument(format!("{name} ({address:p}): {what}")));
}

/// What [`object`] checks, for `hf_payload`, which checks nothing else.
pub(crate) fn payload(object: *mut Object) {
    let _entered = enter("hf_payload");
    self::object("object", object);
}

/// The name of a scope that opens at this height of the root stack.
pub(crate) fn scope_open(mutator: Mutator, height: size_t) -> size_t {
    let number = |(scopes, last): &mut (Vec<Scope>, u32)| {
        *last = last.wrapping_add(1) & 0x7fff_ffff;
        let (number, height) = (*last, height as u32);
        scopes.push(Scope { mutator, number, height });
        (number as usize) << 32 | height as usize
    };
    SCOPES.try_with(|all| number(&mut all.borrow_mut())).unwrap_or(height)
}

/// The height of a scope that closes.
pub(crate) fn scope_close(mutator: Mutator, scope: size_t) -> Result<size_t, String> {
    let close = |(scopes, _): &mut (Vec<Scope>, u32)| {
        let mine: Vec<usize> = (0..scopes.len()).filter(|&i| scopes[i].mutator == mutator).collect();
        let wanted = ((scope >> 32) as u32, scope as u32);
        let Some(at) = mine.iter().position(|&i| (scopes[i].number, scopes[i].height) == wanted) else {
            return Err(format!(
                "{scope:#x} is not an open scope: it was closed already, or never opened by this mutator"
            ));
        };
        match mine.len() - 1 - at {
            0 => Ok(scopes.remove(mine[at]).height as usize),
            inner => Err(format!("{inner} scopes that were opened inside of it are open still")),
        }
    };
    SCOPES.try_with(|all| close(&mut all.borrow_mut())).unwrap_or(Ok(scope))
}

/// The mutator leaves; its scopes should be closed.
pub(crate) fn detach(mutator: Mutator) -> Result<(), String> {
    let leave = |(scopes, _): &mut (Vec<Scope>, u32)| {
        let before = scopes.len();
        scopes.retain(|scope| scope.mutator != mutator);
        match before - scopes.len() {
            0 => Ok(()),
            open => Err(format!("forgotten roots: {open} scopes of this mutator are open still")),
        }
    };
    SCOPES.try_with(|all| leave(&mut all.borrow_mut())).unwrap_or(Ok(()))
}

/// Histories that are told: a program that forgets its decrefs forgets many.
const TOLD: usize = 20;

/// Tells what C still holds when a heap is freed: no misuse, so the program goes on.
pub(crate) fn leaks(report: &LeakReport) {
    for history in report.history.iter().take(TOLD) {
        eprintln!("handfast: hf_heap_free: C still holds {history}");
    }
    if report.history.len() > TOLD {
        eprintln!("handfast: hf_heap_free: and {} more", report.history.len() - TOLD);
    }
}
