//! A mutator: an attached thread's access to its heap.

use super::heap::{Heap, Inner};
use crate::Error;
use crate::handle::links::LinkError;
use crate::handle::local_links::LocalLinks;
use crate::handle::{LinkFlags, PyObject, heaps};
use crate::mutator::Record;
use crate::mutator::globals::{self, GlobalCell};
use crate::mutator::handshake::Target;
use crate::mutator::weak::{self, WeakCell};
use crate::object::header::{HASHED, OLD, PINNED, PUBLIC};
use crate::object::{Object, reference, slot};
use crate::sync::atomic::Ordering;
use crate::sync::{thread_address, thread_number};
use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// An attached thread. The address in it is C's `hf_mutator *`. Copies are the same mutator.
///
/// All methods are for the thread that attached (rule 1 of the module), object arguments are valid for it, and "may
/// collect" is rule 2.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mutator(NonNull<Record>, PhantomData<*mut ()>);

#[allow(clippy::missing_safety_doc, reason = "the same for all: the rules of the module `raw`, numbers 1 to 3")]
impl Mutator {
    pub(super) fn of(record: &Record) -> Mutator {
        Mutator(NonNull::from(record), PhantomData)
    }

    /// The address.
    pub fn as_ptr(self) -> *mut Record {
        self.0.as_ptr()
    }

    /// From an address that `as_ptr` gave; `None` for null.
    #[inline]
    pub unsafe fn from_ptr(address: *mut Record) -> Option<Mutator> {
        NonNull::new(address).map(|p| Mutator(p, PhantomData))
    }

    #[inline(always)]
    pub(super) fn record<'a>(self) -> &'a Record {
        // SAFETY: [L2] records live as long as the heap, and an attached mutator keeps a handle on it.
        unsafe { self.0.as_ref() }
    }

    /// The heap. Also in native code.
    #[inline]
    pub unsafe fn heap<'a>(self) -> &'a Heap {
        // SAFETY: [L1] set at attachment to the handle that the record owns until it is detached.
        unsafe { &*self.record().heap.get().cast::<Heap>() }
    }

    pub(super) unsafe fn inner<'a>(self) -> &'a Inner {
        // SAFETY: [L2] as `heap`.
        &unsafe { self.heap() }.0
    }

    /// Whether the calling thread is the one that attached it, and it is attached still. Any thread.
    #[inline]
    pub unsafe fn is_current(self) -> bool {
        self.record().thread.load(Ordering::Relaxed) == thread_number()
    }

    /// Whether the calling thread is the one that attached it, and it runs. A detached one does not; one that runs has a
    /// thread that has not ended, whose address nobody else has.
    #[doc(hidden)]
    #[inline(always)]
    pub unsafe fn is_running_here(self) -> bool {
        let record = self.record();
        record.thread_address.load(Ordering::Relaxed) == thread_address() && record.word.target() == Target::Running
    }

    /// Whether it is in the native state.
    #[inline]
    pub unsafe fn is_native(self) -> bool {
        matches!(self.record().word.target(), Target::Native | Target::Held)
    }

    /// Ends the attachment; the mutator must not be used afterwards. Nothing that another thread or C still holds is
    /// lost. May collect; in either state.
    pub unsafe fn detach(self) {
        // SAFETY: [A1] the caller's promises, here and below.
        unsafe {
            if self.is_native() {
                self.native_leave();
            }
            self.run_callbacks();
            self.leave();
        }
    }

    /// For a thread that ends: what it has not detached is. No callback runs: those that are due wait for another thread.
    pub(super) unsafe fn leave_with_thread(record: *const Record) {
        // SAFETY: [A1] the caller's promise: attached by this thread, here and below.
        unsafe {
            let mutator = Mutator::of(&*record);
            // In the child of a fork nobody waits for this thread, and nobody could answer it.
            if mutator.heap().is_forked() {
                return;
            }
            if mutator.is_native() {
                mutator.record().native_leave();
            }
            mutator.leave();
        }
    }

    unsafe fn leave(self) {
        // SAFETY: [A1] the caller's promises.
        unsafe {
            let record = self.record();
            let promoted = record.detach();
            let driver = &self.inner().driver;
            // A thread that leaves early counts too, or many of them would never start a cycle.
            if driver.collector().pacing.promote(promoted) && driver.in_background() {
                let _ = driver.request(false);
            }
            heaps::detach(record);
            let heap = record.embedder().take();
            if let Some(heap) = heap.as_ref().and_then(|e| e.downcast_ref::<Heap>()) {
                heap.0.shared.registry.release(record);
            }
            crate::trace_event!("detach", thread = thread_number());
            drop(heap);
        }
    }

