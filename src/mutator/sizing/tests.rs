//! What sizes nurseries get.

use super::growth::{FEW, LONGEST_WAIT, WAIT};
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
        s.look_at(1000 * bytes, 1000, 0);
        assert_eq!(s.way(&MUCH) == Way::InPlace, in_place, "{bytes} bytes");
    }
    s.look_at(112_000, 1000, 0);
    s.look_at(0, 0, 0);
    assert_ne!(s.way(&MUCH), Way::InPlace, "nothing was promoted, which says nothing");
    s.look_at(32, 1, 0);
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
        let allocated = blocks * BLOCK / part;
        s.after_minor(allocated, allocated / 4 * 3, MS, Way::IntoBlocks, &with(room * BLOCK))
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
    s.measure_parts(size, Way::IntoBlocks, (half, Duration::from_nanos(half as u64)), (half, half as u32 * NS / 10));
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
    for _ in 0..2 {
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
    assert_eq!(s.blocks(), 32, "and blocks for what they did");
    assert_eq!(s.after_minor(0, 0, US, Way::InPlace, &holes), 15, "an early one plans afresh");
    s.after_minor(15 * BLOCK, 15 * BLOCK, US, Way::IntoHoles, &holes);
    assert_eq!(s.blocks(), 15, "that holes have become cheap may be over soon");
}

#[test]
fn a_nursery_of_which_the_public_survives_is_small() {
    let mut s = Sizing::new(Bounds { first: 32, most: 256, pause_target: 10 * MS });
    let mut minor = |public: usize, private: usize| {
        let size = s.blocks() * BLOCK;
        let (public, private) = (size / 100 * public, size / 100 * private);
        s.look_at(public + private, 1000, public);
        s.after_minor(size, public + private, US, Way::IntoBlocks, &MUCH)
    };
    assert_eq!((minor(100, 0), minor(97, 3)), (32, 32), "however old it gets, it is promoted");
    assert_eq!((minor(50, 50), minor(80, 20), minor(0, 80)), (64, 128, 256), "what is private may die yet");
    let sizes: Vec<usize> = std::iter::from_fn(|| Some(minor(99, 1))).take(8).collect();
    assert_eq!(sizes, [128, 128, 64, 64, 64, 64, 32, 32]);
}

#[test]
fn a_nursery_that_has_grown_in_vain_becomes_small_and_tries_again_after_longer_and_longer() {
    let mut s = Sizing::new(Bounds { first: 32, most: 256, pause_target: Duration::from_secs(10) });
    let mut last_wait = 0;
    for _ in 0..8 {
        let mut sizes = vec![s.blocks()];
        while sizes.len() < 6 {
            sizes.push(minor(&mut s, 81));
        }
        assert_eq!(sizes, [32, 64, 128, 256, 256, 32], "most survived the largest one twice");
        let mut wait = 0;
        while minor(&mut s, 81) == 32 {
            wait += 32;
        }
        // The last step of the wait was the first of the try.
        s.blocks = 32;
        assert!((256 * WAIT..=256 * LONGEST_WAIT).contains(&wait), "{wait}");
        assert!(wait == 2 * last_wait || last_wait == 0 || wait == 256 * LONGEST_WAIT, "{last_wait}, {wait}");
        last_wait = wait;
    }
    assert_eq!(last_wait, 256 * LONGEST_WAIT);
}

#[test]
fn a_nursery_that_waits_grows_when_most_no_longer_survives() {
    let mut s = Sizing::new(Bounds { first: 32, most: 256, pause_target: Duration::from_secs(10) });
    for _ in 0..5 {
        minor(&mut s, 100);
    }
    assert_eq!((s.blocks(), minor(&mut s, 100), minor(&mut s, 79)), (32, 32, 64));
    assert_eq!((minor(&mut s, 79), minor(&mut s, 79), minor(&mut s, 79)), (128, 256, 256), "a fifth dies: size helps");
    assert_eq!((minor(&mut s, 100), minor(&mut s, 79), minor(&mut s, 100)), (256, 256, 256), "not twice on end");
    assert_eq!(minor(&mut s, 100), 32);
    let waits = std::iter::from_fn(|| (minor(&mut s, 100) == 32).then_some(())).count();
    assert_eq!(waits, 256 * WAIT / 32, "and the first wait again");
}

#[test]
fn a_nursery_that_cannot_grow_has_not_grown_in_vain() {
    for most in [32, 40, 63] {
        let mut s = Sizing::new(Bounds { first: 32, most, pause_target: Duration::from_secs(10) });
        assert!((0..100).all(|_| minor(&mut s, 100) == most));
    }
}
