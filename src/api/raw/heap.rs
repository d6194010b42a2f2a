//! The heap, shared by all its threads.

use super::mutator::Mutator;
use super::teardown;
use super::types::TypeTable;
use crate::api::config::available_bytes;
use crate::api::stats::Stats;
use crate::collector::pacing::Pacing;
use crate::collector::{Collector, Driver, verify};
use crate::handle::heaps::{self, Attachment};
use crate::handle::links::Links;
use crate::handle::local_links::LocalLinks;
use crate::handle::{LeakReport, PyObject};
use crate::heap::Memory;
use crate::heap::block::BLOCK;
use crate::heap::process::Process;
use crate::mutator::handshake::Target;
use crate::mutator::sizing::Bounds;
use crate::mutator::{Record, Shared};
use crate::object::{Object, TypeInfo};
use crate::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Arc, Mutex, thread, thread_number};
use crate::{Config, Error};
use hdrhistogram::Histogram;
use std::time::Duration;

/// What a mutator may wait for a huge page where the host of a virtual machine has taken its memory back.
const HUGE_PAGE_WAIT: Duration = Duration::from_millis(6);

/// What all handles on a heap share. Fields are dropped in this order.
pub(super) struct Inner {
    pub(super) thread: Mutex<Option<thread::JoinHandle<()>>>,
    pub(super) driver: Arc<Driver>,
    pub(super) links: Arc<Links>,
    pub(super) shared: Arc<Shared>,
    types: TypeTable,
    pub(super) config: Config,
    process: Process,
    pub(super) closed: AtomicBool,
    /// `Heap` values; the last one that goes closes the heap.
    handles: AtomicUsize,
}

/// A handle on a heap. Clones are handles on the same heap; when the last one goes, the heap is closed.
///
/// ```
/// use handfast::raw::Heap;
/// use handfast::Config;
///
/// let heap = Heap::new(&Config::default())?;
/// let another = heap.clone(); // of the same heap
/// drop(heap);
/// assert!(another.check().is_ok());
/// # Ok::<(), handfast::Error>(())
/// ```
pub struct Heap(pub(super) Arc<Inner>);

impl std::fmt::Debug for Heap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Heap").field("id", &self.id()).finish_non_exhaustive()
    }
}

impl Clone for Heap {
    fn clone(&self) -> Heap {
        self.0.handles.fetch_add(1, Ordering::Relaxed);
        Heap(self.0.clone())
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        // Release and acquire, [A-last]: who closes sees what was done with the other handles.
        if self.0.handles.fetch_sub(1, Ordering::AcqRel) == 1 {
            // Attached mutators own handles, so none is attached.
            if let Err(Error::Os { .. }) = self.close() {
                // There is nothing to attach with once more: what is left goes as it is.
                teardown::end_collector(self);
            }
        }
    }
}

/// One live object of a heap walk.
///
/// ```
/// use handfast::raw::{Heap, TypeInfo};
/// use handfast::Config;
///
/// static TEXT: TypeInfo = TypeInfo::new("Text", 0).with_items(1);
///
/// # let heap = Heap::new(&Config::default())?;
/// # let m = heap.attach()?;
/// // SAFETY: this thread's mutator; what is used after a collection is rooted.
/// unsafe {
///     let text = m.root(m.alloc_items(&TEXT, 5));
///     m.walk(&mut |object| {
///         // SAFETY: a type lives as long as its heap.
///         assert_eq!((unsafe { &*object.type_info }.name(), object.items), ("Text", 5));
///     });
///     # let _ = text;
/// # m.detach();
/// }
/// # Ok::<(), handfast::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct WalkedObject {
    /// Its address.
    pub address: usize,
    /// Its type.
    pub type_info: *const TypeInfo,
    /// Bytes with header and item count.
    pub bytes: usize,
    /// Number of items.
    pub items: usize,
}

