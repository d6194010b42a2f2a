//! Links: pairs of an object on the heap and a `PyObject`, of which the collector frees both or none (INV-3).
//!
//! [`Links`] is what a heap keeps: the slabs, memory adopted from the embedder, the table of handles for types without a
//! handle slot, the dead queue, the callbacks. [`LocalLinks`] is what a mutator keeps: its slab pages and its young
//! links. The idea of pairs, light links and the dead queue is PyPy's `rawrefcount`; there the links are two lists that
//! a stopped world walks, here they are bits beside the slab pages that a collector thread scans while mutators run.
//!
//! A link owns one count, so a linked object that C has let go of has the count 1, and a decref of a linked object never
//! reaches zero. A link is a root while its count is above 1: of its owner's minor collections while it is PRIVATE and
//! YOUNG, of the global cycle otherwise.
//!
//! **Who finds a pair.** From the object: its handle slot (one word of the object), or the table; for a private young
//! object without a slot a table of its mutator. From the `PyObject`: the link word. When two threads link one public
//! object, one compare-exchange on the slot (or one insertion into the table) decides.
//!
//! **Who ends a pair.** The owner's minor collection, if the link is PRIVATE and YOUNG, the object was not reached and C
//! does not hold it; else the global cycle between the end of marking and the sweep. In both cases no mutator can reach
//! either side, so no one can see it half done.

#[cfg(feature = "debug")]
use super::debug::Watch;
use super::debug::{self, Event};
use super::link_word::LinkWord;
use super::local_links::LocalLinks;
use super::pyobject::{MIN_SIZE, PyObject};
use super::slab::{SlabHeap, SlabLocal};
use super::slot_word::SlotWord;
use super::{Callback, DeadNotifier, Dealloc};
use crate::collector::RootSource;
use crate::mutator::handshake::Target;
use crate::mutator::shared::Counters;
use crate::mutator::{Record, Shared};
use crate::object::header::LINKED;
use crate::object::{NO_SLOT, Object};
use crate::sync::atomic::Ordering;
use crate::sync::{Arc, SegQueue};
use rustc_hash::FxBuildHasher;
use std::ptr;

/// Address space reserved for the `PyObject`s of a heap: this much, or twice the heap's limit.
const RESERVE: usize = 32 << 30;

/// A `PyObject`'s address, as tables and queues keep it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address(pub(super) *mut PyObject);

// SAFETY: [K3] an address; who uses it says why the object is alive.
unsafe impl Send for Address {}
// SAFETY: [K3] as above.
unsafe impl Sync for Address {}

/// Why two objects could not be linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// One of the two is linked already.
    AlreadyLinked,
    /// The memory of the `PyObject` is neither ours nor adopted.
    Foreign,
}

/// The links of one heap.
pub struct Links {
    pub(super) shared: Arc<Shared>,
    pub(super) slabs: SlabHeap,
    #[cfg(feature = "debug")]
    pub(super) watch: Watch,
    /// Memory of the embedder's own that follows our rules: address → bytes.
    pub(super) adopted: papaya::HashMap<usize, usize, FxBuildHasher>,
    /// Those of them that are linked: what a scan looks at. Others may be disowned, and gone, at any moment.
    pub(super) adopted_linked: papaya::HashMap<usize, (), FxBuildHasher>,
    /// Old or public objects of types without a handle slot → their `PyObject`.
    pub(super) handles: papaya::HashMap<usize, Address, FxBuildHasher>,
    dead: SegQueue<Address>,
    /// References that detached threads have dropped.
    pub(super) detached: SegQueue<Address>,
    pub(crate) dealloc: Callback<Dealloc>,
    pub(crate) notifier: Callback<DeadNotifier>,
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Links").field("dead", &self.dead.len()).finish_non_exhaustive()
    }
}

