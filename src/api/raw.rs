//! The raw layer, for runtime authors and the C interface (skeleton).
use crate::{Config, Error, object::*, handle::*};
use crate::api::stats::Stats;
use std::{ffi::c_void, marker::PhantomData, ptr::NonNull};

/// A shared handle on a heap (clone = another handle on the same).
#[derive(Clone, Debug)] pub struct Heap(std::sync::Arc<()>);
/// The C view of an attached thread; its address is `hf_mutator *`.
#[repr(C)] #[derive(Debug)] pub struct Record { /// bump cursor
 pub cursor: usize, /// end of the current nursery block, 0 when interrupted
 pub limit: usize, /// flags of a source that send a store to the slow path
 pub barrier_mask: u8 }
/// An attached thread.
#[repr(transparent)] #[derive(Clone, Copy, Debug, PartialEq, Eq)] pub struct Mutator(NonNull<Record>, PhantomData<*mut ()>);
#[repr(C)] #[derive(Debug)] pub struct GlobalCell { _p: [usize; 2] }
#[repr(C)] #[derive(Debug)] pub struct WeakCell { _p: [usize; 3] }
/// One live object of a heap walk.
#[derive(Clone, Copy, Debug)] pub struct WalkedObject { pub address: usize, pub type_info: *const TypeInfo, pub bytes: usize, pub items: usize }

