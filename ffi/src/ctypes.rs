//! The types that C sees: opaque names for the core's types, the layout of `hf_pyobject`, and C's spellings of integers.
//!
//! The core's own types are not named in the header, because its generator reads this crate only. Each opaque type here
//! stands for one core type at the same address; `hf_pyobject` repeats the core's layout, and constants below stop the
//! build when the two differ. `include/handfast_inline.h` repeats the head of `hf_mutator`, the two header bytes that
//! it reads, and the immortal bit: those are checked here too.

use handfast_core::raw::PyObject;
use handfast_core::raw::{GlobalCell, Record, WeakCell};
use handfast_core::raw::{IMMORTAL, layout};
use handfast_core::raw::{Object, TypeInfo};
use std::ffi::c_void;
use std::mem::{align_of, offset_of, size_of};
use std::ptr;

/// C's `size_t`.
#[allow(non_camel_case_types, reason = "the header's generator knows this name")]
pub type size_t = usize;

/// C's `ptrdiff_t`.
#[allow(non_camel_case_types, reason = "the header's generator knows this name")]
pub type ptrdiff_t = isize;

/// C's `bool`, as whatever byte a C program left there: anything but 0 is true.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CBool(pub u8);

impl CBool {
    /// Its value.
    pub const fn get(self) -> bool {
        self.0 != 0
    }
}

/// A thread that is attached to a heap. It belongs to that thread; `hf_detach` ends it.
#[derive(Debug)]
pub struct HfMutator {
    _opaque: [u8; 0],
}

/// An object of the heap. It may move: the pointer is valid until this mutator's next call that may collect, unless
/// it is read again from a root (`hf_root`, `hf_global_get`) afterwards.
#[derive(Debug)]
pub struct HfObject {
    _opaque: [u8; 0],
}

/// What a program that allocates one type in a hot loop gets from `hf_type_layout`. It lives as long as its heap.
#[derive(Debug)]
pub struct HfLayout {
    _opaque: [u8; 0],
}

/// A root of the heap itself: a cell that keeps one object alive until `hf_global_free`.
#[derive(Debug)]
pub struct HfGlobal {
    _opaque: [u8; 0],
}

/// A weak reference: a cell that answers one object while it is alive, until `hf_weak_free`.
#[derive(Debug)]
pub struct HfWeak {
    _opaque: [u8; 0],
}

/// The side of a pair that C holds. It never moves while it is linked or counted; the embedder's own fields follow it.
/// C changes the count with `hf_incref` and `hf_decref` only, which are atomic, and never writes the link.
#[repr(C)]
#[derive(Debug)]
pub struct HfPyobject {
    /// C references, plus 1 while linked; one bit marks immortal. Atomic: read it with `hf_refcnt`.
    pub ob_refcnt: isize,
    /// 0 when unlinked. The library's.
    pub ob_pypy_link: usize,
    /// The embedder's.
    pub ob_type: *mut c_void,
}

/// The bit of `ob_refcnt` that marks an immortal object.
pub const HF_IMMORTAL_BIT: u32 = 60;

const _: () = {
    assert!(size_of::<HfPyobject>() == 24);
    assert!(size_of::<HfPyobject>() == size_of::<PyObject>());
    assert!(align_of::<HfPyobject>() == align_of::<PyObject>());
    assert!(offset_of!(HfPyobject, ob_refcnt) == offset_of!(PyObject, ob_refcnt));
    assert!(offset_of!(HfPyobject, ob_pypy_link) == offset_of!(PyObject, ob_pypy_link));
    assert!(offset_of!(HfPyobject, ob_type) == offset_of!(PyObject, ob_type));
    // The head of a mutator's record, as `struct hf_mutator_head` of handfast_inline.h repeats it.
    assert!(offset_of!(Record, cursor) == 0);
    assert!(offset_of!(Record, limit) == 8);
    assert!(offset_of!(Record, barrier) == 16);
    assert!(offset_of!(Record, word) == 20);
    assert!(offset_of!(Record, zeroed) == 24);
    assert!(offset_of!(Record, known_types) == 32);
    // HF_KNOWN_TYPES entries of two words.
    assert!(offset_of!(Record, heap) == 32 + 256 * 16);
    // The bit that the inline counts test.
    assert!(IMMORTAL == 1 << HF_IMMORTAL_BIT);
    // An object is its 8-byte header.
    assert!(size_of::<Object>() == 8);
    // The head of a description, as `struct hf_type_head` repeats it: fast_bytes, size, item_size, handle_slot.
    assert!(type_head(&TypeInfo::new("", 40), 0) == 48);
    assert!(type_head(&TypeInfo::new("", 40).with_items(3), 0) > 1 << 48);
    assert!(type_head(&TypeInfo::new("", 40).with_items(3), 1) == 40);
    assert!(type_head(&TypeInfo::new("", 40).with_items(3), 2) == 3);
    assert!(type_head(&TypeInfo::new("", 40).with_handle_slot(16), 3) == 16);
    assert!(type_head(&TypeInfo::new("", 40), 3) == usize::MAX);
    // What the inline crossing reads: HF_LINK_PRIVATE and the rest.
    assert!(layout::LINK_PRIVATE == 1 << 63);
    assert!(layout::LINK_ADDRESS == (1 << 48) - 8);
    assert!(layout::BARRIER_IDLE == 5 | layout::CHECKED);
    // HF_BARRIER_CHECKED, where the core is a checked one.
    assert!(layout::CHECKED == 0 || layout::CHECKED == 128);
    assert!(layout::PAGE_BYTES == 1 << 16);
    assert!(layout::PAGE_OWNER == 8);
};

/// A word of the head of a description.
const fn type_head(info: &TypeInfo, word: usize) -> usize {
    assert!(word < 4);
    let head: *const usize = ptr::from_ref(info).cast();
    // SAFETY: [E5] a description has more than four words.
    let at = unsafe { head.add(word) };
    // SAFETY: [E5] the first four are integers: the assertions above would not compile otherwise.
    unsafe { at.read() }
}

impl HfMutator {
    /// The record that this name stands for.
    pub(crate) fn record(this: *mut HfMutator) -> *mut Record {
        this.cast()
    }
}

impl HfObject {
    /// The object that this name stands for.
    pub(crate) fn object(this: *mut HfObject) -> *mut Object {
        this.cast()
    }
    /// The name of an object.
    pub(crate) fn name(object: *mut Object) -> *mut HfObject {
        object.cast()
    }
}

impl HfGlobal {
    /// The cell that this name stands for.
    pub(crate) fn cell(this: *mut HfGlobal) -> *mut GlobalCell {
        this.cast()
    }
}

impl HfWeak {
    /// The cell that this name stands for.
    pub(crate) fn cell(this: *mut HfWeak) -> *mut WeakCell {
        this.cast()
    }
}

impl HfPyobject {
    /// The handle that this name stands for.
    pub(crate) fn handle(this: *mut HfPyobject) -> *mut PyObject {
        this.cast()
    }
    /// The name of a handle.
    pub(crate) fn name(handle: *mut PyObject) -> *mut HfPyobject {
        handle.cast()
    }
}
