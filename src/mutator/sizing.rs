//! How large a nursery is: what survives decides.
//!
//! A small nursery stays in the cache close to the processor, a large one gives objects time to die. So a mutator begins
//! small; while a good part of what it allocates survives, doubling the nursery lets more die before the next minor
//! collection. That holds where everything survives, too: what is built may be larger than the nursery and be dropped as a
//! whole (of binary trees, nearly all nodes survive a nursery smaller than the tree). When nearly nothing survives for a
//! while, size does not help and the nursery becomes small again, and so it does when most survives the largest one, too
//! ([`growth`]). Nor does size help where survivors are public: these are promoted whether anybody refers to them or not.
//! (Sizing by survival: Appel, Simple generational garbage collection, 1989; by a pause goal: Detlefs et al., Garbage-first,
//! ISMM 2004.)
//!
//! A pause consists of copying survivors, and what survived last time says nothing of what will: a program that drops all it
//! allocates may begin to keep it. A collection that runs out of time keeps the rest where it is ([`budget`](super::budget)),
//! which costs a part of copying, but something. So a nursery is as large as this allows within the pause target: that so
//! much as is expected is copied, and all else survives as well and stays in place.
//!
//! The measure is processor time, since a thread that is descheduled copies nothing, and even so a single measurement
//! raises the estimate by an eighth at most: a page fault or a cold cache is no reason to collect more often. Two on end are.
//! Where survivors go makes a difference of its own: a scattered hole costs several times what the next place in a free block
//! does. So there is an estimate for each [`Way`], and a nursery is as large as the next one allows, and goes that way.

mod growth;

use crate::heap::block::BLOCK;
use crate::heap::evacuate;
use growth::Growth;
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// No pause target makes a nursery smaller than this.
pub const LEAST: usize = 128 << 10;

/// The bounds of a heap's nurseries.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The size to begin with, in blocks.
    pub first: usize,
    /// The largest size, in blocks; not below `first`.
    pub most: usize,
    /// What a minor collection should take at most.
    pub pause_target: Duration,
}

/// Where the survivors of a minor collection go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// They stay where they are, and their blocks become old.
    InPlace,
    /// Into free blocks.
    IntoBlocks,
    /// Into holes of old blocks first.
    IntoHoles,
}

/// What holes cost for what blocks cost, while nothing is known of the former.
const HOLES: u64 = 4;

/// Nanoseconds for a KiB of small objects that stay in place, while nothing is known of it: 0.2 a byte were measured.
const IN_PLACE: u64 = 205;

/// The same of copying them, while nothing is known of it: the most that was measured, into scattered holes.
const COPIED: u64 = 1024;

/// So much more of a nursery than is expected, in 256ths, may survive before some of it has to stay in place.
const MORE: usize = 256 / 16;

/// What a mutator finds for its survivors.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Bytes that are not in use or are its nursery's.
    pub left: usize,
    /// Whether free blocks are what there is most of.
    pub blocks: bool,
    /// Whether there are free blocks for a nursery, at least.
    pub some_blocks: bool,
    /// Whether survivors would find holes.
    pub holes: bool,
}

/// The present size of one mutator's nursery, and what the last minor collections showed.
#[derive(Debug)]
pub struct Sizing {
    bounds: Bounds,
    blocks: usize,
    /// Nearly everything survived the last collection of a full nursery, and those since that came early.
    most_survive: bool,
    /// The survivors of the last collection nearly fill a line each, going by their mean.
    fill_lines: bool,
    /// What part of the nursery survived the last collection of a full one, in 256ths.
    part: usize,
    growth: Growth,
    /// Nanoseconds for a KiB of survivors, an estimate for each way; 0: none was measured.
    costs: [u64; 3],
    /// What the last collection of each way took for a KiB.
    last: [u64; 3],
    /// The way that the size was chosen for.
    planned: Option<Way>,
    /// The collection that is being looked at has been measured by its parts.
    in_parts: bool,
    /// So many bytes of its survivors were public.
    public: usize,
}

