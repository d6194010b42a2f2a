//! What belongs to one mutator: looked at by its owner at a safepoint, or by who holds its record.
//!
//! From its roots the mutator's private objects are found, down to what is public; so INV-2 and the remembered set are
//! checked for everything that can be reached. Nothing here changes meanwhile but marks and flags of public objects.
//! What must hold depends on the moment: after a minor collection nothing private is young, after a snapshot what roots
//! refer to is shaded, and a mark is one of two numbers while a cycle is on.

use super::describe;
use super::report::{Invariant, Violation};
use crate::heap::block::{BLOCK, Kind, LINE_SHIFT, LINES};
use crate::mutator::inspect::Moment;
use crate::mutator::record::{Local, Phase};
use crate::mutator::{Record, Shared};
use crate::object::header::{
    BARRIER_CYCLE, BARRIER_IDLE, LINKED, OLD, PINNED, PUBLIC, UNLOGGED, next_epoch, previous_epoch,
};
use crate::object::{Object, Slot, slot};
use crate::sync::atomic::Ordering;
use std::collections::HashSet;
use std::ops::ControlFlow::{self, Break, Continue};

/// How much of a mutator is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// What its roots refer to.
    Roots,
    /// All that it reaches and that is private.
    Closure,
}

/// What was found of a mutator's own.
#[derive(Debug, Default)]
pub struct Own {
    /// Private objects that it reaches, old ones.
    pub old: Vec<*mut Object>,
    /// Private objects that it reaches and that are linked.
    pub linked: Vec<*mut Object>,
    /// Private objects that it reaches.
    pub private: usize,
    /// When it was looked at, and where the mutator stood in the cycle.
    pub state: Option<(Moment, Phase)>,
}

type Step = ControlFlow<Violation>;

struct Look<'a> {
    shared: &'a Shared,
    local: &'a Local,
    moment: Moment,
    cursor: usize,
    zeroed: usize,
    depth: Depth,
    remembered: HashSet<*mut Object>,
    slots: HashSet<Slot>,
    nursery: HashSet<u32>,
    large: HashSet<*mut Object>,
    met: HashSet<*mut Object>,
    work: Vec<*mut Object>,
    own: Own,
}

/// Looks at a mutator.
///
/// # Safety
/// Called by the owner at a point that may collect, or by the holder.
pub(super) unsafe fn check(record: &Record, moment: Moment, depth: Depth) -> Result<Own, Violation> {
    // SAFETY: [L1] the caller's promise; nothing below takes another reference to the owner's state.
    let local = unsafe { record.local() };
    let mut look = Look {
        shared: record.shared(),
        local,
        moment,
        cursor: record.cursor.get(),
        zeroed: record.zeroed.get(),
        depth,
        remembered: local.remembered.objects.iter().copied().collect(),
        slots: local.remembered.slots().iter().copied().collect(),
        nursery: [local.nursery.filled(), local.nursery.waiting(), local.nursery.mixed()]
            .concat()
            .into_iter()
            .collect(),
        large: local.large.iter().copied().collect(),
        met: HashSet::new(),
        work: vec![],
        own: Own { state: Some((moment, local.phase)), ..Own::default() },
    };
    // SAFETY: [V2] the caller's promise.
    let all = unsafe { look.all(record.barrier.get()) };
    match all {
        Continue(()) => Ok(look.own),
        Break(violation) => Err(violation),
    }
}

