//! What two mutators do between the handshakes of one cycle: the programs of `tests/ops` that need each rule of the
//! barriers, written by hand. Each loses an object, or keeps a dead one, if its rule is left out (`planted/`).
//!
//! A full collection asks five times: promote, arm, snapshot, flush, disarm. Both mutators run and wait for nobody, so
//! the collection stops at each question until both have answered ([`both`] answers so many of them). Mutator 0 begins.

#[allow(dead_code, reason = "programs that are bytes are for other tests")]
mod ops;

use ops::Op::*;
use ops::{Op, Program, Setup};

/// Null, where a store takes a root.
const NULL: u8 = 8;

fn run<const N: usize>(parts: [Vec<Op>; N]) {
    let setup = Setup { lanes: 1, still: 0b11, ..Setup::default() };
    ops::run_program(Program { setup, ops: parts.concat() });
}

/// Both mutators answer `n` questions; it is mutator 0's turn then.
fn both(n: usize) -> Vec<Op> {
    [Turn { lane: 1 }, Safepoint, Turn { lane: 0 }, Safepoint].repeat(n)
}

/// An object of two references that fills a line, so that nothing else keeps its memory. It is a point that may collect,
/// and answers what is asked, if this mutator has allocated nothing since its last minor collection.
fn pair(root: u8) -> Op {
    Alloc { root, kind: 7, size: 0 }
}

/// A minor collection of this mutator, without the comparison that follows [`Minor`], for which all mutators answer.
fn minor() -> Op {
    Scope { root: 0, alloc: 0 }
}

/// The rest of the collection, survivors that fill what it has freed, and the comparison.
fn end() -> Vec<Op> {
    let fill = |root| [List { root, length: 255 }, Minor];
    [vec![Finish], [6, 7, 6, 7].into_iter().flat_map(fill).collect(), vec![Full]].concat()
}

/// A global root refers to an old object 0, which refers to an old object 1; mutator 0 has the first as root 0.
fn chain() -> Vec<Op> {
    let (store, global) = (Store { root: 0, field: 0, value: 1 }, GlobalSet { root: 0, global: 0 });
    vec![pair(0), pair(1), store, global, Drop { root: 1 }, Minor, Full]
}

/// Two old public objects, each in a global root; mutator 0 has both as roots.
fn two() -> Vec<Op> {
    vec![pair(0), pair(1), GlobalSet { root: 0, global: 0 }, GlobalSet { root: 1, global: 1 }, Minor, Full]
}

#[test]
fn what_a_scanned_mutator_takes_out_of_the_heap_is_marked() {
    let take = vec![Load { root: 1, from: 0, field: 0 }, Store { root: 0, field: 0, value: NULL }];
    run([chain(), vec![Cycle], both(2), vec![Safepoint], take, vec![Turn { lane: 1 }, Safepoint], end()]);
}

#[test]
fn what_a_compare_exchange_takes_out_of_the_heap_is_marked() {
    let take = vec![Load { root: 1, from: 0, field: 0 }, Exchange { root: 0, field: 0, expected: 1, value: NULL }];
    run([chain(), vec![Cycle], both(2), vec![Safepoint], take, vec![Turn { lane: 1 }, Safepoint], end()]);
}

#[test]
fn what_a_scanned_mutator_takes_out_of_a_global_root_is_marked() {
    let take = vec![GlobalGet { root: 1, global: 0 }, GlobalSet { root: 5, global: 0 }];
    run([
        chain(),
        vec![Drop { root: 0 }, Cycle],
        both(2),
        vec![Safepoint],
        take,
        vec![Turn { lane: 1 }, Safepoint],
        end(),
    ]);
}

/// A private old object refers to the one that its owner takes out of it.
#[test]
fn what_a_scanned_mutator_takes_out_of_its_own_old_object_is_marked() {
    let own = vec![pair(0), pair(1), Store { root: 0, field: 0, value: 1 }, Drop { root: 1 }, Minor, Full, Cycle];
    let take = vec![Load { root: 1, from: 0, field: 0 }, Store { root: 0, field: 0, value: NULL }];
    run([own, both(2), vec![Safepoint], take, vec![Turn { lane: 1 }, Safepoint], end()]);
}

