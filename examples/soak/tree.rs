//! Objects whose contents can be computed: a tree of a seed and a depth. Whoever holds one and knows both can tell
//! whether all of it is what was put there.

use handfast::{Data, Error, Field, Finalize, HandleSlot, Local, Ref, Scope, Trace};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What is known of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed {
    pub number: u64,
    pub depth: u32,
}

/// A node.
#[derive(Trace)]
pub struct Node {
    number: u64,
    check: u64,
    left: Field<Node>,
    right: Field<Node>,
    data: Field<Data<u8>>,
    handle: HandleSlot,
}

/// An object that counts its own end.
#[derive(Trace)]
#[handfast(finalize)]
pub struct Counted {
    number: u64,
    check: u64,
    tree: Field<Node>,
}

/// How many were made and finalized, and the sums of their numbers.
pub static MADE: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];
/// The same of those that were finalized.
pub static ENDED: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

fn count(counters: &[AtomicU64; 2], number: u64) {
    counters[0].fetch_add(1, Relaxed);
    counters[1].fetch_add(number, Relaxed);
}

impl Finalize for Counted {
    fn finalize<'s>(s: &mut Scope<'s>, this: Local<'s, Counted>) {
        let this = this.get(s);
        assert_eq!(this.check, mix(this.number ^ 7), "a finalizer's object");
        let tree = this.get(|c| &c.tree).expect("what it refers to is intact");
        verify(tree, Seed { number: this.number, depth: 1 });
        count(&ENDED, this.number);
    }
}

/// Makes an object that counts its end, and lets go of it.
pub fn counted(s: &mut Scope<'_>, number: u64) -> Result<(), Error> {
    let tree = build(s, Seed { number, depth: 1 })?;
    let object = s.alloc(Counted { number, check: mix(number ^ 7), tree: Field::null() })?;
    s.set(object, |c| &c.tree, tree);
    count(&MADE, number);
    Ok(())
}

/// A number that depends on every bit of another (the finalizer of SplitMix64).
pub fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

impl Seed {
    fn left(self) -> Option<Seed> {
        self.depth.checked_sub(1).map(|depth| Seed { number: mix(self.number ^ 1), depth })
    }

    fn right(self) -> Option<Seed> {
        // Some trees are lists.
        let depth = self.depth.checked_sub(1).filter(|_| !self.number.is_multiple_of(5))?;
        Some(Seed { number: mix(self.number ^ 2), depth })
    }

    /// Bytes of the data of a node: none, a few, or, rarely, so many that it is a large object.
    fn bytes(self) -> usize {
        match self.number >> 32 & 255 {
            0 => 9_000 + (self.number & 0x7FFF) as usize,
            1..=128 => (self.number & 63) as usize,
            _ => 0,
        }
    }

    fn byte(self, i: usize) -> u8 {
        (self.number as usize + i * 31) as u8
    }
}

/// Makes the tree.
pub fn build<'s>(s: &mut Scope<'s>, seed: Seed) -> Result<Local<'s, Node>, Error> {
    let (number, check) = (seed.number, mix(seed.number));
    let (left, right, data) = (Field::null(), Field::null(), Field::null());
    let node = s.alloc(Node { number, check, left, right, data, handle: HandleSlot::new() })?;
    if seed.bytes() != 0 {
        let bytes: Vec<u8> = (0..seed.bytes()).map(|i| seed.byte(i)).collect();
        let data = s.alloc_bytes(&bytes)?;
        s.set(node, |n| &n.data, data);
    }
    if let Some(seed) = seed.left() {
        let left = build(s, seed)?;
        s.set(node, |n| &n.left, left);
    }
    if let Some(seed) = seed.right() {
        let right = build(s, seed)?;
        s.set(node, |n| &n.right, right);
    }
    Ok(node)
}

/// Checks all of a tree.
///
/// # Panics
/// At the first difference.
pub fn verify(node: Ref<'_, Node>, seed: Seed) {
    assert_eq!((node.number, node.check), (seed.number, mix(seed.number)), "a node of {seed:?}");
    match node.get(|n| &n.data) {
        Some(data) => {
            assert_eq!(data.len(), seed.bytes(), "the data of {seed:?}");
            let differs = data.as_slice().iter().enumerate().find(|&(i, byte)| *byte != seed.byte(i));
            assert_eq!(differs, None, "a byte of the data of {seed:?}");
        }
        None => assert_eq!(seed.bytes(), 0, "{seed:?} has no data"),
    }
    for (child, seed) in [(node.get(|n| &n.left), seed.left()), (node.get(|n| &n.right), seed.right())] {
        match (child, seed) {
            (Some(child), Some(seed)) => verify(child, seed),
            (child, seed) => assert!(child.is_none() && seed.is_none(), "a child too many or too few, {seed:?}"),
        }
    }
}
