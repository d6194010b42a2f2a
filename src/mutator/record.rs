//! The record of a mutator: what its thread works with, and what others may look at.
//!
//! The first fields have fixed places, because C code inlines allocation and the barrier: `cursor`, `limit`, the
//! barrier mask, the handshake word, the end of what is zeroed ahead and the types that C knows. Then come what others may
//! touch (atomics, a queue), and [`Local`], which belongs to whoever owns the record: its thread while it runs, the holder
//! while the thread is in native code ([`HandshakeWord`], state HELD). The handshake word hands the ownership over, with
//! acquire and release; a record therefore is `Sync` although most of it is plain memory.
//!
//! Records are never freed before the heap: a thread that attaches takes over one that another has left.

use super::ask::Answer;
pub use super::ask::Phase;
use super::crossing::PublishRequest;
use super::handshake::{HandshakeWord, NurseryLimit};
use super::known_types::KnownTypes;
use super::nursery::Nursery;
use super::remembered::RememberedSet;
use super::roots::RootStack;
use super::shared::{Ask, Grey, Shared};
use super::sizing::Sizing;
use crate::heap::evacuate::EvacuationAllocator;
use crate::object::Object;
use crate::object::header::{BARRIER_CYCLE, BARRIER_IDLE};
use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Arc, Mutex, SegQueue, thread_address};
use hdrhistogram::Histogram;
use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::time::Instant;

/// What the handle layer keeps for a mutator, as the collector of this layer needs it.
pub trait MutatorLinks {
    /// Calls `visit` with the object of each of its private young links whose `PyObject` C holds, extra roots of a minor, and
    /// how many minors the object has waited through.
    fn visit_held(&mut self, visit: &mut dyn FnMut(*mut Object, u8));
    /// After a minor collection has found its survivors: those of them that have a link, where they were and where they
    /// are now, and those that are young still and wait. Links follow their objects or die with them.
    fn after_minor(&mut self, survivors: &[(*mut Object, *mut Object)], waiting: &[*mut Object]);
    /// A linked object has become public.
    ///
    /// # Safety
    /// `object` is live, public, and was private to this mutator.
    unsafe fn published(&mut self, object: *mut Object);
    /// The objects of all private links: they are published when the mutator leaves.
    fn for_each_private(&mut self, f: &mut dyn FnMut(*mut Object));
    /// The mutator leaves; nothing of its links is private any more.
    fn leave(&mut self);
}

/// What belongs to the record's owner alone.
#[allow(missing_debug_implementations, reason = "private state behind an UnsafeCell")]
pub struct Local {
    /// Where it stands in the cycle.
    pub phase: Phase,
    /// The mark that its promotions carry.
    pub parity: u8,
    /// The mark of the running cycle: what shading sets.
    pub epoch: u8,
    /// Young blocks.
    pub nursery: Nursery,
    /// How many they should be.
    pub sizing: Sizing,
    /// The limit that an interrupt has replaced by 0.
    pub block_end: usize,
    /// Where survivors go.
    pub evacuation: EvacuationAllocator,
    /// Rooted references.
    pub roots: RootStack,
    /// Old-to-young references.
    pub remembered: RememberedSet,
    /// Public objects of the nursery: promoted in place by the next minor.
    pub published: Vec<*mut Object>,
    /// Young large objects.
    pub large: Vec<*mut Object>,
    /// Bytes of them.
    pub large_bytes: usize,
    /// Young objects with a finalizer.
    pub finalizable: Vec<*mut Object>,
    /// Private objects whose finalizers are due; roots.
    pub due: VecDeque<*mut Object>,
    /// Pin counts of young objects.
    pub pins: HashMap<usize, u32>,
    /// Shaded objects not yet handed over.
    pub grey: Vec<Grey>,
    /// The handle layer's part.
    pub links: Option<Box<dyn MutatorLinks>>,
    /// The address of what `links` holds, for the layer that made it.
    pub links_address: *mut (),
    /// A callback runs: no other is started.
    pub in_callback: bool,
    /// Bytes promoted since the last look at the pacing.
    pub promoted: usize,
    /// Bytes of objects that were old from the start, since the last minor collection.
    pub tenured: usize,
    /// Scratch of a minor collection.
    pub worklist: Vec<*mut Object>,
    /// Scratch of a minor collection: promoted objects with a link.
    pub linked: Vec<(*mut Object, *mut Object)>,
    /// Scratch of a minor collection: objects that only C holds.
    pub waiting: Vec<*mut Object>,
    /// How many minors such an object may stay young for.
    pub link_patience: u8,
}

