//! What a mutator does with objects: reads and writes references, and asks what an object is.

use super::mutator::Mutator;
use crate::object::header::{HASHED, OLD, PINNED, PUBLIC};
use crate::object::{Object, reference, slot};

#[allow(clippy::missing_safety_doc, reason = "the same for all: the rules of the module `raw`, numbers 1 to 3")]
impl Mutator {
    /// Reads the reference at `offset` of the payload.
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
    ///     let node = m.alloc(&NODE);
    ///     assert!(m.load(node, 0).is_null());
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline(always)]
    pub unsafe fn load(self, source: *mut Object, offset: usize) -> *mut Object {
        // SAFETY: [S1] the caller names a slot of a live object.
        reference::follow(unsafe { slot::atomic(Object::payload(source).wrapping_add(offset).cast()) })
    }

    /// Writes the reference at `offset` of the payload, with the write barrier. `value` may be null. Never collects.
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
    ///     let (node, next) = (m.root(m.alloc(&NODE)), m.alloc(&NODE));
    ///     m.store(*node, 0, next); // an offset of the payload
    ///     assert_eq!(m.load(*node, 0), next);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline(always)]
    pub unsafe fn store(self, source: *mut Object, offset: usize, value: *mut Object) {
        // SAFETY: [S1] the caller names a slot of a live object.
        unsafe { self.record().store(source, Object::payload(source).wrapping_add(offset).cast(), value) };
    }

    /// Writes the reference at `offset` of the payload if it is `expected`, with the write barrier; whether it was. One
    /// atomic step if `source` is public; `value` is published then, whatever the answer. Both may be null. Never collects.
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
    ///     let (node, next) = (m.root(m.alloc(&NODE)), m.root(m.alloc(&NODE)));
    ///     assert!(m.compare_store(*node, 0, std::ptr::null_mut(), *next));
    ///     assert!(!m.compare_store(*node, 0, std::ptr::null_mut(), *node), "it refers to something");
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
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
    ///     let number = m.identity(*node);
    ///     m.collect_full(); // the object may move, its number stays
    ///     assert_eq!(m.identity(*node), number);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub unsafe fn identity(self, object: *mut Object) -> usize {
        // SAFETY: [H2] the caller's object.
        let header = unsafe { &*object };
        if header.flags() & (PUBLIC | OLD) == 0 {
            header.set_flags_private(HASHED, 0);
        }
        object as usize
    }

    /// From now on, and until it is unpinned as often, the object does not move. Does not keep it alive. Never collects.
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
    ///     let before = *node;
    ///     m.pin(*node);
    ///     m.collect_minor();
    ///     assert_eq!(*node, before);
    ///     m.unpin(*node);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
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
    ///     m.pin(*node);
    ///     m.pin(*node);
    ///     m.unpin(*node);
    ///     m.unpin(*node); // as often as it was pinned
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
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
    ///     assert!(!m.is_public(*node));
    ///     m.publish(*node);
    ///     assert!(m.is_public(*node));
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub unsafe fn is_public(self, object: *mut Object) -> bool {
        // SAFETY: [H2] the caller's object.
        unsafe { (*object).flags() & PUBLIC != 0 }
    }

    /// Whether the object is in a nursery.
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
    ///     assert!(m.is_young(*node));
    ///     m.collect_minor();
    ///     assert!(!m.is_young(*node));
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub unsafe fn is_young(self, object: *mut Object) -> bool {
        // SAFETY: [H2] the caller's object.
        unsafe { (*object).flags_acquire() & OLD == 0 }
    }

    /// Whether an address lies in this heap. The address is not read.
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
    ///     let other = Heap::new(&Config::default())?;
    ///     let n = other.attach()?;
    ///     let node = m.alloc(&NODE);
    ///     assert!(m.owns(node) && !n.owns(node));
    ///     n.detach();
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub unsafe fn owns(self, object: *mut Object) -> bool {
        self.record().owns(object)
    }

    /// Makes the object and all that it reaches public. Never collects.
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
    ///     let (node, next) = (m.root(m.alloc(&NODE)), m.alloc(&NODE));
    ///     m.store(*node, 0, next);
    ///     m.publish(*node);
    ///     assert!(m.is_public(m.load(*node, 0)), "and all that it reaches");
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub unsafe fn publish(self, object: *mut Object) {
        // SAFETY: [P1] the caller's object.
        unsafe { self.record().publish(object) };
    }
}
