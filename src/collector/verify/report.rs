//! What the verifier answers: which invariant is violated, by which object, when; or how much was looked at.

use crate::mutator::inspect::Moment;
use std::fmt;

/// An invariant that the verifier checks. SAFETY.md says why each holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Invariant {
    /// A reference is null or the aligned address of an object of this heap, in memory that is in use.
    Reference,
    /// An object that is reached has a whole header: its type is named, and it is not forwarded.
    Header,
    /// The header and the side tables agree on whether an object is old.
    Age,
    /// INV-1: what is public refers to public objects only.
    Public,
    /// INV-2: what a mutator reaches is public or its own.
    Private,
    /// Where a private old object refers to a young one its owner's remembered set says so; and an object whose stores
    /// take the fast path is in that set.
    Remembered,
    /// After a minor collection nothing private and young is left.
    Collected,
    /// What is alive carries the number of the last cycle, or of the one that is under way.
    Mark,
    /// After a snapshot what the roots refer to is shaded.
    Shaded,
    /// No dead line holds a live object; a promoted object is recorded where it starts.
    Line,
    /// A block's kind agrees with its line marks and with who uses it.
    Block,
    /// A block is in one pool or has one owner, and what is used is what is charged.
    Pool,
    /// A nursery's blocks, cursor and limit fit together, and what counts as zeroed ahead is zero.
    Nursery,
    /// The table of large objects, their extents and the free runs fit together.
    Large,
    /// A mutator's barrier and marking number are those of its phase; its grey objects are old and marked.
    Phase,
    /// A link word names an object of the heap, and its tags fit the object: without PRIVATE it is public.
    Link,
    /// A linked object leads to its `PyObject`, and that one back.
    LinkBack,
    /// A page's bit, a mutator's list of young links, and the link word agree.
    LinkBit,
    /// A linked `PyObject` has the link's own count at least.
    LinkCount,
    /// A global root holds null or an object that is public and alive.
    Global,
    /// A weak reference holds null or an object that is public and alive.
    Weak,
    /// What waits for a finalizer has one, and is public or its mutator's own.
    Finalizer,
    /// What is pinned says so in its header.
    Pin,
}

impl Invariant {
    /// What must hold, in a few words.
    pub const fn statement(self) -> &'static str {
        match self {
            Invariant::Reference => "references lead to objects of this heap",
            Invariant::Header => "what is reached has a whole header",
            Invariant::Age => "header and side tables agree on who is old",
            Invariant::Public => "[INV-1] public objects refer to public objects",
            Invariant::Private => "[INV-2] a mutator reaches public objects and its own",
            Invariant::Remembered => "remembered sets are complete",
            Invariant::Collected => "a minor collection leaves nothing private and young",
            Invariant::Mark => "what is alive is marked",
            Invariant::Shaded => "a snapshot shades the roots",
            Invariant::Line => "live objects lie in live lines",
            Invariant::Block => "kinds of blocks agree with their lines and users",
            Invariant::Pool => "a block is in one pool or has one owner",
            Invariant::Nursery => "blocks, cursor and limit of a nursery fit together",
            Invariant::Large => "large objects, their table and free runs fit together",
            Invariant::Phase => "barrier, number and grey buffer are those of the phase",
            Invariant::Link => "a link names an object that fits its tags",
            Invariant::LinkBack => "the two sides of a pair lead to each other",
            Invariant::LinkBit => "a linked PyObject is recorded once, where its link says",
            Invariant::LinkCount => "a link owns a count",
            Invariant::Global => "global roots hold public objects that are alive",
            Invariant::Weak => "weak references hold public objects that are alive, or null",
            Invariant::Finalizer => "what waits for a finalizer has one",
            Invariant::Pin => "what is pinned says so",
        }
    }
}

/// An invariant that does not hold: the heap is corrupt.
///
/// ```
/// # use handfast::{Config, Heap};
/// let heap = Heap::new(Config::default())?;
/// let looked_at = heap.attach()?.scope(|s| {
///     let _kept = s.alloc(7_u64)?;
///     s.verify()
/// })?;
/// assert_eq!(looked_at.private, 1);
/// # Ok::<(), handfast::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// When it was found.
    pub moment: Moment,
    /// The address of the object, block or slot concerned; 0 when there is none.
    pub address: usize,
    /// What was found, in words.
    pub detail: String,
}

impl Violation {
    /// A violation.
    pub(crate) fn new(invariant: Invariant, moment: Moment, address: usize, detail: impl Into<String>) -> Violation {
        Violation { invariant, moment, address, detail: detail.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { invariant, moment, address, detail } = self;
        write!(f, "{moment}, at {address:#x}: {detail}; it should be that {}", invariant.statement())
    }
}

/// What the verifier has looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Marked old objects.
    pub old: u64,
    /// Private objects that mutators reach.
    pub private: u64,
    /// Links that the global cycle looks at.
    pub links: u64,
    /// Mutators that were inspected.
    pub mutators: u64,
    /// Blocks in pools.
    pub pooled_blocks: u64,
    /// Whether no mutator ran meanwhile, so that every block and byte could be accounted for.
    pub accounted: bool,
}