impl Look<'_> {
    fn wrong(&self, invariant: Invariant, address: usize, detail: impl Into<String>) -> Step {
        Break(Violation::new(invariant, self.moment, address, detail))
    }

    fn expect(&self, ok: bool, invariant: Invariant, address: usize, detail: impl FnOnce() -> String) -> Step {
        if ok { Continue(()) } else { self.wrong(invariant, address, detail()) }
    }

    unsafe fn all(&mut self, barrier: u8) -> Step {
        self.phase(barrier)?;
        self.nursery()?;
        self.evacuation()?;
        // SAFETY: [V2] the caller looks at its own, or at what it holds.
        unsafe {
            self.lists()?;
            self.roots()?;
            while let Some(object) = self.work.pop() {
                self.object(object)?;
            }
        }
        Continue(())
    }

    /// Barrier, number, grey buffer.
    fn phase(&self, barrier: u8) -> Step {
        let Local { phase, parity, epoch, grey, .. } = self.local;
        let (mask, colour) = match phase {
            Phase::Idle => (BARRIER_IDLE, *epoch),
            Phase::Armed => (BARRIER_CYCLE, previous_epoch(*epoch)),
            Phase::Scanned => (BARRIER_CYCLE, *epoch),
        };
        self.expect(barrier == mask, Invariant::Phase, 0, || {
            format!("the barrier mask is {barrier:#b} in phase {phase:?}")
        })?;
        self.expect(*parity == colour, Invariant::Phase, 0, || {
            format!("promotions carry {parity} in phase {phase:?} of cycle {epoch}")
        })?;
        self.expect(*phase != Phase::Idle || grey.is_empty(), Invariant::Phase, 0, || {
            format!("{} grey objects are buffered outside of a cycle", grey.len())
        })?;
        for grey in grey {
            // SAFETY: [G1] grey objects are live and old.
            let header = unsafe { &*grey.object };
            self.expect(
                header.flags() & OLD != 0 && header.mark() == *epoch,
                Invariant::Phase,
                grey.object as usize,
                || {
                    format!(
                        "a grey object is young or not marked {epoch}: {}",
                        describe(self.shared, grey.object as usize)
                    )
                },
            )?;
        }
        Continue(())
    }

    fn nursery(&self) -> Step {
        let nursery = &self.local.nursery;
        let memory = &self.shared.memory;
        let tables = &memory.blocks;
        let mut seen = HashSet::new();
        for &block in nursery.blocks().iter().chain(nursery.waiting()) {
            let at = tables.address_of(block);
            self.expect(seen.insert(block), Invariant::Nursery, at, || format!("block {block} is there twice"))?;
            let kind = tables.kind(block);
            self.expect(kind == Kind::Young, Invariant::Block, at, || {
                format!("block {block} of a nursery is {kind:?}")
            })?;
            let marked = tables.line_marks(block).iter().position(|mark| mark.load(Ordering::Relaxed) != 0);
            self.expect(marked.is_none() && tables.free_lines(block).is_empty(), Invariant::Block, at, || {
                format!("line {marked:?} of block {block} of a nursery is marked, or in use")
            })?;
        }
        for &block in nursery.mixed() {
            let (at, kind) = (tables.address_of(block), tables.kind(block));
            self.expect(seen.insert(block) && kind == Kind::Mixed, Invariant::Block, at, || {
                format!("block {block}, of which a nursery has lines, is {kind:?}, or there twice")
            })?;
            let (young, marks) = (tables.free_lines(block), tables.line_marks(block));
            let marked = (0..LINES).find(|&line| young.contains(line) && marks[line].load(Ordering::Relaxed) != 0);
            self.expect(marked.is_none(), Invariant::Line, at, || {
                format!("line {marked:?} of block {block} is a nursery's, and marked")
            })?;
        }
        let (cursor, end, region) = (self.cursor, self.local.block_end, nursery.region());
        let fits = if region.is_empty() {
            cursor == 0
        } else {
            end == region.end && (region.start..=end).contains(&cursor) && memory.is_young(region.start)
        };
        self.expect(fits, Invariant::Nursery, cursor, || {
            format!("cursor {cursor:#x} and end {end:#x} are not those of the part in use, {region:x?}")
        })?;
        let zeroed = self.zeroed.max(cursor);
        let is_zero = |at: &usize| {
            // SAFETY: [N4] within the block in use, beyond the cursor.
            unsafe { (*at as *const usize).read() == 0 }
        };
        let zero = zeroed == cursor || zeroed <= end && (cursor..zeroed).step_by(8).all(|at| is_zero(&at));
        self.expect(zero, Invariant::Nursery, zeroed, || {
            format!("between {cursor:#x} and {zeroed:#x} not all is zero, or beyond the block's end {end:#x}")
        })?;
        let empty = region.is_empty() && self.local.remembered.is_empty() && self.local.large.is_empty();
        self.expect(empty || !self.is_collected(), Invariant::Collected, cursor, || {
            "the nursery, the remembered set or the list of young large objects is not empty".into()
        })
    }

    fn is_collected(&self) -> bool {
        matches!(self.moment, Moment::AfterMinor | Moment::Snapshot)
    }

    /// Blocks that the evacuation allocator fills, and that no line still to be filled is alive.
    fn evacuation(&self) -> Step {
        let tables = &self.shared.memory.blocks;
        for (block, filled, holes) in self.local.evacuation.regions() {
            let at = tables.address_of(block);
            let kind = tables.kind(block);
            self.expect(kind == Kind::Active, Invariant::Block, at, || {
                format!("block {block} of an evacuation allocator is {kind:?}")
            })?;
            let inside = filled.is_empty() || (filled.start >= at && filled.end <= at + BLOCK);
            self.expect(inside, Invariant::Block, filled.start, || {
                format!("a hole {filled:x?} outside block {block}")
            })?;
            for (line, mark) in tables.line_marks(block).iter().enumerate() {
                let mark = mark.load(Ordering::Acquire);
                let alive = [self.local.parity, self.local.epoch].contains(&mark);
                self.expect(!alive || !holes.contains(line), Invariant::Line, at + (line << LINE_SHIFT), || {
                    format!("line {line} of block {block} is to be filled, and marked {mark}")
                })?;
            }
        }
        Continue(())
    }

    /// The lists that are no roots: published, large, finalizable, pinned, remembered.
    unsafe fn lists(&self) -> Step {
        for &object in &self.local.published {
            // SAFETY: [V2] public objects of this nursery.
            let flags = unsafe { (*object).flags() };
            self.expect(flags & PUBLIC != 0, Invariant::Public, object as usize, || {
                format!("on the list of published objects: {}", describe(self.shared, object as usize))
            })?;
            // SAFETY: [V2] as above.
            unsafe { self.public(object)? };
        }
        // Who looks at old objects by marked lines misses those in the hole that is being filled. They were promoted since
        // the last snapshot, so they count as alive; what they refer to is, while no cycle runs.
        let fresh = self.local.evacuation.regions().flat_map(|(_, filled, _)| filled.step_by(8));
        for at in fresh.filter(|&at| self.moment == Moment::Asked && self.shared.memory.blocks.is_start(at)) {
            let object = at as *mut Object;
            // SAFETY: [V2] promoted by this mutator.
            unsafe {
                if (*object).flags() & PUBLIC != 0 {
                    self.public(object)?;
                }
            }
        }
        for &object in &self.local.large {
            let memory = &self.shared.memory;
            let young = memory.large.contains(object as usize) && memory.large.is_young(object as usize);
            self.expect(young, Invariant::Large, object as usize, || {
                "on the list of young large objects, and not one".into()
            })?;
        }
        for &object in &self.local.finalizable {
            self.sound(object, 0)?;
            // SAFETY: [V2] sound, and young and its own, or public.
            let ty = unsafe { (*object).type_info() };
            self.expect(ty.finalize.is_some(), Invariant::Finalizer, object as usize, || {
                format!("type {:?} has no finalizer", ty.name)
            })?;
        }
        for (&object, &count) in &self.local.pins {
            // SAFETY: [V2] pinned objects are in this mutator's nursery until its next minor, dead or alive.
            let flags = unsafe { (*(object as *const Object)).flags() };
            self.expect(count == 0 || flags & (PINNED | PUBLIC) != 0, Invariant::Pin, object, || {
                format!("pinned {count} times, flags {flags:#b}")
            })?;
        }
        for &object in &self.local.remembered.objects {
            self.sound(object, 0)?;
            // SAFETY: [B3] remembered objects are alive.
            let flags = unsafe { (*object).flags() };
            let fits = flags & OLD != 0 && (flags & PUBLIC != 0 || flags & UNLOGGED == 0);
            self.expect(fits, Invariant::Remembered, object as usize, || {
                format!("in the remembered set: {}", describe(self.shared, object as usize))
            })?;
        }
        Continue(())
    }

    /// What a public object refers to is public (INV-1).
    unsafe fn public(&self, object: *mut Object) -> Step {
        let mut targets = vec![];
        // SAFETY: [V2] whole, as the caller says. Acquire: others may store into it.
        unsafe { slot::for_each(object, |s| targets.push(slot::atomic(s).load(Ordering::Acquire))) };
        for target in targets.into_iter().filter(|target| !target.is_null()) {
            self.sound(target, object as usize)?;
            // SAFETY: [V2] sound.
            let flags = unsafe { (*target).flags_acquire() };
            self.expect(flags & PUBLIC != 0, Invariant::Public, object as usize, || {
                format!("public, and refers to private {}", describe(self.shared, target as usize))
            })?;
        }
        Continue(())
    }

    unsafe fn roots(&mut self) -> Step {
        let mut targets = vec![];
        // SAFETY: [S1] root slots.
        self.local.roots.for_each(|s| targets.push((s as usize, unsafe { slot::load(s) })));
        targets.extend(self.local.due.iter().map(|&object| (0, object)));
        for (at, target) in targets {
            // SAFETY: [V2] roots of this mutator.
            unsafe { self.reference(at, target, None)? };
            if self.moment == Moment::Snapshot && !target.is_null() {
                // SAFETY: [V2] found sound just now.
                let header = unsafe { &*target };
                let shaded = header.flags_acquire() & OLD == 0 || header.mark() == self.local.epoch;
                self.expect(shaded, Invariant::Shaded, target as usize, || {
                    format!("root {at:#x}: {}", describe(self.shared, target as usize))
                })?;
            }
        }
        Continue(())
    }

    /// What every reference is: the address of an object of this heap, whole, in memory that is in use.
    fn sound(&self, target: *mut Object, from: usize) -> Step {
        super::sound(self.shared, self.moment, target, from).map_or(Continue(()), Break)
    }

    /// A reference that the mutator may follow; `source` is what holds it, unless it is a root.
    unsafe fn reference(&mut self, at: usize, target: *mut Object, source: Option<*mut Object>) -> Step {
        if target.is_null() {
            return Continue(());
        }
        self.sound(target, at)?;
        // SAFETY: [V2] sound, and by INV-2, which is what is looked at here, its own or public.
        let flags = unsafe { (*target).flags_acquire() };
        let young = self.shared.memory.is_young(target as usize);
        if flags & PUBLIC != 0 {
            // Its owner may be promoting it: the flag comes first, the table last.
            self.expect(young || flags & OLD != 0, Invariant::Age, target as usize, || {
                format!("public, old by its block, young by its header: {}", describe(self.shared, target as usize))
            })?;
            return if flags & OLD != 0 { self.mark(target) } else { Continue(()) };
        }
        self.expect(young == (flags & OLD == 0), Invariant::Age, target as usize, || {
            format!(
                "private, {} by its block: {}",
                if young { "young" } else { "old" },
                describe(self.shared, target as usize)
            )
        })?;
        if young {
            self.young(at, target)?;
            if let Some(source) = source {
                self.remembered(source, at, target)?;
            }
        }
        if self.met.insert(target) {
            self.own.private += 1;
            if flags & LINKED != 0 {
                self.own.linked.push(target);
            }
            if !young {
                self.own.old.push(target);
                // SAFETY: [V2] private, old and its own.
                unsafe { self.old(target)? };
            }
            if self.depth == Depth::Closure {
                self.work.push(target);
            }
        }
        Continue(())
    }

    /// A private young object is in this mutator's own nursery.
    fn young(&self, at: usize, target: *mut Object) -> Step {
        self.expect(!self.is_collected(), Invariant::Collected, target as usize, || {
            format!("{at:#x} refers to it: {}", describe(self.shared, target as usize))
        })?;
        let memory = &self.shared.memory;
        let own = if memory.in_blocks(target as usize) {
            let block = memory.blocks.block_of(target as usize);
            let last = self.local.nursery.region().contains(&(target as usize));
            self.nursery.contains(&block) && (!last || (target as usize) < self.cursor)
        } else {
            self.large.contains(&target)
        };
        self.expect(own, Invariant::Private, target as usize, || {
            format!(
                "{at:#x} refers to what is not in this mutator's nursery: {}",
                describe(self.shared, target as usize)
            )
        })
    }

    /// Where an old private object refers to a young one the remembered set says so.
    fn remembered(&self, source: *mut Object, at: usize, target: *mut Object) -> Step {
        // SAFETY: [V2] met as a sound object of this mutator.
        let old = unsafe { (*source).flags() } & OLD != 0;
        let known = !old || self.remembered.contains(&source) || self.slots.contains(&(at as Slot));
        self.expect(known, Invariant::Remembered, source as usize, || {
            format!(
                "its slot {at:#x} refers to young {target:p}, and is not remembered: {}",
                describe(self.shared, source as usize)
            )
        })
    }

    fn mark(&self, object: *mut Object) -> Step {
        let epoch = self.local.epoch;
        let allowed = match (self.moment, self.local.phase) {
            (Moment::Asked, _) => [epoch, epoch],
            // Another mutator may be in the next cycle already, and shade.
            (_, Phase::Idle) => [epoch, next_epoch(epoch)],
            _ => [previous_epoch(epoch), epoch],
        };
        // SAFETY: [V2] sound.
        let mark = unsafe { (*object).mark() };
        self.expect(allowed.contains(&mark), Invariant::Mark, object as usize, || {
            format!("marked {mark} and not one of {allowed:?}: {}", describe(self.shared, object as usize))
        })
    }

    /// What holds of an old private object beside what it refers to.
    unsafe fn old(&self, object: *mut Object) -> Step {
        self.mark(object)?;
        // SAFETY: [V2] the caller's object.
        let flags = unsafe { (*object).flags() };
        self.expect(
            flags & UNLOGGED != 0 || self.remembered.contains(&object),
            Invariant::Remembered,
            object as usize,
            || format!("neither remembered nor to be remembered: {}", describe(self.shared, object as usize)),
        )?;
        let memory = &self.shared.memory;
        if !memory.in_blocks(object as usize) {
            return Continue(());
        }
        // SAFETY: [V2] as above.
        let extent = unsafe { Object::extent(object) };
        let (tables, end) = (&memory.blocks, extent.start + extent.bytes);
        self.expect(tables.is_start(object as usize), Invariant::Line, object as usize, || {
            format!("not recorded where it starts: {}", describe(self.shared, object as usize))
        })?;
        let mut filled = self.local.evacuation.regions().map(|(_, filled, _)| filled);
        if filled.any(|filled| filled.start <= extent.start && end <= filled.end) {
            // Its hole has not been left yet, which marks the lines.
            return Continue(());
        }
        let marks = tables.line_marks(tables.block_of(extent.start));
        let lines = (extent.start & (BLOCK - 1)) >> LINE_SHIFT..=((end - 1) & (BLOCK - 1)) >> LINE_SHIFT;
        let epoch = self.local.epoch;
        let live = [previous_epoch(epoch), epoch, next_epoch(epoch)];
        let live = if self.moment == Moment::Asked { &live[1..2] } else { &live[..] };
        for (line, mark) in lines.clone().zip(&marks[lines]) {
            let mark = mark.load(Ordering::Acquire);
            self.expect(live.contains(&mark), Invariant::Line, object as usize, || {
                format!(
                    "line {line} is marked {mark} and not one of {live:?}: {}",
                    describe(self.shared, object as usize)
                )
            })?;
        }
        Continue(())
    }

    /// What a private object refers to.
    unsafe fn object(&mut self, object: *mut Object) -> Step {
        let mut targets = vec![];
        // SAFETY: [V2] sound, private and its own: nobody else writes its slots.
        unsafe { slot::for_each(object, |s| targets.push((s, slot::load(s)))) };
        for (s, target) in targets {
            // SAFETY: [V2] as above.
            unsafe { self.reference(s as usize, target, Some(object))? };
        }
        Continue(())
    }
}