    /// A safepoint: serves what the collector asks, runs finalizers, drops what detached threads have dropped,
    /// and runs the dead notifier. May collect.
    #[inline]
    pub unsafe fn safepoint(self) {
        // SAFETY: [A1] the caller's promises.
        unsafe {
            if !self.record().word.poll().is_empty() {
                self.record().serve();
            }
            self.run_callbacks();
        }
    }

    /// Whether something is asked that the next safepoint will answer: a long computation polls this. Any thread.
    #[inline]
    pub unsafe fn is_asked(self) -> bool {
        !self.record().word.poll().is_empty()
    }

    /// Goes into native code: blocking or long work that touches no object. The collector does not wait for it, and
    /// private young objects may move meanwhile. May collect.
    #[inline]
    pub unsafe fn native_enter(self) {
        // SAFETY: [L1] the owner.
        unsafe { LocalLinks::hand_back(self.record()) };
        // SAFETY: [A1] the caller's promises.
        unsafe { self.record().native_enter() };
    }

    /// Comes back from native code. May collect.
    #[inline]
    pub unsafe fn native_leave(self) {
        // SAFETY: [A1] the caller's promises.
        unsafe {
            self.record().native_leave();
            self.run_callbacks();
        }
    }

    /// Finalizers that are due, references that detached threads have dropped, and the dead notifier.
    #[inline]
    pub(super) unsafe fn run_callbacks(self) {
        let record = self.record();
        // SAFETY: [L1] the owner.
        let local = unsafe { record.local() };
        let due = record.shared().callbacks_due() || !local.due.is_empty();
        if !due || local.in_callback {
            return;
        }
        // SAFETY: [L1] as the function's.
        unsafe { self.run_callbacks_slow() };
    }

    #[cold]
    unsafe fn run_callbacks_slow(self) {
        let record = self.record();
        // SAFETY: [L1] the owner; the reference ends with the statement.
        unsafe { record.local() }.in_callback = true;
        // SAFETY: [A1] a point that may collect.
        unsafe { record.run_finalizers() };
        // SAFETY: [A1] attached.
        let links = &unsafe { self.inner() }.links;
        // SAFETY: [A1] a point that may collect.
        unsafe { links.drop_detached() };
        if record.shared().notify_due.answer()
            && let Some((notify, arg)) = links.notifier.get()
        {
            // SAFETY: [K7] the embedder's callback, at a safepoint.
            unsafe { notify(arg) };
        }
        // SAFETY: [L1] as above.
        unsafe { record.local() }.in_callback = false;
    }

    /// Reads the reference at `offset` of the payload.
    #[inline(always)]
    pub unsafe fn load(self, source: *mut Object, offset: usize) -> *mut Object {
        // SAFETY: [S1] the caller names a slot of a live object.
        reference::follow(unsafe { slot::atomic(Object::payload(source).wrapping_add(offset).cast()) })
    }

    /// Writes the reference at `offset` of the payload, with the write barrier. `value` may be null. Never collects.
    #[inline(always)]
    pub unsafe fn store(self, source: *mut Object, offset: usize, value: *mut Object) {
        // SAFETY: [S1] the caller names a slot of a live object.
        unsafe { self.record().store(source, Object::payload(source).wrapping_add(offset).cast(), value) };
    }

    /// Writes the reference at `offset` of the payload if it is `expected`, with the write barrier; whether it was. One
    /// atomic step if `source` is public; `value` is published then, whatever the answer. Both may be null. Never collects.
    #[inline]
    pub unsafe fn compare_store(
        self,
        source: *mut Object,
        offset: usize,
        expected: *mut Object,
        value: *mut Object,
    ) -> bool {
        // SAFETY: [S1] the caller names a slot of a live object.
        unsafe {
            let slot = Object::payload(source).wrapping_add(offset).cast();
            self.record().compare_store(source, slot, expected, value)
        }
    }

    /// A number for the object that never changes and that no other live object has: its address, which from now on does
    /// not change. Never collects.
    pub unsafe fn identity(self, object: *mut Object) -> usize {
        // SAFETY: [H2] the caller's object.
        let header = unsafe { &*object };
        if header.flags() & (PUBLIC | OLD) == 0 {
            header.set_flags_private(HASHED, 0);
        }
        object as usize
    }

