//! What all mutators of a heap and its collector share, and what the collector asks of them.
//!
//! The collector asks by publishing an [`Ask`]: a round number, a mark epoch and a [`Demand`]. A mutator answers at a
//! safepoint of its own, or the collector answers for it while it is in native code; a mutator that attaches adopts
//! what is being asked. Nobody waits for all mutators but the collector, which does so without holding anything.

pub use super::ask::{Ask, Demand};
use super::bell::Bell;
use super::budget::NO_COUNT;
use super::cells::CellTable;
use super::finalize::FinalizableCell;
use super::gate::WeakGate;
use super::globals::GlobalCell;
use super::inspect::Inspector;
use super::record::Record;
use super::registry::{Asked, Registry};
use super::sizing::Bounds;
use super::weak::WeakCell;
use crate::heap::Memory;
use crate::object::Object;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Arc, Condvar, Mutex, SegQueue};
use std::ptr::NonNull;
use std::sync::{OnceLock, Weak};
use std::time::Duration;

/// Freed global roots and weak references that wait before they are handed out again. In a checked build some do, so that one
/// that is freed twice is not somebody else's by then.
const FREED_CELLS: usize = if cfg!(feature = "debug") { 1024 } else { 0 };

/// A grey object on its way to a marker.
#[derive(Clone, Copy, Debug)]
pub struct Grey {
    /// The object, marked.
    pub object: *mut Object,
    /// The first of its items that have not been visited: those of a long array are visited piece by piece.
    pub from: usize,
}

impl Grey {
    /// An object that is to be traced whole.
    #[inline(always)]
    pub fn new(object: *mut Object) -> Grey {
        Grey { object, from: 0 }
    }
}

// SAFETY: [G1] a grey object is old: it neither moves nor is freed before the marking that it waits for is over.
unsafe impl Send for Grey {}

/// A finalizer that is due: a global root that holds the object until a mutator has run it.
#[derive(Clone, Copy, Debug)]
pub struct Due(pub NonNull<GlobalCell>);

// SAFETY: [G2] cells have stable addresses and atomic fields.
unsafe impl Send for Due {}

/// Counters that only grow, but for `c_only`, summed over all mutators.
#[derive(Debug, Default)]
#[allow(missing_docs, reason = "the names are those of the public statistics, where they are explained")]
pub struct Counters {
    pub minors: AtomicU64,
    pub cycles: AtomicU64,
    pub allocated_bytes: AtomicU64,
    pub promoted_bytes: AtomicU64,
    pub promoted_objects: AtomicU64,
    pub finalized: AtomicU64,
    pub links_freed_by_minor: AtomicU64,
    pub links_freed_by_cycle: AtomicU64,
    pub dead_queued: AtomicU64,
    /// What records count as `c_only`, where no running mutator of the heap does it; wrapping.
    pub c_only: AtomicU64,
    pub longest_pause_ns: AtomicU64,
    pub live_bytes: AtomicU64,
    pub live_objects: AtomicU64,
    pub assisted_objects: AtomicU64,
}

impl Counters {
    /// Adds, relaxed.
    pub fn add(counter: &AtomicU64, n: u64) {
        if n != 0 {
            counter.fetch_add(n, Ordering::Relaxed);
        }
    }
}

/// A place to park for something that another thread will do soon. Spurious wake-ups are allowed, and every wait has a
/// time limit, so the waiter's condition alone decides.
#[derive(Debug, Default)]
pub struct Event {
    lock: Mutex<()>,
    changed: Condvar,
}

impl Event {
    /// Wakes all waiters.
    pub fn notify(&self) {
        drop(self.lock.lock().unwrap_or_else(|e| e.into_inner()));
        self.changed.notify_all();
    }

    /// Parks until `done` or the time is over. `done` is looked at under the lock, so no wake-up is missed.
    pub fn wait(&self, limit: Duration, done: impl Fn() -> bool) {
        let guard = self.lock.lock().unwrap_or_else(|e| e.into_inner());
        if !done() {
            drop(self.changed.wait_timeout(guard, limit));
        }
    }
}

