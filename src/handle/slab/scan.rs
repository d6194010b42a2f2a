//! Keeps pages from changing class under a scan: [`Scans`], a count of the scans under way.
//!
//! A scan looks at a linked bit and then at the object. In between the object may be freed, and its page emptied; if the
//! page then served another size class, the scan would read the middle of some other object as a count and a link. So a
//! page in which nothing is in use any more is given back only when no scan is under way that may have seen a bit of it;
//! else it is deferred, and the last scan to end gives it back. (Slots used again *in* their page are harmless: words 0
//! and 1 of every slot of the page always are a count and a link.)
//!
//! Dekker pairs, with relaxed accesses around `fence(SeqCst)`:
//! - [D-scan] a scan enters, then reads bits; a releaser, after the bits were cleared, looks whether a scan is in. If it sees
//!   none, every later scan sees the bits cleared.
//! - [D-defer] a releaser defers a page, then looks again; the last scan leaves, then looks for deferred pages. One of the two
//!   finds the page.
//!
//! [S-scan] `leave` releases and `idle` acquires: what a scan read, it read before the page is used again.

use crate::sync::atomic::{AtomicU32, Ordering, fence};

/// How many scans are under way.
#[derive(Debug)]
pub(super) struct Scans {
    running: AtomicU32,
}

impl Scans {
    /// None.
    pub(super) fn new() -> Scans {
        Scans { running: AtomicU32::new(0) }
    }

    /// A scan begins: call it before reading any bit.
    pub(super) fn enter(&self) {
        self.running.fetch_add(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// It ends, and uses no address that it found any more. True: it was the last, and must look for deferred pages.
    #[must_use]
    pub(super) fn leave(&self) -> bool {
        // Release: [S-scan]. The last one asks `idle` next, which acquires what all others have released.
        self.running.fetch_sub(1, Ordering::Release) == 1
    }

    /// Whether no scan is under way that may have seen what the caller, or who it took the page from, has cleared.
    pub(super) fn idle(&self) -> bool {
        fence(Ordering::SeqCst);
        // Acquire: pairs with `leave`.
        self.running.load(Ordering::Acquire) == 0
    }
}
