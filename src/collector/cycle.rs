//! The global cycle: on the fly, no moment at which all mutators are stopped.
//!
//! ```text
//!  flip ─ arm ─ snapshot ─ root scan ─ mark ⇄ flush round ─ judge ─ clear weak ─ reap links ─ disarm ─ sweep
//! ```
//!
//! Each handshake is an [`Ask`] that every mutator answers at a safepoint of its own (or the driver for it, while it is
//! in native code). The driver is a collector thread, or a mutator in the native state: the code is the same. What each
//! step is for, and why leaving one out loses objects, is shown by the executable model (`model/`); the proof sketch is in
//! SAFETY.md.
//!
//! Ends of marking: a flush round in which all buffers were empty, nothing was grey and no weak load made the gate dirty
//! proves that marking is complete. Then the driver judges what it would let die: it notes objects with finalizers, and
//! objects that C still holds. If there are any, and no weak load came meanwhile, they are shaded and queued, and marking
//! goes on. If there are none the gate closes, and from there on an unmarked object is dead for everybody.

use super::crew::Crew;
use super::mark;
use super::pacing::{Outrun, Pacing};
use super::verify::{self, LinkAudit, Verified, Verifier};
use crate::mutator::inspect::{Inspector, Moment};
use crate::mutator::shared::{Ask, Counters, Demand, Due, Grey};
use crate::mutator::{Record, Shared};
use crate::object::Object;
use crate::object::header::next_epoch;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicU64, Ordering};
use std::ptr::{NonNull, null_mut};
use std::time::Duration;

/// Another layer's references into the heap: roots, and what dies with objects.
pub trait RootSource: LinkAudit {
    /// Calls `shade` with every object that is held from outside. All mutators are scanned.
    fn scan(&self, shade: &mut dyn FnMut(*mut Object));
    /// Marking looks complete: calls `shade` with every object that `is_dead` although it is held from outside.
    fn judge(&self, is_dead: &dyn Fn(*mut Object) -> bool, shade: &mut dyn FnMut(*mut Object));
    /// Lets go of everything whose object `is_dead`, before any memory is reused.
    fn reap(&self, is_dead: &dyn Fn(*mut Object) -> bool);
}

/// What drives cycles over one heap.
pub struct Collector {
    pub(super) shared: Arc<Shared>,
    pub(super) verifier: Arc<Verifier>,
    source: Arc<dyn RootSource>,
    threads: usize,
    reserve: usize,
    round: AtomicU64,
    crew: Crew,
    /// The heap's budget.
    pub pacing: Pacing,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector")
            .field("threads", &self.threads)
            .field("pacing", &self.pacing)
            .finish_non_exhaustive()
    }
}

impl Collector {
    /// A collector that marks with `threads` threads and keeps `reserve` bytes of free blocks.
    pub fn new(
        shared: Arc<Shared>,
        source: Arc<dyn RootSource>,
        threads: usize,
        reserve: usize,
        pacing: Pacing,
    ) -> Collector {
        let verifier = Arc::new(Verifier::new(source.clone()));
        let inspector: Arc<dyn Inspector> = verifier.clone();
        shared.set_inspector(Arc::downgrade(&inspector));
        let round = AtomicU64::new(1);
        Collector { shared, verifier, source, threads: threads.max(1), reserve, round, crew: Crew::new(), pacing }
    }

    /// Asks every mutator and returns when all have answered.
    pub(super) fn handshake(&self, demand: Demand, epoch: u8) {
        let round = self.round.fetch_add(1, Ordering::Relaxed) + 1;
        let word = Ask { round, epoch, demand }.encode();
        self.shared.asked.publish(word);
        let mut waiting: Vec<&Record> = self.shared.registry.iter().collect();
        let mut tries = 0;
        loop {
            waiting.retain(|record| !record.deliver());
            if waiting.is_empty() {
                return;
            }
            tries += 1;
            if tries < 32 {
                crate::sync::spin_loop();
            } else {
                self.shared
                    .event
                    .wait(Duration::from_micros(500), || waiting.iter().any(|record| record.answered.is(word)));
            }
        }
    }

