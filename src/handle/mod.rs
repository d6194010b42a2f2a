//! handles (skeleton)
pub(crate) mod slab;
use crate::sync::atomic::*;
/// The C side of a pair.
#[repr(C)]
#[derive(Debug)]
pub struct PyObject { pub ob_refcnt: AtomicIsize, pub ob_pypy_link: AtomicUsize, pub ob_type: *mut std::ffi::c_void }
impl PyObject {
    /// Takes a C reference. # Safety: `ob` valid.
    pub unsafe fn incref(ob: *const PyObject) { let _ = ob; todo!() }
    /// Drops a C reference; at zero of an unlinked one the heap's dealloc runs at once on this thread.
    pub unsafe fn decref(ob: *mut PyObject) { let _ = ob; todo!() }
    /// C references only.
    pub unsafe fn refcnt(ob: *const PyObject) -> isize { let _ = ob; todo!() }
    /// One C reference and no link.
    pub unsafe fn is_unique(ob: *const PyObject) -> bool { let _ = ob; todo!() }
    /// For ever.
    pub unsafe fn set_immortal(ob: *const PyObject) { let _ = ob; todo!() }
    /// Gives the memory back (C-only or dead).
    pub unsafe fn free(ob: *mut PyObject) { let _ = ob; todo!() }
}
/// How a pair is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkFlags(pub u32);
impl LinkFlags { pub const NONE: LinkFlags = LinkFlags(0); pub const LIGHT: LinkFlags = LinkFlags(1); }
pub type Dealloc = unsafe extern "C" fn(*mut PyObject, *mut std::ffi::c_void);
pub type DeadNotifier = unsafe extern "C" fn(*mut std::ffi::c_void);
/// What C still holds when a heap is freed.
#[derive(Clone, Debug, Default)]
pub struct LeakReport { pub objects: u64, pub references: u64, pub by_type: Vec<(usize, u64, u64)> }
