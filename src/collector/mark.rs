//! Marking: grey objects are traced while mutators run.
//!
//! A marker takes chunks of grey objects from the shared queue, traces them depth first on a stack of its own, and gives
//! half of its stack to others that have nothing to do ([`Crew`]): the older half, which leads to more. A mutator that helps
//! is a marker for a while, and leaves the rest of its stack in the queue. Tracing marks the object's lines, so that the
//! sweep needs no look at objects at all. Most objects refer to nothing: such a one is traced when it is found, and never lies on
//! a stack.
//!
//! Slots of old private objects may hold addresses of young objects, whose memory only their owner may read (INV-4): the
//! marker asks the side tables whether an address is young, never the object. It loads the slot, loads the state, and if
//! that says old, loads the slot again and starts over if it has changed: a minor collection updates every slot before
//! it changes the state of a block.

use super::crew::{Crew, Marked};
use super::pacing::Outrun;
use crate::heap::fresh::Beside;
use crate::heap::{Memory, Youth};
use crate::mutator::Shared;
use crate::mutator::ahead::Ahead;
use crate::mutator::shared::{Counters, Grey};
use crate::object::type_info::Slots;
use crate::object::{Object, Slot, TypeInfo, reference, slot};
use crate::sync::{Backoff, thread};

/// Objects that one marker traces before threads are started for others.
const ALONE: usize = 4096;

/// Objects traced between two looks at whether others have nothing to do: a few microseconds' worth.
const LOOK: usize = if cfg!(shuttle) { 2 } else { 128 };

/// Objects traced between two looks at what fresh memory there is: some milliseconds' worth.
const STEP: usize = 1 << 15;

/// Objects that a mutator traces at once when it helps: some tens of microseconds' worth. Four times as many if it has outrun
/// the cycle by far.
const HELP: usize = 1024;

/// Items of an array that are visited at once. What they refer to is traced before the next, while it is in the cache, and a
/// mutator that helps to mark is not held up by an array of millions.
const PIECE: usize = 256;

/// Objects between the request for a header's cache line and the look at it. Marking waits for memory more than for anything
/// else.
const AHEAD: usize = 32;

/// One marker.
pub(super) struct Marker<'a> {
    shared: &'a Shared,
    crew: &'a Crew,
    memory: &'a Memory,
    youth: Youth<'a>,
    epoch: u8,
    stack: Vec<Grey>,
    /// Objects that slots referred to, whose headers and marks have been asked for.
    ahead: Ahead<Object, AHEAD>,
    /// Not reported yet.
    marked: Marked,
    /// Objects that were.
    reported: u64,
    /// Objects traced, and pieces of arrays.
    traced: usize,
    /// After how many it looks up.
    look: usize,
}

