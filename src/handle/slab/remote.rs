//! The two words through which threads meet over a slab page: [`RemoteFrees`] and [`Mailbox`].
//!
//! Each is a protocol over one atomic word that knows nothing of mapped memory, so that it can be model-checked alone. A
//! mailbox and the heap's stacks of pages thread through the same links: a page is in at most one of them at a time.
//! The idea of a page whose owner allocates without atomics while others push what they free on a second list is
//! mimalloc's (Leijen, Zorn and de Moura, 2019); mailboxes replace its delayed-free list, so that nobody ever waits.
//!
//! # States of a page, in the low bits of its `RemoteFrees` word (the rest is the newest remotely freed slot)
//!
//! ```text
//!            close (owner: nothing left to allocate)            push (any thread: the first slot)
//!   OPEN ───────────────────────────────────────────► FULL ─────────────────────────────────────► POSTED
//!    ▲  ▲             reopen (owner: a local free)      │                                            │
//!    │  └───────────────────────────────────────────────┘                                            │
//!    └───────────────────────────────────── open (whoever took it from a mailbox or stack) ──────────┘
//!   OPEN ── post (owner that leaves) ──► POSTED
//! ```
//!
//! - OPEN: its owner lists it and looks at the remote list by itself.
//! - FULL: no list holds it. Who frees the first slot remotely makes it POSTED and must deliver it.
//! - POSTED: on its way to, or in, exactly one mailbox or stack. Nobody allocates from it or gives it back; slots may
//!   still be pushed.
//!
//! # Rules
//!
//! 1. Who takes a page out of a mailbox or stack *holds* it: only the holder touches the page's owner-side fields.
//! 2. A page is POSTED by exactly one thread (the compare-exchange decides) and hence delivered exactly once.
//! 3. A mailbox is closed only after its owner has disowned its pages. A late delivery either sees CLOSED and hands
//!    the page to the heap, or finds the mailbox in use by a later mutator, who adopts any page that it finds there.
//!    So a page is never parked where nobody looks.
//!
//! # Orderings
//!
//! - [S-push] `push` releases, `take`/`open` acquire: the holder sees what the freer wrote into the slots (`parcel.rs`).
//! - [S-close] `close` releases, the `push` that posts acquires: the freer sees the page's mailbox.
//! - [S-mail] `Mailbox::post` releases, `take` and `close` acquire: the taker sees the page as the poster left it.
//! - [S-closed] `Mailbox::close` releases, a `post` that answers [`Posted::Closed`] acquired: the poster sees what the leaving owner wrote.

use crate::heap::pool::Links;
use crate::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// No page: the end of a chain of page indices.
pub(super) const NONE: u32 = u32::MAX;
/// A mailbox whose owner left.
const CLOSED: u32 = u32::MAX - 1;

const OPEN: usize = 0;
const FULL: usize = 1;
const POSTED: usize = 2;
const STATE: usize = 3;

/// What a remote free leaves its thread to do.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// Nothing: somebody will look at the page.
    Joined,
    /// The page was FULL and is POSTED now: the caller must deliver it.
    MustPost,
}

/// Slots of a page freed by threads that do not own it, and the page's state. Slots are 16-byte aligned addresses.
#[derive(Debug)]
pub(super) struct RemoteFrees {
    word: AtomicUsize,
}

impl RemoteFrees {
    /// OPEN, nothing freed: what a zeroed page header holds. For checks of the protocol by itself.
    #[cfg(any(test, loom))]
    pub(super) fn new() -> RemoteFrees {
        RemoteFrees { word: AtomicUsize::new(OPEN) }
    }

    /// Any thread: pushes `slot`, or a chain of which it is the first; `set_next` writes the next slot's address (0: none) into
    /// the last one, and may run repeatedly.
    #[inline]
    pub(super) fn push(&self, slot: usize, set_next: impl Fn(usize)) -> Pushed {
        let mut old = self.word.load(Ordering::Relaxed);
        loop {
            set_next(old & !STATE);
            let full = old & STATE == FULL;
            let state = if full { POSTED } else { old & STATE };
            // Release: pairs with the holder's acquire in `take` and `open`. Acquire: pairs with `close`.
            match self.word.compare_exchange_weak(old, slot | state, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) if full => return Pushed::MustPost,
                Ok(_) => return Pushed::Joined,
                Err(now) => old = now,
            }
        }
    }

    /// Holder: takes all slots (0: none) and leaves the state as it is. The page is OPEN or POSTED.
    #[inline]
    pub(super) fn take(&self) -> usize {
        let old = self.word.load(Ordering::Relaxed);
        if old & !STATE == 0 {
            return 0;
        }
        // Only the holder changes the state of an OPEN or a held POSTED page. Acquire: pairs with `push`.
        self.word.swap(old & STATE, Ordering::Acquire) & !STATE
    }

    /// Holder of a POSTED page, or of new memory: takes all slots (0: none) and makes the page OPEN.
    pub(super) fn open(&self) -> usize {
        // Acquire: pairs with `push`.
        self.word.swap(OPEN, Ordering::Acquire) & !STATE
    }

    /// Owner: OPEN → FULL, unless a slot has been pushed meanwhile (false: look again).
    #[must_use]
    pub(super) fn close(&self) -> bool {
        // Release: who posts the page must see its mailbox.
        self.word.compare_exchange(OPEN, FULL, Ordering::Release, Ordering::Relaxed).is_ok()
    }

    /// Owner, after a local free: FULL → OPEN; false: it was POSTED meanwhile and will be delivered.
    #[must_use]
    pub(super) fn reopen(&self) -> bool {
        // Relaxed: no slot was pushed, so there is nothing to see.
        self.word.compare_exchange(FULL, OPEN, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Owner that leaves: OPEN → POSTED. It then hands the page over, which releases what it wrote.
    pub(super) fn post(&self) {
        self.word.fetch_or(POSTED, Ordering::Relaxed);
    }

    /// The newest slot (0: none), for a walk while nobody allocates or frees.
    pub(super) fn peek(&self) -> usize {
        // Relaxed: whoever freed has done so before the walk began.
        self.word.load(Ordering::Relaxed) & !STATE
    }
}

/// Whether a page reached a mailbox.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Posted {
    /// The mailbox's owner will find it.
    Delivered,
    /// The owner left: the caller holds the page and must give it to the heap.
    Closed,
}