impl Heap {
    pub fn new(config: &Config) -> Result<Heap, Error> { let _ = config; todo!() }
    /// Validates and stores a description; the pointer lives as long as the heap. `name`, `refs` are copied.
    pub fn register_type(&self, name: &str, refs: &[usize], info: TypeInfo) -> Result<*const TypeInfo, Error> { let _ = (name, refs, info); todo!() }
    /// The description with this id (what `register_type` stored in `TypeInfo::id`).
    pub fn type_by_id(&self, id: u32) -> Option<*const TypeInfo> { let _ = id; todo!() }
    /// Attaches this thread. A thread attaches once to a heap (else AlreadyAttached); to several heaps at a time it may.
    pub fn attach(&self) -> Result<Mutator, Error> { todo!() }
    /// This thread's mutator of this heap.
    pub fn current(&self) -> Option<Mutator> { todo!() }
    pub fn stats(&self) -> Stats { todo!() }
    pub fn config(&self) -> &Config { todo!() }
    pub fn set_dealloc(&self, dealloc: Option<Dealloc>, arg: *mut c_void) { let _ = (dealloc, arg); todo!() }
    pub fn set_dead_notifier(&self, notify: Option<DeadNotifier>, arg: *mut c_void) { let _ = (notify, arg); todo!() }
    /// Unlinked, count 1; null when empty. Safe before anything is set up.
    pub fn next_dead(&self) -> *mut PyObject { todo!() }
    /// Bytes outside of the heap that its objects keep alive: added to what pacing counts.
    pub fn external_memory(&self, delta: isize) { let _ = delta; todo!() }
    /// Ends collector threads, runs deallocs to a fixed point, reports what C still holds, frees the memory.
    /// Error StillAttached (nothing done) while mutators are attached. The last handle's drop does the same without report.
    pub fn close(&self) -> Result<LeakReport, Error> { todo!() }
    /// Runs the verifier over what is old and public. Panics with a description on the first violation.
    pub fn verify(&self) { todo!() }
    pub fn id(&self) -> usize { todo!() }
}
/// # Safety of all: the calling thread is the one that attached; object arguments are valid for this mutator (or null where said).
/// "may collect": every unrooted object pointer of this mutator is stale afterwards.
#[allow(clippy::missing_safety_doc)]
impl Mutator {
    pub fn as_ptr(self) -> *mut Record { self.0.as_ptr() }
    pub unsafe fn from_ptr(p: *mut Record) -> Option<Mutator> { NonNull::new(p).map(|p| Mutator(p, PhantomData)) }
    pub unsafe fn heap<'a>(self) -> &'a Heap { todo!() }
    /// Whether the calling thread is the one that attached it.
    pub unsafe fn is_current(self) -> bool { todo!() }
    /// Ends the attachment; the pointer is invalid afterwards. may collect.
    pub unsafe fn detach(self) { todo!() }
    /// may collect; runs finalizers and the dead notifier
    pub unsafe fn safepoint(self) { todo!() }
    pub unsafe fn native_enter(self) { todo!() }
    /// may collect
    pub unsafe fn native_leave(self) { todo!() }
    pub unsafe fn is_native(self) -> bool { todo!() }
    /// Zeroed; null = out of memory; may collect.
    pub unsafe fn alloc(self, ty: *const TypeInfo) -> *mut Object { let _ = ty; todo!() }
    pub unsafe fn alloc_items(self, ty: *const TypeInfo, items: usize) -> *mut Object { let _ = (ty, items); todo!() }
    /// As alloc, but the payload is uninitialised: the caller writes all of it before the next point that may collect.
    pub unsafe fn alloc_uninit(self, ty: *const TypeInfo) -> *mut Object { let _ = ty; todo!() }
    /// `offset` counts from the payload start.
    pub unsafe fn load(self, src: *mut Object, offset: usize) -> *mut Object { let _ = (src, offset); todo!() }
    /// With the write barrier; never collects; value may be null.
    pub unsafe fn store(self, src: *mut Object, offset: usize, value: *mut Object) { let _ = (src, offset, value); todo!() }
    pub unsafe fn identity(self, o: *mut Object) -> usize { let _ = o; todo!() }
    /// nests; the object does not move until unpinned as often. Does not keep it alive.
    pub unsafe fn pin(self, o: *mut Object) { let _ = o; todo!() }
    pub unsafe fn unpin(self, o: *mut Object) { let _ = o; todo!() }
    pub unsafe fn is_public(self, o: *mut Object) -> bool { let _ = o; todo!() }
    pub unsafe fn is_young(self, o: *mut Object) -> bool { let _ = o; todo!() }
    pub unsafe fn publish(self, o: *mut Object) { let _ = o; todo!() }
    /// may collect
    pub unsafe fn collect_minor(self) { todo!() }
    /// may collect; when it returns everything unreachable before the call has died
    pub unsafe fn collect_full(self) { todo!() }
    pub unsafe fn scope_open(self) -> usize { todo!() }
    /// closes this and all later ones; false if `scope` is not open
    pub unsafe fn scope_close(self, scope: usize) -> bool { let _ = scope; todo!() }
    /// a slot with a stable address until its scope closes; never null (aborts when memory is out)
    pub unsafe fn root(self, o: *mut Object) -> *mut *mut Object { let _ = o; todo!() }
    pub unsafe fn global_new(self, o: *mut Object) -> *mut GlobalCell { let _ = o; todo!() }
    pub unsafe fn global_get(self, g: *mut GlobalCell) -> *mut Object { let _ = g; todo!() }
    pub unsafe fn global_set(self, g: *mut GlobalCell, o: *mut Object) { let _ = (g, o); todo!() }
    pub unsafe fn global_free(self, g: *mut GlobalCell) { let _ = g; todo!() }
    pub unsafe fn weak_new(self, o: *mut Object) -> *mut WeakCell { let _ = o; todo!() }
    pub unsafe fn weak_get(self, w: *mut WeakCell) -> *mut Object { let _ = w; todo!() }
    pub unsafe fn weak_free(self, w: *mut WeakCell) { let _ = w; todo!() }
    /// C-only, count 1, the rest zeroed; null = out of memory or size < 24
    pub unsafe fn pyobject_new(self, size: usize, ob_type: *mut c_void) -> *mut PyObject { let _ = (size, ob_type); todo!() }
    pub unsafe fn pyobject_adopt(self, ob: *mut PyObject, size: usize) -> Result<(), Error> { let _ = (ob, size); todo!() }
    pub unsafe fn pyobject_disown(self, ob: *mut PyObject) -> Result<(), Error> { let _ = ob; todo!() }
    pub unsafe fn link_gc_owned(self, p: *mut Object, ob: *mut PyObject, flags: LinkFlags) -> Result<(), Error> { let _ = (p, ob, flags); todo!() }
    pub unsafe fn link_c_owned(self, p: *mut Object, ob: *mut PyObject, flags: LinkFlags) -> Result<(), Error> { let _ = (p, ob, flags); todo!() }
    /// get or create; a NEW counted reference; null = out of memory
    pub unsafe fn handle(self, p: *mut Object, size: usize, ob_type: *mut c_void, flags: LinkFlags) -> *mut PyObject { let _ = (p, size, ob_type, flags); todo!() }
    /// borrowed; null when p has none
    pub unsafe fn from_obj(self, p: *mut Object) -> *mut PyObject { let _ = p; todo!() }
    /// null when not linked
    pub unsafe fn to_obj(self, ob: *mut PyObject) -> *mut Object { let _ = ob; todo!() }
    /// Live objects: what the last cycle left alive or was promoted since, and this mutator's own after a full collection. may collect
    pub unsafe fn walk(self, f: &mut dyn FnMut(WalkedObject)) { let _ = f; todo!() }
}
/// The payload of an object.
pub unsafe fn payload(o: *mut Object) -> *mut c_void { unsafe { o.cast::<u8>().add(8).cast() } }
/// Number of items (0 for fixed types).
pub unsafe fn items(o: *mut Object) -> usize { let _ = o; todo!() }
/// Its type.
pub unsafe fn type_of(o: *mut Object) -> *const TypeInfo { let _ = o; todo!() }

/// What the typed layer needs besides.
impl Heap {
    /// Frees a global root from any thread: attached or not, running or native. Deferred if it has to be. After
    /// [`Heap::close`] it does nothing.
    /// # Safety
    /// `g` came from `global_new` of a mutator of this heap and is not used again.
    pub unsafe fn global_free_detached(&self, g: *mut GlobalCell) { let _ = g; todo!() }
    /// Likewise for a weak reference.
    /// # Safety
    /// `w` came from `weak_new` of a mutator of this heap and is not used again.
    pub unsafe fn weak_free_detached(&self, w: *mut WeakCell) { let _ = w; todo!() }
}
/// What the typed layer needs besides.
impl Mutator {
    /// Whether the address `o` lies in the range of this mutator's heap (a range check; `o` is not read).
    /// # Safety
    /// The mutator is attached to the calling thread.
    #[inline]
    pub unsafe fn owns(self, o: *mut Object) -> bool { let _ = o; todo!() }
}
