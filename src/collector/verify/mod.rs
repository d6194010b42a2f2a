//! The verifier: checks the heap's invariants while threads run, and says which is violated, by what, and when.
//!
//! | file | what it looks at | who looks, and when |
//! |---|---|---|
//! | `own.rs` | what belongs to one mutator: roots, private objects, remembered set, nursery, evacuation blocks, lists | its owner at a safepoint, or who holds its record |
//! | `old.rs` | old objects, global roots, weak references, finalizable objects | anybody, beside running mutators, while no sweep is on |
//! | `blocks.rs` | pools, line marks, large objects; all blocks and bytes, if no mutator runs | the same |
//! | the handle layer, by [`LinkAudit`] | links both ways, tags, bits, counts | private links as `own.rs`, others as `old.rs` |
//! | `report.rs` | [`Violation`], [`Verified`] | |
//!
//! Nothing is stopped for it. When the program asks ([`Collector::verify`]) the calling thread drives a verification as it
//! would drive a cycle, so that no cycle runs meanwhile: one handshake has every mutator inspect itself, then what is
//! shared is looked at, then what looked wrong is looked at again after another handshake (see `old.rs` for why that is
//! exact, and no waiting for better times). Under `--cfg gc_zeal` the same parts run at their own places in minor
//! collections and cycles, and a violation ends the process.
//!
//! # Moments
//!
//! What must hold differs: [`Moment`]. In a cycle a mark is one of two numbers; after marking what is marked refers to
//! marked; until they are cleared weak references and links may refer to the dead; after the sweep no line keeps another
//! number's mark in a block that waits for use.
//!
//! # Limits
//!
//! It reads the heap that it checks: a header that names memory which is none ends in a fault, not in a report. It looks
//! at what is reached, not at garbage; of a closure that takes long, under `gc_zeal`, only now and then.

mod blocks;
mod old;
mod own;
mod report;

pub use old::for_each_marked;
pub use own::Own;
pub use report::{Invariant, Verified, Violation};

use super::cycle::Collector;
use crate::heap::block::{BLOCK, Kind, LINE_SHIFT};
use crate::heap::large::PAGE;
use crate::mutator::inspect::{Inspector, Moment};
use crate::mutator::shared::Demand;
use crate::mutator::{Record, Shared};
use crate::object::Object;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Arc, Mutex, MutexGuard};
use old::Suspect;
use own::Depth;
use std::collections::HashMap;

/// What the verifier asks the layer that keeps links.
pub trait LinkAudit: Send + Sync {
    /// Looks at the links of one mutator. `own` is what it reaches.
    ///
    /// # Errors
    /// The first violation.
    ///
    /// # Safety
    /// Called by the owner at a safepoint, or by the holder.
    unsafe fn check_own(&self, record: &Record, own: &Own) -> Result<(), Violation>;
    /// Looks at the links that the global cycle looks at, and at public old objects that are `linked`; answers how many
    /// links there are, and who must be looked at again after a handshake. `is_dead` says what must not be linked any more.
    ///
    /// # Errors
    /// The first violation.
    fn check_shared(
        &self,
        moment: Moment,
        linked: &[*mut Object],
        is_dead: &dyn Fn(*mut Object) -> bool,
    ) -> Result<(u64, Vec<LinkSuspect>), Violation>;
    /// Looks at links again.
    ///
    /// # Errors
    /// The first violation.
    fn check_again(&self, moment: Moment, suspects: &[LinkSuspect]) -> Result<(), Violation>;
}

/// One side of a pair that did not fit the other.
#[derive(Clone, Copy, Debug)]
pub enum LinkSuspect {
    /// The address of a `PyObject`.
    Handle(usize),
    /// A public old object.
    Object(*mut Object),
}

/// What inspections of mutators have found since somebody asked.
#[derive(Debug, Default)]
struct Session {
    /// Private old objects, and which mutator reaches them.
    owners: HashMap<usize, usize>,
    private: u64,
    mutators: u64,
    found: Option<Violation>,
}

