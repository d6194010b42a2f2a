//! What a block, or the page of a large object, is used for: one byte in a side table, asked by every thread.
//!
//! A byte says who may write to the memory behind it. It is changed by whoever owns that memory, or claimed by a
//! compare-exchange; who only looks may be late.
//!
//! # Orderings
//! - [K-old] a minor collection updates every slot → `set(Old)`, `set_old` (release) → `get`, `is_young` (acquire) between
//!   the marker's two looks at a slot (INV-4).
//! - [K-claim] the last owner's writes (line marks, free lines, objects) → `set` (release) → `claim` (acquire) of a sweeper.
//!   Hand-over from owner to owner goes through the pools ([P-push]).

use crate::sync::atomic::{AtomicU8, Ordering};

/// Who may use a block, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Empty, in a pool of free blocks.
    Free = 0,
    /// Part of a nursery.
    Young = 1,
    /// An evacuation allocator fills it.
    Active = 2,
    /// Holds old objects; to be swept.
    Old = 3,
    /// Swept, has holes, in the pool of recyclable blocks.
    Recyclable = 4,
    /// Claimed by a sweeper.
    Sweeping = 5,
    /// Part of a nursery, and holds old objects: its free lines are the nursery's.
    Mixed = 6,
}

impl Kind {
    fn of(byte: u8) -> Kind {
        match byte {
            0 => Kind::Free,
            1 => Kind::Young,
            2 => Kind::Active,
            3 => Kind::Old,
            4 => Kind::Recyclable,
            6 => Kind::Mixed,
            _ => Kind::Sweeping,
        }
    }
}

/// The kind of one block. Zeroed memory is `Free`.
#[derive(Debug)]
#[repr(transparent)]
pub struct KindByte(AtomicU8);

impl KindByte {
    /// Of a block outside of the tables, for checks of the protocols alone.
    #[cfg(loom)]
    pub fn new(kind: Kind) -> KindByte {
        KindByte(AtomicU8::new(kind as u8))
    }

    /// The kind now. Acquire: [K-old], for walks over old objects.
    #[inline(always)]
    pub fn get(&self) -> Kind {
        Kind::of(self.0.load(Ordering::Acquire))
    }

    /// Whether what lies there is young: the whole block is part of a nursery, or some of its lines, and then `line` says
    /// whether the line is. Acquire: [K-old].
    #[inline(always)]
    pub fn is_young(&self, line: impl FnOnce() -> bool) -> bool {
        let kind = self.0.load(Ordering::Acquire);
        kind == Kind::Young as u8 || kind == Kind::Mixed as u8 && line()
    }

    /// Changes the kind, by the block's owner. Release: [K-old], [K-claim].
    #[inline]
    pub fn set(&self, kind: Kind) {
        self.0.store(kind as u8, Ordering::Release);
    }

    /// The owner gives up a block that it was filling: `mark` marks the lines of what it has put there, and only then may a
    /// sweeper claim the block, which goes by those marks ([K-claim]).
    #[inline]
    pub fn give_up(&self, mark: impl FnOnce()) {
        mark();
        self.set(Kind::Old);
    }

    /// Claims the block by changing its kind, by anybody. After `true` it is the caller's, as its last owner left it.
    #[must_use = "a block that was not claimed is another's"]
    pub fn claim(&self, from: Kind, to: Kind) -> bool {
        // Acquire: [K-claim]. What the claimer does it hands on by `set`.
        self.0.compare_exchange(from as u8, to as u8, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }
}

const NONE: u8 = 0;
const YOUNG: u8 = 1;
const OLD: u8 = 2;

/// What the first page of a large object is used for. Zeroed memory is none.
#[derive(Debug)]
#[repr(transparent)]
pub struct PageByte(AtomicU8);

impl PageByte {
    /// Of the page of a young object, outside of the table, for checks of the protocols alone.
    #[cfg(loom)]
    pub fn young() -> PageByte {
        PageByte(AtomicU8::new(YOUNG))
    }

    /// Whether a young object starts here. Acquire: [K-old].
    #[inline]
    pub fn is_young(&self) -> bool {
        self.0.load(Ordering::Acquire) == YOUNG
    }

    /// Whether an old object starts here. Acquire: [K-old]; who walks over old objects reads their headers next.
    #[inline]
    pub fn is_old(&self) -> bool {
        self.0.load(Ordering::Acquire) == OLD
    }

    /// A young object starts here, by the allocator.
    pub fn set_young(&self) {
        // Relaxed: who finds the address of that object in a slot sees this, by [F-put].
        self.0.store(YOUNG, Ordering::Relaxed);
    }

    /// It is old from now on, by its owner. Release: [K-old].
    pub fn set_old(&self) {
        self.0.store(OLD, Ordering::Release);
    }

    /// It is freed, by whoever found it dead.
    pub fn clear(&self) {
        self.0.store(NONE, Ordering::Release);
    }
}