impl Sizing {
    /// The size that a mutator begins with.
    pub fn new(bounds: Bounds) -> Sizing {
        let mut sizing = Sizing {
            bounds,
            blocks: bounds.first,
            most_survive: false,
            fill_lines: false,
            part: 0,
            growth: Growth::default(),
            costs: [0; 3],
            last: [0; 3],
            planned: None,
            in_parts: false,
            public: 0,
        };
        sizing.blocks = sizing.affordable(Way::IntoBlocks, 0).clamp(sizing.least(), bounds.first);
        sizing
    }

    /// The size in blocks.
    pub fn blocks(&self) -> usize {
        self.blocks
    }

    /// What a minor collection should take at most.
    pub fn pause_target(&self) -> Duration {
        self.bounds.pause_target
    }

    /// The way that survivors go: the one that the nursery was sized for, if it still can be gone, even if holes have come
    /// since.
    pub fn way(&self, room: &Room) -> Way {
        match self.planned {
            Some(Way::InPlace) if self.copying_buys_nothing() && room.some_blocks => Way::InPlace,
            Some(Way::IntoBlocks) if room.some_blocks => Way::IntoBlocks,
            _ => self.choose(room),
        }
    }

    /// The best way. Where nearly everything survived the last collection of a full nursery (four fifths), and free blocks are
    /// at hand, all stays in place.
    fn choose(&self, room: &Room) -> Way {
        if room.blocks && self.copying_buys_nothing() {
            Way::InPlace
        } else if room.holes {
            Way::IntoHoles
        } else {
            Way::IntoBlocks
        }
    }

    /// Nearly everything survives. But objects that nearly fill a line lie side by side in a nursery, on two lines each;
    /// copied, each has a line of its own, and leaves a hole that fits the next.
    fn copying_buys_nothing(&self) -> bool {
        self.most_survive && !self.fill_lines
    }

    /// The way of a nursery that is still to be filled.
    fn plan(&mut self, room: &Room) -> Way {
        let way = self.choose(room);
        self.planned = Some(way);
        way
    }

    /// Before [`Sizing::after_minor`]: the collection promoted so many objects, and so many bytes of them, of which so many
    /// were public.
    pub fn look_at(&mut self, bytes: usize, objects: u64, public: usize) {
        self.public = public;
        if let Some(mean) = bytes.checked_div(objects as usize) {
            self.fill_lines = evacuate::nearly_fills_line(mean);
        }
    }

    /// How many of `allocated` bytes will survive, going by the last collection.
    pub fn expected(&self, allocated: usize) -> usize {
        allocated / 256 * self.part
    }

    /// How many bytes of free blocks the survivors of `allocated` bytes will be copied to, going by the last collection.
    pub fn blocks_expected(&self, allocated: usize) -> usize {
        if self.planned == Some(Way::IntoBlocks) { self.expected(allocated) } else { 0 }
    }

    /// After a minor collection of `allocated` bytes of which `survived` were promoted in `took`, that `way`: the size from now
    /// on, at most half of the room that is left.
    pub fn after_minor(&mut self, allocated: usize, survived: usize, took: Duration, way: Way, room: &Room) -> usize {
        let size = self.blocks * BLOCK;
        // What lives must find room, and so must the other mutators; the size to begin with was asked for.
        let most = self.bounds.most.min((room.left / 2 / BLOCK).max(self.bounds.first));
        let survived = survived.min(allocated);
        let private = survived.saturating_sub(std::mem::take(&mut self.public));
        let most_survive = survived > allocated / 5 * 4;
        // One that came early, for a handshake or on demand, says little; but that most survive is over.
        if allocated < size / 2 {
            self.most_survive &= most_survive || allocated == 0;
            let next = self.plan(room);
            self.in_parts = false;
            self.blocks = self.blocks.min(self.affordable(next, self.part).max(self.least())).min(most);
            return self.blocks;
        }
        self.most_survive = most_survive;
        self.part = survived.div_ceil(allocated.div_ceil(256)).min(256);
        // With fewer survivors it is not them that a pause consists of.
        let in_parts = std::mem::take(&mut self.in_parts);
        if survived > allocated / 16 && !in_parts {
            self.measure(way, cost(survived, took));
        }
        let next = self.plan(room);
        let limit = self.affordable(next, self.part).clamp(self.least(), most);
        self.blocks = self.growth.want(allocated, private, self.blocks, self.bounds.first, limit).min(limit);
        self.blocks
    }

