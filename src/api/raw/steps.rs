//! Single steps of a mutator, for tests that stop a cycle between two handshakes, or a minor collection's copying.

use super::Heap;
use super::mutator::Mutator;
use crate::mutator::budget::NO_COUNT;
use crate::mutator::record::Phase;
use crate::sync::atomic::Ordering;

impl Heap {
    /// From now on a minor collection copies so many objects, and keeps the rest where it is, as if its time were up then; `None`:
    /// it looks at the clock again. For tests.
    #[doc(hidden)]
    pub fn copy_at_most(&self, objects: Option<u64>) {
        self.0.shared.copies.store(objects.unwrap_or(NO_COUNT), Ordering::Relaxed);
    }
}

#[allow(clippy::missing_safety_doc, reason = "the same for all: the rules of the module `raw`, numbers 1 to 3")]
impl Mutator {
    /// A safepoint that answers one handshake at most, where [`Mutator::safepoint`] goes on while something is asked: the
    /// collector may ask again at once. For tests that stop a cycle between two handshakes.
    #[doc(hidden)]
    pub unsafe fn safepoint_once(self) {
        // SAFETY: [A1] the caller's promises.
        unsafe {
            self.record().serve_once();
            self.run_callbacks();
        }
    }

    /// Whether a handshake is under way that this mutator has not answered. It may not have been told yet: then
    /// [`Mutator::is_asked`] says no, and the next safepoint answers nothing. For tests that stop a cycle between two
    /// handshakes. Any thread.
    #[doc(hidden)]
    pub unsafe fn is_behind(self) -> bool {
        self.record().is_behind()
    }

    /// What this mutator has answered so far: `"idle"`, `"armed"` or `"scanned"`. For tests and benches that stop a cycle
    /// between two handshakes.
    #[doc(hidden)]
    pub unsafe fn phase(self) -> &'static str {
        // SAFETY: [A1] the caller's promises.
        match unsafe { self.record().local() }.phase {
            Phase::Idle => "idle",
            Phase::Armed => "armed",
            Phase::Scanned => "scanned",
        }
    }
}
