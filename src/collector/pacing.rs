//! Pacing: when a cycle starts, and when mutators must help.
//!
//! The measure is the heap's own: bytes promoted (plus external memory reported) against what the last cycle left alive
//! times the growth factor. Resident memory plays no part. A cycle finds what is dead when it begins, and makes room of that
//! when it ends. So the heap grows over what lives by what is promoted from the beginning of one cycle to the end of the
//! next, and that is the growth: a cycle begins when so much is left of it as will be promoted while it runs, going by the
//! last ones, but not before a quarter of it is used up. (A goal for the end of a cycle, not for its beginning: Go's pacer,
//! Clements 2015.)
//!
//! What is promoted while a cycle runs is bounded as well, by twice what is expected and half of the growth: a mutator that
//! has used up more of that than of the work is marked helps to mark, however late the collector's thread is. (Once what is
//! expected would have mutators help in every other cycle, beside a collector's thread that is not late at all.)
//!
//! Help does not end a cycle whose own thread gets no core, and before it has begun there is nothing to help with. So when twice
//! the growth has been promoted since a cycle began, mutators wait after each minor collection, for a bounded time (`pace` in
//! `api/raw/alloc.rs`): that gives the collector's thread a core.
//!
//! Near the limit a cycle starts early enough that what is promoted while it runs still finds room, by what the last one has
//! seen: room is what survivors can use, free memory and the holes between survivors, which is less than what is dead. A heap
//! that grows has more to mark each time, and as much more is promoted meanwhile: of what is promoted until the next cycle
//! begins, as large a part is expected to be marked by it as was by the last. A minor collection that finds less room than it
//! expects to need waits, so room for a large one is left; and a cycle for which one waited let through less than would have come.

use crate::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering};

/// Whether mutators promote so much that a cycle, which is marking, ends too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outrun {
    /// It goes as planned, or nothing is being marked.
    No,
    /// It is behind.
    Yes,
    /// All that may be promoted was.
    ByFar,
}

/// The heap's budget.
#[derive(Debug)]
pub struct Pacing {
    growth_percent: usize,
    min_growth: usize,
    /// The most bytes that may be in use.
    limit: usize,
    promoted: AtomicUsize,
    /// Bytes that the heap may grow by over what lives.
    growth: AtomicUsize,
    trigger: AtomicUsize,
    /// Bytes outside of the heap that its objects hold; below zero where some were given back before they were reported.
    external: AtomicIsize,
    /// Bytes promoted while the last cycle ran, about, had nobody waited.
    during: AtomicUsize,
    /// Such bytes to expect of the next: what the last ones had, each for half of what those before it count for.
    expected: AtomicUsize,
    /// The most that one minor collection has promoted since the last cycle.
    largest: AtomicUsize,
    /// Somebody has waited for room since the last cycle ended.
    short: AtomicBool,
    /// Bytes that the last cycle left alive.
    live: AtomicUsize,
    /// Bytes promoted from the beginning of the cycle before to that of the last.
    came: AtomicUsize,
    /// Of the cycle that runs: bytes that there are to mark, about; those that were promoted when marking began; those that
    /// may be promoted until it ends.
    work: AtomicUsize,
    from: AtomicUsize,
    allowed: AtomicUsize,
    in_cycle: AtomicBool,
    marking: AtomicBool,
}

impl Pacing {
    /// A budget for an empty heap.
    pub fn new(growth_percent: u32, min_growth: usize, limit: usize) -> Pacing {
        Pacing {
            growth_percent: growth_percent as usize,
            min_growth,
            limit,
            promoted: AtomicUsize::new(0),
            growth: AtomicUsize::new(min_growth.min(limit / 2)),
            trigger: AtomicUsize::new(min_growth.min(limit / 2)),
            external: AtomicIsize::new(0),
            during: AtomicUsize::new(0),
            largest: AtomicUsize::new(0),
            short: AtomicBool::new(false),
            expected: AtomicUsize::new(0),
            live: AtomicUsize::new(0),
            came: AtomicUsize::new(0),
            work: AtomicUsize::new(0),
            from: AtomicUsize::new(0),
            allowed: AtomicUsize::new(0),
            in_cycle: AtomicBool::new(false),
            marking: AtomicBool::new(false),
        }
    }

