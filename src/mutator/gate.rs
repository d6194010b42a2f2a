//! The weak gate: what a weak load of an unmarked object may answer while a cycle decides whether the object is dead.
//!
//! A weak load during marking makes a reference that no snapshot knew, so it shades its target. That is sound until the
//! last look: once a mutator has answered the flush round, what it shades is in a buffer that nobody will ask for. Instead
//! of making such a load wait until the round is over, the load makes the *round dirty*: the collector finds that out at
//! its end, goes back to marking, and asks again. When the gate says [`CLEARING`](State) instead, the round was clean and
//! nobody loaded since: every unmarked object is dead, and the load answers so. Nobody ever waits for the collector.
//! (Rounds of handshakes: Doligez and Gonthier, POPL 1994. A gate that loads make dirty, in place of loads that wait, is
//! this crate's own.)
//!
//! # States
//! ```text
//!               begin_flush            end_round              end_judging
//!   MARKING ──────────────▶ FLUSHING ────────────▶ JUDGING ────────────────▶ CLEARING
//!      ▲                        │ weak_load            │ weak_load                │
//!      │     end_round,         ▼                      ▼                          │
//!      ├───────────────────── DIRTY ◀──────────────────┘                          │
//!      │     end_judging                                                          │
//!      └──── reopen (from any), reset ◀───────────────────────────────────────────┘
//! ```
//!
//! # Who may do what
//! Mutators only load weakly or disturb (and thereby dirty the gate). Everything else is the collector's: one thread at a time.
//! 1. `begin_flush` comes before the requests of the flush round, and `reset` before those of the arm round. A mutator that
//!    has answered (acquired) such a request sees at least that state.
//! 2. Between [`WeakGate::weak_load`] and the shading that it asks for there is no safepoint: a mutator that has not
//!    answered yet answers with the shaded object in its buffer.
//! 3. `reset` comes after every mutator has left the previous cycle (disarm).
//!
//! # Why it is sound
//! Take a weak load of an unmarked object, and the last round before `CLEARING`. If the load's mutator had not yet answered
//! that round, its buffer was not empty when it did (rule 2), and the round was not clean. If it had, it saw `FLUSHING` or
//! later (rule 1). Its CAS to `DIRTY` either comes before the collector's last CAS, which then fails, or fails itself and
//! reads `CLEARING`. Every decision is a read-modify-write of one word, so there is no third case.
//!
//! # Orderings
//! - [G-dead] marks of the cycle → `end_judging` (release) → `weak_load` that answers `Dead` (acquire). A mutator need not
//!   look at the mark again after that answer: no mark is made after a clean round began, and it has acquired those before
//!   by answering the round (rule 1), since when it looked (rule 2). Who does look again finds what the collector saw.
//! - [G-help] what a helper traced → `disturb` (release) → `begin_flush` (acquire) → the round's requests: either the helper
//!   dirties the round, or whoever answers it sees what the helper has marked.
//! - Rule 1 is carried by the handshake word ([O-ask]), hence relaxed stores there.

use super::ask::Phase;
use crate::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

/// The states of a [`WeakGate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum State {
    /// Grey objects are being drained, or no cycle is on.
    Marking,
    /// A flush round is on; nobody loaded an unmarked object so far.
    Flushing,
    /// Somebody did: this round, or this judgement, proves nothing.
    Dirty,
    /// The round was clean; the collector looks at what is unmarked and may still change its mind.
    Judging,
    /// Whatever is unmarked is dead.
    Clearing,
}

/// The answer to a weak load of an unmarked object in a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an object that is not shaded may be freed"]
pub enum WeakLoad {
    /// Alive: shade it before the next safepoint, then use it.
    Shade,
    /// Marking is complete and the object is dead: the answer is null.
    Dead,
}

/// What becomes of a reference that no snapshot knew: out of a weak cell, or from C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an object that is not shaded may be freed"]
pub enum Unseen {
    /// It is like any other: no cycle concerns its object.
    Usual,
    /// Its object is alive: shade it before the next safepoint, then use it.
    Shade,
    /// Its object is dead: the answer is null.
    Dead,
}

/// The gate of one heap.
#[derive(Debug)]
#[repr(transparent)]
pub struct WeakGate(AtomicU32);

impl Default for WeakGate {
    fn default() -> Self {
        Self::new()
    }
}

impl WeakGate {
    /// A gate in state `Marking`.
    pub fn new() -> Self {
        WeakGate(AtomicU32::new(State::Marking as u32))
    }

    /// Any state to `Marking`, for a new cycle: before its arm round, after the last one's disarm round (rule 3).
    pub fn reset(&self) {
        self.0.store(State::Marking as u32, Relaxed);
    }

    /// `Marking` to `Flushing`, before the round is asked for (rule 1).
    pub fn begin_flush(&self) {
        // Acquire: [G-help].
        let from = self.0.swap(State::Flushing as u32, Acquire);
        debug_assert_eq!(from, State::Marking as u32, "a flush round follows marking");
    }

    /// The end of a round in which every buffer was empty and nothing is grey. `Flushing` to `Judging`, true: marking is
    /// complete unless somebody still loads. `Dirty` to `Marking`, false: drain and ask again.
    #[must_use = "after a dirty round marking goes on"]
    pub fn end_round(&self) -> bool {
        self.decide(State::Flushing, State::Judging)
    }