    /// Runs one cycle. `full`: first have every mutator promote what is public and young, so that everything
    /// unreachable at the call dies in this very cycle. One driver at a time.
    pub(super) fn run(&self, full: bool) {
        let shared = &*self.shared;
        let before = shared.ask().epoch;
        if full {
            self.handshake(Demand::Promote, before);
        }
        let epoch = next_epoch(before);
        crate::trace_event!("cycle begins", epoch = epoch);
        self.pacing.cycle_begins();
        self.crew.begin();
        shared.gate.reset();
        self.handshake(Demand::Arm, epoch);
        self.handshake(Demand::Snapshot, epoch);
        self.scan_roots(epoch);
        self.pacing.set_marking(true);
        loop {
            mark::mark(shared, &self.crew, epoch, self.threads, &|| self.is_short_while_marking());
            shared.gate.begin_flush();
            self.handshake(Demand::Flush, epoch);
            let clean = shared.gate.end_round();
            if !shared.grey.is_empty() {
                shared.gate.reopen();
                continue;
            }
            if clean && self.judge(epoch) {
                break;
            }
        }
        self.pacing.set_marking(false);
        let total = self.crew.marked();
        let zeal = |moment| match self.verify_shared(epoch, moment, &mut Verified::default()) {
            Ok(suspects) => suspects,
            Err(violation) => verify::fatal(&violation),
        };
        let marked = cfg!(gc_zeal).then(|| zeal(Moment::Marked));
        shared.weaks.for_each(|cell| {
            let target = cell.target.load(Ordering::Acquire);
            if self.is_dead(target, epoch) {
                // The cell may have been freed and used again meanwhile: only this very target is cleared.
                let _ = cell.target.compare_exchange(target, null_mut(), Ordering::AcqRel, Ordering::Relaxed);
            }
        });
        self.source.reap(&|object| self.is_dead(object, epoch));
        let cleared = cfg!(gc_zeal).then(|| zeal(Moment::Cleared));
        // Before the sweep: a mutator in the middle of a weak load may still look at the header of a dead object.
        self.handshake(Demand::Disarm, epoch);
        for (moment, suspects) in [(Moment::Marked, marked), (Moment::Cleared, cleared)] {
            if let Some(Err(violation)) = suspects.map(|suspects| self.verify_again(moment, &suspects)) {
                verify::fatal(&violation);
            }
        }
        shared.memory.begin_sweep(epoch);
        while shared.memory.sweep_next() {}
        self.sweep_large(epoch);
        if cfg!(gc_zeal)
            && let Err(violation) = self.verify_swept(epoch)
        {
            verify::fatal(&violation);
        }
        // What the next cycle will need again is not worth giving back, unless somebody asked for a full collection.
        self.pacing.cycle_ends(total.bytes as usize, shared.memory.room());
        let more = if full { 0 } else { self.pacing.trigger().saturating_mul(2) };
        shared.memory.trim(self.reserve.saturating_add(more));
        shared.counters.live_bytes.store(total.bytes, Ordering::Relaxed);
        shared.counters.live_objects.store(total.objects, Ordering::Relaxed);
        Counters::add(&shared.counters.cycles, 1);
        crate::trace_event!("cycle ends", epoch = epoch, live_bytes = total.bytes, live_objects = total.objects);
    }

    pub(super) fn is_dead(&self, object: *mut Object, epoch: u8) -> bool {
        // SAFETY: [G1] not young, so old; its header is intact until the sweep.
        !object.is_null() && !self.shared.memory.is_young(object as usize) && unsafe { (*object).mark() } != epoch
    }

    /// Marks an old unmarked object and queues it.
    fn shade(&self, object: *mut Object, epoch: u8, grey: &mut Vec<Grey>) {
        if !self.is_dead(object, epoch) {
            return;
        }
        // SAFETY: [G1] as in `is_dead`.
        unsafe { (*object).set_mark(epoch) };
        grey.push(Grey::new(object));
        if grey.len() >= 1024 {
            self.shared.grey.push(std::mem::take(grey));
        }
    }