impl Links {
    /// The links of a new heap.
    ///
    /// # Errors
    /// When the operating system refuses the address space.
    pub fn new(shared: Arc<Shared>) -> std::io::Result<Links> {
        let slabs = SlabHeap::new(RESERVE.max(2 * shared.memory.limit()), Arc::as_ptr(&shared).cast())?;
        Ok(Links {
            shared,
            slabs,
            #[cfg(feature = "debug")]
            watch: Watch::new(),
            adopted: papaya::HashMap::with_hasher(FxBuildHasher),
            adopted_linked: papaya::HashMap::with_hasher(FxBuildHasher),
            handles: papaya::HashMap::with_hasher(FxBuildHasher),
            dead: SegQueue::new(),
            detached: SegQueue::new(),
            dealloc: Callback::new(),
            notifier: Callback::new(),
        })
    }

    /// Whether an object's memory is this heap's, or adopted by it.
    pub fn owns(&self, ob: *const PyObject) -> bool {
        self.slabs.contains(ob as usize) || self.adopted.pin().contains_key(&(ob as usize))
    }

    /// Bytes of slabs.
    pub fn committed_bytes(&self) -> usize {
        self.slabs.committed_bytes()
    }

    /// The next dead object: unlinked, count 1. Null when there is none. Any thread.
    pub fn next_dead(&self) -> *mut PyObject {
        let Some(Address(ob)) = self.dead.pop() else { return ptr::null_mut() };
        // SAFETY: [K2] the queue owned its count.
        debug::note(self, unsafe { &*ob }, Event::Delivered);
        ob
    }

    /// The word of a type's handle slot, if the object's type has one.
    #[inline(always)]
    pub(super) unsafe fn slot<'a>(&self, object: *mut Object) -> Option<&'a SlotWord> {
        // SAFETY: [K4] the caller's promise.
        unsafe { Self::slot_of(object) }
    }

    /// The same.
    #[inline(always)]
    pub(super) unsafe fn slot_of<'a>(object: *mut Object) -> Option<&'a SlotWord> {
        // SAFETY: [H2] the caller says that the object is live.
        let offset = unsafe { (*object).type_info() }.handle_slot;
        if offset == NO_SLOT {
            return None;
        }
        // SAFETY: [K4] a type's handle slot is an aligned word of its fixed part that only this layer touches.
        Some(unsafe { &*Object::payload(object).wrapping_add(offset).cast::<SlotWord>() })
    }

    /// Calls `f` with every linked `PyObject` whose link the global cycle looks at, and its link word.
    fn for_each(&self, f: &mut dyn FnMut(&PyObject, LinkWord)) {
        let mut look = |ob: *mut PyObject| {
            // SAFETY: [K5] slab memory stays mapped, and its first two words are a count and a link word at any time;
            // adopted memory stays until it is disowned, which a linked object cannot be.
            let this = unsafe { &*ob };
            let word = this.link();
            // Private young links are their owner's business: its snapshot has seen them, or they were made since.
            if word.is_linked() && !word.is_young() {
                f(this, word);
            }
        };
        self.slabs.for_each_linked(&mut look);
        for (&ob, ()) in self.adopted_linked.pin().iter() {
            look(ob as *mut PyObject);
        }
    }

    pub(super) fn set_linked(&self, ob: &PyObject) {
        if self.slabs.contains(ob as *const PyObject as usize) {
            // SAFETY: [K5] a slot of our slabs.
            unsafe { SlabHeap::page(ptr::from_ref(ob).cast()) }.set_linked(ob);
        } else {
            self.adopted_linked.pin().insert(ptr::from_ref(ob) as usize, ());
        }
    }

    pub(super) fn clear_linked(&self, ob: &PyObject) {
        if self.slabs.contains(ob as *const PyObject as usize) {
            // SAFETY: [K5] a slot of our slabs.
            unsafe { SlabHeap::page(ptr::from_ref(ob).cast()) }.clear_linked(ob);
        } else {
            self.adopted_linked.pin().remove(&(ptr::from_ref(ob) as usize));
        }
    }