/// Mutator 1 is scanned and makes an object, which is born marked. Mutator 0, which is not, holds the only reference to
/// an old one, stores it there, and forgets it.
fn hides(store: Op) {
    let before = vec![pair(1), Publish { root: 1 }, Minor, Full, Cycle];
    let scanned =
        vec![Turn { lane: 1 }, Safepoint, pair(3), GlobalSet { root: 3, global: 1 }, minor(), Turn { lane: 0 }];
    let hide = vec![GlobalGet { root: 4, global: 1 }, store, Drop { root: 1 }, Drop { root: 4 }, Safepoint];
    run([before, both(2), scanned, hide, end()]);
}

#[test]
fn what_an_armed_mutator_puts_into_an_object_born_marked_is_marked() {
    hides(Store { root: 4, field: 0, value: 1 });
}

#[test]
fn what_an_armed_mutator_exchanges_into_an_object_born_marked_is_marked() {
    hides(Exchange { root: 4, field: 0, expected: NULL, value: 1 });
}

/// Object 0 refers to 1, and that to 2. A scanned mutator takes 1 out of the heap, so that it has shaded it, leaves it in
/// another global root, and is gone before the next flush round: what it has shaded must be traced all the same.
#[test]
fn what_a_mutator_has_shaded_before_it_leaves_is_traced() {
    let objects = vec![pair(0), pair(1), pair(2), GlobalSet { root: 0, global: 0 }];
    let stores = vec![Store { root: 0, field: 0, value: 1 }, Store { root: 1, field: 0, value: 2 }];
    let before = vec![Drop { root: 1 }, Drop { root: 2 }, Minor, Full, Cycle];
    let take = vec![Load { root: 1, from: 0, field: 0 }, Store { root: 0, field: 0, value: NULL }];
    let leave = vec![GlobalSet { root: 1, global: 1 }, Reattach, Turn { lane: 1 }, Safepoint];
    run([objects, stores, before, both(2), vec![Safepoint], take, leave, end()]);
}

/// A young object that is dead, but has a finalizer, of a mutator in native code: others collect for it, and find it due.
/// Before the cycle, or in the snapshot; it is finalized when the cycle is over.
#[test]
fn what_is_due_in_a_snapshot_is_marked() {
    let make = vec![Turn { lane: 1 }, Safepoint, Alloc { root: 0, kind: 3, size: 0 }, Drop { root: 0 }];
    let leave = vec![Wait { native: true }, Turn { lane: 0 }];
    let due = || [make.clone(), leave.clone()].concat();
    let cycle = vec![Cycle];
    for before in [[due(), cycle.clone()], [[cycle, both(1)].concat(), due()]] {
        run([before.concat(), [Safepoint].repeat(5), end(), vec![Turn { lane: 1 }, Safepoint]]);
    }
}

/// Mutator 1 publishes a young object while it is armed; mutator 0 takes it after its own snapshot; mutator 1 forgets it,
/// and its snapshot promotes it, with the old mark.
#[test]
fn what_an_armed_mutator_promotes_in_place_is_marked() {
    let young = vec![Turn { lane: 1 }, pair(0), Safepoint, Turn { lane: 0 }, Safepoint];
    let publish = vec![Turn { lane: 1 }, GlobalSet { root: 0, global: 0 }, Turn { lane: 0 }, Safepoint];
    let take = vec![GlobalGet { root: 0, global: 0 }, Turn { lane: 1 }];
    let forget = vec![GlobalSet { root: 5, global: 0 }, Drop { root: 0 }, minor(), Safepoint];
    run([vec![Cycle], both(1), young, publish, take, forget, end()]);
}

/// After `answers` answers mutator 0 leaves and comes back, and then takes an object out of the heap.
fn comes_back(answers: usize) {
    let again = vec![Reattach, GlobalGet { root: 0, global: 0 }, Load { root: 1, from: 0, field: 0 }];
    let take = vec![Store { root: 0, field: 0, value: NULL }, Turn { lane: 1 }, Safepoint];
    run([chain(), vec![Drop { root: 0 }, Cycle], both(answers), vec![Safepoint], again, take, end()]);
}