impl Heap {
    /// Makes a heap.
    ///
    /// ```
    /// use handfast::raw::Heap;
    /// use handfast::Config;
    ///
    /// let heap = Heap::new(&Config::default())?;
    /// assert!(Heap::new(&Config { gc_threads: 65, ..Config::default() }).is_err());
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidConfig`]; [`Error::Os`] when address space, memory that is to be touched, or the collector thread cannot
    /// be had.
    pub fn new(config: &Config) -> Result<Heap, Error> {
        let config = config.validated()?;
        let os = |what| move |e: std::io::Error| Error::Os { what, code: e.raw_os_error().unwrap_or(0) };
        let mut memory =
            Memory::new(config.max_heap_bytes, config.huge_pages).map_err(os("reserving address space"))?;
        if config.gc_threads > 0 && config.pause_target < HUGE_PAGE_WAIT {
            memory = memory.attended();
        }
        if config.touch_memory {
            // To be killed for the last page would be no answer.
            if available_bytes().is_some_and(|bytes| bytes < config.max_heap_bytes) {
                let code = rustix::io::Errno::NOMEM.raw_os_error();
                return Err(Error::Os { what: "touching memory: less than max_heap_bytes is available", code });
            }
            memory = memory.touched().map_err(os("touching memory"))?;
        }
        let mut shared = Shared::new(
            memory,
            Bounds {
                first: config.nursery_bytes / BLOCK,
                most: config.max_nursery_bytes / BLOCK,
                pause_target: config.pause_target,
            },
        );
        shared.link_patience = config.link_patience as u8;
        let shared = Arc::new(shared);
        let links = Arc::new(Links::new(shared.clone()).map_err(os("reserving address space for PyObjects"))?);
        heaps::register(&links);
        let pacing = Pacing::new(config.growth_percent, config.min_trigger_bytes, config.max_heap_bytes);
        let threads = config.gc_threads as usize;
        let collector = Arc::new(Collector::new(shared.clone(), links.clone(), threads, config.reserve_bytes, pacing));
        let driver = Arc::new(Driver::new(collector, threads > 0));
        let thread = match threads {
            0 => None,
            _ => Some(driver.spawn().map_err(os("starting the collector thread"))?),
        };
        Ok(Heap(Arc::new(Inner {
            thread: Mutex::new(thread),
            driver,
            links,
            shared,
            types: TypeTable::new(),
            config,
            process: Process::current(),
            closed: AtomicBool::new(false),
            handles: AtomicUsize::new(1),
        })))
    }

    /// The configuration, with defaults filled in and sizes rounded.
    ///
    /// ```
    /// use handfast::raw::Heap;
    /// use handfast::Config;
    ///
    /// let heap = Heap::new(&Config::default())?;
    /// assert!(heap.config().max_heap_bytes > 0); // what was left to the library is filled in
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// A number that no other heap of the process has while this one lives.
    ///
    /// ```
    /// use handfast::raw::Heap;
    /// use handfast::Config;
    ///
    /// let heap = Heap::new(&Config::default())?;
    /// assert_eq!(heap.id(), heap.clone().id());
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    /// Checks that the heap can be used by this process.
    ///
    /// ```
    /// use handfast::raw::Heap;
    /// use handfast::Config;
    ///
    /// let heap = Heap::new(&Config::default())?;
    /// assert!(heap.check().is_ok());
    /// heap.close()?;
    /// assert!(heap.check().is_err());
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Forked`] in the child of a fork: its other threads, and the collector's, exist in the parent only.
    /// [`Error::Closed`] after [`Heap::close`].
    pub fn check(&self) -> Result<(), Error> {
        if self.is_forked() {
            return Err(Error::Forked);
        }
        if self.0.closed.load(Ordering::Acquire) { Err(Error::Closed) } else { Ok(()) }
    }

    pub(super) fn is_forked(&self) -> bool {
        !self.0.process.is_current()
    }

    /// Stores a type's description with copies of its name and offsets; the address is valid as long as the heap.
    ///
    /// ```
    /// use handfast::raw::{Heap, TypeInfo};
    /// use handfast::Config;
    ///
    /// let heap = Heap::new(&Config::default())?;
    /// // What only a running program knows: a class of the language, say.
    /// let ty = heap.register_type("Point", &[0, 8], TypeInfo::new("", 24))?;
    /// // SAFETY: as long as the heap.
    /// assert_eq!(unsafe { &*ty }.name(), "Point");
    /// assert!(heap.register_type("Wrong", &[24], TypeInfo::new("", 24)).is_err());
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidType`] when the description contradicts itself.
    pub fn register_type(&self, name: &str, refs: &[usize], info: TypeInfo) -> Result<*const TypeInfo, Error> {
        self.0.types.register(name, refs, info)
    }

    /// The registered type of this number ([`TypeInfo::id`]).
    ///
    /// ```
    /// use handfast::raw::{Heap, TypeInfo};
    /// use handfast::Config;
    ///
    /// let heap = Heap::new(&Config::default())?;
    /// let ty = heap.register_type("Point", &[], TypeInfo::new("", 16))?;
    /// // SAFETY: as long as the heap.
    /// assert_eq!(heap.type_by_id(unsafe { &*ty }.id()), Some(ty));
    /// assert_eq!(heap.type_by_id(1000), None);
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub fn type_by_id(&self, id: u32) -> Option<*const TypeInfo> {
        self.0.types.get(id)
    }