impl<'a> Marker<'a> {
    pub(super) fn new(shared: &'a Shared, crew: &'a Crew, epoch: u8) -> Marker<'a> {
        Marker {
            shared,
            crew,
            memory: &shared.memory,
            youth: shared.memory.youth(),
            epoch,
            stack: Vec::new(),
            ahead: Ahead::new(),
            marked: Marked::default(),
            reported: 0,
            traced: 0,
            look: LOOK,
        }
    }

    /// Marks and remembers for tracing what a slot refers to.
    #[inline(always)]
    unsafe fn visit(&mut self, slot: Slot) {
        // SAFETY: [S1] a slot of a live object.
        let field = unsafe { slot::atomic(slot) };
        let object = reference::settled(field, |address| self.youth.is_young(address));
        if object.is_null() {
            return;
        }
        slot::prefetch(object);
        self.memory.blocks.prefetch_mark(object as usize);
        let earlier = self.ahead.put(object);
        if !earlier.is_null() {
            // SAFETY: [G1] it came from a slot, see above.
            unsafe { self.consider(earlier) };
        }
    }

    /// Marks an object, unless it is, and traces it or puts it on the stack.
    #[inline(always)]
    unsafe fn consider(&mut self, object: *mut Object) {
        // SAFETY: [G1] INV-4: an address that passed both looks is a live old object, and stays one while marking lasts.
        let header = unsafe { &*object };
        if header.mark() == self.epoch {
            return;
        }
        header.set_mark(self.epoch);
        let ty = header.type_info();
        // SAFETY: [G1] as above.
        if ty.slots != Slots::Many && unsafe { slot::fixed(object, ty).all(|slot| slot::load(slot).is_null()) } {
            // SAFETY: [G1] as above.
            unsafe { self.blacken(object, ty) };
        } else {
            self.stack.push(Grey::new(object));
        }
    }

    /// Considers what was asked for, until that makes work; whether it did.
    fn catch_up(&mut self) -> bool {
        while self.stack.is_empty()
            && let Some(object) = self.ahead.take()
        {
            // SAFETY: [G1] it came from a slot.
            unsafe { self.consider(object) };
        }
        !self.stack.is_empty()
    }

    unsafe fn trace(&mut self, Grey { object, from }: Grey) {
        // SAFETY: [G1] grey objects are live and old.
        let (ty, items) = unsafe {
            let ty = (*object).type_info();
            (ty, slot::items(object, ty))
        };
        let to = if items - from > PIECE { self.continue_at(object, from + PIECE) } else { items };
        if from == 0 {
            // SAFETY: [G1] as above.
            unsafe { self.blacken(object, ty) };
        } else {
            self.traced += 1;
        }
        // SAFETY: [G1] as above.
        unsafe {
            if ty.slots == Slots::Few {
                slot::fixed(object, ty).for_each(|slot| self.visit(slot));
            } else {
                slot::for_each_in(object, ty, from..to, |slot| self.visit(slot));
            }
        }
    }

    /// Marks the lines of an object that is being traced, and counts it.
    #[inline(always)]
    unsafe fn blacken(&mut self, object: *mut Object, ty: &TypeInfo) {
        // SAFETY: [G1] live and old.
        let extent = unsafe { Object::extent_as(object, ty) };
        if self.youth.in_blocks(object as usize) {
            self.memory.blocks.mark_lines(extent.start, extent.bytes, self.epoch);
        }
        self.traced += 1;
        self.marked.objects += 1;
        self.marked.bytes += extent.bytes as u64;
    }

    /// Has the items of an array visited from there on when those before have been traced, or by another marker meanwhile.
    fn continue_at(&mut self, object: *mut Object, from: usize) -> usize {
        let rest = Grey { object, from };
        if self.crew.wants_work() && self.shared.grey.is_empty() {
            self.shared.grey.push(vec![rest]);
        } else {
            self.stack.push(rest);
        }
        from
    }

    /// Says what it has marked.
    fn report(&mut self) {
        self.reported += self.marked.objects;
        self.crew.add(std::mem::take(&mut self.marked));
    }

    /// Says so, and gives the older half of its stack to others if there is nothing for them to do.
    #[cold]
    fn look_up(&mut self) {
        self.look = self.traced + LOOK;
        self.report();
        if self.stack.len() > 1 && self.crew.wants_work() && self.shared.grey.is_empty() {
            let half = self.stack.len() / 2;
            let newer = self.stack.split_off(half);
            let older = std::mem::replace(&mut self.stack, newer);
            self.shared.grey.push(older);
        }
    }

    /// Traces until its stack and the shared queue are empty, or about `budget` objects have been traced; then its stack is in
    /// the queue. Counted as at work by the caller.
    fn drain(&mut self, budget: usize) {
        let end = self.traced + budget;
        loop {
            while let Some(grey) = self.stack.pop() {
                // SAFETY: [G1] it came from the queue or from a slot.
                unsafe { self.trace(grey) };
                if self.traced >= self.look {
                    self.look_up();
                }
                if self.traced >= end {
                    return self.put_back();
                }
            }
            if self.catch_up() {
                continue;
            }
            match self.shared.grey.pop() {
                Some(chunk) => self.stack = chunk,
                None => return self.report(),
            }
        }
    }

    /// Leaves to others what it has.
    fn put_back(&mut self) {
        while let Some(object) = self.ahead.take() {
            // SAFETY: [G1] it came from a slot.
            unsafe { self.consider(object) };
        }
        self.report();
        if !self.stack.is_empty() {
            self.shared.grey.push(std::mem::take(&mut self.stack));
        }
    }

    /// One turn: counted as at work from before it looks for any.
    fn turn(&mut self, budget: usize) {
        self.crew.enter();
        self.drain(budget);
        self.crew.leave();
    }

    /// Waits until there is work in the queue, or nobody is left who might make some: then false.
    fn await_work(&self) -> bool {
        let backoff = Backoff::new();
        while self.shared.grey.is_empty() {
            if self.crew.is_idle() {
                return false;
            }
            self.crew.ask();
            backoff.snooze();
        }
        true
    }
}