/// The record. Its address is the `hf_mutator *` of C code.
#[repr(C)]
#[allow(missing_debug_implementations, reason = "most of it belongs to another thread")]
pub struct Record {
    /// Where the next object goes. Offset 0.
    pub cursor: Cell<usize>,
    /// End of the present nursery block; 0 when interrupted. Offset 8.
    pub limit: NurseryLimit,
    /// Source flags that send a store to the slow path. Offset 16.
    pub barrier: Cell<u8>,
    /// State and requests. Offset 20.
    pub word: HandshakeWord,
    /// From the cursor to here all is zero, for C's inlined allocation, which looks at this and not at the limit where an object
    /// has more than 32 bytes; 0, or any address that is not above the cursor: nothing is. Within the block in use, or 0: so it is
    /// 0 after each change of the block, and in native code. Offset 24.
    pub zeroed: Cell<usize>,
    /// Types by number, for C's inlined allocation. Offset 32.
    pub known_types: KnownTypes,
    /// The top layer's heap handle, set at attachment.
    pub heap: Cell<*const ()>,
    /// First address and bytes of the block space, for the typed layer's checks.
    space: (usize, usize),
    /// The last ask that was answered.
    pub answered: Answer,
    /// Objects that other threads want published.
    pub publish_requests: SegQueue<Arc<PublishRequest>>,
    /// Links that this record's owners have made. Written by the owner only, so that making a pair shares no cache line.
    pub links_made: AtomicU64,
    /// Objects that this record's owners have published, or a holder in their place; as above.
    pub published: AtomicU64,
    /// `PyObject`s without a link that this record's owners have made, less those that they have linked or freed: below zero,
    /// wrapping, where it is others that make them. Written by the owner only, as above.
    pub c_only: AtomicU64,
    /// Pauses of this mutator in nanoseconds.
    pub pauses: Mutex<Histogram<u64>>,
    /// The number of the thread that attached (see `sync::thread_number`), 0 when detached.
    pub thread: AtomicU64,
    /// The address of the thread that attached last (see `sync::thread_address`): while it runs, the owner's alone.
    pub thread_address: AtomicUsize,
    shared: *const Shared,
    local: UnsafeCell<Local>,
    embedder: UnsafeCell<Option<Box<dyn Any>>>,
}

// SAFETY: [L1] the plain fields belong to the owner; the handshake word hands ownership over with acquire and release.
unsafe impl Send for Record {}
// SAFETY: [L1] as above; everything that non-owners may touch is atomic or locked.
unsafe impl Sync for Record {}

impl Record {
    /// A record for a heap; detached.
    pub fn new(shared: &Shared) -> Record {
        let sizing = Sizing::new(shared.nurseries);
        let local = Local {
            phase: Phase::Idle,
            parity: 0,
            epoch: 0,
            nursery: Nursery::new(sizing.blocks()),
            sizing,
            block_end: 0,
            evacuation: EvacuationAllocator::new(),
            roots: RootStack::new(),
            remembered: RememberedSet::default(),
            published: Vec::new(),
            large: Vec::new(),
            large_bytes: 0,
            finalizable: Vec::new(),
            due: VecDeque::new(),
            pins: HashMap::new(),
            grey: Vec::new(),
            links: None,
            links_address: std::ptr::null_mut(),
            in_callback: false,
            promoted: 0,
            tenured: 0,
            worklist: Vec::new(),
            linked: Vec::new(),
            waiting: Vec::new(),
            link_patience: 0,
        };
        Record {
            cursor: Cell::new(0),
            limit: NurseryLimit::new(),
            barrier: Cell::new(BARRIER_IDLE),
            word: HandshakeWord::new(),
            zeroed: Cell::new(0),
            known_types: KnownTypes::new(),
            heap: Cell::new(std::ptr::null()),
            space: shared.memory.block_space(),
            answered: Answer::new(),
            publish_requests: SegQueue::new(),
            links_made: AtomicU64::new(0),
            published: AtomicU64::new(0),
            c_only: AtomicU64::new(0),
            pauses: Mutex::new(Histogram::new_with_bounds(1, 1 << 40, 2).expect("constant bounds")),
            thread: AtomicU64::new(0),
            thread_address: AtomicUsize::new(0),
            shared,
            local: UnsafeCell::new(local),
            embedder: UnsafeCell::new(None),
        }
    }

