//! The registry: every mutator record that a heap ever had, for the collector to walk while threads come and go.
//!
//! A lock-free list that only grows. A thread that leaves *releases* its node and a later one *claims* it again, so the
//! list is as long as the most threads that were there at one time, and no node is freed before the registry is dropped:
//! whoever walks it needs no protection. (The list of hazard-pointer records: Michael, IEEE TPDS 2004.)
//!
//! Whether a record has an owner now is its own business (its `HandshakeWord` says `Detached`); the walk visits all.
//!
//! # Orderings
//! - [R-push] the new node → `push` (release CAS on `head`) → `iter`, `claim` (acquire load of `head`). Every change of
//!   `head` is a read-modify-write, so one acquire load covers all older pushes too.
//! - [R-reuse] the last owner's writes → `release` (release) → `claim` (acquire CAS) of the next owner.
//! - [A-ask] what belongs to an ask → `publish` (release) → `get`, `adopt` (acquire).
//! - [D-attach] [`Asked`] and `HandshakeWord::attach` are a Dekker pair: see there.

use std::marker::PhantomData;
use std::ptr;

use crate::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release, SeqCst},
    fence,
};

/// One record. `value` comes first: a pointer to it is a pointer to the node.
#[repr(C)]
struct Node<T> {
    value: T,
    claimed: AtomicBool,
    /// Written before the push, never after.
    next: *mut Node<T>,
}

/// A growing set of records of type `T`, each with at most one owner.
pub struct Registry<T> {
    head: AtomicPtr<Node<T>>,
    nodes: AtomicUsize,
    /// Owns its nodes. A raw pointer, so that `Send` and `Sync` are what is stated below and not inferred from `head`.
    _owns: PhantomData<*mut Node<T>>,
}

// SAFETY: [L3] `T` is made on one thread, shared by all and dropped by whichever drops the registry: hence both bounds. The
// registry's own fields are atomics, and `Node::next` is not written after its node is published.
unsafe impl<T: Send + Sync> Send for Registry<T> {}
// SAFETY: [L3] as above.
unsafe impl<T: Send + Sync> Sync for Registry<T> {}

impl<T> Default for Registry<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> std::fmt::Debug for Registry<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("nodes", &self.len()).finish_non_exhaustive()
    }
}

impl<T> Registry<T> {
    /// An empty registry.
    pub fn new() -> Self {
        Registry { head: AtomicPtr::new(ptr::null_mut()), nodes: AtomicUsize::new(0), _owns: PhantomData }
    }

    /// A record for the caller alone: a released one as its last owner left it, or a new one from `make`.
    /// It keeps its address until the registry is dropped. Any thread.
    pub fn claim(&self, make: impl FnOnce() -> T) -> &T {
        for node in self.nodes() {
            // Acquire: [R-reuse].
            if !node.claimed.load(Relaxed) && node.claimed.compare_exchange(false, true, Acquire, Relaxed).is_ok() {
                return &node.value;
            }
        }
        let node =
            Box::into_raw(Box::new(Node { value: make(), claimed: AtomicBool::new(true), next: ptr::null_mut() }));
        let mut head = self.head.load(Relaxed);
        loop {
            // SAFETY: [L3] not published yet, so it is the caller's alone.
            unsafe { (*node).next = head };
            // Release: [R-push].
            match self.head.compare_exchange_weak(head, node, Release, Relaxed) {
                Ok(_) => break,
                Err(now) => head = now,
            }
        }
        self.nodes.fetch_add(1, Relaxed);
        // SAFETY: [L3] nodes live as long as the registry; from here on only shared references to it exist.
        unsafe { &(*node).value }
    }

    /// Gives a claimed record back, by its owner, who does not use it afterwards.
    ///
    /// # Panics
    /// If it is not a claimed record of this registry.
    pub fn release(&self, value: &T) {
        // Found by walking, not by a cast: the reference covers the value alone. Threads leave rarely and are few.
        let node = self.nodes().find(|node| ptr::eq(&node.value, value));
        let node = node.expect("release of a record that is not of this registry");
        assert!(node.claimed.load(Relaxed), "release of a record that has no owner");
        // Release: [R-reuse].
        node.claimed.store(false, Release);
    }