#[test]
fn who_attaches_while_others_are_armed_takes_part() {
    comes_back(1);
}

#[test]
fn who_attaches_while_others_are_scanned_takes_part() {
    comes_back(2);
}

/// C alone holds a pair; a scanned mutator crosses to its object, and C lets go.
#[test]
fn what_a_scanned_mutator_takes_from_c_is_marked() {
    for extra in [0, 1] {
        let held = vec![pair(0), Minor, Handle { root: 0, handle: 0, extra }, Drop { root: 0 }, Full, Cycle];
        let take = vec![Cross { root: 1, handle: 0 }, Decref { handle: 0 }, Turn { lane: 1 }, Safepoint];
        run([held, both(2), vec![Safepoint], take, end()]);
    }
}

/// An unscanned mutator hands the only reference to C, and forgets it.
#[test]
fn what_an_armed_mutator_hands_to_c_is_marked() {
    let before = vec![pair(1), Publish { root: 1 }, Minor, Full, Cycle];
    let hand = vec![Handle { root: 1, handle: 0, extra: 0 }, Drop { root: 1 }, Safepoint];
    run([
        before,
        both(2),
        vec![Turn { lane: 1 }, Safepoint, Turn { lane: 0 }],
        hand,
        end(),
        vec![Cross { root: 2, handle: 0 }],
    ]);
}

/// Nothing but a weak reference leads to the object: before marking, when a flush round is on, and when it is dead.
#[test]
fn a_weak_reference_is_loaded_at_any_moment_of_a_cycle() {
    for answers in 0..5 {
        for more in [vec![], vec![Safepoint]] {
            let before = vec![pair(0), WeakNew { root: 0, weak: 0 }, Drop { root: 0 }, Minor, Full];
            let again = vec![pair(0), WeakNew { root: 0, weak: 1 }, Drop { root: 0 }, Minor, Cycle];
            let load = vec![WeakGet { root: 1, weak: 1 }, WeakGet { root: 2, weak: 0 }];
            run([
                before,
                again,
                both(answers),
                more,
                load,
                end(),
                vec![WeakGet { root: 3, weak: 1 }, Drop { root: 1 }, Full],
            ]);
        }
    }
}

/// A mutator that is scanned has taken object 1, and shaded it; what only that refers to, object 2, is marked when it
/// hands its buffer over: until then the weak reference to object 2 must not be judged.
#[test]
fn what_is_shaded_late_keeps_its_weak_references() {
    let objects = vec![pair(0), pair(1), pair(2), WeakNew { root: 2, weak: 0 }, GlobalSet { root: 0, global: 0 }];
    let stores = vec![Store { root: 0, field: 0, value: 1 }, Store { root: 1, field: 0, value: 2 }];
    let before = vec![Drop { root: 1 }, Drop { root: 2 }, Minor, Full, Cycle];
    let take = vec![Load { root: 1, from: 0, field: 0 }, Store { root: 0, field: 0, value: NULL }];
    let answer = vec![Turn { lane: 1 }, Safepoint, Turn { lane: 0 }];
    let look = vec![WeakGet { root: 2, weak: 0 }, Drop { root: 2 }];
    run([objects, stores, before, both(2), vec![Safepoint], take, answer, look.clone(), end(), look]);
}

/// Global root 0 is marked through before mutator 0 has given its snapshot; it moves an object out of what is not
/// marked yet into what is.
#[test]
fn nothing_is_marked_before_all_are_scanned() {
    let before =
        vec![Store { root: 0, field: 0, value: 1 }, GlobalSet { root: 5, global: 1 }, Drop { root: 0 }, Minor, Full];
    let armed = vec![GlobalGet { root: 0, global: 0 }, Load { root: 1, from: 0, field: 0 }];
    let hide = vec![pair(3), Store { root: 3, field: 0, value: 1 }, Publish { root: 3 }];
    let forget = vec![Store { root: 0, field: 0, value: NULL }, Drop { root: 1 }, Safepoint];
    let scanned = vec![Turn { lane: 1 }, Safepoint, Turn { lane: 0 }];
    run([two(), before, vec![Cycle], both(2), scanned, armed, hide, forget, end()]);
}
