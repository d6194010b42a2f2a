//! What the collector must know of a type: sizes, where its references are, its handle slot and its finalizer.
//!
//! An object's header holds the address of its [`TypeInfo`], so tracing needs no table. A `TypeInfo` must therefore
//! outlive every object that names it: the typed layer uses `'static` ones, and a heap keeps those that are
//! registered with it at run time until it is freed.

use crate::object::Object;
use std::any::TypeId;
use std::ffi::c_void;

/// Called by a [`Trace`] function once for each reference slot.
pub type Visit = unsafe extern "C" fn(slot: *mut *mut Object, arg: *mut c_void);
/// Enumerates the reference slots of an object whose layout offsets cannot describe. May run on any thread.
pub type Trace = unsafe extern "C" fn(object: *mut Object, visit: Visit, arg: *mut c_void);
/// Runs once, on some mutator, after the object was found unreachable; the first argument is that mutator's address.
pub type Finalize = unsafe extern "C" fn(mutator: *mut c_void, object: *mut Object);

/// The handle slot offset of a type that has none.
pub const NO_SLOT: usize = usize::MAX;

/// The largest payload: 1 GiB and some.
pub const MAX_PAYLOAD: usize = (1 << 30) + (1 << 20);

/// A size that no nursery block can satisfy and that overflows no cursor.
pub(crate) const SLOW: usize = usize::MAX >> 2;

/// Objects of more bytes than this (a quarter of a block) live in the large-object space.
pub const LARGE: usize = 8 << 10;

/// So many reference slots are few.
const FEW: usize = 16;

/// What slots objects of a type have: asked for each object that is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slots {
    /// None.
    None,
    /// Those at `refs`, few of them, and no others.
    Few,
    /// Any others.
    Many,
}

/// Layout and behaviour of a type. All offsets count from the start of the payload.
///
/// ```
/// use handfast::raw::{self, Heap, TypeInfo};
/// use handfast::Config;
///
/// /// A number and a reference.
/// static PAIR: TypeInfo = TypeInfo::new("Pair", 16).with_refs(&[8]);
///
/// # let heap = Heap::new(&Config::default())?;
/// # let m = heap.attach()?;
/// // SAFETY: this thread's mutator; what is used after a collection is rooted.
/// unsafe {
///     let pair = m.root(m.alloc(&PAIR));
///     m.store(*pair, 8, m.alloc(&PAIR));
///     raw::payload(*pair).cast::<u64>().write(7); // what is no reference is plain memory
/// # m.detach();
/// }
/// # Ok::<(), handfast::Error>(())
/// ```
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug)]
pub struct TypeInfo {
    /// Bytes that the allocation fast path takes, header included; [`SLOW`] sends it to the slow path (items,
    /// finalizers, large sizes). The first field: the C header's inline allocation reads it.
    pub(crate) fast_bytes: usize,
    /// Bytes of the fixed part of the payload, rounded up to a multiple of 8.
    pub(crate) size: usize,
    /// Bytes of an item, 0 for types of fixed size.
    pub(crate) item_size: usize,
    /// Offset of the handle slot, or [`NO_SLOT`]. The fourth word: C's inline `hf_from_obj` reads it.
    pub(crate) handle_slot: usize,
    /// Offsets of the references in the fixed part.
    pub(crate) refs: &'static [usize],
    /// Whether each item is one reference.
    pub(crate) items_are_refs: bool,
    /// What `refs`, `items_are_refs` and `trace` come to.
    pub(crate) slots: Slots,
    /// Replaces `refs` and `items_are_refs`.
    pub(crate) trace: Option<Trace>,
    /// The finalizer.
    pub(crate) finalize: Option<Finalize>,
    /// The number that the heap gave it when it was registered, or `u32::MAX`.
    pub(crate) id: u32,
    /// For messages.
    pub(crate) name: &'static str,
    /// The Rust type of the payload, when the typed layer made this description. A function, because `TypeId::of` is
    /// not yet const in the oldest supported compiler; and because it makes the bytes of two descriptions differ
    /// whenever their types do, so that the linker cannot merge them: equal addresses mean equal types.
    pub(crate) type_id: Option<fn() -> TypeId>,
}