    /// From now on, and until it is unpinned as often, the object does not move. Does not keep it alive. Never collects.
    pub unsafe fn pin(self, object: *mut Object) {
        // SAFETY: [H2] the caller's object.
        let header = unsafe { &*object };
        // Old and public objects never move.
        if header.flags() & (PUBLIC | OLD) == 0 {
            // SAFETY: [L1] the owner.
            *unsafe { self.record().local() }.pins.entry(object as usize).or_insert(0) += 1;
            header.set_flags_private(PINNED, 0);
        }
    }

    /// Takes one pin back.
    pub unsafe fn unpin(self, object: *mut Object) {
        // SAFETY: [L1] the owner.
        let pins = &mut unsafe { self.record().local() }.pins;
        if let Some(count) = pins.get_mut(&(object as usize)) {
            *count -= 1;
            if *count == 0 {
                pins.remove(&(object as usize));
                // SAFETY: [H2] the caller's object; in the table, so young, and private when it was pinned.
                let header = unsafe { &*object };
                if header.flags() & PUBLIC == 0 {
                    header.set_flags_private(0, PINNED);
                }
            }
        }
    }

    /// Whether other threads may reach the object.
    #[inline]
    pub unsafe fn is_public(self, object: *mut Object) -> bool {
        // SAFETY: [H2] the caller's object.
        unsafe { (*object).flags() & PUBLIC != 0 }
    }

    /// Whether the object is in a nursery.
    #[inline]
    pub unsafe fn is_young(self, object: *mut Object) -> bool {
        // SAFETY: [H2] the caller's object.
        unsafe { (*object).flags_acquire() & OLD == 0 }
    }

    /// Whether an address lies in this heap. The address is not read.
    #[inline]
    pub unsafe fn owns(self, object: *mut Object) -> bool {
        self.record().owns(object)
    }

    /// Makes the object and all that it reaches public. Never collects.
    pub unsafe fn publish(self, object: *mut Object) {
        // SAFETY: [P1] the caller's object.
        unsafe { self.record().publish(object) };
    }

    /// Makes a global root of an object (or null), which is published. Never null, never collects.
    pub unsafe fn global_new(self, object: *mut Object) -> *mut GlobalCell {
        // SAFETY: [C1] the caller's object.
        unsafe { self.record().global_new(object) }.as_ptr()
    }

    /// The object of a global root.
    pub unsafe fn global_get(self, cell: *mut GlobalCell) -> *mut Object {
        // SAFETY: [C1] the caller's cell.
        unsafe { &*cell }.get()
    }

    /// Sets a global root to an object (or null), which is published. Never collects.
    pub unsafe fn global_set(self, cell: *mut GlobalCell, object: *mut Object) {
        // SAFETY: [C1] the caller's cell, not null.
        unsafe { self.record().global_set(NonNull::new_unchecked(cell), object) };
    }

    /// Frees a global root (or null).
    pub unsafe fn global_free(self, cell: *mut GlobalCell) {
        if let Some(cell) = NonNull::new(cell) {
            // SAFETY: [C1] the caller's cell.
            unsafe { globals::global_free(self.record().shared(), cell) };
        }
    }

    /// Makes a weak reference to an object, which is published. Never null, never collects.
    pub unsafe fn weak_new(self, object: *mut Object) -> *mut WeakCell {
        // SAFETY: [C1] the caller's object.
        unsafe { self.record().weak_new(object) }.as_ptr()
    }

    /// The object of a weak reference, null once it has died. Never collects, never waits.
    pub unsafe fn weak_get(self, cell: *mut WeakCell) -> *mut Object {
        // SAFETY: [C1] the caller's cell, not null.
        unsafe { self.record().weak_get(NonNull::new_unchecked(cell)) }
    }

    /// Frees a weak reference (or null).
    pub unsafe fn weak_free(self, cell: *mut WeakCell) {
        if let Some(cell) = NonNull::new(cell) {
            // SAFETY: [C1] the caller's cell.
            unsafe { weak::weak_free(self.record().shared(), cell) };
        }
    }

