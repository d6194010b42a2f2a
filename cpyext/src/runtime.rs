//! The runtime of a process: its heap, the extension lock, and what each thread knows.
//!
//! The Python API has no context argument, so there is one runtime per process, made once. A thread takes part by
//! [`Runtime::enter`], which attaches it to the heap and takes the lock.
//!
//! **The extension lock.** Extensions assume that one thread at a time runs in them. The heap needs no lock; this one is the
//! extensions' own. `Py_BEGIN_ALLOW_THREADS` releases it and goes to native state, so that collections do not wait for
//! the thread; a thread that waits for the lock is in native state, too, and so delays nobody.
//!
//! **The dead queue.** The notifier only raises a flag. [`bury`] calls the deallocs, where C may expect that: when C is
//! called, and where containers are allocated (CPython's own points for that).

use crate::layout::{Ob, PyObject, raw_ob};
use handfast::Config;
use handfast::raw::{Heap, Mutator, PyObject as RawObject, Record};
use std::cell::Cell;
use std::ffi::c_void;
use std::fmt;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

thread_local! {
    static MUTATOR: Cell<*mut Record> = const { Cell::new(null_mut()) };
    static RAISED: Cell<[Ob; 3]> = const { Cell::new([null_mut(); 3]) };
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static BURYING: Cell<bool> = const { Cell::new(false) };
}

/// Held by the thread that runs in extensions.
#[derive(Debug, Default)]
struct ExtensionLock {
    held: Mutex<bool>,
    free: Condvar,
    waiting: AtomicUsize,
}

impl ExtensionLock {
    /// Waits until nobody holds it, and holds it. The thread is in native state.
    fn wait(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        while *held {
            held = self.free.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        *held = true;
        drop(held);
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    fn acquire(&self, mutator: Mutator) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if *held {
            drop(held);
            // SAFETY: [X4] this thread's, running; the thread has no unrooted object where it waits.
            unsafe { mutator.native_enter() };
            self.wait();
            // SAFETY: [X4] this thread's, native.
            unsafe { mutator.native_leave() };
        } else {
            *held = true;
        }
    }

    fn release(&self) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.free.notify_one();
    }
}

/// The one of this process.
pub struct Runtime {
    heap: Heap,
    lock: ExtensionLock,
}

/// Set when something was queued that has died.
static DEAD: AtomicBool = AtomicBool::new(false);

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("lock", &self.lock).finish_non_exhaustive()
    }
}

/// A thread that is attached and holds the extension lock, until this is dropped.
#[derive(Debug)]
pub struct Entered {
    runtime: &'static Runtime,
    mutator: Mutator,
}

impl Drop for Entered {
    fn drop(&mut self) {
        crate::err::clear();
        bury();
        // SAFETY: [X1] entered still.
        unsafe { crate::spare::flush() };
        self.runtime.lock.release();
        MUTATOR.set(null_mut());
        // SAFETY: [X4] this thread's; nothing of it is used afterwards.
        unsafe { self.mutator.detach() };
    }
}

/// Hands an object whose count is zero to its type.
unsafe extern "C" fn dealloc(ob: *mut RawObject, _: *mut c_void) {
    // SAFETY: [X1] a live object of ours whose last reference is gone.
    unsafe { crate::types::dealloc(ob.cast()) };
}

unsafe extern "C" fn notify(_: *mut c_void) {
    DEAD.store(true, Ordering::Relaxed);
}

impl Runtime {
    /// Makes the runtime of this process, with all built-in types; the calling thread enters it.
    ///
    /// # Errors
    /// What [`Heap::new`] answers; [`handfast::Error::AlreadyAttached`] when there is one already.
    pub fn start(config: &Config) -> Result<Entered, handfast::Error> {
        let runtime = Runtime { heap: Heap::new(config)?, lock: ExtensionLock::default() };
        RUNTIME.set(runtime).map_err(|_| handfast::Error::AlreadyAttached)?;
        let runtime = Runtime::get().expect("set above");
        // SAFETY: [X4] both callbacks live as long as the process.
        unsafe {
            runtime.heap.set_dealloc(Some(dealloc), null_mut());
            runtime.heap.set_dead_notifier(Some(notify), null_mut());
        }
        let entered = runtime.enter()?;
        // SAFETY: [X1] entered.
        unsafe { crate::builtins::init() };
        Ok(entered)
    }

