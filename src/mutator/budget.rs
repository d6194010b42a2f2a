//! How much a minor collection copies before the rest stays where it is.
//!
//! A nursery is sized by what survived before (`sizing.rs`), and a program that begins to keep what it allocates makes an
//! expectation of it: copying all of a nursery of which nothing was to survive takes many times the pause target. To mark an
//! object where it lies costs a part of copying it, and in a heap of lines that is allowed at any moment (opportunistic
//! evacuation: Blackburn and McKinley, Immix, PLDI 2008). So a collection looks at the clock now and then, and when there is
//! just enough time to keep in place all that it has not seen yet, it does: nothing is copied from then on. A block may have
//! lost some of its objects by then; it becomes old with the lines of those that stayed, as after a collection that found no
//! memory to copy to, and what was copied out is a hole.
//!
//! That all of the rest survives is the worst case, in which the nursery is never copied as a whole. Where only a little would
//! be gained, a collection goes on copying: blocks full of holes have a price, too, which comes later.
//!
//! Limits: the clock is looked at once in [`STEP`] bytes, so as much is always copied, at whatever cost; what a byte in place
//! costs is an estimate; and roots, remembered slots and handles are visited in any case. Where memory is so short that there
//! are no free blocks for another nursery, everything is copied, however long it takes.

use super::sizing::{self, Room, Sizing, Way};
use std::time::Duration;

/// So many bytes are promoted between two looks at the clock, which is a call to the operating system.
pub const STEP: usize = 32 << 10;

/// No count: it is the clock that says when to stop.
pub const NO_COUNT: u64 = u64::MAX;

/// What one minor collection may still copy.
#[derive(Debug)]
pub struct Budget {
    /// Objects are copied while fewer bytes than this have been promoted; then it is time for a look.
    allowed: usize,
    /// Nothing is copied any more.
    keeps: bool,
    /// Objects that are copied, where a test counts them.
    count: u64,
    start: Duration,
    target: Duration,
    /// Bytes that may survive.
    young: usize,
    /// Nanoseconds for a KiB that stays in place.
    in_place: u64,
    /// When the time was up: the bytes promoted until then, and the processor time.
    up: Option<(usize, Duration)>,
}

impl Budget {
    /// For a collection that began at `start` and finds `young` bytes. `count`: so many objects are copied, whatever it
    /// takes, unless it is [`NO_COUNT`].
    pub fn new(sizing: &Sizing, way: Way, room: &Room, start: Duration, young: usize, count: u64) -> Budget {
        let keeps = way == Way::InPlace;
        let allowed = match (keeps, count) {
            (true, _) => 0,
            (_, NO_COUNT) if room.some_blocks => STEP,
            (_, NO_COUNT) => usize::MAX,
            _ => 0,
        };
        let (target, in_place) = (sizing.pause_target(), sizing.cost_in_place());
        Budget { allowed, keeps, count, start, target, young, in_place, up: None }
    }

    /// Whether the next object may be copied, after so many bytes.
    #[inline(always)]
    pub fn may_copy(&mut self, promoted: usize) -> bool {
        promoted < self.allowed || !self.keeps && self.look(promoted)
    }

    #[cold]
    #[inline(never)]
    fn look(&mut self, promoted: usize) -> bool {
        if self.count == NO_COUNT {
            let now = sizing::thread_time();
            if self.goes_on(promoted, now.saturating_sub(self.start)) {
                self.allowed = promoted + STEP;
                return true;
            }
            self.up = Some((promoted, now));
        } else if self.count > 0 {
            self.count -= 1;
            return true;
        }
        (self.keeps, self.allowed) = (true, 0);
        false
    }

    /// Whether it may copy on, having spent so much: if there is time to keep the rest in place afterwards, or if to copy all
    /// of it takes the target and a quarter at most.
    fn goes_on(&self, promoted: usize, spent: Duration) -> bool {
        let (spent, target) = (spent.as_nanos() as u64, self.target.as_nanos() as u64);
        let rest = self.young.saturating_sub(promoted) as u64;
        let kept = rest * self.in_place / 1024;
        let copied = u128::from(rest) * u128::from(spent) / promoted.max(1) as u128;
        spent + kept < target || u128::from(spent) + copied < u128::from(target + target / 4)
    }