    fn scan_roots(&self, epoch: u8) {
        let mut grey = vec![];
        self.shared.globals.for_each(|cell| self.shade(cell.get(), epoch, &mut grey));
        self.source.scan(&mut |object| self.shade(object, epoch, &mut grey));
        if !grey.is_empty() {
            self.shared.grey.push(grey);
        }
    }

    /// After a clean round: decides that whatever is unmarked is dead, and closes the gate; or finds what must live still,
    /// or that a weak load came in between, and answers false: marking goes on.
    ///
    /// Candidates are noted first and queued only if no weak load came until then: otherwise an object could be finalized
    /// that a mutator has just reached.
    fn judge(&self, epoch: u8) -> bool {
        let shared = &*self.shared;
        let mut due = vec![];
        shared.finalizable.for_each(|cell| {
            // Acquire, [F-put]: the cell's place in the order is at least as new.
            if self.is_dead(cell.object.load(Ordering::Acquire), epoch) {
                due.push((cell.order.load(Ordering::Relaxed), NonNull::from(cell)));
            }
        });
        let mut held = vec![];
        self.source.judge(&|object| self.is_dead(object, epoch), &mut |object| held.push(object));
        if due.is_empty() && held.is_empty() {
            return shared.gate.end_judging();
        }
        if !shared.gate.reopen() {
            return false;
        }
        due.sort_unstable_by_key(|(order, _)| *order);
        let mut grey = vec![];
        for object in held {
            self.shade(object, epoch, &mut grey);
        }
        for (_, cell) in due {
            // SAFETY: [C1] only the collector frees these cells, and only here.
            let object = unsafe { cell.as_ref() }.object.swap(null_mut(), Ordering::AcqRel);
            self.shade(object, epoch, &mut grey);
            let root = shared.globals.alloc();
            // SAFETY: [C1] a fresh cell; the object is public (finalizable objects are).
            unsafe { root.as_ref() }.value.store(object, Ordering::Release);
            shared.due.push(Due(root));
            // SAFETY: [C1] as above.
            unsafe { shared.finalizable.free(cell) };
        }
        shared.grey.push(grey);
        false
    }

    fn sweep_large(&self, epoch: u8) {
        let memory = &self.shared.memory;
        memory.large.for_each_old(|start| {
            let object = (start + 8) as *mut Object;
            // SAFETY: [G1] an old large object; nobody can reach it if it is unmarked.
            unsafe {
                if (*object).mark() != epoch {
                    let extent = Object::large_extent(object);
                    memory.free_large(extent.start, extent.bytes);
                }
            }
        });
    }

    /// Whether mutators will soon have to wait for fresh memory: little of it is ready, and what they promote until the next
    /// sweep is more than that and holes take.
    pub fn is_short_of_memory(&self) -> bool {
        let memory = &self.shared.memory;
        let ready = memory.committed().saturating_sub(memory.used());
        memory.is_short() && self.pacing.to_come() > memory.holes().saturating_add(ready)
    }

    /// Has some fresh memory ready before mutators need it; whether it is short still.
    pub fn prepare_memory(&self) -> bool {
        self.shared.memory.prepare() && self.is_short_of_memory()
    }

    /// Whether those who mark should prepare some; not for mutators that outrun them. Who clears pages marks nothing meanwhile
    /// (four fifths of the time, where pages are slow), and what is promoted until the end of the cycle makes the heap grow.
    fn is_short_while_marking(&self) -> bool {
        self.outrun() == Outrun::No && self.is_short_of_memory()
    }

    fn outrun(&self) -> Outrun {
        self.pacing.outrun(|| self.crew.marked().bytes)
    }

    /// A mutator helps to mark while it outruns the cycle. What it has in its hands nobody sees, so a flush round that is on
    /// is made dirty, twice (`model/`, faults 30 and 31). Here before it takes anything: it may have answered the round, which
    /// could end before it is done. If there is nothing to take it asks for some, and finds it the next time.
    pub fn assist(&self) {
        let outrun = self.outrun();
        if outrun == Outrun::No {
            return;
        }
        if self.shared.grey.is_empty() {
            return self.crew.ask();
        }
        self.shared.gate.disturb();
        mark::help(&self.shared, &self.crew, outrun);
    }
}