    /// The runtime, once it has been started.
    pub fn get() -> Option<&'static Runtime> {
        RUNTIME.get()
    }

    /// Attaches the calling thread and takes the extension lock.
    ///
    /// # Errors
    /// What [`Heap::attach`] answers.
    pub fn enter(&'static self) -> Result<Entered, handfast::Error> {
        let mutator = self.heap.attach()?;
        MUTATOR.set(mutator.as_ptr());
        self.lock.acquire(mutator);
        Ok(Entered { runtime: self, mutator })
    }

    /// Its heap.
    pub fn heap(&self) -> &Heap {
        &self.heap
    }

    /// Runs a full collection and buries the dead, until nothing more dies. Entered threads only.
    pub fn collect(&self) {
        loop {
            let before = self.heap.stats().dead_queued;
            // SAFETY: [X4] this thread's.
            unsafe { mutator().collect_full() };
            bury();
            crate::weakref::notice();
            if self.heap.stats().dead_queued == before {
                // SAFETY: [X1] entered.
                unsafe { crate::spare::flush() };
                break;
            }
        }
    }
}

/// The mutator of this thread.
///
/// # Panics
/// When the thread has not entered: an extension calls the API on a thread that nobody told the runtime of.
#[inline(always)]
pub fn mutator() -> Mutator {
    // SAFETY: [X4] set by `enter`, cleared before the mutator goes.
    match unsafe { Mutator::from_ptr(MUTATOR.get()) } {
        Some(mutator) => mutator,
        None => not_entered(),
    }
}

#[cold]
fn not_entered() -> ! {
    panic!("the Python API was called on a thread that has not entered the runtime (PyGILState_Ensure)")
}

/// Whether this thread has entered.
pub fn is_entered() -> bool {
    !MUTATOR.get().is_null()
}

/// Releases the extension lock and goes to native state.
pub fn allow_threads() {
    // SAFETY: [X4] this thread's; what it has in hand is `PyObject`s, which do not move.
    unsafe { mutator().native_enter() };
    Runtime::get().expect("a thread has entered").lock.release();
}

/// Ends [`allow_threads`].
pub fn take_threads() {
    let mutator = mutator();
    Runtime::get().expect("a thread has entered").lock.wait();
    // SAFETY: [X4] this thread's, native.
    unsafe { mutator.native_leave() };
}

/// Gives other threads that wait for the extension lock their turn; a point that may collect.
pub fn turn() {
    let lock = &Runtime::get().expect("a thread has entered").lock;
    if lock.waiting.load(Ordering::Relaxed) > 0 {
        allow_threads();
        std::thread::yield_now();
        take_threads();
    } else {
        // SAFETY: [X4] this thread's; it has `PyObject`s in hand only.
        unsafe { mutator().safepoint() };
    }
    bury();
    crate::weakref::notice();
}

/// The exception of this thread: type, value and traceback, each owned or null.
pub fn raised() -> &'static std::thread::LocalKey<Cell<[Ob; 3]>> {
    &RAISED
}

/// Calls the deallocs of what has died, if there is something.
#[inline]
pub fn bury() {
    if DEAD.load(Ordering::Relaxed) {
        bury_slow();
    }
}

#[cold]
fn bury_slow() {
    if BURYING.replace(true) {
        return;
    }
    let runtime = Runtime::get().expect("checked by the caller");
    DEAD.store(false, Ordering::Relaxed);
    // A dealloc must neither see nor change the exception that is under way.
    let raised = RAISED.replace([null_mut(); 3]);
    loop {
        let ob = runtime.heap.next_dead();
        if ob.is_null() {
            break;
        }
        // Not linked any more, and its count of 1 is ours: dealloc runs here.
        crate::own::decref(ob.cast());
    }
    crate::weakref::notice();
    crate::err::clear();
    RAISED.set(raised);
    BURYING.set(false);
}

/// One level deeper, for `Py_EnterRecursiveCall`; false when it is too deep.
#[inline]
pub fn enter_recursion() -> bool {
    const LIMIT: u32 = 1000;
    let depth = DEPTH.get();
    if depth >= LIMIT {
        return false;
    }
    DEPTH.set(depth + 1);
    true
}

/// Ends [`enter_recursion`].
#[inline]
pub fn leave_recursion() {
    DEPTH.set(DEPTH.get() - 1);
}

/// Adopts a static object, which is immortal, so that it can be linked.
pub fn adopt_static(ob: Ob, size: usize) {
    // Adopted before: fine.
    // SAFETY: [X2] static memory of that size.
    let _ = unsafe { mutator().pyobject_adopt(raw_ob(ob), size.max(size_of::<PyObject>())) };
    crate::own::immortal(ob);
}
