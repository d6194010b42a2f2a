//! A mutator: an attached thread's access to its heap.

use super::heap::{Heap, Inner};
use crate::handle::heaps;
use crate::handle::local_links::LocalLinks;
use crate::mutator::Record;
use crate::mutator::handshake::Target;
use crate::sync::atomic::Ordering;
use crate::sync::{thread_address, thread_number};
use std::marker::PhantomData;
use std::ptr::NonNull;

/// An attached thread. The address in it is C's `hf_mutator *`. Copies are the same mutator.
///
/// All methods are for the thread that attached (rule 1 of the module), object arguments are valid for it, and "may
/// collect" is rule 2.
///
/// ```
/// use handfast::raw::{Heap, TypeInfo};
/// use handfast::Config;
///
/// static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);
///
/// # let heap = Heap::new(&Config::default())?;
/// # let m = heap.attach()?;
/// // SAFETY: this thread's mutator; what is used after a collection is rooted.
/// unsafe {
///     let copy = m; // the same mutator
///     let node = copy.root(m.alloc(&NODE));
///     assert!(copy.owns(*node));
/// # m.detach();
/// }
/// # Ok::<(), handfast::Error>(())
/// ```
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mutator(NonNull<Record>, PhantomData<*mut ()>);

#[allow(clippy::missing_safety_doc, reason = "the same for all: the rules of the module `raw`, numbers 1 to 3")]
impl Mutator {
    pub(super) fn of(record: &Record) -> Mutator {
        Mutator(NonNull::from(record), PhantomData)
    }

    /// The address.
    ///
    /// ```
    /// use handfast::raw::{Heap, Mutator};
    /// use handfast::Config;
    ///
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     assert_eq!(Mutator::from_ptr(m.as_ptr()), Some(m)); // what C calls an `hf_mutator *`
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn as_ptr(self) -> *mut Record {
        self.0.as_ptr()
    }

    /// From an address that `as_ptr` gave; `None` for null.
    ///
    /// ```
    /// use handfast::raw::{Heap, Mutator};
    /// use handfast::Config;
    ///
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     assert_eq!(Mutator::from_ptr(std::ptr::null_mut()), None);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
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
    ///
    /// ```
    /// use handfast::raw::Heap;
    /// use handfast::Config;
    ///
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     assert_eq!(m.heap().id(), heap.id());
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
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
    ///
    /// ```
    /// use handfast::raw::{Heap, Mutator};
    /// use handfast::Config;
    ///
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     let there = std::thread::scope(|threads| {
    ///         let address = m.as_ptr() as usize;
    ///         threads.spawn(move || Mutator::from_ptr(address as *mut _).unwrap().is_current()).join().unwrap()
    ///     });
    ///     assert!(m.is_current() && !there);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub unsafe fn is_current(self) -> bool {
        self.record().thread.load(Ordering::Relaxed) == thread_number()
    }

    /// Whether the calling thread is the one that attached it, and it runs. A detached one does not; one that runs has a
    /// thread that has not ended, whose address nobody else has.
    ///
    /// ```
    /// use handfast::raw::Heap;
    /// use handfast::Config;
    ///
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     assert!(m.is_running_here());
    ///     m.native_enter();
    ///     assert!(!m.is_running_here());
    ///     m.native_leave();
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[doc(hidden)]
    #[inline(always)]
    pub unsafe fn is_running_here(self) -> bool {
        let record = self.record();
        record.thread_address.load(Ordering::Relaxed) == thread_address() && record.word.target() == Target::Running
    }

    /// Whether it is in the native state.
    ///
    /// ```
    /// use handfast::raw::Heap;
    /// use handfast::Config;
    ///
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     assert!(!m.is_native());
    ///     m.native_enter();
    ///     assert!(m.is_native());
    ///     m.native_leave();
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub unsafe fn is_native(self) -> bool {
        matches!(self.record().word.target(), Target::Native | Target::Held)
    }

    /// Ends the attachment; the mutator must not be used afterwards. Nothing that another thread or C still holds is
    /// lost. May collect; in either state.
    ///
    /// ```
    /// use handfast::raw::Heap;
    /// use handfast::Config;
    ///
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     m.detach();
    ///     assert_eq!(heap.current(), None);
    ///     let m = heap.attach()?; // and again
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
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
    ///
    /// ```
    /// use handfast::raw::Heap;
    /// use handfast::Config;
    ///
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     for round in 0..1_000_000_u32 {
    ///         if round % 4096 == 0 {
    ///             m.safepoint(); // a long computation that does not allocate
    ///         }
    ///     }
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
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
    ///
    /// ```
    /// use handfast::raw::Heap;
    /// use handfast::Config;
    ///
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     while !m.is_asked() {
    ///         # break;
    ///         // … as long as nobody waits for this thread
    ///     }
    ///     m.safepoint();
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub unsafe fn is_asked(self) -> bool {
        !self.record().word.poll().is_empty()
    }

    /// Goes into native code: blocking or long work that touches no object. The collector does not wait for it, and
    /// private young objects may move meanwhile. May collect.
    ///
    /// ```
    /// use handfast::raw::Heap;
    /// use handfast::Config;
    ///
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     m.native_enter();
    ///     std::thread::yield_now(); // a lock, a read: nobody waits for this thread
    ///     m.native_leave();
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub unsafe fn native_enter(self) {
        // SAFETY: [L1] the owner.
        unsafe { LocalLinks::hand_back(self.record()) };
        // SAFETY: [A1] the caller's promises.
        unsafe { self.record().native_enter() };
    }

    /// Comes back from native code. May collect.
    ///
    /// ```
    /// use handfast::raw::{Heap, TypeInfo};
    /// use handfast::Config;
    ///
    /// static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     let node = m.root(m.alloc(&NODE));
    ///     m.native_enter();
    ///     m.native_leave(); // may collect
    ///     assert!(m.owns(*node));
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
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
}