    /// Back to `Marking`: the round was not clean, or judging has shaded something (finalizable objects). True if the state
    /// was `Judging` until now: whatever was unmarked then could be reached by nobody at this moment.
    pub fn reopen(&self) -> bool {
        // Only this word decides; what was shaded meanwhile comes with the next round.
        self.0.swap(State::Marking as u32, Relaxed) == State::Judging as u32
    }

    /// The last word. `Judging` to `Clearing`, true: whatever is unmarked is dead. `Dirty` to `Marking`, false: forget
    /// what was judged, drain and ask again.
    #[must_use = "after a weak load marking goes on"]
    pub fn end_judging(&self) -> bool {
        self.decide(State::Judging, State::Clearing)
    }

    fn decide(&self, from: State, to: State) -> bool {
        // Release: [G-dead].
        let decided = self.0.compare_exchange(from as u32, to as u32, Release, Relaxed);
        if let Err(found) = decided {
            debug_assert_eq!(found, State::Dirty as u32, "{from:?} is left by weak loads only");
            // Mutators leave `Dirty` alone, so a store is enough.
            self.0.store(State::Marking as u32, Relaxed);
        }
        decided.is_ok()
    }

    /// May an unmarked old object be loaded? By a mutator that takes part in a cycle; never waits.
    pub fn weak_load(&self) -> WeakLoad {
        // Acquire: [G-dead].
        let mut state = self.0.load(Acquire);
        while state == State::Flushing as u32 || state == State::Judging as u32 {
            // Success needs no ordering: the word itself is the message. Failure, acquire: [G-dead].
            match self.0.compare_exchange_weak(state, State::Dirty as u32, Relaxed, Acquire) {
                Ok(_) => return WeakLoad::Shade,
                Err(now) => state = now,
            }
        }
        if state == State::Clearing as u32 { WeakLoad::Dead } else { WeakLoad::Shade }
    }

    /// What a mutator in this phase does with a reference that no snapshot knew. `is_unmarked`: its object is old, and not
    /// marked by this cycle.
    pub fn unseen(&self, phase: Phase, is_unmarked: impl FnOnce() -> bool) -> Unseen {
        if phase == Phase::Idle || !is_unmarked() {
            return Unseen::Usual;
        }
        match self.weak_load() {
            WeakLoad::Shade => Unseen::Shade,
            WeakLoad::Dead => Unseen::Dead,
        }
    }

    /// Something grey is about to be taken by a mutator that helps to mark, or has been traced by it, while a flush round may
    /// be on: the round is not clean (`model/`, faults 30 and 31).
    pub fn disturb(&self) {
        // A read-modify-write that changes nothing: a helper has not answered the round, so a load could still say
        // `Marking`. Release, [G-help]: if this comes before `begin_flush`, so does all that the helper did.
        let mut state = self.0.fetch_or(0, Release);
        while state == State::Flushing as u32 || state == State::Judging as u32 {
            // Success needs no ordering: the word itself is the message.
            match self.0.compare_exchange_weak(state, State::Dirty as u32, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(now) => state = now,
            }
        }
    }

    /// The state now, for the verifier and for tests.
    pub fn state(&self) -> State {
        match self.0.load(Relaxed) {
            0 => State::Marking,
            1 => State::Flushing,
            2 => State::Dirty,
            3 => State::Judging,
            _ => State::Clearing,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_cycle_ends_in_clearing() {
        let g = WeakGate::new();
        assert_eq!(g.weak_load(), WeakLoad::Shade);
        g.begin_flush();
        assert!(g.end_round());
        assert_eq!(g.state(), State::Judging);
        assert!(g.end_judging());
        assert_eq!(g.weak_load(), WeakLoad::Dead);
        assert_eq!(g.state(), State::Clearing);
        g.reset();
        assert_eq!(g.weak_load(), WeakLoad::Shade);
        assert_eq!(g.state(), State::Marking);
    }

    #[test]
    fn a_load_in_the_round_makes_it_dirty() {
        let g = WeakGate::new();
        g.begin_flush();
        assert_eq!(g.weak_load(), WeakLoad::Shade);
        assert_eq!(g.state(), State::Dirty);
        assert_eq!(g.weak_load(), WeakLoad::Shade);
        assert!(!g.end_round());
        assert_eq!(g.state(), State::Marking);
    }

    #[test]
    fn a_disturbed_round_is_dirty_and_marking_is_not() {
        let g = WeakGate::new();
        g.disturb();
        assert_eq!(g.state(), State::Marking);
        g.begin_flush();
        g.disturb();
        assert_eq!(g.state(), State::Dirty);
        assert!(!g.end_round());
    }

    #[test]
    fn a_load_while_judging_sends_the_collector_back() {
        let g = WeakGate::new();
        g.begin_flush();
        assert!(g.end_round());
        assert_eq!(g.weak_load(), WeakLoad::Shade);
        assert!(!g.end_judging());
        assert_eq!(g.state(), State::Marking);
    }

    #[test]
    fn reopening_tells_whether_the_judgement_held() {
        let g = WeakGate::new();
        for (load, held) in [(false, true), (true, false)] {
            g.begin_flush();
            assert!(g.end_round());
            if load {
                assert_eq!(g.weak_load(), WeakLoad::Shade);
            }
            assert_eq!(g.reopen(), held);
            assert_eq!(g.state(), State::Marking);
        }
    }
}