    /// Before [`Sizing::after_minor`] of a collection that ran out of time: it promoted `copied` bytes that `way` first, then
    /// `kept` bytes in place, and took so long for each.
    pub fn measure_parts(&mut self, allocated: usize, way: Way, copied: (usize, Duration), kept: (usize, Duration)) {
        for (way, (bytes, took)) in [(way, copied), (Way::InPlace, kept)] {
            if bytes > allocated / 16 {
                self.measure(way, cost(bytes, took));
            }
        }
        self.in_parts = true;
    }

    fn least(&self) -> usize {
        (LEAST / BLOCK).min(self.bounds.first)
    }

    /// How many blocks the pause target allows: `part` of them, in 256ths, and a little more is promoted this way, and then all
    /// the rest turns out to be alive and stays in place.
    fn affordable(&self, way: Way, part: usize) -> usize {
        let (in_place, part) = (self.cost_in_place(), (part + MORE).min(256) as u64);
        let promoted = if self.costs == [0; 3] { COPIED } else { self.cost(way).max(in_place) };
        let mean = in_place * (256 - part) + promoted * part;
        (self.bounds.pause_target.as_nanos() * 256 * 1024 / u128::from(mean.max(1)) / BLOCK as u128) as usize
    }

    /// Nanoseconds for a KiB that stays in place. Never more than copying took: one that did was an accident, and collections
    /// of this kind may be too rare to correct it.
    pub fn cost_in_place(&self) -> u64 {
        let [in_place, into_blocks, _] = self.costs;
        let known = if in_place == 0 { IN_PLACE } else { in_place };
        if into_blocks == 0 { known } else { known.min(into_blocks) }
    }

    /// What a way costs, going by another where it was not gone yet.
    fn cost(&self, way: Way) -> u64 {
        let [in_place, into_blocks, into_holes] = self.costs;
        let known = |costs: [u64; 3]| costs.into_iter().find(|&cost| cost != 0).unwrap_or(0);
        match way {
            Way::InPlace => known([in_place, into_blocks, into_holes]),
            Way::IntoBlocks => known([into_blocks, in_place, into_holes]),
            Way::IntoHoles => known([into_holes, into_blocks * HOLES, in_place * HOLES]),
        }
    }

    fn measure(&mut self, way: Way, cost: u64) {
        // What was found twice is no accident.
        let sure = std::mem::replace(&mut self.last[way as usize], cost).min(cost);
        let known = &mut self.costs[way as usize];
        // What was expensive will be again, sooner or later: blocks when nobody has prepared them, holes after each cycle.
        let slowly = if way == Way::IntoHoles { 32 } else { 16 };
        *known = match *known {
            0 => cost,
            known if cost < known => known - (known - cost) / slowly,
            known => sure.max(known + (cost - known).min(known).div_ceil(8)),
        };
    }
}

/// Nanoseconds for a KiB.
fn cost(bytes: usize, took: Duration) -> u64 {
    (took.as_nanos() as u64).saturating_mul(1024) / bytes as u64
}

/// The processor time that the calling thread has used.
pub fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.max(0) as u64, time.tv_nsec.clamp(0, 999_999_999) as u32)
}

#[cfg(test)]
mod tests;
