//! `PyObject`: the side of a pair that C sees. It never moves while it is linked or counted.
//!
//! Three words in this order, then the embedder's own fields: the count ([`RefCount`]), the link word ([`LinkCell`]), the
//! embedder's type. Layout and the meaning of the count are those of PyPy's `rawrefcount`, but a link owns exactly one
//! count: no bias.

use super::death::saturated;
use super::debug;
use super::link_word::{LinkCell, LinkWord};
use super::refcount::{Incref, RefCount};
use crate::object::Object;
use std::ffi::c_void;

/// The C side of a pair.
#[repr(C)]
#[derive(Debug)]
pub struct PyObject {
    /// C references, + 1 while linked; one bit marks immortal.
    pub ob_refcnt: RefCount,
    /// 0 when unlinked.
    pub ob_pypy_link: LinkCell,
    /// The embedder's.
    pub ob_type: *mut c_void,
}

const _: () = assert!(size_of::<PyObject>() == 24);

/// Bytes of the smallest `PyObject`.
pub const MIN_SIZE: usize = size_of::<PyObject>();

/// How a pair is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkFlags(pub u32);

impl LinkFlags {
    /// When the pair dies its `PyObject` goes to the dead queue.
    pub const NONE: LinkFlags = LinkFlags(0);
    /// When the pair dies its `PyObject` is freed silently.
    pub const LIGHT: LinkFlags = LinkFlags(1);
}

impl LinkWord {
    #[inline(always)]
    pub(super) fn new(object: *mut Object, light: bool, c_owned: bool) -> LinkWord {
        LinkWord::tagged(object as usize, light, c_owned)
    }

    #[inline(always)]
    pub(super) fn object(self) -> *mut Object {
        self.address() as *mut Object
    }

    /// The same link to an object that was promoted to this address.
    pub(super) fn promoted(self, object: *mut Object) -> LinkWord {
        self.moved(object as usize)
    }
}

impl PyObject {
    /// The link word.
    #[inline(always)]
    pub(super) fn link(&self) -> LinkWord {
        self.ob_pypy_link.get()
    }

    /// Sets the link word.
    #[inline(always)]
    pub(super) fn set_link(&self, word: LinkWord) {
        self.ob_pypy_link.set(word);
    }

    /// The publication of the linked object: other threads may cross from now on.
    pub(super) fn clear_private(&self) {
        self.ob_pypy_link.publish();
    }

    /// The link's own count.
    pub(super) fn count_link(&self) {
        if self.ob_refcnt.add_link() == Incref::Saturated {
            saturated("link", self);
        }
    }

    /// Whether C holds it: more than the link's own count, or immortal.
    pub(super) fn is_held(&self) -> bool {
        self.ob_refcnt.is_held()
    }

    /// C references to it, without the link's own.
    ///
    /// # Safety
    /// `ob` is a live `PyObject`.
    #[inline]
    pub unsafe fn refcnt(ob: *const PyObject) -> isize {
        debug::check_use("refcnt", ob);
        // SAFETY: [K2] the caller says that it is live.
        let this = unsafe { &*ob };
        (this.ob_refcnt.count() - this.link().is_linked() as isize).max(0)
    }

    /// Whether it is linked with an object on the heap. Any thread; the answer may be late.
    ///
    /// # Safety
    /// `ob` is a live `PyObject`.
    #[inline]
    pub unsafe fn is_linked(ob: *const PyObject) -> bool {
        debug::check_use("is_linked", ob);
        // SAFETY: [K2] the caller says that it is live.
        unsafe { (*ob).link() }.is_linked()
    }

    /// Whether there is exactly one C reference and no link: nobody else can reach it.
    ///
    /// # Safety
    /// `ob` is a live `PyObject` to which the caller holds a reference.
    #[inline]
    pub unsafe fn is_unique(ob: *const PyObject) -> bool {
        debug::check_use("is_unique", ob);
        // SAFETY: [K2] the caller says that it is live.
        let this = unsafe { &*ob };
        !this.link().is_linked() && this.ob_refcnt.get_acquire() == 1
    }

    /// Takes a C reference. Any attached thread; never collects.
    ///
    /// # Safety
    /// `ob` is a live `PyObject` that the caller holds, or that something it holds keeps alive.
    #[inline]
    pub unsafe fn incref(ob: *const PyObject) {
        debug::check_incref(ob);
        // SAFETY: [K2] the caller says that it is live.
        if unsafe { (*ob).ob_refcnt.incref() } == Incref::Saturated {
            saturated("incref", ob);
        }
    }

    /// Makes it immortal: neither counts nor collections free it from now on (PEP 683).
    ///
    /// # Safety
    /// `ob` is a live `PyObject`.
    pub unsafe fn set_immortal(ob: *const PyObject) {
        debug::check_use("set_immortal", ob);
        // SAFETY: [K2] the caller says that it is live.
        unsafe { (*ob).ob_refcnt.set_immortal() };
    }
}