/// State shared by the mutators of one heap and its collector.
pub struct Shared {
    /// Blocks, large objects, side tables.
    pub memory: Memory,
    /// Every record ever used.
    pub registry: Registry<Record>,
    /// What the collector asks now.
    pub asked: Asked,
    /// Grey objects handed over by mutators and markers.
    pub grey: SegQueue<Vec<Grey>>,
    /// Decides weak loads while marking ends.
    pub gate: WeakGate,
    /// Global roots.
    pub globals: CellTable<GlobalCell>,
    /// Weak references.
    pub weaks: CellTable<WeakCell>,
    /// Old objects with a finalizer that has not run.
    pub finalizable: CellTable<FinalizableCell>,
    /// How many were ever registered.
    pub finalizable_made: AtomicU64,
    /// Finalizers that are due.
    pub due: SegQueue<Due>,
    /// Something was put into the dead queue since the notifier last ran.
    pub notify_due: Bell,
    /// Detached threads have dropped references since somebody last looked.
    pub drops_due: Bell,
    /// Wakes whoever waits for an answer or for a record.
    pub event: Event,
    /// Counters.
    pub counters: Counters,
    /// How large nurseries are.
    pub nurseries: Bounds,
    /// How many minor collections a young object that only C holds may stay young for.
    pub link_patience: u8,
    /// How many objects a minor collection copies before the rest stays in place, where a test says so.
    pub copies: AtomicU64,
    /// The verifier, which the collector owns.
    inspector: OnceLock<Weak<dyn Inspector>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("memory", &self.memory).field("asked", &self.ask()).finish_non_exhaustive()
    }
}

impl Shared {
    /// State for a new heap.
    pub fn new(memory: Memory, nurseries: Bounds) -> Shared {
        let asked = Asked::new(Ask { round: 1, epoch: 1, demand: Demand::Disarm }.encode());
        Shared {
            memory,
            registry: Registry::new(),
            asked,
            grey: SegQueue::new(),
            gate: WeakGate::new(),
            globals: CellTable::keeping(FREED_CELLS),
            weaks: CellTable::keeping(FREED_CELLS),
            finalizable: CellTable::new(),
            finalizable_made: AtomicU64::new(0),
            due: SegQueue::new(),
            notify_due: Bell::new(),
            drops_due: Bell::new(),
            event: Event::default(),
            counters: Counters::default(),
            nurseries,
            link_patience: 0,
            copies: AtomicU64::new(NO_COUNT),
            inspector: OnceLock::new(),
        }
    }

    /// Says who looks at mutators. Once, when the heap is made.
    pub fn set_inspector(&self, inspector: Weak<dyn Inspector>) {
        let _ = self.inspector.set(inspector);
    }

    /// Who looks at mutators.
    pub fn inspector(&self) -> Option<Arc<dyn Inspector>> {
        self.inspector.get().and_then(Weak::upgrade)
    }

    /// What is being asked.
    pub fn ask(&self) -> Ask {
        Ask::decode(self.asked.get())
    }

    /// Whether a mutator's next safepoint has callbacks to run.
    #[inline]
    pub fn callbacks_due(&self) -> bool {
        self.notify_due.is_rung() || self.drops_due.is_rung() || !self.due.is_empty()
    }

    /// Shades an object on behalf of a thread that is no mutator.
    ///
    /// # Safety
    /// `object` is null or a live public object.
    pub unsafe fn shade_detached(&self, object: *mut Object) {
        let ask = self.ask();
        if object.is_null() || !ask.in_cycle() {
            return;
        }
        // SAFETY: [H2] the caller says that it is live.
        let header = unsafe { &*object };
        if header.flags_acquire() & crate::object::header::OLD != 0 && header.mark() != ask.epoch {
            header.set_mark(ask.epoch);
            self.grey.push(vec![Grey::new(object)]);
        }
    }
}