    /// Attaches the calling thread. At any time, from any thread; waits for nobody. A thread that ends is detached.
    ///
    /// ```
    /// use handfast::raw::Heap;
    /// use handfast::Config;
    ///
    /// let heap = Heap::new(&Config::default())?;
    /// let m = heap.attach()?;
    /// assert!(heap.attach().is_err(), "once at a time");
    /// // SAFETY: this thread's mutator, not used again.
    /// unsafe { m.detach() };
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::AlreadyAttached`], [`Error::Forked`], [`Error::Closed`]; [`Error::Os`] if there are no addresses for its roots, or
    /// the thread is ending.
    pub fn attach(&self) -> Result<Mutator, Error> {
        self.check()?;
        if !heaps::can_attach() {
            return Err(Error::Os { what: "attaching a thread that ends", code: 0 });
        }
        self.attach_unchecked()
    }

    pub(super) fn attach_unchecked(&self) -> Result<Mutator, Error> {
        let inner = &*self.0;
        if heaps::current(&inner.links).is_some() {
            return Err(Error::AlreadyAttached);
        }
        let record = inner.shared.registry.claim(|| Record::new(&inner.shared));
        // SAFETY: [L1] claimed and not attached.
        if let Err(error) = unsafe { record.reserve_roots() } {
            inner.shared.registry.release(record);
            return Err(Error::Os {
                what: "reserving addresses for the roots of a thread",
                code: error.raw_os_error().unwrap_or(0),
            });
        }
        // SAFETY: [L1] claimed and not attached.
        unsafe {
            let handle = Box::new(self.clone());
            record.heap.set((&raw const *handle).cast());
            *record.embedder() = Some(handle);
            record.attach(thread_number(), Box::new(LocalLinks::new(inner.links.clone(), record)));
        }
        heaps::attach(Attachment { record, links: inner.links.clone(), leave: Mutator::leave_with_thread });
        crate::trace_event!("attach", thread = thread_number());
        Ok(Mutator::of(record))
    }

    /// The calling thread's mutator of this heap.
    ///
    /// ```
    /// use handfast::raw::Heap;
    /// use handfast::Config;
    ///
    /// let heap = Heap::new(&Config::default())?;
    /// assert_eq!(heap.current(), None);
    /// let m = heap.attach()?;
    /// assert_eq!(heap.current(), Some(m));
    /// # // SAFETY: not used again.
    /// # unsafe { m.detach() };
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn current(&self) -> Option<Mutator> {
        // SAFETY: [L2] records live as long as the heap.
        heaps::current(&self.0.links).map(|record| Mutator::of(unsafe { &*record }))
    }