/// Looks at mutators.
pub struct Verifier {
    links: Arc<dyn LinkAudit>,
    session: Mutex<Session>,
    /// Under `gc_zeal`: how many inspections of the roots alone pay for one of everything.
    debt: AtomicU64,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}

/// Private objects that an inspection under `gc_zeal` may look at for each that looks at the roots alone.
const PACE: u64 = 64;

impl Verifier {
    /// A verifier.
    pub fn new(links: Arc<dyn LinkAudit>) -> Verifier {
        Verifier { links, session: Mutex::new(Session::default()), debt: AtomicU64::new(0) }
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// # Safety
    /// As [`Inspector::inspect`].
    unsafe fn look(&self, record: &Record, moment: Moment) -> Result<(), Violation> {
        let debt = self.debt.load(Ordering::Relaxed);
        let depth = if moment == Moment::Asked || debt == 0 { Depth::Closure } else { Depth::Roots };
        // SAFETY: [L1] the caller's promise.
        let own = unsafe { own::check(record, moment, depth) }?;
        if moment != Moment::Asked {
            let debt = if depth == Depth::Closure { own.private as u64 / PACE } else { debt - 1 };
            self.debt.store(debt, Ordering::Relaxed);
        }
        // SAFETY: [L1] as above.
        unsafe { self.links.check_own(record, &own) }?;
        if moment == Moment::Asked {
            let mut session = self.session();
            session.private += own.private as u64;
            session.mutators += 1;
            for object in own.old {
                // A young object is in one nursery. Old ones of two mutators are told apart here: while no sweep is on
                // an old object stays what it is, private or not.
                let owner = std::ptr::from_ref(record) as usize;
                if session.owners.insert(object as usize, owner).is_some_and(|other| other != owner) {
                    let detail = "private, and reached by two mutators";
                    return Err(Violation::new(Invariant::Private, moment, object as usize, detail));
                }
            }
        }
        Ok(())
    }
}

impl Inspector for Verifier {
    unsafe fn inspect(&self, record: &Record, moment: Moment) {
        // SAFETY: [L1] the caller's promise.
        if let Err(violation) = unsafe { self.look(record, moment) } {
            if moment != Moment::Asked {
                fatal(&violation);
            }
            self.session().found.get_or_insert(violation);
        }
    }
}

/// Looks at one mutator as if it were this moment.
///
/// # Safety
/// As [`Inspector::inspect`].
#[cfg(test)]
pub(crate) unsafe fn look_at(record: &Record, moment: Moment) -> Result<(), Violation> {
    // SAFETY: [L1] the caller's promise.
    unsafe { own::check(record, moment, Depth::Closure) }.map(drop)
}

/// Under `gc_zeal` a violation ends the process.
pub(super) fn fatal(violation: &Violation) -> ! {
    eprintln!("handfast: the heap is corrupt: {violation}");
    std::process::abort()
}

/// What must be looked at again after a handshake.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    old: Vec<Suspect>,
    links: Vec<LinkSuspect>,
}

impl Suspects {
    fn is_empty(&self) -> bool {
        self.old.is_empty() && self.links.is_empty()
    }
}

impl Collector {
    /// Checks the heap. The caller drives cycles at the moment, and none runs.
    ///
    /// # Errors
    /// The first violation that was found.
    pub(super) fn verify(&self) -> Result<Verified, Violation> {
        let (shared, moment) = (&*self.shared, Moment::Asked);
        let epoch = shared.ask().epoch;
        *self.verifier.session() = Session::default();
        self.handshake(Demand::Inspect, epoch);
        let Session { private, mutators, found, .. } = std::mem::take(&mut *self.verifier.session());
        if let Some(violation) = found {
            return Err(violation);
        }
        let mut verified = Verified { private, mutators, ..Verified::default() };
        let suspects = self.verify_shared(epoch, moment, &mut verified)?;
        blocks::check(shared, epoch, moment, &mut verified)?;
        if !suspects.is_empty() {
            // Whatever was half done is done when all have answered. The phase stays what it is.
            self.handshake(Demand::Disarm, epoch);
            self.verify_again(moment, &suspects)?;
        }
        Ok(verified)
    }