    /// All records, newest first, released ones too. What is pushed while it walks may be missing: who must not be missed
    /// takes part in a Dekker pair ([`Asked`]).
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.nodes().map(|node| &node.value)
    }

    /// How many records there ever were (the length of `iter`, up to pushes under way).
    pub fn len(&self) -> usize {
        self.nodes.load(Relaxed)
    }

    /// Whether nobody ever claimed a record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn nodes(&self) -> impl Iterator<Item = &Node<T>> {
        // Acquire: [R-push].
        let mut at: *const Node<T> = self.head.load(Acquire);
        std::iter::from_fn(move || {
            // SAFETY: [L3] null, or a published node: it lives as long as `self`, and nobody has an exclusive reference to it.
            let node = unsafe { at.as_ref() }?;
            at = node.next;
            Some(node)
        })
    }
}

impl<T> Drop for Registry<T> {
    fn drop(&mut self) {
        // Relaxed: whoever has exclusive access has synchronised with all others.
        let mut at = self.head.load(Relaxed);
        while !at.is_null() {
            // SAFETY: [L3] `claim` made every node with `Box::into_raw`; each is on the list once, and nobody uses it any more.
            let node = unsafe { Box::from_raw(at) };
            at = node.next;
        }
    }
}

/// What the collector asks of every mutator at the moment (phase and parity, packed by the caller).
///
/// Claim: when the collector publishes a value and then walks the registry, and a thread claims a record, attaches and
/// then adopts, either the walk meets that mutator attached or the mutator adopts the new value. The collector writes the
/// value, then reads records; the mutator writes its record, then reads the value; each has a `fence(SeqCst)` in between.
#[derive(Debug)]
#[repr(transparent)]
pub struct Asked(AtomicU64);

impl Asked {
    /// Asks for `value` from the start.
    pub fn new(value: u64) -> Self {
        Asked(AtomicU64::new(value))
    }

    /// Asks for `value` from now on. Collector only, before it walks the registry.
    pub fn publish(&self, value: u64) {
        // Release: pairs with the acquire in `adopt` and `get`; what belongs to the phase is visible with it.
        self.0.store(value, Release);
        // Pairs with the fence in `adopt`: see the type.
        fence(SeqCst);
    }

    /// What a mutator that has just attached (`HandshakeWord::attach`) takes over without being asked.
    pub fn adopt(&self) -> u64 {
        // Pairs with the fence in `publish`: see the type.
        fence(SeqCst);
        // Acquire: pairs with the release in `publish`.
        self.0.load(Acquire)
    }

    /// What is asked, for a mutator that serves a request (which orders it after `publish`), or for the collector.
    pub fn get(&self) -> u64 {
        // Acquire: pairs with the release in `publish`.
        self.0.load(Acquire)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_released_record_is_claimed_again() {
        let r = Registry::new();
        let a: &u32 = r.claim(|| 1);
        let b = r.claim(|| 2);
        assert!(!ptr::eq(a, b));
        assert_eq!(r.len(), 2);
        r.release(a);
        let c = r.claim(|| panic!("there is a released record"));
        assert!(ptr::eq(a, c));
        assert_eq!(r.iter().copied().collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    #[should_panic(expected = "not of this registry")]
    fn a_foreign_record_is_refused() {
        let r = Registry::new();
        r.claim(|| 1);
        r.release(&1);
    }

    #[test]
    #[should_panic(expected = "has no owner")]
    fn a_second_release_is_refused() {
        let r = Registry::new();
        let a = r.claim(|| 1);
        r.release(a);
        r.release(a);
    }

    #[test]
    fn many_threads_get_records_of_their_own() {
        let r = Registry::new();
        crate::sync::thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    for _ in 0..200 {
                        let mine = r.claim(|| AtomicUsize::new(0));
                        assert_eq!(mine.fetch_add(1, Relaxed), 0);
                        mine.fetch_sub(1, Relaxed);
                        r.release(mine);
                    }
                });
            }
        });
        assert!((1..=4).contains(&r.len()), "{}", r.len());
        assert_eq!(r.iter().count(), r.len());
    }

    #[test]
    fn asked_is_what_was_published_last() {
        let a = Asked::new(7);
        assert_eq!(a.adopt(), 7);
        a.publish(9);
        assert_eq!((a.adopt(), a.get()), (9, 9));
    }
}