    /// If the time was up before all was promoted: bytes and processor time of what was copied, and of what stayed.
    pub fn parts(&self, promoted: usize, end: Duration) -> Option<[(usize, Duration); 2]> {
        let (copied, at) = self.up?;
        Some([(copied, at.saturating_sub(self.start)), (promoted - copied, end.saturating_sub(at))])
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::heap::block::BLOCK;
    use crate::mutator::budget::{Budget, NO_COUNT, STEP};
    use crate::mutator::sizing::{self, Bounds, Room, Sizing, Way};
    use std::time::Duration;

    const US: Duration = Duration::from_micros(1);
    const ROOM: Room = Room { left: usize::MAX, blocks: true, some_blocks: true, holes: false };

    fn budget(target: Duration, room: &Room, way: Way, young: usize, count: u64) -> Budget {
        let size = Sizing::new(Bounds { first: 32, most: 128, pause_target: target });
        Budget::new(&size, way, room, sizing::thread_time(), young, count)
    }

    /// How many objects of 1 KiB are copied, of a thousand.
    fn copied(mut budget: Budget) -> usize {
        (0..1000).filter(|i| budget.may_copy(i << 10)).count()
    }

    #[test]
    fn stops_while_there_is_time_for_the_rest() {
        // A million bytes take 200 microseconds in place.
        let b = budget(400 * US, &ROOM, Way::IntoBlocks, 1_000_000, NO_COUNT);
        assert!(b.goes_on(100_000, 200 * US));
        assert!(!b.goes_on(100_000, 230 * US), "and 180 for the rest");
        assert!(b.goes_on(900_000, 375 * US));
        assert!(b.goes_on(900_000, 430 * US), "the rest is copied in a tenth of what was spent: not worth it");
        assert!(!b.goes_on(900_000, 470 * US), "that is more than the target and a quarter");
        assert!(b.goes_on(1_000_000, 499 * US) && b.goes_on(2_000_000, 499 * US), "all was there already");
        assert!(!b.goes_on(0, 401 * US), "roots took it all");
    }

    #[test]
    fn copies_until_the_first_look_and_not_again() {
        let none = Duration::ZERO;
        assert_eq!(copied(budget(none, &ROOM, Way::IntoBlocks, 1 << 20, NO_COUNT)), STEP >> 10);
        let long = Duration::from_secs(60);
        assert_eq!(copied(budget(long, &ROOM, Way::IntoBlocks, 1 << 20, NO_COUNT)), 1000);
        assert_eq!(copied(budget(long, &ROOM, Way::InPlace, 1 << 20, NO_COUNT)), 0);
        let short = Room { some_blocks: false, ..ROOM };
        assert_eq!(copied(budget(none, &short, Way::IntoHoles, 1 << 20, NO_COUNT)), 1000, "there is no room for holes");
    }

    #[test]
    fn a_test_may_count() {
        for count in [0, 1, 2, 999, 1000] {
            let budget = budget(Duration::ZERO, &ROOM, Way::IntoBlocks, 1 << 20, count);
            assert_eq!(copied(budget), count as usize);
        }
    }

    #[test]
    fn says_what_each_part_took() {
        let mut b = budget(Duration::ZERO, &ROOM, Way::IntoBlocks, 1 << 20, NO_COUNT);
        let start = b.start;
        assert!(b.parts(100, start).is_none(), "the time was not up");
        assert!(!b.may_copy(STEP + 24));
        let (_, at) = b.up.expect("it was");
        let parts = b.parts(STEP + 100, at + 3 * US).expect("as above");
        assert_eq!(parts, [(STEP + 24, at - start), (76, 3 * US)]);
    }

    #[test]
    fn what_was_not_expected_to_survive_can_be_kept_within_the_target() {
        for percent in [0, 3, 5, 10, 50, 100] {
            let mut s = Sizing::new(Bounds { first: 32, most: 8192, pause_target: 1000 * US });
            assert_eq!(s.blocks(), 32, "a MiB takes a fifth of a millisecond");
            for _ in 0..100 {
                let (allocated, survived) = (s.blocks() * BLOCK, s.blocks() * BLOCK / 100 * percent);
                s.after_minor(allocated, survived, Duration::from_nanos(survived as u64), Way::IntoBlocks, &ROOM);
            }
            let (bytes, copied) = (s.blocks() * BLOCK, s.blocks() * BLOCK / 100 * percent);
            let took = Duration::from_nanos((copied + (bytes - copied) / 5) as u64);
            assert!(took <= 1000 * US, "{percent} %: {took:?} for {bytes} bytes");
        }
        let small = Sizing::new(Bounds { first: 32, most: 8192, pause_target: 100 * US });
        assert!((11..=13).contains(&small.blocks()), "0.4 MiB: {}", small.blocks());
        assert_eq!(
            Sizing::new(Bounds { first: 32, most: 32, pause_target: Duration::ZERO }).blocks() * BLOCK,
            sizing::LEAST
        );
    }
}
