//! The links of one mutator: its slab pages and its young links. The way back, from a `PyObject` to its object, is in
//! `local_crossing.rs`.
//!
//! Belongs to the owner of the mutator's record, like everything local; what all mutators share is
//! [`Links`]. See there for how pairs are found and how they end; what a minor collection does is in `minor_links.rs`.

use super::debug::{self, Event};
use super::link_word::LinkWord;
use super::links::{Address, LinkError, Links};
use super::pyobject::{LinkFlags, MIN_SIZE, PyObject};
use super::slab::{MAX_SMALL, QUICK, SlabHeap, SlabLocal, Span};
use crate::mutator::Record;
use crate::object::Object;
use crate::object::header::{LINKED, OLD, PUBLIC};
use crate::sync::Arc;
use crate::sync::atomic::Ordering;
use rustc_hash::FxHashMap;
use std::ffi::c_void;
use std::ptr;

/// The links of one mutator.
pub struct LocalLinks {
    pub(super) links: Arc<Links>,
    pub(super) slab: SlabLocal,
    /// In a minor collection: where the pairs are that were made since the last one of objects that were private and young.
    pub(super) spans: Vec<Span>,
    /// Pairs of the same kind that are elsewhere: linked with a `PyObject` that was there before, or large.
    pub(crate) young: Vec<*mut PyObject>,
    /// Their objects' handles, for types without a slot.
    pub(super) handles: FxHashMap<usize, *mut PyObject>,
}

