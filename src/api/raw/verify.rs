//! Looking at the whole heap: the verifier, and the walk over everything that lives.
//!
//! Both run beside other threads. The verifier takes the place of a cycle ([`crate::collector::verify`] says how that is
//! exact); the walk needs no more than that no sweep is on, which a mutator that runs and has not given its snapshot
//! sees to.

use super::heap::{Heap, WalkedObject};
use super::mutator::Mutator;
use crate::Error;
use crate::collector::verify::{self, Verified};
use crate::mutator::record::Phase;
use crate::mutator::shared::Demand;
use crate::object::header::{next_epoch, previous_epoch};
use crate::object::{Object, TypeInfo};

#[cfg(test)]
mod tests;

impl Heap {
    /// Checks the heap's invariants, in any build: see [`Mutator::verify`].
    ///
    /// ```
    /// use handfast::raw::Heap;
    /// use handfast::Config;
    ///
    /// let heap = Heap::new(&Config::default())?;
    /// let m = heap.attach()?;
    /// // SAFETY: attached, and it holds no object.
    /// unsafe {
    ///     assert!(heap.verify()?.accounted);
    ///     m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Safety
    /// The calling thread is attached and running, and holds no unrooted object.
    ///
    /// # Errors
    /// [`Error::Corrupt`] with the first violation; [`Error::NotAttached`], [`Error::Forked`].
    pub unsafe fn verify(&self) -> Result<Verified, Error> {
        let mutator = self.current().ok_or(Error::NotAttached)?;
        // SAFETY: [A1] the calling thread's mutator, running.
        unsafe { mutator.verify() }
    }
}

#[allow(clippy::missing_safety_doc, reason = "the same for all: the rules of the module `raw`, numbers 1 to 3")]
impl Mutator {
    /// Checks the heap's invariants, in any build: between two cycles, for the heap as a whole, while other threads run.
    /// Each of them inspects itself at its next safepoint, or is inspected while it is native; only if none runs every
    /// block and byte is accounted for ([`Verified::accounted`]). Takes as long as marking, and more. The thread runs on
    /// in other heaps to which it is attached, as in [`Mutator::collect_full`]. May collect.
    ///
    /// ```
    /// use handfast::raw::{Heap, TypeInfo};
    /// use handfast::Config;
    ///
    /// static NODE: TypeInfo = TypeInfo::new("Node", 8).with_refs(&[0]);
    /// let heap = Heap::new(&Config::default())?;
    /// let m = heap.attach()?;
    /// unsafe {
    ///     let node = m.root(m.alloc(&NODE));
    ///     let verified = m.verify()?;
    ///     assert!(verified.private == 1 && verified.accounted);
    ///     // The mark of a young object says nothing; its flags do.
    ///     (*node).cast::<u8>().add(6).write(2);
    ///     let corrupt = m.verify().unwrap_err();
    ///     assert!(corrupt.to_string().contains("private, young by its block"));
    ///     (*node).cast::<u8>().add(6).write(0);
    ///     m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Corrupt`] with the first violation; [`Error::Forked`].
    pub unsafe fn verify(self) -> Result<Verified, Error> {
        let record = self.record();
        // SAFETY: [A1] a point that may collect.
        unsafe {
            if self.heap().is_forked() {
                return Err(Error::Forked);
            }
            record.native_enter();
            let verified = self.inner().driver.verify();
            record.native_leave();
            verified.map_err(|violation| Error::Corrupt(Box::new(violation)))
        }
    }

    /// Calls `f` with every object that lives after a full collection, except what threads allocate meanwhile. May collect
    /// before the first call, not during the walk.
    ///
    /// ```
    /// use handfast::raw::{Heap, TypeInfo};
    /// use handfast::Config;
    ///
    /// static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     let kept = m.root(m.alloc(&NODE));
    ///     let mut bytes = 0;
    ///     m.walk(&mut |object| bytes += object.bytes);
    ///     assert_eq!(bytes, 24);
    ///     # let _ = kept;
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub unsafe fn walk(self, f: &mut dyn FnMut(WalkedObject)) {
        // SAFETY: [A1] the caller's promises.
        unsafe { self.complete_cycle(true) };
        // SAFETY: [A1] as above.
        let (epoch, newer) = unsafe { self.settled() };
        let memory = &self.record().shared().memory;
        // SAFETY: [V1] this mutator runs, so no later cycle can sweep before it is done.
        unsafe {
            verify::for_each_marked(memory, epoch, newer, |object| {
                let ty: *const TypeInfo = (*object).type_info();
                f(WalkedObject {
                    address: object as usize,
                    type_info: ty,
                    bytes: Object::extent(object).bytes,
                    items: Object::items(object),
                });
            });
        }
    }

    /// Returns when the old generation can be walked until this mutator's next safepoint: the cycle whose mark is answered
    /// first is over, its sweep too, and the next one, whose mark comes second, cannot get past arming.
    pub(super) unsafe fn settled(self) -> (u8, u8) {
        let record = self.record();
        loop {
            // SAFETY: [L1] the owner; the reference ends with the statement.
            let phase = unsafe { record.local() }.phase;
            let ask = record.shared().ask();
            // SAFETY: [A1] attached.
            let driver = &unsafe { self.inner() }.driver;
            match ask.demand {
                // This mutator has not given its snapshot, without which no marking begins.
                Demand::Arm | Demand::Snapshot if phase != Phase::Scanned => {
                    return (previous_epoch(ask.epoch), ask.epoch);
                }
                Demand::Promote | Demand::Inspect => return (ask.epoch, next_epoch(ask.epoch)),
                // Disarmed; the sweep comes after that.
                Demand::Disarm if !driver.is_busy() => return (ask.epoch, next_epoch(ask.epoch)),
                // SAFETY: [A1] the caller's promise.
                _ => unsafe { self.complete_cycle(false) },
            }
        }
    }
}
