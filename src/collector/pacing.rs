//! Pacing: when a cycle starts, and when mutators must help.
//!
//! The measure is the heap's own: bytes promoted (plus external memory reported) since the last cycle began, against
//! what that cycle left alive times the growth factor. Resident memory plays no part. What is promoted while a cycle runs
//! finds no room yet that the cycle makes, so it counts as growth, too: a cycle starts as much earlier as was promoted
//! while the last one ran, though not before half of the growth. (A goal for the end of a cycle, not for its beginning:
//! Go's pacer, Clements 2015.) Near the limit a cycle starts early enough that what is promoted while it runs still finds
//! room, by what the last one has seen: room is what survivors can use, free memory and the holes between survivors, which
//! is less than what is dead.

use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The heap's budget.
#[derive(Debug)]
pub struct Pacing {
    growth_percent: usize,
    min_trigger: usize,
    /// The most bytes that may be in use.
    limit: usize,
    promoted: AtomicUsize,
    trigger: AtomicUsize,
    /// Bytes outside of the heap that its objects hold.
    external: AtomicUsize,
    /// Bytes promoted while the last cycle ran.
    during: AtomicUsize,
    in_cycle: AtomicBool,
    marking: AtomicBool,
}

impl Pacing {
    /// A budget for an empty heap.
    pub fn new(growth_percent: u32, min_trigger: usize, limit: usize) -> Pacing {
        Pacing {
            growth_percent: growth_percent as usize,
            min_trigger,
            limit,
            promoted: AtomicUsize::new(0),
            trigger: AtomicUsize::new(min_trigger.min(limit / 2)),
            external: AtomicUsize::new(0),
            during: AtomicUsize::new(0),
            in_cycle: AtomicBool::new(false),
            marking: AtomicBool::new(false),
        }
    }

    /// Counts promoted bytes; true when a cycle is due.
    pub fn promote(&self, bytes: usize) -> bool {
        let before = self.promoted.fetch_add(bytes, Ordering::Relaxed);
        before.saturating_add(bytes) >= self.trigger.load(Ordering::Relaxed)
    }

    /// Counts external memory; true when a cycle is due.
    pub fn external(&self, delta: isize) -> bool {
        if delta < 0 {
            let less = delta.unsigned_abs();
            let _ = self.external.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |x| Some(x.saturating_sub(less)));
            return false;
        }
        self.external.fetch_add(delta as usize, Ordering::Relaxed);
        self.promote(delta as usize)
    }

    /// External bytes reported.
    pub fn external_bytes(&self) -> usize {
        self.external.load(Ordering::Relaxed)
    }

    /// A cycle begins: what is promoted from now on counts for the next.
    pub fn cycle_begins(&self) {
        self.promoted.store(0, Ordering::Relaxed);
        self.in_cycle.store(true, Ordering::Relaxed);
    }

    /// A cycle has left `live` bytes, and `room` for more.
    pub fn cycle_ends(&self, live: usize, room: usize) {
        let live = live.saturating_add(self.external_bytes());
        let growth = (live as u128 * self.growth_percent as u128 / 100).min(usize::MAX as u128 >> 1) as usize;
        let room = room.min(self.limit.saturating_sub(live));
        // A cycle that begins only when memory is out makes mutators wait for it. Half as much again as the last one saw,
        // and an eighth for what cannot be used: the ends of holes, nurseries.
        let during = self.promoted.load(Ordering::Relaxed);
        self.during.store(during, Ordering::Relaxed);
        self.in_cycle.store(false, Ordering::Relaxed);
        let growth = growth.saturating_sub(during).max(growth / 2);
        let usable = (room / 8 * 7).saturating_sub(during.saturating_add(during / 2)).max(room / 16);
        let left = during.saturating_add(usable).max(self.limit / 32);
        self.trigger.store(growth.max(self.min_trigger).min(left), Ordering::Relaxed);
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
        self.marking.store(on, Ordering::Relaxed);
    }

    /// Whether mutators outrun a cycle that is marking: half of what would start the next one is used up.
    pub fn must_assist(&self) -> bool {
        self.marking.load(Ordering::Relaxed)
            && self.promoted.load(Ordering::Relaxed) > self.trigger.load(Ordering::Relaxed) / 2
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
        assert!(!pacing.must_assist());
        let _ = pacing.promote(2501);
        assert!(pacing.must_assist());
    }

    #[test]
    fn what_is_promoted_while_a_cycle_runs_is_growth() {
        let pacing = Pacing::new(50, 1000, usize::MAX);
        for (during, trigger) in [(0, 5000), (2000, 3000), (2500, 2500), (4000, 2500), (1000, 4000)] {
            pacing.cycle_begins();
            let _ = pacing.promote(during);
            pacing.cycle_ends(10_000, usize::MAX);
            assert_eq!(pacing.trigger(), trigger, "{during} while the cycle ran");
        }
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
        assert_eq!(pacing.to_come(), 1400 + 600 - 600);
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
    fn near_the_limit_cycles_come_earlier() {
        let pacing = Pacing::new(100, 1000, 64_000);
        assert!(!pacing.promote(999));
        pacing.cycle_begins();
        pacing.cycle_ends(56_000, 8000);
        assert!(!pacing.promote(6999));
        assert!(pacing.promote(1), "7000 of the 8000 that are left");
        pacing.cycle_begins();
        assert!(!pacing.promote(1000));
        pacing.cycle_ends(56_000, 8000);
        assert_eq!(pacing.trigger(), 1000 + 7000 - 1500, "so much is promoted while a cycle runs");
        pacing.cycle_begins();
        pacing.cycle_ends(32_000, 4000);
        assert_eq!(pacing.trigger(), 3500, "holes that are too small are no room");
        pacing.cycle_begins();
        assert!(!pacing.promote(3000));
        pacing.cycle_ends(32_000, 4000);
        assert_eq!(pacing.trigger(), 3000 + 250, "the next one begins almost at once");
        pacing.cycle_begins();
        pacing.cycle_ends(64_000, 0);
        assert_eq!(pacing.trigger(), 2000, "never so small that cycles do nothing else");
    }
}