    /// Links a public object. False, and nothing has changed, when another thread was first.
    pub(super) unsafe fn link_public(&self, object: *mut Object, ob: &PyObject, word: LinkWord) -> bool {
        let address = ptr::from_ref(ob).cast_mut();
        ob.count_link();
        ob.set_link(word);
        // Adopted memory is the embedder's again if the link fails: a scan must not know it before. No cycle gets past
        // this thread meanwhile, which is not at a safepoint and has the object in hand.
        let in_slab = self.slabs.contains(address as usize);
        if in_slab {
            self.set_linked(ob);
        }
        // SAFETY: [K4] the object is live.
        let won = match unsafe { self.slot(object) } {
            Some(slot) => slot.decide(address as usize),
            None => self.handles.pin().try_insert(object as usize, Address(address)).is_ok(),
        };
        if won {
            debug::note(self, ob, Event::Linked);
            if !in_slab {
                self.set_linked(ob);
            }
            // SAFETY: [H2] live.
            unsafe { (*object).set_flags_shared(LINKED) };
        } else {
            if in_slab {
                self.clear_linked(ob);
            }
            ob.set_link(LinkWord(0));
            let _ = ob.ob_refcnt.drop_link();
        }
        won
    }

    /// Ends a pair of which neither side can be reached. `local`: the slab of the mutator that does it.
    pub(super) fn end(&self, ob: *mut PyObject, word: LinkWord, local: Option<&mut SlabLocal>) {
        // SAFETY: [K5] a linked object is alive until here, and ours alone now.
        let this = unsafe { &*ob };
        if !word.is_young() {
            self.clear_linked(this);
        }
        this.set_link(LinkWord(0));
        if word.is_light() && self.slabs.contains(ob as usize) {
            // SAFETY: [K6] count 1 and unreachable: the link's own count was the last.
            unsafe { debug::give_back(self, local, ob) };
            return;
        }
        // The count stays 1: it belongs to the queue now, then to whoever takes it out.
        Counters::add(&self.shared.counters.dead_queued, 1);
        debug::note(self, this, Event::Queued);
        self.dead.push(Address(ob));
        self.shared.notify_due.ring();
    }

    /// Frees the memory of an object that is unlinked and that nobody holds. Memory that was adopted is let go of, not
    /// freed. Returns false, and does nothing, if it is linked still.
    ///
    /// # Safety
    /// `ob` is an object of this heap that nobody uses afterwards.
    pub unsafe fn free(&self, ob: *mut PyObject) -> bool {
        // SAFETY: [K6] the caller's promise.
        unsafe { self.free_by(super::heaps::current(self), ob) }
    }

    /// The same by a thread whose record in this heap is `record`, if it is attached.
    ///
    /// # Safety
    /// As [`Links::free`].
    #[inline]
    pub(super) unsafe fn free_by(&self, record: Option<*const Record>, ob: *mut PyObject) -> bool {
        // SAFETY: [K2] the caller says that it is live.
        if unsafe { (*ob).link() }.is_linked() {
            return false;
        }
        if self.slabs.contains(ob as usize) {
            // In native code a holder may be using our record: then the object goes back as from another thread.
            // SAFETY: [L2] this thread is attached, so the record stays.
            let record = record.map(|record| unsafe { &*record });
            let running = record.filter(|record| record.word.target() == Target::Running);
            // SAFETY: [L1] the record of this very thread, which is running, and not inside another use of its links.
            let local = running.and_then(|record| unsafe { LocalLinks::of(record) });
            // SAFETY: [K6] the caller's promise.
            unsafe { debug::give_back(self, local.map(|l| &mut l.slab), ob) };
            match running {
                Some(record) => LocalLinks::count_c_only(record, -1),
                None => self.count_c_only(-1),
            }
        } else if self.adopted.pin().remove(&(ob as usize)).is_some() {
            self.count_c_only(-1);
        }
        true
    }