    /// Checks what is shared, between the end of marking and the beginning of the sweep, or between two cycles.
    pub(super) fn verify_shared(
        &self,
        epoch: u8,
        moment: Moment,
        verified: &mut Verified,
    ) -> Result<Suspects, Violation> {
        // SAFETY: [V1] marking is complete, and no sweep begins before the caller is done.
        let found = unsafe { old::check(&self.shared, epoch, moment) }?;
        // Until they are cleared, links may lead to the dead.
        let is_dead = |object| moment != Moment::Marked && self.is_dead(object, epoch);
        let (count, links) = self.verifier.links.check_shared(moment, &found.linked, &is_dead)?;
        (verified.old, verified.links) = (found.count, count);
        Ok(Suspects { old: found.suspects, links })
    }

    /// Looks at suspects again. All mutators have answered a handshake since.
    pub(super) fn verify_again(&self, moment: Moment, suspects: &Suspects) -> Result<(), Violation> {
        // SAFETY: [V1] as above.
        unsafe { old::again(&self.shared, moment, &suspects.old) }?;
        self.verifier.links.check_again(moment, &suspects.links)
    }

    /// Checks blocks and large objects after a sweep.
    pub(super) fn verify_swept(&self, epoch: u8) -> Result<(), Violation> {
        blocks::check(&self.shared, epoch, Moment::Swept, &mut Verified::default())
    }
}

/// What is wrong with a reference that `from` holds, by the side tables and the shape of the header: null when it is the
/// address of an object. Whoever calls may read the object if so.
pub fn sound(shared: &Shared, moment: Moment, target: *mut Object, from: usize) -> Option<Violation> {
    let (memory, address) = (&shared.memory, target as usize);
    let wrong = |invariant, detail: &str| {
        Some(Violation::new(invariant, moment, address, format!("{from:#x} refers to it: {detail}")))
    };
    if !address.is_multiple_of(8) || !memory.contains(address) {
        return wrong(Invariant::Reference, "no object of this heap");
    }
    if memory.in_blocks(address) {
        let block = memory.blocks.block_of(address);
        if block >= memory.block_count() || memory.blocks.kind(block) == Kind::Free {
            return wrong(Invariant::Reference, "in a free block");
        }
    } else if address % PAGE != 8 || !(memory.large.is_young(address) || memory.large.is_old(address)) {
        return wrong(Invariant::Reference, "not the beginning of a large object");
    }
    // SAFETY: [V2] committed memory of the heap, which stays; a word of it is read as a number.
    let word = unsafe { (*target.cast::<AtomicU64>()).load(Ordering::Relaxed) };
    // Descriptions are aligned to 64 bytes; a forwarding address has its lowest bit set.
    let ty = word & ((1 << 48) - 1);
    if ty == 0 || !ty.is_multiple_of(64) {
        return wrong(Invariant::Header, &format!("its header is {word:#x}, which names no type"));
    }
    None
}

/// What the side tables and the header say of an address: for messages.
pub fn describe(shared: &Shared, address: usize) -> String {
    let (memory, ask) = (&shared.memory, shared.ask());
    if !memory.contains(address) {
        return format!("{address:#x} is not in this heap");
    }
    // SAFETY: [H2] the caller asks for an object; a header that is none is read as numbers only.
    let header = unsafe { &*(address as *const Object) };
    let (flags, mark) = (header.flags(), header.mark());
    let place = if memory.in_blocks(address) {
        let block = memory.blocks.block_of(address);
        let line = (address & (BLOCK - 1)) >> LINE_SHIFT;
        format!(
            "block {block} ({:?}), line {line} marked {}",
            memory.blocks.kind(block),
            memory.blocks.line_marks(block)[line].load(Ordering::Relaxed)
        )
    } else {
        "large".to_owned()
    };
    format!("{address:#x}: {place}, flags {flags:#b}, marked {mark}; asked: {ask:?}")
}