    /// A C-only `PyObject` of `size` bytes with count 1, zeroed otherwise; null when memory is out or `size` is below 24.
    pub unsafe fn pyobject_new(self, size: usize, ob_type: *mut c_void) -> *mut PyObject {
        // SAFETY: [L1] the owner.
        unsafe { LocalLinks::make(self.record(), size, ob_type) }
    }

    /// From now on all rules hold for memory of the embedder's own; handfast never frees it.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`]: null, too small, not aligned, ours already, adopted already.
    pub unsafe fn pyobject_adopt(self, ob: *mut PyObject, size: usize) -> Result<(), Error> {
        let function = "pyobject_adopt";
        if ob.is_null() {
            return Err(Error::InvalidArgument { function, reason: "ob is null" });
        }
        // SAFETY: [K2] the caller's memory.
        unsafe { self.inner().links.adopt(ob, size) }.map_err(|reason| Error::InvalidArgument { function, reason })
    }

    /// Lets go of adopted memory, which is unlinked by now.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`]: null, not adopted, linked still.
    pub unsafe fn pyobject_disown(self, ob: *mut PyObject) -> Result<(), Error> {
        let function = "pyobject_disown";
        if ob.is_null() {
            return Err(Error::InvalidArgument { function, reason: "ob is null" });
        }
        // SAFETY: [K2] the caller's memory.
        unsafe { self.inner().links.disown(ob) }.map_err(|reason| Error::InvalidArgument { function, reason })
    }

    unsafe fn link(
        self,
        function: &'static str,
        object: *mut Object,
        ob: *mut PyObject,
        flags: LinkFlags,
        c_owned: bool,
    ) -> Result<(), Error> {
        if object.is_null() || ob.is_null() {
            return Err(Error::InvalidArgument { function, reason: "p or ob is null" });
        }
        if flags.0 & !LinkFlags::LIGHT.0 != 0 {
            return Err(Error::InvalidArgument { function, reason: "unknown link flags" });
        }
        // SAFETY: [K4] the caller's objects.
        unsafe { LocalLinks::link(self.record(), object, ob, flags, c_owned) }.map_err(|e| match e {
            LinkError::AlreadyLinked => Error::AlreadyLinked,
            LinkError::Foreign => Error::InvalidArgument {
                function,
                reason: "the memory of ob is neither this heap's nor adopted (pyobject_adopt)",
            },
        })
    }

    /// Links an object with an unlinked `PyObject`; the link adds its own count. Never collects.
    ///
    /// # Errors
    /// [`Error::AlreadyLinked`] (nothing has changed), [`Error::InvalidArgument`].
    pub unsafe fn link_gc_owned(self, object: *mut Object, ob: *mut PyObject, flags: LinkFlags) -> Result<(), Error> {
        // SAFETY: [K4] the caller's objects.
        unsafe { self.link("link_gc_owned", object, ob, flags, false) }
    }

    /// As [`Mutator::link_gc_owned`], for a pair that was made from C's side.
    ///
    /// # Errors
    /// As [`Mutator::link_gc_owned`].
    pub unsafe fn link_c_owned(self, object: *mut Object, ob: *mut PyObject, flags: LinkFlags) -> Result<(), Error> {
        // SAFETY: [K4] the caller's objects.
        unsafe { self.link("link_c_owned", object, ob, flags, true) }
    }

    /// Gets or atomically makes the handle of an object: always the same while linked. A new counted reference; null when
    /// memory is out or `size` is below 24. Never collects.
    #[inline]
    pub unsafe fn handle(
        self,
        object: *mut Object,
        size: usize,
        ob_type: *mut c_void,
        flags: LinkFlags,
    ) -> *mut PyObject {
        // SAFETY: [K4] the caller's object.
        unsafe { LocalLinks::handle(self.record(), object, size, ob_type, flags) }
    }

    /// The handle of an object, borrowed; null when it has none. Never collects.
    #[inline]
    pub unsafe fn from_obj(self, object: *mut Object) -> *mut PyObject {
        // SAFETY: [K4] the owner, and its object.
        unsafe { LocalLinks::handle_of(self.record(), object) }
    }

    /// The object of a `PyObject`; null when it is not linked, or with an object of another heap. Never collects; may wait for the thread to which the object
    /// is private, which publishes it.
    #[inline]
    pub unsafe fn to_obj(self, ob: *mut PyObject) -> *mut Object {
        // SAFETY: [K2] the caller's object.
        unsafe { LocalLinks::cross(self.record(), ob) }
    }
}
