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

use super::debug::{self, Event, Watch};
use super::pyobject::{LinkFlags, LinkWord, MIN_SIZE, PyObject};
use super::slab::{SlabHeap, SlabLocal};
use super::{Callback, DeadNotifier, Dealloc};
use crate::collector::RootSource;
use crate::mutator::handshake::Target;
use crate::mutator::record::MutatorLinks;
use crate::mutator::shared::Counters;
use crate::mutator::{Record, Shared};
use crate::object::header::{LINKED, OLD, PUBLIC};
use crate::object::{NO_SLOT, Object};
use crate::sync::Arc;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crossbeam_queue::SegQueue;
use std::collections::HashMap;
use std::ffi::c_void;
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
    pub(super) watch: Watch,
    /// Memory of the embedder's own that follows our rules: address → bytes.
    adopted: papaya::HashMap<usize, usize>,
    /// Those of them that are linked: what a scan looks at. Others may be disowned, and gone, at any moment.
    adopted_linked: papaya::HashMap<usize, ()>,
    /// Old or public objects of types without a handle slot → their `PyObject`.
    handles: papaya::HashMap<usize, Address>,
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
            watch: Watch::new(),
            adopted: papaya::HashMap::new(),
            adopted_linked: papaya::HashMap::new(),
            handles: papaya::HashMap::new(),
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

    /// The word of a type's handle slot.
    unsafe fn slot<'a>(&self, object: *mut Object) -> Option<&'a AtomicUsize> {
        // SAFETY: [H2] the caller says that the object is live.
        let offset = unsafe { (*object).type_info() }.handle_slot;
        if offset == NO_SLOT {
            return None;
        }
        // SAFETY: [K4] a type's handle slot is an aligned word of its fixed part that only this layer touches.
        Some(unsafe { AtomicUsize::from_ptr(Object::payload(object).wrapping_add(offset).cast()) })
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

    fn set_linked(&self, ob: &PyObject) {
        if self.slabs.contains(ob as *const PyObject as usize) {
            // SAFETY: [K5] a slot of our slabs.
            unsafe { SlabHeap::page(ptr::from_ref(ob).cast()) }.set_linked(ob);
        } else {
            self.adopted_linked.pin().insert(ptr::from_ref(ob) as usize, ());
        }
    }

    fn clear_linked(&self, ob: &PyObject) {
        if self.slabs.contains(ob as *const PyObject as usize) {
            // SAFETY: [K5] a slot of our slabs.
            unsafe { SlabHeap::page(ptr::from_ref(ob).cast()) }.clear_linked(ob);
        } else {
            self.adopted_linked.pin().remove(&(ptr::from_ref(ob) as usize));
        }
    }

    /// Links a public object. False, and nothing has changed, when another thread was first.
    unsafe fn link_public(&self, object: *mut Object, ob: &PyObject, word: LinkWord) -> bool {
        let address = ptr::from_ref(ob).cast_mut();
        ob.count_link();
        ob.set_link(word);
        // Adopted memory is the embedder's again if the link fails: a scan must not know it before. No cycle gets past
        // this thread meanwhile, which is not at a safepoint and has the object in hand.
        let in_slab = self.slabs.contains(address as usize);
        if in_slab {
            self.set_linked(ob);
        }
        // Release: who finds the handle sees its link word.
        // SAFETY: [K4] the object is live.
        let won = match unsafe { self.slot(object) } {
            Some(slot) => slot.compare_exchange(0, address as usize, Ordering::AcqRel, Ordering::Acquire).is_ok(),
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
    fn end(&self, ob: *mut PyObject, word: LinkWord, local: Option<&mut SlabLocal>) {
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
        // SAFETY: [K2] the caller says that it is live.
        if unsafe { (*ob).link() }.is_linked() {
            return false;
        }
        if self.slabs.contains(ob as usize) {
            // In native code a holder may be using our record: then the object goes back as from another thread.
            // SAFETY: [L1] the record of this very thread, which is running, and not inside another use of its links.
            let mut local = super::heaps::current(self).and_then(|record| unsafe {
                if (*record).word.target() == Target::Running { LocalLinks::of(&*record) } else { None }
            });
            // SAFETY: [K6] the caller's promise.
            unsafe { debug::give_back(self, local.as_mut().map(|l| &mut l.slab), ob) };
        } else {
            self.adopted.pin().remove(&(ob as usize));
        }
        true
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
        self.adopted.pin().remove(&(ob as usize));
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

/// The links of one mutator.
pub struct LocalLinks {
    links: Arc<Links>,
    slab: SlabLocal,
    /// Pairs made since the last minor collection whose objects were private and young then.
    young: Vec<*mut PyObject>,
    /// Their objects' handles, for types without a slot.
    handles: HashMap<usize, *mut PyObject>,
}

impl LocalLinks {
    /// Links for a mutator that attaches.
    pub fn new(links: Arc<Links>, record: *const Record) -> LocalLinks {
        // The tables have thread-locals, which must outlive the attachment: a thread that ends is detached by a
        // thread-local of the C interface, and these are destroyed in the opposite order of their first use.
        drop(links.handles.pin());
        LocalLinks { links, slab: SlabLocal::new(record.cast()), young: Vec::new(), handles: HashMap::new() }
    }

    /// The links of a record.
    ///
    /// # Safety
    /// As [`Record::local`].
    #[inline]
    #[allow(clippy::mut_from_ref, reason = "ownership is handed over by the handshake word")]
    pub unsafe fn of(record: &Record) -> Option<&mut LocalLinks> {
        // SAFETY: [L1] the caller's promise; the address is that of the box that `LocalLinks::new` went into, or null.
        unsafe { record.local().links_address.cast::<LocalLinks>().as_mut() }
    }

    /// A C-only object with count 1, zeroed otherwise; null when memory is out or `size` is below 24.
    pub fn alloc(&mut self, size: usize, ob_type: *mut c_void) -> *mut PyObject {
        if size < MIN_SIZE {
            return ptr::null_mut();
        }
        let ob: *mut PyObject = self.slab.alloc(&self.links.slabs, debug::room(size)).cast();
        if !ob.is_null() {
            // SAFETY: [K2] fresh, zeroed and large enough. The type is no word that a scan looks at.
            unsafe {
                (*ob).ob_refcnt.set(1);
                (&raw mut (*ob).ob_type).write(ob_type);
                debug::allocated(&self.links, &*ob, size);
            }
        }
        ob
    }

    /// Links two unlinked objects.
    ///
    /// # Safety
    /// Called by the running owner of `record`; `object` is valid for it, `ob` is a live object that the caller holds.
    pub unsafe fn link(
        record: &Record,
        object: *mut Object,
        ob: *mut PyObject,
        flags: LinkFlags,
        c_owned: bool,
    ) -> Result<(), LinkError> {
        // SAFETY: [L1] the owner; ends before anything else takes the record's state.
        let Some(this) = (unsafe { Self::of(record) }) else { return Err(LinkError::Foreign) };
        let in_slab = this.links.slabs.contains(ob as usize);
        if !in_slab && !this.links.adopted.pin().contains_key(&(ob as usize)) {
            return Err(LinkError::Foreign);
        }
        // SAFETY: [K2] the caller says that both are live.
        let (header, target) = unsafe { (&*object, &*ob) };
        // SAFETY: [K4] as above.
        if target.link().is_linked() || !unsafe { this.find(object) }.is_null() {
            return Err(LinkError::AlreadyLinked);
        }
        let word = LinkWord::new(object, flags == LinkFlags::LIGHT, c_owned);
        // SAFETY: [K5] a slot of our slabs.
        let own_page = in_slab && ptr::eq(unsafe { SlabHeap::page(ob.cast()) }.owner().cast(), record);
        if header.flags() & PUBLIC == 0 && own_page {
            target.count_link();
            // SAFETY: [K4] private to this mutator.
            unsafe { this.link_private(object, target, word) };
        } else {
            let links = this.links.clone();
            // SAFETY: [P1] the caller's object; `this` is not used any more: publishing calls back into it.
            unsafe { record.publish(object) };
            // SAFETY: [K4] public since.
            if !unsafe { links.link_public(object, target, word) } {
                return Err(LinkError::AlreadyLinked);
            }
        }
        Self::count_made(record);
        Ok(())
    }

    #[inline]
    fn count_made(record: &Record) {
        let made = &record.links_made;
        made.store(made.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// Links a private object of this mutator to an object on one of its own pages, whose count has the link's already.
    #[inline]
    unsafe fn link_private(&mut self, object: *mut Object, ob: &PyObject, word: LinkWord) {
        // SAFETY: [H2] the caller says that it is live.
        let header = unsafe { &*object };
        let young = header.flags() & OLD == 0;
        let address = ptr::from_ref(ob).cast_mut();
        ob.set_link(word.private(young));
        // A young link is its owner's business: the bit is for scans, and comes when the object gets old or public.
        if !young {
            self.links.set_linked(ob);
        }
        // SAFETY: [K4] the object is live.
        match unsafe { self.links.slot(object) } {
            Some(slot) => slot.store(address as usize, Ordering::Relaxed),
            None if young => {
                self.handles.insert(object as usize, address);
            }
            None => {
                self.links.handles.pin().insert(object as usize, Address(address));
            }
        }
        header.set_flags_private(LINKED, 0);
        debug::note(&self.links, ob, Event::Linked);
        if young {
            self.young.push(address);
        }
    }

    /// The `PyObject` of an object, or null.
    ///
    /// # Safety
    /// Called by the owner; `object` is valid for it.
    #[inline]
    pub unsafe fn find(&self, object: *mut Object) -> *mut PyObject {
        // SAFETY: [K4] the object is live.
        if let Some(slot) = unsafe { self.links.slot(object) } {
            // Acquire: pairs with the release of the thread that linked.
            return slot.load(Ordering::Acquire) as *mut PyObject;
        }
        if let Some(&ob) = self.handles.get(&(object as usize)) {
            return ob;
        }
        self.links.handles.pin().get(&(object as usize)).map_or(ptr::null_mut(), |a| a.0)
    }

    /// Gets or makes the handle of an object: a new counted reference. Null when memory is out.
    ///
    /// # Safety
    /// Called by the running owner of `record`; `object` is valid for it.
    pub unsafe fn handle(
        record: &Record,
        object: *mut Object,
        size: usize,
        ob_type: *mut c_void,
        flags: LinkFlags,
    ) -> *mut PyObject {
        loop {
            // SAFETY: [L1] the owner; ends before `link` takes the record's state.
            let Some(this) = (unsafe { Self::of(record) }) else { return ptr::null_mut() };
            // SAFETY: [K4] the caller's promise.
            let ob = unsafe { this.find(object) };
            if !ob.is_null() {
                // SAFETY: [K2] linked to a live object, so alive.
                unsafe { PyObject::incref(ob) };
                return ob;
            }
            let ob = this.alloc(size, ob_type);
            if ob.is_null() {
                return ob;
            }
            // SAFETY: [K5] a slot of our slabs.
            let own_page = ptr::eq(unsafe { SlabHeap::page(ob.cast()) }.owner().cast(), record);
            // SAFETY: [H2] the caller says that it is live.
            if own_page && unsafe { (*object).flags() } & PUBLIC == 0 {
                // The pair is seen by nobody else: no check that `link` makes can fail, and the count needs no exchange.
                // SAFETY: [K2] fresh.
                let target = unsafe { &*ob };
                target.ob_refcnt.set(2);
                // SAFETY: [K4] private to this mutator.
                unsafe { this.link_private(object, target, LinkWord::new(object, flags == LinkFlags::LIGHT, false)) };
                Self::count_made(record);
                return ob;
            }
            // SAFETY: [K4] the caller's promise; `ob` is fresh.
            if unsafe { Self::link(record, object, ob, flags, false) }.is_ok() {
                return ob;
            }
            // Another thread was first: use its handle.
            // SAFETY: [L1] as above.
            if let Some(this) = unsafe { Self::of(record) } {
                // SAFETY: [K6] ours alone.
                unsafe { debug::give_back(&this.links, Some(&mut this.slab), ob) };
            }
        }
    }

    /// The object of a `PyObject`, or null when it is not linked. Never collects.
    ///
    /// # Safety
    /// Called by the running owner of `record`; `ob` is a live object that it holds or that something it holds keeps alive.
    pub unsafe fn cross(record: &Record, ob: *mut PyObject) -> *mut Object {
        // SAFETY: [K2] the caller says that it is live.
        let this = unsafe { &*ob };
        let mut word = this.link();
        while word.is_private() {
            // SAFETY: [K5] only objects of our slabs are linked privately.
            let owner = unsafe { SlabHeap::page(ob.cast()) }.owner().cast::<Record>();
            if ptr::eq(owner, record) {
                break;
            }
            // SAFETY: [L2] records live as long as their heap, which the caller's reference to `ob` implies.
            if unsafe { owner.as_ref() }.is_some_and(|owner| !ptr::eq(owner.shared(), record.shared())) {
                // Another heap's: its owner may be this very thread, which would wait for itself.
                return ptr::null_mut();
            }
            if owner.is_null() {
                // The owner leaves: it has published, or is about to; the word says when.
                crate::sync::thread::yield_now();
            } else {
                let ob = Address(ob);
                let still_private = move || {
                    let Address(ob) = { ob };
                    // SAFETY: [K2] the requester holds it until the request is done or withdrawn.
                    let word = unsafe { (*ob).link() };
                    word.is_private().then(|| word.object())
                };
                // SAFETY: [L2] records live as long as the heap.
                unsafe {
                    let is_public = || !this.link().is_private();
                    record.ask_to_publish(&*owner, Box::new(still_private), is_public, super::heaps::serve_publish);
                }
            }
            word = this.link();
        }
        if !word.is_linked() {
            return ptr::null_mut();
        }
        let object = word.object();
        // SAFETY: [L1] the owner.
        let local = unsafe { record.local() };
        if local.phase != crate::mutator::record::Phase::Idle {
            // The crossing barrier.
            // SAFETY: [B2] public or this mutator's own, and alive since `ob` is.
            unsafe { record.shade(local, object) };
        }
        object
    }
}

impl MutatorLinks for LocalLinks {
    fn visit_held(&mut self, visit: &mut dyn FnMut(*mut Object)) {
        for &ob in &self.young {
            // SAFETY: [K5] a pair made since the last minor collection: only this mutator's minor can end it while it is
            // private, and once published it lives at least until its object is old.
            let this = unsafe { &*ob };
            let word = this.link();
            if word.is_young() && this.is_held() {
                visit(word.object());
            }
        }
    }

    fn after_minor(&mut self, find: &mut dyn FnMut(*mut Object) -> *mut Object) {
        let mut freed = 0;
        let mut young = std::mem::take(&mut self.young);
        for ob in young.drain(..) {
            // SAFETY: [K5] as above.
            let this = unsafe { &*ob };
            let word = this.link();
            if !word.is_young() {
                continue;
            }
            let object = find(word.object());
            if object.is_null() {
                freed += 1;
                self.links.end(ob, word, Some(&mut self.slab));
                continue;
            }
            if !self.handles.is_empty() && self.handles.remove(&(word.object() as usize)).is_some() {
                self.links.handles.pin().insert(object as usize, Address(ob));
            }
            this.set_link(word.promoted(object));
            self.links.set_linked(this);
        }
        self.young = young;
        self.handles.clear();
        Counters::add(&self.links.shared.counters.links_freed_by_minor, freed);
        self.slab.collect(&self.links.slabs);
    }

    unsafe fn published(&mut self, object: *mut Object) {
        let ob = match self.handles.remove(&(object as usize)) {
            Some(ob) => {
                self.links.handles.pin().insert(object as usize, Address(ob));
                ob
            }
            // SAFETY: [K4] the caller says that it is live and was ours.
            None => unsafe { self.find(object) },
        };
        if !ob.is_null() {
            // SAFETY: [K2] linked to a live object, so alive.
            let this = unsafe { &*ob };
            // While it was young it had no bit. Before the tags go: from then on scans look at it.
            if this.link().is_young() {
                self.links.set_linked(this);
            }
            this.clear_private();
        }
    }

    fn for_each_private(&mut self, f: &mut dyn FnMut(*mut Object)) {
        self.slab.for_each_linked(&mut |ob| {
            // SAFETY: [K5] a linked object of our own pages.
            let word = unsafe { (*ob).link() };
            if word.is_private() {
                f(word.object());
            }
        });
    }

    fn leave(&mut self) {
        self.slab.abandon(&self.links.slabs);
    }
}
