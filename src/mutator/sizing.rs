//! How large a nursery is: what survives decides.
//!
//! A small nursery stays in the cache close to the processor, a large one gives objects time to die. So a mutator begins
//! small; while a good part of what it allocates survives, doubling the nursery lets more die before the next minor
//! collection. That holds where everything survives, too: what is built may be larger than the nursery and be dropped as a
//! whole (of binary trees, nearly all nodes survive a nursery smaller than the tree). When nearly nothing survives for a
//! while, size does not help and the nursery becomes small again. (Sizing by survival: Appel, Simple generational garbage
//! collection, 1989; by a pause goal: Detlefs et al., Garbage-first, ISMM 2004.)
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

use crate::heap::block::BLOCK;
use crate::heap::evacuate;
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// No pause target makes a nursery smaller than this.
pub const LEAST: usize = 128 << 10;

/// A nursery gets smaller when of so many times its first size, allocated on end, next to nothing has survived. One that
/// has grown out of the caches makes every allocation slower, so it should not take many of its collections to notice.
const FEW: usize = 8;

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
    /// Bytes allocated on end of which nearly nothing survived.
    few: usize,
    /// Nanoseconds for a KiB of survivors, an estimate for each way; 0: none was measured.
    costs: [u64; 3],
    /// What the last collection of each way took for a KiB.
    last: [u64; 3],
    /// The way that the size was chosen for.
    planned: Option<Way>,
    /// The collection that is being looked at has been measured by its parts.
    in_parts: bool,
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
            few: 0,
            costs: [0; 3],
            last: [0; 3],
            planned: None,
            in_parts: false,
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

    /// A collection promoted so many objects, and so many bytes of them.
    pub fn look_at(&mut self, bytes: usize, objects: u64) {
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
        self.few = if survived < allocated / 64 { self.few + allocated } else { 0 };
        let want = if self.few >= FEW * self.bounds.first * BLOCK {
            self.few = 0;
            (self.blocks / 2).max(self.bounds.first)
        } else if survived > allocated / 24 {
            self.blocks * 2
        } else {
            self.blocks
        };
        // With fewer survivors it is not them that a pause consists of.
        let in_parts = std::mem::take(&mut self.in_parts);
        if survived > allocated / 16 && !in_parts {
            self.measure(way, cost(survived, took));
        }
        let next = self.plan(room);
        self.blocks = want.min(self.affordable(next, self.part)).clamp(self.least(), most);
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
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const US: Duration = Duration::from_micros(1);
    const NS: Duration = Duration::from_nanos(1);

    const MUCH: Room = Room { left: usize::MAX, blocks: true, some_blocks: true, holes: false };

    fn with(left: usize) -> Room {
        Room { left, ..MUCH }
    }

    fn sizing() -> Sizing {
        Sizing::new(Bounds { first: 32, most: 128, pause_target: MS })
    }

    /// A minor collection of a full nursery, with survivors at a nanosecond a byte.
    fn minor(sizing: &mut Sizing, percent: usize) -> usize {
        let allocated = sizing.blocks() * BLOCK;
        let survived = allocated / 100 * percent;
        sizing.after_minor(allocated, survived, Duration::from_nanos(survived as u64), Way::IntoBlocks, &MUCH)
    }

    #[test]
    fn grows_while_some_survive_and_shrinks_when_size_does_not_help() {
        let mut s = Sizing::new(Bounds { first: 32, most: 128, pause_target: 10 * MS });
        assert_eq!((minor(&mut s, 20), minor(&mut s, 20), minor(&mut s, 20)), (64, 128, 128));
        assert_eq!(minor(&mut s, 3), 128, "neither few nor many: stays");
        for (before, after) in [(128, 64), (64, 32), (32, 32)] {
            for _ in 1..FEW * 32 / before {
                assert_eq!(minor(&mut s, 0), before, "not yet");
            }
            assert_eq!(minor(&mut s, 0), after);
        }
        for _ in 0..100 {
            minor(&mut s, 0);
            assert_eq!(minor(&mut s, 3), 32);
        }
        assert_eq!((minor(&mut s, 20), s.expected(100 << 8) >> 8), (64, 20));
        let mut s = sizing();
        assert_eq!((minor(&mut s, 100), minor(&mut s, 100)), (30, 30), "a ms of survivors at a ns a byte");
    }

    #[test]
    fn that_most_survive_is_over_when_they_do_not() {
        let mut s = sizing();
        minor(&mut s, 90);
        assert_eq!(s.way(&MUCH), Way::InPlace);
        s.after_minor(0, 0, US, Way::IntoBlocks, &MUCH);
        s.after_minor(BLOCK, BLOCK, US, Way::IntoBlocks, &MUCH);
        assert_eq!(s.way(&MUCH), Way::InPlace, "nothing was allocated, or that survived");
        s.after_minor(BLOCK, BLOCK / 2, US, Way::IntoBlocks, &MUCH);
        assert_eq!(s.way(&MUCH), Way::IntoBlocks);
        s.after_minor(BLOCK, BLOCK, US, Way::IntoBlocks, &MUCH);
        assert_eq!(s.way(&MUCH), Way::IntoBlocks, "an early one says little");
    }

    #[test]
    fn what_nearly_fills_a_line_is_copied() {
        let mut s = sizing();
        minor(&mut s, 100);
        for (bytes, in_place) in [(0, true), (32, true), (96, true), (104, false), (128, false), (136, true)] {
            s.look_at(1000 * bytes, 1000);
            assert_eq!(s.way(&MUCH) == Way::InPlace, in_place, "{bytes} bytes");
        }
        s.look_at(112_000, 1000);
        s.look_at(0, 0);
        assert_ne!(s.way(&MUCH), Way::InPlace, "nothing was promoted, which says nothing");
        s.look_at(32, 1);
        minor(&mut s, 50);
        assert_ne!(s.way(&MUCH), Way::InPlace);
    }

    #[test]
    fn grows_where_everything_survives() {
        let mut s = Sizing::new(Bounds { first: 32, most: 128, pause_target: 100 * MS });
        assert_eq!((minor(&mut s, 100), minor(&mut s, 100), minor(&mut s, 100)), (64, 128, 128));
    }

    #[test]
    fn never_more_than_half_of_what_is_left() {
        let mut s = Sizing::new(Bounds { first: 32, most: 1024, pause_target: 100 * MS });
        let mut minor = |blocks: usize, part: usize, room: usize| {
            s.after_minor(blocks * BLOCK / part, blocks * BLOCK / part, MS, Way::IntoBlocks, &with(room * BLOCK))
        };
        assert_eq!((minor(32, 1, 200), minor(64, 1, 200), minor(100, 1, 200)), (64, 100, 100));
        assert_eq!(minor(100, 4, 120), 60, "one that came early, too");
        assert_eq!(minor(60, 1, 10), 32, "not below what was asked for");
        assert_eq!((minor(32, 1, 4000), minor(64, 1, 4000)), (64, 128));
    }

    #[test]
    fn no_more_survives_than_can_be_copied_and_kept_within_the_target() {
        let mut s = sizing();
        for _ in 0..100 {
            minor(&mut s, 50);
        }
        let bytes = s.blocks() * BLOCK;
        // A half and a sixteenth are copied, at a nanosecond a byte, and the rest stays, at a fifth of one: 0.65 a byte.
        assert!((1_500_000..=1_540_000).contains(&bytes), "a ms buys a million and a half, not {bytes}");
    }

    #[test]
    fn a_collection_that_ran_out_of_time_is_measured_by_its_parts() {
        let mut s = sizing();
        minor(&mut s, 50);
        let size = s.blocks() * BLOCK;
        let half = size / 4;
        s.measure_parts(
            size,
            Way::IntoBlocks,
            (half, Duration::from_nanos(half as u64)),
            (half, half as u32 * NS / 10),
        );
        s.after_minor(size, size / 2, MS, Way::IntoBlocks, &MUCH);
        assert_eq!((s.cost(Way::IntoBlocks), s.cost_in_place()), (1024, 102), "neither is the mean");
        // Of a few bytes nothing can be said; they are not measured as a whole, either.
        s.measure_parts(size, Way::IntoBlocks, (size / 100, MS), (size / 100, MS));
        s.after_minor(size, size / 50, 2 * MS, Way::IntoBlocks, &MUCH);
        assert_eq!((s.cost(Way::IntoBlocks), s.cost_in_place()), (1024, 102));
        minor(&mut s, 100);
        s.after_minor(s.blocks() * BLOCK, s.blocks() * BLOCK, MS, Way::InPlace, &MUCH);
        assert!(s.cost(Way::InPlace) > 102 && s.cost_in_place() <= 1024, "the next one is measured again");
    }

    #[test]
    fn never_below_the_least_nor_above_the_most() {
        let mut s = sizing();
        for _ in 0..100 {
            s.after_minor(s.blocks() * BLOCK, s.blocks() * BLOCK / 2, Duration::from_secs(1), Way::IntoBlocks, &MUCH);
        }
        assert_eq!(s.blocks() * BLOCK, LEAST);
        for _ in 0..300 {
            s.after_minor(s.blocks() * BLOCK, s.blocks() * BLOCK / 2, US, Way::IntoBlocks, &MUCH);
        }
        assert_eq!(s.blocks(), 128);
        let mut small = Sizing::new(Bounds { first: 4, most: 4, pause_target: Duration::ZERO });
        assert_eq!(small.after_minor(4 * BLOCK, 2 * BLOCK, MS, Way::IntoBlocks, &MUCH), 4);
    }

    #[test]
    fn one_long_pause_moves_little_and_an_early_one_nothing() {
        let mut s = sizing();
        minor(&mut s, 20);
        assert_eq!(minor(&mut s, 20), 73);
        let after = s.after_minor(73 * BLOCK, 15 * BLOCK, Duration::from_secs(1), Way::IntoBlocks, &MUCH);
        assert!((66..73).contains(&after), "{after}");
        assert_eq!(s.after_minor(BLOCK, BLOCK / 5, Duration::from_secs(1), Way::IntoBlocks, &MUCH), after);
    }

    #[test]
    fn what_was_found_twice_is_believed() {
        let mut s = sizing();
        minor(&mut s, 100);
        assert_eq!(minor(&mut s, 100), 30, "a ms of survivors at a ns a byte");
        s.after_minor(30 * BLOCK, 30 * BLOCK, 3 * MS, Way::IntoBlocks, &MUCH);
        assert!((26..30).contains(&s.blocks()), "once may be an accident: {}", s.blocks());
        let size = s.blocks() * BLOCK;
        s.after_minor(size, size, Duration::from_nanos(2 * size as u64), Way::IntoBlocks, &MUCH);
        assert_eq!(s.blocks(), 15, "the smaller of two");
    }

    #[test]
    fn a_nursery_goes_the_way_that_it_was_sized_for() {
        let holes = Room { blocks: false, holes: true, ..MUCH };
        let mut s = sizing();
        assert_eq!((s.way(&holes), s.blocks_expected(BLOCK)), (Way::IntoHoles, 0), "nothing was planned");
        minor(&mut s, 50);
        assert_eq!((s.way(&holes), s.blocks_expected(BLOCK)), (Way::IntoBlocks, BLOCK / 2));
        assert_eq!(s.way(&Room { some_blocks: false, ..holes }), Way::IntoHoles, "if it can");
        s.after_minor(s.blocks() * BLOCK, s.blocks() * BLOCK / 2, MS, Way::IntoBlocks, &holes);
        assert_eq!((s.way(&MUCH), s.blocks_expected(BLOCK)), (Way::IntoBlocks, 0), "holes have gone");
    }

    #[test]
    fn survivors_stay_in_place_while_blocks_are_what_there_is_most_of_and_a_nursery_of_that_size_to_its_end() {
        let (holes, few) = (Room { blocks: false, holes: true, ..MUCH }, Room { some_blocks: false, ..MUCH });
        let mut s = sizing();
        assert_eq!((s.way(&MUCH), s.way(&holes)), (Way::IntoBlocks, Way::IntoHoles));
        minor(&mut s, 90);
        assert_eq!((s.way(&MUCH), s.way(&holes)), (Way::InPlace, Way::InPlace), "planned");
        assert_eq!(s.way(&Room { blocks: false, ..few }), Way::IntoBlocks, "or as there is room");
        let size = s.blocks() * BLOCK;
        s.after_minor(size, size, MS, Way::InPlace, &holes);
        assert_eq!(s.way(&holes), Way::IntoHoles, "what was planned once is no reason for ever");
    }

    #[test]
    fn a_nursery_is_sized_for_the_way_that_its_survivors_will_go() {
        let holes = Room { blocks: false, holes: true, ..MUCH };
        let mut s = sizing();
        for _ in 0..100 {
            let size = s.blocks() * BLOCK;
            // A quarter of a nanosecond a byte.
            s.after_minor(size, size, Duration::from_nanos(size as u64 / 4), Way::InPlace, &MUCH);
        }
        assert_eq!((s.blocks(), s.way(&holes)), (122, Way::InPlace), "a millisecond buys four million bytes");
        s.after_minor(122 * BLOCK, 122 * BLOCK, MS, Way::InPlace, &holes);
        assert_eq!(s.blocks(), 30, "holes are taken for four times as expensive before one was filled");
        s.after_minor(30 * BLOCK, 30 * BLOCK, 2 * MS, Way::IntoHoles, &holes);
        assert_eq!(s.blocks(), 15, "then for what they cost");
        s.after_minor(15 * BLOCK, 15 * BLOCK, MS, Way::IntoHoles, &MUCH);
        assert_eq!(s.blocks(), 30, "and blocks for what they did");
        assert_eq!(s.after_minor(0, 0, US, Way::InPlace, &holes), 15, "an early one plans afresh");
        s.after_minor(15 * BLOCK, 15 * BLOCK, US, Way::IntoHoles, &holes);
        assert_eq!(s.blocks(), 15, "that holes have become cheap may be over soon");
    }
}