impl LocalLinks {
    /// Links for a mutator that attaches.
    pub fn new(links: Arc<Links>, record: *const Record) -> LocalLinks {
        LocalLinks {
            links,
            slab: SlabLocal::new(record.cast()),
            spans: Vec::new(),
            young: Vec::new(),
            handles: FxHashMap::default(),
        }
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

    /// An unlinked object with count 1, zeroed otherwise; null when memory is out or `size` is below 24.
    fn alloc(&mut self, size: usize, ob_type: *mut c_void) -> *mut PyObject {
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

    /// Links an object with a C-only one.
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
        // SAFETY: [K4] the caller's promises.
        unsafe { Self::join(record, object, ob, flags, c_owned) }?;
        Self::count_c_only(record, -1);
        Ok(())
    }

    /// The same, with an object of which nobody else knows yet, too.
    ///
    /// # Safety
    /// As [`LocalLinks::link`].
    unsafe fn join(
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

    /// A C-only object with count 1, zeroed otherwise; null when memory is out or `size` is below 24.
    ///
    /// # Safety
    /// Called by the running owner of `record`.
    #[inline]
    pub unsafe fn make(record: &Record, size: usize, ob_type: *mut c_void) -> *mut PyObject {
        // SAFETY: [L1] the owner.
        let ob = unsafe { Self::make_quick(record, size, ob_type) };
        if !ob.is_null() {
            return ob;
        }
        // SAFETY: [L1] as above.
        unsafe { Self::make_slow(record, size, ob_type) }
    }

    /// The same in memory that is at hand; null, and nothing has happened, where that cannot be. No panic,
    /// as in [`LocalLinks::handle_quick`].
    ///
    /// # Safety
    /// As [`LocalLinks::make`].
    #[inline(always)]
    pub unsafe fn make_quick(record: &Record, size: usize, ob_type: *mut c_void) -> *mut PyObject {
        if cfg!(feature = "debug") || !(MIN_SIZE..=QUICK).contains(&size) {
            return ptr::null_mut();
        }
        // SAFETY: [L1] the owner.
        let Some(this) = (unsafe { Self::of(record) }) else { return ptr::null_mut() };
        let Some(memory) = this.slab.alloc_loose_quick(size) else {
            return this.make_in_span(record, size, ob_type);
        };
        let ob: *mut PyObject = memory.cast();
        // SAFETY: [K2] fresh, zeroed and large enough. The type is no word that a scan looks at.
        unsafe {
            (*ob).ob_refcnt.set(1);
            (&raw mut (*ob).ob_type).write(ob_type);
        }
        Self::count_c_only(record, 1);
        ob
    }

    /// The same in the memory that comes next; not inlined, as `free_away` in `death.rs`.
    #[inline(never)]
    extern "C" fn make_in_span(&mut self, record: &Record, size: usize, ob_type: *mut c_void) -> *mut PyObject {
        let Some(memory) = self.slab.alloc_quick(size) else { return ptr::null_mut() };
        let ob: *mut PyObject = memory.cast();
        // SAFETY: [K2] fresh and large enough. The type is no word that a scan looks at.
        unsafe {
            (*ob).ob_refcnt.set(1);
            (*ob).set_link(LinkWord(0));
            (&raw mut (*ob).ob_type).write(ob_type);
        }
        Self::count_c_only(record, 1);
        ob
    }

    #[inline(never)]
    unsafe fn make_slow(record: &Record, size: usize, ob_type: *mut c_void) -> *mut PyObject {
        // SAFETY: [L1] the owner.
        let Some(this) = (unsafe { Self::of(record) }) else { return ptr::null_mut() };
        let ob = this.alloc(size, ob_type);
        if !ob.is_null() {
            Self::count_c_only(record, 1);
        }
        ob
    }

    /// Hands back what this mutator has freed of others: it may be long before it frees again.
    ///
    /// # Safety
    /// Called by the running owner of `record`.
    #[inline]
    pub unsafe fn hand_back(record: &Record) {
        // SAFETY: [L1] the owner.
        if let Some(this) = unsafe { Self::of(record) } {
            this.slab.send(&this.links.slabs);
        }
    }

    /// So many more C-only objects, or (negative) fewer, by the running owner of `record`.
    #[inline]
    pub(super) fn count_c_only(record: &Record, change: isize) {
        let count = &record.c_only;
        count.store(count.load(Ordering::Relaxed).wrapping_add(change as u64), Ordering::Relaxed);
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
            Some(slot) => slot.set_private(address as usize),
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
            // The slot may be in a span, too.
            // SAFETY: [K5] a slot of our slabs.
            unsafe { SlabHeap::page(address.cast()) }.set_mixed(true);
            self.young.push(address);
        }
    }

    /// Makes the handle of a private young object of this mutator that has none; null when memory is out.
    ///
    /// # Safety
    /// As [`LocalLinks::handle`]; `size` is that of a `PyObject`, and with its trailer at most `MAX_SMALL`.
    unsafe fn make_young(
        &mut self,
        object: *mut Object,
        size: usize,
        ob_type: *mut c_void,
        flags: LinkFlags,
    ) -> *mut PyObject {
        let ob: *mut PyObject = self.slab.alloc_young(&self.links.slabs, debug::room(size)).cast();
        if ob.is_null() {
            return ob;
        }
        // SAFETY: [K2] fresh and large enough. The type is no word that a scan looks at.
        let this = unsafe {
            (&raw mut (*ob).ob_type).write(ob_type);
            &*ob
        };
        this.ob_refcnt.set(2);
        this.set_link(LinkWord::new(object, flags == LinkFlags::LIGHT, false).private(true));
        debug::allocated(&self.links, this, size);
        // SAFETY: [K4] the object is live.
        match unsafe { self.links.slot(object) } {
            Some(slot) => slot.set_private(ob as usize),
            None => self.insert(object, ob),
        }
        // SAFETY: [H2] as above.
        unsafe { (*object).set_flags_private(LINKED, 0) };
        debug::note(&self.links, this, Event::Linked);
        ob
    }

    #[inline(never)]
    fn insert(&mut self, object: *mut Object, ob: *mut PyObject) {
        self.handles.insert(object as usize, ob);
    }

    /// The `PyObject` of an object, or null.
    ///
    /// # Safety
    /// Called by the running owner of `record`; `object` is valid for it.
    #[inline]
    pub unsafe fn handle_of(record: &Record, object: *mut Object) -> *mut PyObject {
        // SAFETY: [K4] the object is live.
        if let Some(slot) = unsafe { Links::slot_of(object) } {
            return slot.get() as *mut PyObject;
        }
        // SAFETY: [L1] the owner.
        let Some(this) = (unsafe { Self::of(record) }) else { return ptr::null_mut() };
        // SAFETY: [K4] the caller's promise.
        unsafe { this.find_in_tables(object) }
    }

    /// The same.
    ///
    /// # Safety
    /// Called by the owner; `object` is valid for it.
    #[inline]
    pub unsafe fn find(&self, object: *mut Object) -> *mut PyObject {
        // SAFETY: [K4] the object is live.
        if let Some(slot) = unsafe { self.links.slot(object) } {
            return slot.get() as *mut PyObject;
        }
        // SAFETY: [K4] as above.
        unsafe { self.find_in_tables(object) }
    }

    /// The same for an object without a handle slot.
    unsafe fn find_in_tables(&self, object: *mut Object) -> *mut PyObject {
        // SAFETY: [H2] as above.
        if unsafe { (*object).flags() } & (PUBLIC | LINKED) == 0 {
            // Only its owner, who is asking, could have linked it.
            return ptr::null_mut();
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
    #[inline]
    pub unsafe fn handle(
        record: &Record,
        object: *mut Object,
        size: usize,
        ob_type: *mut c_void,
        flags: LinkFlags,
    ) -> *mut PyObject {
        // SAFETY: [K4] the caller's promises.
        let ob = unsafe { Self::handle_quick(record, object, size, ob_type, flags) };
        if !ob.is_null() {
            return ob;
        }
        // SAFETY: [K4] the caller's promises.
        unsafe { Self::handle_slow(record, object, size, ob_type, flags) }
    }

    /// The same in the two cases that are frequent: the object has a handle slot and is linked, or has a slot and is young,
    /// private, without a handle, and the memory of a small one is at hand. Else null, and nothing has happened. No panic,
    /// no call: C's functions come here before they set up to catch one.
    ///
    /// # Safety
    /// As [`LocalLinks::handle`].
    #[inline(always)]
    pub unsafe fn handle_quick(
        record: &Record,
        object: *mut Object,
        size: usize,
        ob_type: *mut c_void,
        flags: LinkFlags,
    ) -> *mut PyObject {
        if cfg!(feature = "debug") {
            return ptr::null_mut();
        }
        // SAFETY: [H2] the caller says that it is live.
        let bits = unsafe { (*object).flags() };
        // SAFETY: [K4] as above.
        let Some(slot) = (unsafe { Links::slot_of(object) }) else { return ptr::null_mut() };
        if bits & LINKED != 0 {
            // Null: the flag, read relaxed, was seen before the handle.
            let ob = slot.get() as *mut PyObject;
            // SAFETY: [K2] linked to a live object, so alive.
            let counted = unsafe { ob.as_ref() }.is_some_and(|ob| ob.ob_refcnt.incref_quick());
            return if counted { ob } else { ptr::null_mut() };
        }
        if bits & (PUBLIC | OLD) != 0 || !(MIN_SIZE..=QUICK).contains(&size) {
            return ptr::null_mut();
        }
        // SAFETY: [L1] the owner.
        let Some(this) = (unsafe { Self::of(record) }) else { return ptr::null_mut() };
        let Some(memory) = this.slab.alloc_young_quick(size) else { return ptr::null_mut() };
        let ob: *mut PyObject = memory.cast();
        // SAFETY: [K2] fresh and large enough. The type is no word that a scan looks at.
        let this = unsafe {
            (&raw mut (*ob).ob_type).write(ob_type);
            &*ob
        };
        this.ob_refcnt.set(2);
        this.set_link(LinkWord::new(object, flags == LinkFlags::LIGHT, false).private(true));
        slot.set_private(ob as usize);
        // SAFETY: [H2] live, and private to this mutator.
        unsafe { (*object).set_flags_private(LINKED, 0) };
        Self::count_made(record);
        ob
    }

    /// The same in every case.
    #[inline(never)]
    unsafe fn handle_slow(
        record: &Record,
        object: *mut Object,
        size: usize,
        ob_type: *mut c_void,
        flags: LinkFlags,
    ) -> *mut PyObject {
        // SAFETY: [L1] the owner; ends before `share` takes the record's state.
        let Some(this) = (unsafe { Self::of(record) }) else { return ptr::null_mut() };
        // SAFETY: [H2] the caller says that it is live.
        let bits = unsafe { (*object).flags() };
        if bits & (PUBLIC | OLD | LINKED) == 0 && (MIN_SIZE..=MAX_SMALL - debug::room(0)).contains(&size) {
            // SAFETY: [K4] private to this mutator, young, and not linked.
            let ob = unsafe { this.make_young(object, size, ob_type, flags) };
            if !ob.is_null() {
                Self::count_made(record);
            }
            return ob;
        }
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
        // SAFETY: [H2] the caller says that it is live.
        if unsafe { (*object).flags() } & PUBLIC != 0 {
            // SAFETY: [K4] the caller's promise; `ob` is fresh.
            return unsafe { Self::share(record, object, ob, flags) };
        }
        // The pair is seen by nobody else: no check that `link` makes can fail, and the count needs no exchange.
        // SAFETY: [K2] fresh, and on a page of this mutator.
        let target = unsafe { &*ob };
        target.ob_refcnt.set(2);
        // SAFETY: [K4] private to this mutator.
        unsafe { this.link_private(object, target, LinkWord::new(object, flags == LinkFlags::LIGHT, false)) };
        Self::count_made(record);
        ob
    }

    /// Links a public object with an `ob` just made, or answers the one with which another thread has linked it meanwhile.
    ///
    /// # Safety
    /// As [`LocalLinks::handle`]; `ob` is a fresh object of this mutator.
    #[cold]
    unsafe fn share(record: &Record, object: *mut Object, ob: *mut PyObject, flags: LinkFlags) -> *mut PyObject {
        // SAFETY: [K4] the caller's promise.
        if unsafe { Self::join(record, object, ob, flags, false) }.is_ok() {
            return ob;
        }
        // SAFETY: [L1] the owner.
        let Some(this) = (unsafe { Self::of(record) }) else { return ptr::null_mut() };
        // SAFETY: [K6] ours alone.
        unsafe { debug::give_back(&this.links, Some(&mut this.slab), ob) };
        // SAFETY: [K4] linked, and its object lives.
        let ob = unsafe { this.find(object) };
        debug_assert!(!ob.is_null());
        // SAFETY: [K2] linked to a live object, so alive.
        unsafe { PyObject::incref(ob) };
        ob
    }
}
