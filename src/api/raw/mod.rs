//! The raw layer: the heap for runtime authors and for the C interface. Small and `unsafe`.
//!
//! Objects are addresses of headers ([`Object`]); their payload is the embedder's memory, laid out as its [`TypeInfo`]
//! says. Rules that the caller keeps, for every function here:
//!
//! 1. A mutator is used by the thread that attached it, and only while it is running (not between `native_enter` and
//!    `native_leave`), unless the function says otherwise.
//! 2. A function that *may collect* makes every object pointer of this mutator stale that is not rooted: private young
//!    objects move. Everything else leaves all pointers valid.
//! 3. References are stored with [`Mutator::store`], never written.
//!
//! ```
//! use handfast::raw::{self, Heap, TypeInfo};
//! use handfast::Config;
//!
//! // A list node: one reference and one number.
//! static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);
//! let heap = Heap::new(&Config::default())?;
//! let m = heap.attach()?;
//! unsafe {
//!     let list = m.root(std::ptr::null_mut());
//!     for i in 0..1000u64 {
//!         let node = m.alloc(&NODE); // may collect: `list` is rooted
//!         raw::payload(node).cast::<u64>().add(1).write(i);
//!         m.store(node, 0, *list);
//!         *list = node;
//!     }
//!     m.collect_minor();
//!     assert_eq!(raw::payload(*list).cast::<u64>().add(1).read(), 999);
//!     m.detach();
//! }
//! # Ok::<(), handfast::Error>(())
//! ```

mod ahead;
mod alloc;
mod batch;
mod cells;
mod death;
#[cfg(feature = "debug")]
pub mod debug;
mod detached;
mod frame;
mod heap;
#[doc(hidden)]
pub mod layout;
mod links;
mod mutator;
mod objects;
mod quick;
mod roots;
mod steps;
mod teardown;
mod types;
mod verify;

pub use crate::handle::refcount::IMMORTAL;
pub use crate::handle::{DeadNotifier, Dealloc, LeakReport, LinkFlags, MIN_SIZE, PyObject};
pub use crate::mutator::Record;
pub use crate::mutator::globals::GlobalCell;
pub use crate::mutator::weak::WeakCell;
pub use crate::object::{Finalize, MAX_PAYLOAD, NO_SLOT, Object, Trace, TypeInfo, Visit};
pub use batch::Batch;
#[doc(hidden)]
pub use death::in_dealloc;
pub use frame::Frame;
pub use heap::{Heap, WalkedObject};
pub use mutator::Mutator;

use std::ffi::c_void;

/// Whether this is a checked build (feature `debug`), which wants to see each count change and each death of a
/// `PyObject` through the functions here.
pub const CHECKED: bool = cfg!(feature = "debug");

/// The payload of an object.
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
///     let node = m.alloc(&NODE);
///     raw::payload(node).cast::<u64>().add(1).write(7);
/// # m.detach();
/// }
/// # Ok::<(), handfast::Error>(())
/// ```
///
/// # Safety
/// `object` is live; what may be read and written there is what its type and rule 3 say.
#[inline(always)]
pub unsafe fn payload(object: *mut Object) -> *mut c_void {
    Object::payload(object).cast()
}

/// The number of items of an object; 0 for types of fixed size.
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
///     assert_eq!(raw::items(m.alloc_items(&TEXT, 5)), 5);
/// # m.detach();
/// }
/// # Ok::<(), handfast::Error>(())
/// ```
///
/// # Safety
/// `object` is live and may be looked at by this thread.
#[inline]
pub unsafe fn items(object: *mut Object) -> usize {
    // SAFETY: [A1] the caller's promise.
    unsafe { Object::items(object) }
}

/// The type of an object.
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
///     assert_eq!((*raw::type_of(m.alloc(&NODE))).name(), "Node");
/// # m.detach();
/// }
/// # Ok::<(), handfast::Error>(())
/// ```
///
/// # Safety
/// As [`items`].
#[inline]
pub unsafe fn type_of(object: *mut Object) -> *const TypeInfo {
    // SAFETY: [A1] the caller's promise.
    unsafe { (*object).type_info() }
}
