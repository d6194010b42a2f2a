//! A lock-free stack of indices: the pools of free and recyclable blocks, and the free cells of a table.
//!
//! The links live beside what they link (one `u32` a member), so that a pool of a million blocks allocates nothing. The
//! head holds the index of the top and a *tag* that every change increments: a pop that was delayed while its top went away
//! and came back finds another tag and starts over. (Treiber, 1986; tags against ABA: IBM System/370.)
//!
//! ```text
//!   head: tag (32 bits) | index + 1 (32 bits; 0 = empty)          link(i): index + 1 of the next, 0 = last
//! ```
//!
//! # Who may do what
//! An index is in at most one stack over the same links at a time; who popped it owns it, and its link is his to use until
//! he pushes it. Any thread pushes and pops.
//!
//! # Orderings
//! - [P-push] what belongs to `i` → `push` (release CAS) → `pop`, `take_all` (acquire). All changes of the head are
//!   read-modify-writes, so the release sequence of each push reaches every later reader: one acquire covers the chain.
//!
//! # Limits
//! 2³² − 1 indices. A pop that sleeps through exactly 2³² changes of the stack would mistake the tag.

use crate::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

/// Where the links of an [`IndexStack`] live. `link(i)` is the same word every time.
pub trait Links {
    /// The link word of member `i`.
    fn link(&self, i: u32) -> &AtomicU32;
}

impl Links for [AtomicU32] {
    fn link(&self, i: u32) -> &AtomicU32 {
        &self[i as usize]
    }
}

/// A stack of indices over links that its user keeps.
#[derive(Debug)]
#[repr(transparent)]
pub struct IndexStack(AtomicU64);

impl Default for IndexStack {
    fn default() -> Self {
        Self::new()
    }
}

const fn pack(tag: u32, top: u32) -> u64 {
    (tag as u64) << 32 | top as u64
}

const fn next_tag(head: u64) -> u32 {
    ((head >> 32) as u32).wrapping_add(1)
}

impl IndexStack {
    /// An empty stack.
    pub fn new() -> Self {
        IndexStack(AtomicU64::new(0))
    }

    /// Puts `i` on top. `i` is the caller's and in no stack over these links; it is not `u32::MAX`.
    pub fn push<L: Links + ?Sized>(&self, links: &L, i: u32) {
        debug_assert_ne!(i, u32::MAX, "index out of range");
        let link = links.link(i);
        let mut head = self.0.load(Relaxed);
        loop {
            link.store(head as u32, Relaxed);
            // Release: [P-push], for the link too.
            match self.0.compare_exchange_weak(head, pack(next_tag(head), i + 1), Release, Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Takes the top, which is the caller's from now on.
    pub fn pop<L: Links + ?Sized>(&self, links: &L) -> Option<u32> {
        // Acquire, here and when the CAS fails: [P-push]; the link below is at least as new as the push of its member.
        let mut head = self.0.load(Acquire);
        loop {
            let i = (head as u32).checked_sub(1)?;
            // May be newer than `head` (popped and pushed meanwhile): then the tag has changed and the CAS fails.
            let next = links.link(i).load(Relaxed);
            // The head has not changed since it was read with acquire, so success needs no ordering of its own.
            match self.0.compare_exchange_weak(head, pack(next_tag(head), next), Relaxed, Acquire) {
                Ok(_) => return Some(i),
                Err(now) => head = now,
            }
        }
    }

    /// Takes all members at once, top first. They are the caller's: what it does not visit is in no stack any more.
    /// A member may be pushed (here or elsewhere) as soon as the iterator has returned it.
    #[must_use = "the members are in no stack any more"]
    pub fn take_all<'a, L: Links + ?Sized>(&self, links: &'a L) -> Chain<'a, L> {
        let mut head = self.0.load(Relaxed);
        loop {
            if head as u32 == 0 {
                return Chain { links, next: 0 };
            }
            // Acquire: [P-push].
            match self.0.compare_exchange_weak(head, pack(next_tag(head), 0), Acquire, Relaxed) {
                Ok(_) => {
                    return Chain { links, next: head as u32 };
                }
                Err(now) => head = now,
            }
        }
    }

    /// Calls `f` with every member, top first, and answers whether they all stayed in the stack meanwhile: if not, what `f`
    /// saw means nothing. At most `limit` members, in case the links run in a circle.
    pub fn examine<L: Links + ?Sized>(&self, links: &L, limit: usize, mut f: impl FnMut(u32)) -> bool {
        // Acquire: [P-push], as in `pop`.
        let head = self.0.load(Acquire);
        let mut next = head as u32;
        for _ in 0..limit {
            let Some(i) = next.checked_sub(1) else { break };
            f(i);
            next = links.link(i).load(Relaxed);
        }
        // As in `pop`: a change that was missed has another tag. This one must have one of its own, or a pop that is
        // under way could come after it and yet have been seen by the walk.
        self.0.compare_exchange(head, pack(next_tag(head), head as u32), Relaxed, Relaxed).is_ok()
    }

    /// Whether it was empty a moment ago.
    #[cfg(any(test, loom))]
    pub fn is_empty(&self) -> bool {
        self.0.load(Relaxed) as u32 == 0
    }
}

/// The members that [`IndexStack::take_all`] took.
#[derive(Debug)]
pub struct Chain<'a, L: ?Sized> {
    links: &'a L,
    /// Index + 1, 0 at the end.
    next: u32,
}

