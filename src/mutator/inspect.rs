//! Where the verifier looks at a mutator: the hook that the layer above hangs itself into.
//!
//! What belongs to a mutator alone (roots, remembered set, nursery, private objects) can be looked at by its owner, or by
//! who holds its record, and by nobody else (L1). So the verifier does not stop a mutator: it has it inspected at a
//! safepoint of its own, by a handshake ([`Demand::Inspect`](super::shared::Demand)), or, in builds with `--cfg gc_zeal`,
//! before and after each of its minor collections.

use super::record::Record;
use std::fmt;

/// When the heap is looked at. What must hold differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Moment {
    /// The program asked: no cycle runs.
    Asked,
    /// A mutator is about to collect its nursery, in whatever phase of a cycle.
    BeforeMinor,
    /// A mutator has just collected its nursery.
    AfterMinor,
    /// A mutator has just given its snapshot.
    Snapshot,
    /// Marking is complete and judged; nothing is cleared yet.
    Marked,
    /// Weak references and links of dead objects are cleared; nothing is swept yet.
    Cleared,
    /// The sweep of a cycle is over.
    Swept,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Moment::Asked => "between cycles",
            Moment::BeforeMinor => "before a minor collection",
            Moment::AfterMinor => "after a minor collection",
            Moment::Snapshot => "after a snapshot",
            Moment::Marked => "after marking",
            Moment::Cleared => "after clearing",
            Moment::Swept => "after the sweep",
        })
    }
}

/// Who looks at a mutator.
pub trait Inspector: Send + Sync {
    /// Looks at what belongs to the mutator.
    ///
    /// # Safety
    /// Called by the owner at a point that may collect, or by the holder.
    unsafe fn inspect(&self, record: &Record, moment: Moment);
}

impl Record {
    /// Has this mutator looked at.
    ///
    /// # Safety
    /// Called by the owner at a point that may collect, or by the holder.
    pub unsafe fn inspect(&self, moment: Moment) {
        if let Some(inspector) = self.shared().inspector() {
            // SAFETY: [L1] the caller's promise.
            unsafe { inspector.inspect(self, moment) };
        }
    }

    /// A minor collection, inspected before and after in builds with `--cfg gc_zeal`.
    ///
    /// # Safety
    /// As [`Record::minor`].
    pub unsafe fn collect(&self, snapshot: bool) {
        // SAFETY: [L1] the owner or holder, for each of these.
        unsafe {
            if cfg!(gc_zeal) {
                self.inspect(Moment::BeforeMinor);
            }
            self.minor(snapshot);
            if cfg!(gc_zeal) {
                self.inspect(Moment::AfterMinor);
            }
        }
    }
}