    /// The heap's shared state.
    #[inline(always)]
    pub fn shared(&self) -> &Shared {
        // SAFETY: [L2] the registry that holds this record is a field of that state.
        unsafe { &*self.shared }
    }

    /// The cursor goes to another block, or to none (0). By the owner or the holder.
    pub fn move_cursor(&self, start: usize) {
        self.cursor.set(start);
        self.zeroed.set(0);
    }

    /// Whether an address lies in the heap. The address is not read.
    #[inline(always)]
    pub fn owns(&self, object: *mut Object) -> bool {
        self.in_blocks(object) || self.owns_large(object)
    }

    /// The same of what is in no block. Most objects are, and who asks is inlined.
    #[cold]
    #[inline(never)]
    fn owns_large(&self, object: *mut Object) -> bool {
        self.shared().memory.contains(object as usize)
    }

    /// Whether an address lies in a block of the heap; that of a large object does not. The address is not read.
    #[inline(always)]
    pub fn in_blocks(&self, object: *mut Object) -> bool {
        (object as usize).wrapping_sub(self.space.0) < self.space.1
    }

    /// The owner's state.
    ///
    /// # Safety
    /// The caller owns the record (its thread while running, or the holder), and no other reference that this method
    /// gave is used while the result lives.
    #[inline(always)]
    #[allow(clippy::mut_from_ref, reason = "ownership is handed over by the handshake word")]
    pub unsafe fn local(&self) -> &mut Local {
        // SAFETY: [L1] the caller's promise.
        unsafe { &mut *self.local.get() }
    }

    /// What the top layer keeps with the record: a handle that keeps the heap alive.
    ///
    /// # Safety
    /// As [`Record::local`].
    #[allow(clippy::mut_from_ref, reason = "ownership is handed over by the handshake word")]
    pub unsafe fn embedder(&self) -> &mut Option<Box<dyn Any>> {
        // SAFETY: [L1] the caller's promise.
        unsafe { &mut *self.embedder.get() }
    }

    /// Gets the addresses that a root stack needs, if it has none yet: before [`Record::attach`].
    ///
    /// # Errors
    /// What the operating system says.
    ///
    /// # Safety
    /// The caller has claimed the record and not attached it yet.
    pub unsafe fn reserve_roots(&self) -> io::Result<()> {
        // SAFETY: [L1] claimed by the caller, and detached: nobody else touches it.
        unsafe { self.local() }.roots.reserve()
    }