/// A mutator's stack of pages in which others have freed: any thread pushes, the owner takes all (so no ABA).
#[derive(Debug)]
pub(super) struct Mailbox {
    head: AtomicU32,
}

impl Mailbox {
    /// Open and empty.
    pub(super) fn new() -> Mailbox {
        Mailbox { head: AtomicU32::new(NONE) }
    }

    /// Any thread that has just POSTED page `i`.
    pub(super) fn post(&self, links: &impl Links, i: u32) -> Posted {
        // Acquire here and on failure: pairs with `close`, for CLOSED.
        let mut head = self.head.load(Ordering::Acquire);
        loop {
            if head == CLOSED {
                return Posted::Closed;
            }
            links.link(i).store(head, Ordering::Relaxed);
            // Release: pairs with `take` and `close`.
            match self.head.compare_exchange_weak(head, i, Ordering::Release, Ordering::Acquire) {
                Ok(_) => return Posted::Delivered,
                Err(now) => head = now,
            }
        }
    }

    /// Owner: takes the chain of delivered pages (`NONE`: empty). Read a page's link before posting that page again.
    #[inline]
    pub(super) fn take(&self) -> u32 {
        if self.head.load(Ordering::Relaxed) == NONE {
            return NONE;
        }
        self.head.swap(NONE, Ordering::Acquire)
    }

    /// Owner that leaves, after disowning its pages: takes the last chain.
    pub(super) fn close(&self) -> u32 {
        self.head.swap(CLOSED, Ordering::AcqRel)
    }

    /// A new owner of a closed mailbox.
    pub(super) fn open(&self) {
        // Relaxed: a poster that finds the mailbox open touches nothing of its page; what the former owner wrote reaches the
        // new one with the mailbox.
        self.head.store(NONE, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    struct Words([AtomicU32; 4]);

    impl Links for Words {
        fn link(&self, i: u32) -> &AtomicU32 {
            &self.0[i as usize]
        }
    }

    fn words() -> Words {
        Words(std::array::from_fn(|_| AtomicU32::new(77)))
    }

    #[test]
    fn only_the_first_free_of_a_full_page_posts_it() {
        let page = RemoteFrees::new();
        assert_eq!(page.push(16, |next| assert_eq!(next, 0)), Pushed::Joined);
        assert!(!page.close(), "a slot came meanwhile");
        assert_eq!(page.take(), 16);
        assert!(page.close());
        assert!(page.reopen());
        assert!(page.close());
        assert_eq!(page.push(32, |next| assert_eq!(next, 0)), Pushed::MustPost);
        assert_eq!(page.push(48, |next| assert_eq!(next, 32)), Pushed::Joined);
        assert!(!page.reopen() && !page.close());
        assert_eq!(page.take(), 48);
        assert_eq!(page.push(64, |_| ()), Pushed::Joined, "still posted");
        assert_eq!((page.open(), page.peek()), (64, 0));
        page.post();
        assert!(!page.close());
    }

    #[test]
    fn a_closed_mailbox_refuses_and_a_reopened_one_accepts() {
        let (mail, links) = (Mailbox::new(), words());
        assert_eq!(mail.take(), NONE);
        assert_eq!(mail.post(&links, 2), Posted::Delivered);
        assert_eq!(mail.post(&links, 1), Posted::Delivered);
        assert_eq!(mail.close(), 1);
        assert_eq!(links.link(1).load(Ordering::Relaxed), 2);
        assert_eq!(links.link(2).load(Ordering::Relaxed), NONE);
        assert_eq!(mail.post(&links, 3), Posted::Closed);
        mail.open();
        assert_eq!(mail.post(&links, 3), Posted::Delivered);
        assert_eq!((mail.take(), mail.take()), (3, NONE));
    }
}