    /// So many more C-only objects, or (negative) fewer, where no running mutator counts for itself.
    #[cold]
    fn count_c_only(&self, change: isize) {
        self.shared.counters.c_only.fetch_add(change as u64, Ordering::Relaxed);
    }

    /// Adopts memory of the embedder's own.
    ///
    /// # Safety
    /// `ob` is memory of `size` bytes that stays valid until it is disowned or handed back dead.
    pub unsafe fn adopt(&self, ob: *mut PyObject, size: usize) -> Result<(), &'static str> {
        if size < MIN_SIZE {
            return Err("smaller than a PyObject head (24 bytes)");
        }
        if !(ob as usize).is_multiple_of(8) {
            return Err("not aligned to 8 bytes");
        }
        if self.slabs.contains(ob as usize) {
            return Err("the memory is handfast's own");
        }
        if super::heaps::of(ob).is_some_and(|other| !ptr::eq(Arc::as_ptr(&other), self)) {
            return Err("the memory is another heap's, or adopted by it");
        }
        if self.adopted.pin().try_insert(ob as usize, size).is_err() {
            return Err("adopted already");
        }
        // SAFETY: [K2] the caller's memory.
        let this = unsafe { &*ob };
        this.set_link(LinkWord(0));
        // A negative word has the immortal bit, too, but means nothing.
        if this.ob_refcnt.get_acquire() <= 0 {
            this.ob_refcnt.set(1);
        }
        self.count_c_only(1);
        Ok(())
    }

    /// Lets go of adopted memory.
    ///
    /// # Safety
    /// `ob` was adopted and is still valid memory.
    pub unsafe fn disown(&self, ob: *mut PyObject) -> Result<(), &'static str> {
        if self.slabs.contains(ob as usize) {
            return Err("the memory is handfast's own");
        }
        if !self.adopted.pin().contains_key(&(ob as usize)) {
            return Err("was not adopted");
        }
        // SAFETY: [K2] adopted memory is valid.
        if unsafe { (*ob).link() }.is_linked() {
            return Err("still linked");
        }
        if self.adopted.pin().remove(&(ob as usize)).is_some() {
            self.count_c_only(-1);
        }
        Ok(())
    }

    /// Calls `f` with every `PyObject` that is still allocated; nothing else may run.
    ///
    /// # Safety
    /// No mutator is attached and no cycle runs.
    pub unsafe fn for_each_allocated(&self, f: &mut dyn FnMut(*mut PyObject)) {
        // SAFETY: [Z5] the caller's promise.
        unsafe {
            self.slabs.for_each_allocated(&mut |ob| {
                if !debug::is_freed(self, ob) {
                    f(ob);
                }
            });
        }
        for (&ob, _) in self.adopted.pin().iter() {
            f(ob as *mut PyObject);
        }
    }
}

impl RootSource for Links {
    fn scan(&self, shade: &mut dyn FnMut(*mut Object)) {
        self.for_each(&mut |ob, word| {
            if ob.is_held() {
                shade(word.object());
            }
        });
    }

    fn judge(&self, is_dead: &dyn Fn(*mut Object) -> bool, shade: &mut dyn FnMut(*mut Object)) {
        self.for_each(&mut |ob, word| {
            if is_dead(word.object()) && ob.is_held() {
                shade(word.object());
            }
        });
    }

    fn reap(&self, is_dead: &dyn Fn(*mut Object) -> bool) {
        self.for_each(&mut |ob, word| {
            let object = word.object();
            if !is_dead(object) {
                return;
            }
            // SAFETY: [H2] dead, but not swept.
            if unsafe { (*object).type_info() }.handle_slot == NO_SLOT {
                self.handles.pin().remove(&(object as usize));
            }
            Counters::add(&self.shared.counters.links_freed_by_cycle, 1);
            self.end(ptr::from_ref(ob).cast_mut(), word, None);
        });
        self.slabs.trim();
    }
}