    /// Attaches: the record was claimed by this thread. Adopts what the collector asks.
    ///
    /// # Safety
    /// The caller has claimed the record, not attached it yet, and its roots have addresses.
    pub unsafe fn attach<L: MutatorLinks + 'static>(&self, thread: u64, links: Box<L>) {
        {
            // SAFETY: [L1] claimed by the caller, and detached: nobody else touches it.
            let local = unsafe { self.local() };
            debug_assert!(local.grey.is_empty() && local.remembered.is_empty() && !local.nursery.in_use());
            let mut links = links;
            local.links_address = (&raw mut *links).cast();
            local.links = Some(links);
            local.in_callback = false;
            debug_assert!(local.roots.is_reserved());
            local.link_patience = self.shared().link_patience;
            self.thread.store(thread, Ordering::Relaxed);
            self.thread_address.store(thread_address(), Ordering::Relaxed);
            self.move_cursor(0);
            local.block_end = 0;
            // A first guess, in case a handshake comes before the adoption: it is repeated below.
            let word = self.shared().asked.get();
            Self::adopt(local, &self.barrier, Ask::decode(word));
            self.answered.give(word);
        }
        self.word.attach();
        // Dekker pair with the collector: it asks, then looks at the records; this is the other side.
        let word = self.shared().asked.adopt();
        // SAFETY: [L1] running now, and this is its thread.
        Self::adopt(unsafe { self.local() }, &self.barrier, Ask::decode(word));
        self.answered.give(word);
        self.shared().event.notify();
    }

    /// The state of a mutator that holds nothing, in the middle of what is being asked.
    fn adopt(local: &mut Local, barrier: &Cell<u8>, ask: Ask) {
        local.epoch = ask.epoch;
        (local.phase, local.parity) = ask.stance();
        barrier.set(if local.phase == Phase::Idle { BARRIER_IDLE } else { BARRIER_CYCLE });
    }

    /// Detaches: roots go, survivors are promoted and what of them is linked is published, buffers are handed over.
    /// Answers the bytes that were promoted since the last look at the pacing.
    ///
    /// # Safety
    /// Called by the owner, which does not use the record afterwards.
    pub unsafe fn detach(&self) -> usize {
        let shared = self.shared();
        loop {
            // SAFETY: [L1] the owner.
            unsafe {
                self.serve();
                self.local().roots.truncate(0);
                // Nobody waits any more: what C holds is published below, and for that it is old.
                self.local().link_patience = 0;
                self.collect(false);
                self.publish_private_links();
            }
            // SAFETY: [L1] the owner; the references of the block above are gone.
            let local = unsafe { self.local() };
            while let Some(object) = local.due.pop_front() {
                // SAFETY: [P1] a private object of this mutator, old since the minor.
                unsafe { self.hand_over_due(object) };
            }
            // SAFETY: [L1] as above.
            let local = unsafe { self.local() };
            // Dropped as well: they keep the heap's links alive, which keep this record alive.
            local.links_address = std::ptr::null_mut();
            if let Some(mut links) = local.links.take() {
                links.leave();
            }
            local.evacuation.retire(&shared.memory, local.parity);
            local.nursery.give_up(&shared.memory);
            local.block_end = 0;
            local.pins.clear();
            self.move_cursor(0);
            let _ = self.limit.set(0, &self.word);
            self.hand_over(local);
            if self.word.try_detach().is_ok() {
                break;
            }
        }
        self.thread.store(0, Ordering::Relaxed);
        shared.event.notify();
        // SAFETY: [L1] detached, but claimed still.
        std::mem::take(&mut unsafe { self.local() }.promoted)
    }

    /// Publishes the objects of its private links, so that any thread may cross them; but for those that the cycle under way
    /// has found dead, whose pairs it is ending at this moment, or has ended.
    unsafe fn publish_private_links(&self) {
        let mut objects = vec![];
        // SAFETY: [L1] the owner, see the caller.
        if let Some(links) = &mut unsafe { self.local() }.links {
            links.for_each_private(&mut |object| objects.push(object));
        }
        for object in objects {
            // A way to an object that no snapshot knew, as a weak cell is.
            // SAFETY: [W1] dead or not, its header is there until this mutator has answered the disarming handshake.
            let object = unsafe { self.take_unseen(object) };
            if !object.is_null() {
                // SAFETY: [P1] objects of live private links are live and private to this mutator.
                unsafe { self.publish(object) };
            }
        }
    }

    /// Hands the grey buffer over.
    pub fn hand_over(&self, local: &mut Local) {
        if !local.grey.is_empty() {
            self.shared().grey.push(std::mem::take(&mut local.grey));
        }
    }

    /// Counts a pause that began at `start`.
    pub fn pause(&self, start: Instant) {
        let ns = (start.elapsed().as_nanos() as u64).max(1);
        self.shared().counters.longest_pause_ns.fetch_max(ns, Ordering::Relaxed);
        self.pauses.lock().unwrap_or_else(|e| e.into_inner()).saturating_record(ns);
    }
}