    /// The heap's counters. Any thread; those of running mutators lag behind by what they did since their last minor.
    ///
    /// ```
    /// use handfast::raw::Heap;
    /// use handfast::Config;
    ///
    /// let heap = Heap::new(&Config::default())?;
    /// let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; it has no objects.
    /// unsafe {
    ///     m.collect_full();
    ///     m.detach();
    /// }
    /// assert_eq!(heap.stats().cycles, 1);
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn stats(&self) -> Stats {
        let shared = &self.0.shared;
        let counters = &shared.counters;
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut pauses: Histogram<u64> = Histogram::new(2).expect("constant precision");
        // Objects in the dead queue, and those taken out and not freed yet, are unlinked like the rest.
        let mut c_only = get(&counters.c_only).wrapping_add(get(&counters.dead_queued));
        let (mut attached, mut made, mut published) = (0, 0, 0);
        for record in shared.registry.iter() {
            attached += (record.word.target() != Target::Detached) as u64;
            made += get(&record.links_made);
            published += get(&record.published);
            c_only = c_only.wrapping_add(get(&record.c_only));
            let _ = pauses.add(&*record.pauses.lock().unwrap_or_else(|e| e.into_inner()));
        }
        // A histogram answers with the upper end of one of its steps, which may be beyond all that it has seen.
        let longest = get(&counters.longest_pause_ns);
        let within = |share: f64| if pauses.is_empty() { 0 } else { pauses.value_at_quantile(share).min(longest) };
        let (by_minor, by_cycle) = (get(&counters.links_freed_by_minor), get(&counters.links_freed_by_cycle));
        Stats {
            minor_collections: get(&counters.minors),
            cycles: get(&counters.cycles),
            allocated_bytes: get(&counters.allocated_bytes),
            live_bytes: get(&counters.live_bytes),
            live_objects: get(&counters.live_objects),
            promoted_bytes: get(&counters.promoted_bytes),
            promoted_objects: get(&counters.promoted_objects),
            used_bytes: shared.memory.used() as u64,
            committed_bytes: (shared.memory.committed() + self.0.links.committed_bytes()) as u64,
            external_bytes: self.0.driver.collector().pacing.external_bytes() as u64,
            links: made.saturating_sub(by_minor + by_cycle),
            links_made: made,
            links_freed_by_minor: by_minor,
            links_freed_by_cycle: by_cycle,
            dead_queued: get(&counters.dead_queued),
            finalized: get(&counters.finalized),
            published_objects: published,
            attached_mutators: attached,
            // While others are at work the parts are of different moments.
            c_only: (c_only as i64).max(0) as u64,
            pauses: pauses.len(),
            longest_pause_ns: longest,
            p50_pause_ns: within(0.5),
            p99_pause_ns: within(0.99),
            p999_pause_ns: within(0.999),
        }
    }

    /// Whether an address is in memory that this heap has for `PyObject`s, or of one that it has adopted. The address is not
    /// read. For embedders whose callers free objects and other memory by one function. Any thread.
    ///
    /// ```
    /// use handfast::raw::Heap;
    /// use handfast::Config;
    ///
    /// let heap = Heap::new(&Config::default())?;
    /// assert!(!heap.owns_pyobject(std::ptr::null()));
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn owns_pyobject(&self, ob: *const PyObject) -> bool {
        self.0.links.owns(ob)
    }

    /// Reports memory outside of the heap that its objects keep alive (or, negative, no longer): it counts as promoted and as
    /// living, and takes no part of `max_heap_bytes`.
    ///
    /// ```
    /// use handfast::raw::Heap;
    /// use handfast::Config;
    ///
    /// let heap = Heap::new(&Config::default())?;
    /// heap.external_memory(64 << 20); // an object holds a picture
    /// heap.external_memory(-(64 << 20)); // and has let go of it
    /// assert_eq!(heap.stats().external_bytes, 0);
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn external_memory(&self, delta: isize) {
        let driver = &self.0.driver;
        if driver.collector().pacing.external(delta) && driver.in_background() {
            let _ = driver.request(false);
        }
    }

    /// Closes the heap: runs the finalizers and deallocs that are left to a fixed point, ends the collector thread and
    /// reports what C still holds. The memory goes with the last handle. A second call reports nothing.
    ///
    /// ```
    /// use handfast::raw::Heap;
    /// use handfast::Config;
    ///
    /// let heap = Heap::new(&Config::default())?;
    /// let report = heap.close()?;
    /// assert_eq!(report.objects, 0, "C holds nothing");
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::StillAttached`] (nothing was done), [`Error::Forked`].
    pub fn close(&self) -> Result<LeakReport, Error> {
        teardown::close(self)
    }

    pub(super) fn attached(&self) -> usize {
        self.0.shared.registry.iter().filter(|r| r.word.target() != Target::Detached).count()
    }

    /// What the heap knows of an object, in words: for messages of tests and debuggers.
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
    ///     assert!(!heap.describe(m.alloc(&NODE)).is_empty());
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Safety
    /// `object` is an object of this heap that this thread may look at.
    pub unsafe fn describe(&self, object: *mut Object) -> String {
        verify::describe(&self.0.shared, object as usize)
    }
}