/// A mutator's part: traces a little, and makes the flush round dirty that may have begun since. Another mutator, which has
/// answered that, may have changed what was being traced (`model/`, fault 30).
pub(super) fn help(shared: &Shared, crew: &Crew, outrun: Outrun) {
    let mut marker = Marker::new(shared, crew, shared.ask().epoch);
    marker.turn(if outrun == Outrun::ByFar { 4 * HELP } else { HELP });
    // Not the objects that it has marked: the rest of an array counts for nothing, and may have been all that it had.
    if marker.traced > 0 {
        shared.gate.disturb();
    }
    Counters::add(&shared.counters.assisted_objects, marker.reported);
}

/// Drains the grey queue with up to `threads` markers, the caller being one of them, and mutators that help. In between they
/// prepare fresh memory for mutators if it `is_short`: a page that is cleared while a mutator waits for it is a pause.
pub(super) fn mark(shared: &Shared, crew: &Crew, epoch: u8, threads: usize, is_short: &(dyn Fn() -> bool + Sync)) {
    let work = |budget: usize| {
        let mut marker = Marker::new(shared, crew, epoch);
        let mut beside = Beside::default();
        loop {
            marker.turn(budget);
            if is_short() {
                beside.prepare(&shared.memory);
            }
            if !marker.await_work() || budget == ALONE {
                return;
            }
        }
    };
    if threads == 1 {
        return work(STEP);
    }
    // A few objects are not worth a thread: the caller looks first how much there is.
    work(ALONE);
    if shared.grey.is_empty() {
        return;
    }
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| work(STEP))).collect();
        work(STEP);
        for other in others {
            other.join().expect("a marker does not panic");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::block::{Kind, LINE, LINES};
    use crate::mutator::sizing::Bounds;
    use crate::object::TypeInfo;
    use crate::object::header::OLD;
    use crate::sync::atomic::Ordering;
    use std::time::Duration;

    static TABLE: TypeInfo = TypeInfo::new("Table", 0).with_ref_items();
    static LEAF: TypeInfo = TypeInfo::new("Leaf", 8);

    fn shared() -> Shared {
        let memory = Memory::new(4 << 20, false).unwrap();
        Shared::new(memory, Bounds { first: 4, most: 4, pause_target: Duration::from_millis(1) })
    }

    #[test]
    fn who_is_asked_gives_half_and_nothing_is_lost() {
        let shared = shared();
        let epoch = shared.ask().epoch;
        let block = shared.memory.take_free(Kind::Active).unwrap();
        let start = shared.memory.blocks.address_of(block);
        let leaves = || {
            let leaf = |i: usize| {
                let leaf = (start + 16 * i) as *mut Object;
                // SAFETY: [N3] a fresh block, zeroed: room for so many leaves.
                unsafe { Object::init(leaf, &LEAF, OLD, epoch) };
                Grey::new(leaf)
            };
            (0..4 * LOOK).map(leaf).collect()
        };
        for (asked, chunks) in [(false, vec![3 * LOOK]), (true, vec![3 * LOOK / 2, 3 * LOOK / 2])] {
            let crew = Crew::new();
            shared.grey.push(leaves());
            if asked {
                crew.ask();
            }
            let mut marker = Marker::new(&shared, &crew, epoch);
            marker.turn(LOOK);
            let left: Vec<Vec<Grey>> = std::iter::from_fn(|| shared.grey.pop()).collect();
            assert_eq!(left.iter().map(Vec::len).collect::<Vec<_>>(), chunks);
            left.into_iter().for_each(|chunk| shared.grey.push(chunk));
            marker.turn(4 * LOOK);
            assert_eq!(crew.marked(), Marked { objects: 4 * LOOK as u64, bytes: 64 * LOOK as u64 });
            assert!(shared.grey.is_empty() && crew.is_idle());
        }
    }

    #[test]
    fn what_refers_to_nothing_is_traced_when_it_is_found_and_counts() {
        static PAIR: TypeInfo = TypeInfo::new("Pair", 16).with_refs(&[0, 8]);
        let shared = shared();
        let epoch = shared.ask().epoch;
        let block = shared.memory.take_free(Kind::Active).unwrap();
        let at = shared.memory.blocks.address_of(block) as *mut usize;
        // An array of pairs, each in a line of its own. All are empty but the second, whose second slot refers
        // to the first.
        let items = LINES - 1 - (PIECE + 2) * 8 / LINE;
        let pair = |i: usize| (at as usize + (LINES - items + i) * LINE) as *mut Object;
        // SAFETY: [N3] a fresh block, zeroed: room for the array, and behind it for the pairs.
        let array: *mut Object = unsafe {
            at.write(items);
            Object::init(at.add(1).cast(), &TABLE, OLD, epoch - 1);
            for i in 0..items {
                Object::init(pair(i), &PAIR, OLD, epoch - 1);
                at.add(2 + i).write(pair(i) as usize);
            }
            Object::payload(pair(1)).cast::<*mut Object>().add(1).write(pair(0));
            at.add(1).cast()
        };
        let crew = Crew::new();
        shared.grey.push(vec![Grey::new(array)]);
        let mut marker = Marker::new(&shared, &crew, epoch);
        marker.turn(items / 2);
        let whole = Marked { objects: items as u64 + 1, bytes: (8 * (items + 2) + 24 * items) as u64 };
        assert_eq!(marker.traced as u64, whole.objects - 1, "what it leaves to others is the pair that is not empty");
        assert_eq!(shared.grey.pop().map(|left| left.len()), Some(1));
        shared.grey.push(vec![Grey::new(pair(1))]);
        marker.turn(items);
        assert_eq!((crew.marked(), crew.is_idle()), (whole, true));
        let unmarked: Vec<usize> = shared
            .memory
            .blocks
            .line_marks(block)
            .iter()
            .enumerate()
            .filter(|(_, mark)| mark.load(Ordering::Relaxed) != epoch)
            .map(|(line, _)| line)
            .collect();
        assert_eq!(unmarked, ((8 * (items + 2)).div_ceil(LINE)..LINES - items).collect::<Vec<_>>());
    }

    #[test]
    fn who_has_traced_the_rest_of_an_array_makes_the_round_dirty() {
        let shared = shared();
        let block = shared.memory.take_free(Kind::Active).unwrap();
        let at = shared.memory.blocks.address_of(block) as *mut usize;
        // SAFETY: [N3] a fresh block, zeroed: room for an array of empty items.
        let array: *mut Object = unsafe {
            at.write(PIECE + 1);
            Object::init(at.add(1).cast(), &TABLE, OLD, shared.ask().epoch);
            at.add(1).cast()
        };
        let is_dirty = |grey: Option<Grey>| {
            shared.gate.reset();
            shared.gate.begin_flush();
            grey.into_iter().for_each(|grey| shared.grey.push(vec![grey]));
            help(&shared, &Crew::new(), Outrun::Yes);
            assert!(shared.grey.is_empty());
            !shared.gate.end_round()
        };
        assert!(is_dirty(Some(Grey::new(array))));
        assert!(is_dirty(Some(Grey { object: array, from: PIECE })));
        assert!(!is_dirty(None));
    }
}
