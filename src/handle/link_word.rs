//! The link word of a `PyObject`: 0 while it is unlinked; otherwise the address of the object on the heap with tags.
//!
//! | tag | meaning | who changes it |
//! |---|---|---|
//! | `C_OWNED` | the pair was made from C's side | nobody |
//! | `LIGHT` | freed silently | nobody |
//! | `PRIVATE` | the object is private to the owner of this slab page | its publication clears it |
//! | `YOUNG` | and in the owner's nursery: the address changes with the next minor collection | the owner's minor |
//! | `AGE` | the minors through which it has waited there (`mutator/waiting.rs`) | the owner's minor |
//!
//! While `PRIVATE` is set only that owner, or its holder, writes the word and looks at the object. Without `PRIVATE` and
//! `YOUNG` the word never changes until the pair dies.
//!
//! # Orderings
//! - [L-word] a publication of the object → `publish`, `set` (release) → `get` (acquire): who finds the link public sees a
//!   public object.

use crate::sync::atomic::{
    AtomicUsize,
    Ordering::{Acquire, Release},
};

const C_OWNED: usize = 1;
const LIGHT: usize = 2;
/// Only the owner of the page may cross.
pub const PRIVATE: usize = 1 << 63;
const YOUNG: usize = 1 << 62;
/// The address of the object.
pub const ADDRESS: usize = (1 << 48) - 8;
/// Where a young link has the number of minor collections that its object has waited through.
const AGE_SHIFT: u32 = 56;
const AGE: usize = 7 << AGE_SHIFT;
/// The most that a young object can wait.
const MAX_AGE: u8 = 7;

/// A link word's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkWord(pub usize);

impl LinkWord {
    /// The link to a public object at this address.
    #[inline(always)]
    pub fn tagged(address: usize, light: bool, c_owned: bool) -> LinkWord {
        LinkWord(address | if light { LIGHT } else { 0 } | if c_owned { C_OWNED } else { 0 })
    }

    /// The same link to an object that is private, and perhaps young.
    #[inline(always)]
    pub fn private(self, young: bool) -> LinkWord {
        LinkWord(self.0 | PRIVATE | if young { YOUNG } else { 0 })
    }

    /// Whether there is a link.
    #[inline(always)]
    pub fn is_linked(self) -> bool {
        self.0 != 0
    }

    /// Whether the object is private.
    #[inline(always)]
    pub fn is_private(self) -> bool {
        self.0 & PRIVATE != 0
    }

    /// Whether it is young, too.
    pub fn is_young(self) -> bool {
        self.0 & YOUNG != 0
    }

    /// Whether it is young, and the link light.
    pub fn is_young_and_light(self) -> bool {
        self.0 & (YOUNG | LIGHT) == YOUNG | LIGHT
    }

    /// Whether the pair is freed silently.
    pub fn is_light(self) -> bool {
        self.0 & LIGHT != 0
    }

    /// Where the object is.
    #[inline(always)]
    pub fn address(self) -> usize {
        self.0 & ADDRESS
    }

    /// The same link to an object that was promoted to this address.
    pub fn moved(self, address: usize) -> LinkWord {
        LinkWord(self.0 & !(ADDRESS | YOUNG | AGE) | address)
    }

    /// How many minors its young object has waited through.
    pub fn age(self) -> u8 {
        ((self.0 & AGE) >> AGE_SHIFT) as u8
    }

    /// The link of a young object that waits, taken out of the sight of who ends what is young.
    pub fn hidden(self) -> LinkWord {
        LinkWord(self.0 & !YOUNG)
    }

    /// The same link, back, of an object that has waited once more.
    pub fn waited(self) -> LinkWord {
        let age = (self.age() + 1).min(MAX_AGE);
        LinkWord(self.0 & !AGE | YOUNG | (age as usize) << AGE_SHIFT)
    }
}

/// Where a link word is.
#[derive(Debug)]
#[repr(transparent)]
pub struct LinkCell(AtomicUsize);

impl LinkCell {
    /// Unlinked, or linked.
    pub fn new(word: LinkWord) -> LinkCell {
        LinkCell(AtomicUsize::new(word.0))
    }

    /// The word. Acquire: [L-word].
    #[inline(always)]
    pub fn get(&self) -> LinkWord {
        LinkWord(self.0.load(Acquire))
    }

    /// Sets the word. Release: [L-word].
    #[inline(always)]
    pub fn set(&self, word: LinkWord) {
        self.0.store(word.0, Release);
    }

    /// The object is public: other threads may cross from now on. Release: [L-word].
    pub fn publish(&self) {
        self.0.fetch_and(!(PRIVATE | YOUNG | AGE), Release);
    }
}
