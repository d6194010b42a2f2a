//! `PyObject`: the side of a pair that C sees. It never moves while it is linked or counted.
//!
//! Three words in this order, then the embedder's own fields: the count ([`RefCount`]), the link word, the embedder's
//! type. The link word is 0 in an unlinked object; otherwise the address of the object on the heap with tags:
//!
//! | tag | meaning | who changes it |
//! |---|---|---|
//! | `C_OWNED` | the pair was made from C's side | nobody |
//! | `LIGHT` | freed silently | nobody |
//! | `PRIVATE` | the object is private to the owner of this slab page | its publication clears it (release) |
//! | `YOUNG` | and in the owner's nursery: the address changes with the next minor collection | the owner's minor |
//! | `AGE` | the minors through which it has waited there (`mutator/waiting.rs`) | the owner's minor |
//!
//! Without `PRIVATE` and `YOUNG` the word never changes until the pair dies. Layout and the meaning of the count are
//! those of PyPy's `rawrefcount`, but a link owns exactly one count: no bias.

use super::death::saturated;
use super::debug;
use super::refcount::{IMMORTAL, Incref, RefCount};
use crate::object::Object;
use crate::sync::atomic::{AtomicUsize, Ordering};
use std::ffi::c_void;

/// The C side of a pair.
#[repr(C)]
#[derive(Debug)]
pub struct PyObject {
    /// C references, + 1 while linked; one bit marks immortal.
    pub ob_refcnt: RefCount,
    /// 0 when unlinked.
    pub ob_pypy_link: AtomicUsize,
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

const C_OWNED: usize = 1;
const LIGHT: usize = 2;
pub(crate) const PRIVATE: usize = 1 << 63;
const YOUNG: usize = 1 << 62;
pub(crate) const ADDRESS: usize = (1 << 48) - 8;
/// Where a young link has the number of minor collections that its object has waited through.
const AGE_SHIFT: u32 = 56;
const AGE: usize = 7 << AGE_SHIFT;
/// The most that a young object can wait.
const MAX_AGE: u8 = 7;

/// A link word's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LinkWord(pub(super) usize);

impl LinkWord {
    #[inline(always)]
    pub(super) fn new(object: *mut Object, light: bool, c_owned: bool) -> LinkWord {
        LinkWord(object as usize | if light { LIGHT } else { 0 } | if c_owned { C_OWNED } else { 0 })
    }
    #[inline(always)]
    pub(super) fn private(self, young: bool) -> LinkWord {
        LinkWord(self.0 | PRIVATE | if young { YOUNG } else { 0 })
    }
    #[inline(always)]
    pub(super) fn is_linked(self) -> bool {
        self.0 != 0
    }
    #[inline(always)]
    pub(super) fn is_private(self) -> bool {
        self.0 & PRIVATE != 0
    }
    pub(super) fn is_young(self) -> bool {
        self.0 & YOUNG != 0
    }
    pub(super) fn is_young_and_light(self) -> bool {
        self.0 & (YOUNG | LIGHT) == YOUNG | LIGHT
    }
    pub(super) fn is_light(self) -> bool {
        self.0 & LIGHT != 0
    }
    #[inline(always)]
    pub(super) fn object(self) -> *mut Object {
        (self.0 & ADDRESS) as *mut Object
    }
    /// The same link to an object that was promoted to this address.
    pub(super) fn promoted(self, object: *mut Object) -> LinkWord {
        LinkWord(self.0 & !(ADDRESS | YOUNG | AGE) | object as usize)
    }
    /// How many minors its young object has waited through.
    pub(super) fn age(self) -> u8 {
        ((self.0 & AGE) >> AGE_SHIFT) as u8
    }
    /// The link of a young object that waits, taken out of the sight of who ends what is young.
    pub(super) fn hidden(self) -> LinkWord {
        LinkWord(self.0 & !YOUNG)
    }
    /// The same link, back, of an object that has waited once more.
    pub(super) fn waited(self) -> LinkWord {
        let age = (self.age() + 1).min(MAX_AGE);
        LinkWord(self.0 & !AGE | YOUNG | (age as usize) << AGE_SHIFT)
    }
}

impl PyObject {
    /// The link word; acquire ([L-word]), so that who finds it public sees a public object.
    #[inline(always)]
    pub(super) fn link(&self) -> LinkWord {
        LinkWord(self.ob_pypy_link.load(Ordering::Acquire))
    }

    /// Sets the link word; release: [L-word].
    #[inline(always)]
    pub(super) fn set_link(&self, word: LinkWord) {
        self.ob_pypy_link.store(word.0, Ordering::Release);
    }

    /// The publication of the linked object: other threads may cross from now on. Release: [L-word].
    pub(super) fn clear_private(&self) {
        self.ob_pypy_link.fetch_and(!(PRIVATE | YOUNG | AGE), Ordering::Release);
    }

    /// The link's own count.
    pub(super) fn count_link(&self) {
        if self.ob_refcnt.add_link() == Incref::Saturated {
            saturated("link", self);
        }
    }

    /// Whether C holds it: more than the link's own count, or immortal.
    pub(super) fn is_held(&self) -> bool {
        let count = self.ob_refcnt.get_acquire();
        count > 1 || count & IMMORTAL != 0
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