impl<L: Links + ?Sized> Iterator for Chain<'_, L> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let i = self.next.checked_sub(1)?;
        // Ours alone since `take_all`, whose acquire made the link visible.
        self.next = self.links.link(i).load(Relaxed);
        Some(i)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::atomic::AtomicUsize;

    fn links(n: usize) -> Vec<AtomicU32> {
        (0..n).map(|_| AtomicU32::new(0)).collect()
    }

    #[test]
    fn last_in_first_out() {
        let (s, l) = (IndexStack::new(), links(4));
        assert!(s.is_empty() && s.pop(&l[..]).is_none());
        for i in [2, 0, 3] {
            s.push(&l[..], i);
        }
        assert!(!s.is_empty());
        assert_eq!([s.pop(&l[..]), s.pop(&l[..]), s.pop(&l[..]), s.pop(&l[..])], [Some(3), Some(0), Some(2), None]);
    }

    #[test]
    fn take_all_gives_every_member_which_may_be_pushed_at_once() {
        let (s, t, l) = (IndexStack::new(), IndexStack::new(), links(5));
        (0..5).for_each(|i| s.push(&l[..], i));
        for i in s.take_all(&l[..]) {
            t.push(&l[..], i);
        }
        assert!(s.is_empty());
        assert_eq!(t.take_all(&l[..]).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert_eq!(t.take_all(&l[..]).next(), None);
    }

    #[test]
    fn an_examination_meets_every_member_and_says_when_one_has_left() {
        let (s, l) = (IndexStack::new(), links(5));
        (0..5).for_each(|i| s.push(&l[..], i));
        let mut seen = vec![];
        assert!(s.examine(&l[..], 5, |i| seen.push(i)));
        assert_eq!(seen, [4, 3, 2, 1, 0]);
        assert!(!s.examine(&l[..], 1, |_| assert_eq!(s.pop(&l[..]), Some(4))));
        assert!(!s.examine(&l[..], 1, |_| s.push(&l[..], 4)), "nor when one has come");
        // A circle of links, as corruption makes it, ends at the limit.
        l[0].store(3, Relaxed);
        let mut n = 0;
        s.examine(&l[..], 8, |_| n += 1);
        assert_eq!(n, 8);
    }

    #[test]
    fn every_change_moves_the_tag() {
        let (s, l) = (IndexStack::new(), links(1));
        s.push(&l[..], 0);
        let before = s.0.load(Relaxed);
        s.pop(&l[..]).unwrap();
        s.push(&l[..], 0);
        let after = s.0.load(Relaxed);
        assert_eq!(before as u32, after as u32);
        assert_ne!(before, after);
    }

    #[test]
    fn threads_never_share_an_index() {
        let (s, l) = (IndexStack::new(), links(8));
        (0..8).for_each(|i| s.push(&l[..], i));
        let owners: Vec<_> = (0..8).map(|_| AtomicUsize::new(0)).collect();
        crate::sync::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2000 {
                        let Some(i) = s.pop(&l[..]) else { continue };
                        assert_eq!(owners[i as usize].fetch_add(1, Relaxed), 0);
                        owners[i as usize].fetch_sub(1, Relaxed);
                        s.push(&l[..], i);
                    }
                });
            }
        });
        let mut all: Vec<_> = s.take_all(&l[..]).collect();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