impl TypeInfo {
    /// A type of `size` payload bytes without references.
    ///
    /// ```
    /// use handfast::raw::TypeInfo;
    /// static POINT: TypeInfo = TypeInfo::new("Point", 12);
    /// assert_eq!((POINT.name(), POINT.size()), ("Point", 16)); // whole words
    /// ```
    pub const fn new(name: &'static str, size: usize) -> TypeInfo {
        let size = (size + 7) & !7;
        TypeInfo {
            fast_bytes: if size + 8 > LARGE { SLOW } else { size + 8 },
            size,
            item_size: 0,
            refs: &[],
            items_are_refs: false,
            slots: Slots::None,
            trace: None,
            handle_slot: NO_SLOT,
            finalize: None,
            id: u32::MAX,
            name,
            type_id: None,
        }
    }
    /// Adds references at these offsets of the fixed part.
    ///
    /// ```
    /// use handfast::raw::{self, Heap, TypeInfo};
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
    ///     m.collect_minor();
    ///     assert!(!m.load(*node, 0).is_null());
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub const fn with_refs(mut self, offsets: &'static [usize]) -> TypeInfo {
        self.refs = offsets;
        self.with_slots()
    }
    /// Adds items of `item_size` plain bytes each after the fixed part.
    ///
    /// ```
    /// use handfast::raw::{self, Heap, TypeInfo};
    /// use handfast::Config;
    ///
    /// static TEXT: TypeInfo = TypeInfo::new("Text", 0).with_items(1);
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     let text = m.alloc_items(&TEXT, 5);
    ///     assert_eq!(raw::items(text), 5);
    ///     raw::payload(text).cast::<[u8; 5]>().write(*b"hello");
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub const fn with_items(mut self, item_size: usize) -> TypeInfo {
        self.item_size = item_size;
        self.fast_bytes = SLOW;
        self
    }
    /// Adds items that are references.
    ///
    /// ```
    /// use handfast::raw::{self, Heap, TypeInfo};
    /// use handfast::Config;
    ///
    /// static TABLE: TypeInfo = TypeInfo::new("Table", 0).with_ref_items();
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     let table = m.root(m.alloc_items(&TABLE, 100));
    ///     m.store(*table, 8 * 3, m.alloc(&TABLE)); // item 3; a table without items
    ///     assert!(m.load(*table, 8 * 4).is_null());
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub const fn with_ref_items(mut self) -> TypeInfo {
        self.item_size = 8;
        self.fast_bytes = SLOW;
        self.items_are_refs = true;
        self.with_slots()
    }
    /// Replaces offsets by a function.
    ///
    /// ```
    /// use handfast::raw::{self, Heap, Object, TypeInfo, Visit};
    /// use std::ffi::c_void;
    /// use handfast::Config;
    ///
    /// /// The second word alone.
    /// unsafe extern "C" fn trace(object: *mut Object, visit: Visit, arg: *mut c_void) {
    ///     // SAFETY: a live object of this type; `visit` and `arg` belong together.
    ///     unsafe { visit(raw::payload(object).cast::<*mut Object>().add(1), arg) };
    /// }
    ///
    /// static PAIR: TypeInfo = TypeInfo::new("Pair", 16).with_trace(trace);
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     let pair = m.root(m.alloc(&PAIR));
    ///     m.store(*pair, 8, m.alloc(&PAIR));
    ///     m.collect_full();
    ///     assert!(!m.load(*pair, 8).is_null());
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub const fn with_trace(mut self, trace: Trace) -> TypeInfo {
        self.trace = Some(trace);
        self.with_slots()
    }
    const fn with_slots(mut self) -> TypeInfo {
        self.slots = match self.refs {
            _ if self.trace.is_some() || self.items_are_refs => Slots::Many,
            [] => Slots::None,
            refs if refs.len() <= FEW => Slots::Few,
            _ => Slots::Many,
        };
        self
    }
    /// Names the word in which an object keeps the address of its `PyObject`.
    ///
    /// ```
    /// use handfast::raw::{self, Heap, TypeInfo};
    /// use handfast::{LinkFlags, PyObject};
    /// use handfast::Config;
    ///
    /// static OBJECT: TypeInfo = TypeInfo::new("Object", 16).with_handle_slot(8);
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     let object = m.alloc(&OBJECT);
    ///     let ob = m.handle(object, 24, std::ptr::null_mut(), LinkFlags::LIGHT);
    ///     assert_eq!(raw::payload(object).cast::<*mut PyObject>().add(1).read(), ob);
    ///     assert_eq!(m.from_obj(object), ob);
    ///     # PyObject::decref(ob);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub const fn with_handle_slot(mut self, offset: usize) -> TypeInfo {
        self.handle_slot = offset;
        self
    }
    /// Sets the finalizer.
    ///
    /// ```
    /// use handfast::raw::{Heap, Object, TypeInfo};
    /// use std::ffi::c_void;
    /// use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    /// use handfast::Config;
    ///
    /// static CLOSED: AtomicU32 = AtomicU32::new(0);
    ///
    /// unsafe extern "C" fn close(_mutator: *mut c_void, _file: *mut Object) {
    ///     CLOSED.fetch_add(1, Relaxed);
    /// }
    ///
    /// static FILE: TypeInfo = TypeInfo::new("File", 8).with_finalizer(close);
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     m.alloc(&FILE);
    ///     m.collect_full();
    ///     assert_eq!(CLOSED.load(Relaxed), 1);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub const fn with_finalizer(mut self, finalize: Finalize) -> TypeInfo {
        self.finalize = Some(finalize);
        self.fast_bytes = SLOW;
        self
    }
    /// Names the Rust type of the payload, so that an object can be told to be one of it.
    pub(crate) const fn with_type_id(mut self, type_id: fn() -> TypeId) -> TypeInfo {
        self.type_id = Some(type_id);
        self
    }
    /// The name given at creation.
    ///
    /// ```
    /// use handfast::raw::TypeInfo;
    /// assert_eq!(TypeInfo::new("Node", 16).name(), "Node");
    /// ```
    pub const fn name(&self) -> &'static str {
        self.name
    }
    /// Bytes of the fixed part of the payload.
    ///
    /// ```
    /// use handfast::raw::TypeInfo;
    /// assert_eq!(TypeInfo::new("Node", 13).size(), 16);
    /// ```
    pub const fn size(&self) -> usize {
        self.size
    }
    /// Bytes of an item, 0 for types of fixed size.
    ///
    /// ```
    /// use handfast::raw::TypeInfo;
    /// assert_eq!(TypeInfo::new("Table", 0).with_ref_items().item_size(), 8);
    /// ```
    pub const fn item_size(&self) -> usize {
        self.item_size
    }
    /// The number that the heap gave it, or `u32::MAX`.
    ///
    /// ```
    /// use handfast::raw::{Heap, TypeInfo};
    /// let heap = Heap::new(&handfast::Config::default())?;
    /// let ty = heap.register_type("Node", &[0], TypeInfo::new("", 16))?;
    /// // SAFETY: as long as the heap.
    /// assert_eq!(heap.type_by_id(unsafe { &*ty }.id()), Some(ty));
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// Bytes of an object with this many items: item count, header, fixed part, items, rounded up to 8.
    #[inline]
    pub(crate) const fn bytes_with(&self, items: usize) -> usize {
        if self.item_size == 0 {
            return 8 + self.size;
        }
        (16 + self.size + items * self.item_size + 7) & !7
    }
}