    /// Counts what a minor collection has promoted; true when a cycle is due.
    pub fn promote(&self, bytes: usize) -> bool {
        self.largest.fetch_max(bytes, Ordering::Relaxed);
        self.count(bytes)
    }

    fn count(&self, bytes: usize) -> bool {
        let before = self.promoted.fetch_add(bytes, Ordering::Relaxed);
        before.saturating_add(bytes) >= self.trigger.load(Ordering::Relaxed)
    }

    /// Whether so much has been promoted since a cycle began that mutators must give way to the collector's thread: twice the
    /// growth, where the next cycle should have begun within it, and let half of it through.
    pub fn is_overdrawn(&self) -> bool {
        self.promoted.load(Ordering::Relaxed) / 2 > self.growth.load(Ordering::Relaxed)
    }

    /// Counts external memory; true when a cycle is due.
    pub fn external(&self, delta: isize) -> bool {
        let _ = self.external.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |x| Some(x.saturating_add(delta)));
        delta > 0 && self.count(delta as usize)
    }

    /// A minor collection has found less room than it needs, and waits for the cycle under way.
    pub fn waits_for_room(&self) {
        self.short.store(true, Ordering::Relaxed);
    }

    /// External bytes reported.
    pub fn external_bytes(&self) -> usize {
        self.external.load(Ordering::Relaxed).max(0) as usize
    }

    /// A cycle begins: what is promoted from now on counts for the next.
    pub fn cycle_begins(&self) {
        let before = self.promoted.swap(0, Ordering::Relaxed);
        self.came.store(before, Ordering::Relaxed);
        let growth = self.growth.load(Ordering::Relaxed);
        let left = growth.saturating_sub(before);
        self.allowed.store(left.saturating_mul(2).clamp(growth / 8, growth / 2), Ordering::Relaxed);
        // Of what came since the last one, some is dead.
        self.work.store(self.live.load(Ordering::Relaxed).saturating_add(before / 2), Ordering::Relaxed);
        self.in_cycle.store(true, Ordering::Relaxed);
    }

    /// A cycle has left `live` bytes, and `room` for more.
    pub fn cycle_ends(&self, live: usize, room: usize) {
        let before = self.live.swap(live, Ordering::Relaxed);
        let promoted = self.promoted.load(Ordering::Relaxed);
        let mut during = promoted;
        if self.short.swap(false, Ordering::Relaxed) {
            let last = self.during.load(Ordering::Relaxed);
            during = during.max(last.saturating_add(last / 2));
        }
        // For each byte that is promoted until the next cycle begins, so many more are promoted while it runs.
        let marked = live.saturating_sub(before) as f64 / self.came.load(Ordering::Relaxed).max(1) as f64;
        let more = marked.min(1.0) * during as f64 / live.max(1) as f64;
        // What is outside of the heap counts as something that lives, but takes no room in it.
        let room = room.min(self.limit.saturating_sub(live));
        let live = live.saturating_add(self.external_bytes());
        let growth = (live as u128 * self.growth_percent as u128 / 100).min(usize::MAX as u128 >> 1) as usize;
        let growth = growth.max(self.min_growth);
        self.during.store(during, Ordering::Relaxed);
        let expected = self.expected.load(Ordering::Relaxed).midpoint(during);
        self.expected.store(expected, Ordering::Relaxed);
        self.in_cycle.store(false, Ordering::Relaxed);
        let left = promoted.saturating_add(self.usable(room, during, more)).max(self.limit / 32);
        self.growth.store(growth.min(left), Ordering::Relaxed);
        let trigger = growth.saturating_sub(expected).max(growth / 4);
        self.trigger.store(trigger.min(left), Ordering::Relaxed);
    }

    /// Bytes of the room that may be used up before the next cycle begins: if it begins only when memory is out, mutators wait
    /// for it. Half as much again as is expected is kept free, and as one minor collection needs; and an eighth for what cannot be
    /// used: the ends of holes, nurseries.
    fn usable(&self, room: usize, during: usize, more: f64) -> usize {
        let next = during as f64 * (1.0 + more) + self.largest.swap(0, Ordering::Relaxed) as f64;
        let usable = ((room / 8 * 7) as f64 - 1.5 * next) / (1.0 + 1.5 * more);
        (usable as usize).max(room / 16)
    }

    /// Promoted bytes that start the next cycle.
    pub fn trigger(&self) -> usize {
        self.trigger.load(Ordering::Relaxed)
    }

    /// Bytes that will be promoted before the next sweep, going by the last cycle; for the first ones, by when they begin.
    pub fn to_come(&self) -> usize {
        let trigger = self.trigger();
        let during = self.during.load(Ordering::Relaxed).max(trigger / 4);
        let until_sweep = if self.in_cycle.load(Ordering::Relaxed) { during } else { trigger.saturating_add(during) };
        until_sweep.saturating_sub(self.promoted.load(Ordering::Relaxed))
    }

    /// Marking has begun or ended.
    pub fn set_marking(&self, on: bool) {
        if on {
            let from = self.promoted.load(Ordering::Relaxed);
            let allowed = self.allowed.load(Ordering::Relaxed);
            self.from.store(from, Ordering::Relaxed);
            self.allowed.store(allowed.saturating_sub(from).max(allowed / 4), Ordering::Relaxed);
        }
        self.marking.store(on, Ordering::Relaxed);
    }

    /// Whether mutators outrun a cycle that is marking: of what may be promoted until it is through they have used up a larger
    /// part than is `marked` of the work, or all.
    pub fn outrun(&self, marked: impl FnOnce() -> u64) -> Outrun {
        if !self.marking.load(Ordering::Relaxed) {
            return Outrun::No;
        }
        let used = self.promoted.load(Ordering::Relaxed).saturating_sub(self.from.load(Ordering::Relaxed));
        let allowed = self.allowed.load(Ordering::Relaxed);
        if used > allowed {
            return Outrun::ByFar;
        }
        let work = self.work.load(Ordering::Relaxed);
        if used as u128 * work as u128 > u128::from(marked()) * allowed as u128 { Outrun::Yes } else { Outrun::No }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_is_due_after_growth_over_what_lived() {
        let pacing = Pacing::new(50, 1000, usize::MAX);
        assert!(!pacing.promote(999));
        assert!(pacing.promote(1));
        pacing.cycle_begins();
        pacing.cycle_ends(10_000, usize::MAX);
        assert!(!pacing.promote(4999));
        assert!(pacing.external(1));
        pacing.cycle_begins();
        assert!(!pacing.external(-1));
        assert_eq!(pacing.external_bytes(), 0);
        pacing.set_marking(true);
        assert_eq!(pacing.outrun(|| 0), Outrun::No);
    }

    #[test]
    fn external_memory_is_a_sum_in_any_order() {
        let pacing = Pacing::new(50, 1000, usize::MAX);
        assert!(!pacing.external(-5));
        assert_eq!(pacing.external_bytes(), 0);
        let _ = pacing.external(100);
        assert_eq!(pacing.external_bytes(), 95);
        for _ in 0..3 {
            let _ = pacing.external(isize::MAX);
        }
        assert_eq!(pacing.external_bytes(), isize::MAX as usize, "the most there can be");
    }

    #[test]
    fn external_memory_takes_no_room_in_the_heap() {
        let trigger = |external| {
            let pacing = Pacing::new(100, 1000, 100_000);
            let _ = pacing.external(external);
            pacing.cycle_begins();
            pacing.cycle_ends(10_000, usize::MAX);
            pacing.trigger()
        };
        // As much as lives, and ten times the limit: growth as of what lives with it, as far as the heap has room.
        assert_eq!((trigger(0), trigger(10_000)), (10_000, 20_000));
        assert!(trigger(1_000_000) > 50_000, "{} with an empty heap", trigger(1_000_000));
    }

    #[test]
    fn what_is_promoted_while_a_cycle_runs_is_growth() {
        let pacing = Pacing::new(50, 1000, usize::MAX);
        // Of 5000 the next begins before, by what is expected: 0, 1000, 1500, 2750, 1375, and 10,000 at last.
        for (during, trigger) in [(0, 5000), (2000, 4000), (2000, 3500), (4000, 2250), (0, 3625), (18_625, 1250)] {
            pacing.cycle_begins();
            let _ = pacing.promote(during);
            pacing.cycle_ends(10_000, usize::MAX);
            assert_eq!(pacing.trigger(), trigger, "{during} while the cycle ran");
        }
    }

    #[test]
    fn mutators_may_promote_as_fast_as_is_marked() {
        let pacing = Pacing::new(50, 1000, usize::MAX);
        pacing.cycle_ends(10_000, usize::MAX);
        // Half of the growth, of which half is gone when marking begins; twice what is left of it, an eighth at least.
        let cases = [(2000, 1250, 1250), (2000, 0, 2500), (4000, 0, 2000), (5000, 0, 625), (2000, 5000, 625)];
        for (before, early, allowed) in cases {
            let _ = pacing.promote(before);
            pacing.cycle_begins();
            let _ = pacing.promote(early);
            assert_eq!(pacing.outrun(|| 0), Outrun::No, "not marking yet");
            pacing.set_marking(true);
            assert_eq!(pacing.outrun(|| 0), Outrun::No);
            let _ = pacing.promote(allowed / 2);
            let work = 10_000 + before as u64 / 2;
            assert_eq!(pacing.outrun(|| work / 2), Outrun::No, "half of both");
            assert_eq!(pacing.outrun(|| work / 2 - 50), Outrun::Yes);
            let _ = pacing.promote(allowed - allowed / 2);
            assert_eq!(pacing.outrun(|| work - 1), Outrun::Yes);
            let _ = pacing.promote(1);
            assert_eq!(pacing.outrun(|| 2 * work), Outrun::ByFar, "there is more to mark than was thought");
            pacing.set_marking(false);
            assert_eq!(pacing.outrun(|| 0), Outrun::No);
            pacing.cycle_begins();
        }
    }

    #[test]
    fn twice_the_growth_is_too_much_whether_a_cycle_runs_or_is_late_to_begin() {
        let pacing = Pacing::new(50, 1000, usize::MAX);
        pacing.cycle_ends(10_000, usize::MAX);
        assert!(pacing.promote(10_001), "a cycle is due");
        assert!(!pacing.is_overdrawn(), "twice 5000, and one byte");
        let _ = pacing.promote(1);
        assert!(pacing.is_overdrawn());
        pacing.cycle_begins();
        assert!(!pacing.is_overdrawn());
        let _ = pacing.promote(10_002);
        assert!(pacing.is_overdrawn());
        pacing.cycle_ends(25_000, usize::MAX);
        assert!(!pacing.is_overdrawn(), "the growth is 12,500 now");
    }

    #[test]
    fn what_comes_before_the_next_sweep() {
        let pacing = Pacing::new(100, 1000, usize::MAX);
        assert_eq!(pacing.to_come(), 1250);
        assert!(pacing.promote(1000));
        pacing.cycle_begins();
        assert_eq!(pacing.to_come(), 250);
        assert!(!pacing.promote(600));
        assert_eq!(pacing.to_come(), 0, "more than was foreseen");
        pacing.cycle_ends(2000, usize::MAX);
        assert_eq!(pacing.to_come(), 1700 + 600 - 600);
        pacing.cycle_begins();
        assert!(!pacing.promote(200));
        assert_eq!(pacing.to_come(), 400);
    }

    #[test]
    fn absurd_numbers_are_much_and_nothing_else() {
        let pacing = Pacing::new(10_000, usize::MAX, usize::MAX);
        for _ in 0..2 {
            assert!(pacing.external(isize::MAX), "more than half of all addresses");
        }
        pacing.cycle_ends(usize::MAX, usize::MAX);
        assert!(pacing.trigger() > 0);
    }

    #[test]
    fn near_the_limit_a_heap_that_grows_has_more_to_mark() {
        let pacing = Pacing::new(10_000, 1000, 64_000);
        // All that came lives, and a fifth of what is marked is promoted meanwhile.
        let _ = pacing.count(1000);
        pacing.cycle_begins();
        let _ = pacing.count(200);
        pacing.cycle_ends(1000, 62_800);
        // Of what is promoted before the next cycle, three tenths are kept free for what is promoted while it runs.
        assert_eq!(pacing.trigger(), 200 + ((54_950.0 - 1.5 * 240.0) / 1.3) as usize);
        // The last trigger was so much, and as much lives: the next cycle's work is what is expected, and finds room.
        let came = pacing.trigger();
        let _ = pacing.count(came - 200);
        pacing.cycle_begins();
        let work = 1000 + came;
        assert!(came + 1000 + work / 5 * 3 / 2 < 64_000);
        // It has grown no more since: what was promoted then is what counts.
        let _ = pacing.count(work / 5);
        pacing.cycle_ends(1000, 62_000);
        assert_eq!(pacing.trigger(), work / 5 + 62_000 / 8 * 7 - (work / 5) * 3 / 2);
    }

    #[test]
    fn near_the_limit_cycles_come_earlier() {
        let pacing = Pacing::new(100, 1000, 64_000);
        assert!(!pacing.count(999));
        pacing.cycle_begins();
        pacing.cycle_ends(56_000, 8000);
        assert!(!pacing.count(6999));
        assert!(pacing.count(1), "7000 of the 8000 that are left");
        pacing.cycle_begins();
        assert!(!pacing.count(1000));
        pacing.cycle_ends(56_000, 8000);
        assert_eq!(pacing.trigger(), 1000 + 7000 - 1500, "so much is promoted while a cycle runs");
        pacing.cycle_begins();
        pacing.cycle_ends(32_000, 4000);
        assert_eq!(pacing.trigger(), 3500, "holes that are too small are no room");
        pacing.cycle_begins();
        assert!(!pacing.count(3000));
        pacing.cycle_ends(32_000, 4000);
        assert_eq!(pacing.trigger(), 3000 + 250, "the next one begins almost at once");
        pacing.cycle_begins();
        pacing.cycle_ends(64_000, 0);
        assert_eq!(pacing.trigger(), 2000, "never so small that cycles do nothing else");
    }
    #[test]
    fn near_the_limit_room_is_left_for_a_minor_collection() {
        let pacing = Pacing::new(10_000, 1000, 64_000);
        let _ = pacing.promote(400);
        let _ = pacing.promote(300);
        assert!(pacing.external(5000), "a cycle is due; this is no minor collection");
        pacing.cycle_begins();
        pacing.cycle_ends(32_000, 16_000);
        assert_eq!(pacing.trigger(), 14_000 - 600);
        pacing.cycle_begins();
        pacing.cycle_ends(32_000, 16_000);
        assert_eq!(pacing.trigger(), 14_000, "there was none since");
    }

    #[test]
    fn who_waited_for_room_would_have_promoted_more() {
        let pacing = Pacing::new(10_000, 1000, 64_000);
        pacing.cycle_begins();
        pacing.cycle_ends(32_000, 16_000);
        // Promoted while the cycle ran, whether somebody waited for room, and what is kept free for the next one.
        let cycles =
            [(2000, false, 3000), (100, true, 4500), (0, true, 6750), (5000, true, 10_125), (1000, false, 1500)];
        for (during, waited, free) in cycles {
            pacing.cycle_begins();
            let _ = pacing.count(during);
            if waited {
                pacing.waits_for_room();
            }
            pacing.cycle_ends(32_000, 16_000);
            assert_eq!(pacing.trigger(), during + 14_000 - free, "{during}");
        }
    }
}
