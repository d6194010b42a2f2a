//! Single steps of a mutator, for tests that stop a cycle between two handshakes.

use super::mutator::Mutator;
use crate::mutator::record::Phase;

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
