//! What the collector asks of every mutator, as one word; and what a mutator is that has answered it.
//!
//! The word goes through [`Asked`](super::registry::Asked). It names a round, so that no two handshakes look alike, the
//! number of the cycle, and what to do. A mutator answers by writing the same word into its record ([`Answer`]).
//!
//! # Orderings
//! - [A-given] the work that was asked for → `give` (release) → `is` (acquire) of the collector.

use crate::object::epoch::previous_epoch;
use crate::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Release},
};

/// What a handshake asks every mutator to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Demand {
    /// Leave the cycle: idle barrier, no shading.
    Disarm = 0,
    /// Run a minor collection, outside of a cycle: what is public and young becomes old before a full collection starts.
    Promote = 1,
    /// Set the barrier of a cycle.
    Arm = 2,
    /// Minor collection, shade the roots, take the new colour.
    Snapshot = 3,
    /// Hand over the grey buffer.
    Flush = 4,
    /// Between cycles: be looked at by the verifier.
    Inspect = 5,
}

/// Where a mutator stands in the global cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No cycle, as far as it knows.
    Idle,
    /// Its barrier is set; it promotes unmarked.
    Armed,
    /// It has given its snapshot; it promotes marked.
    Scanned,
}

/// One value of `Asked`: round number, epoch and demand in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Counts handshakes; makes each value unique.
    pub round: u64,
    /// The heap's mark epoch at the time.
    pub epoch: u8,
    /// What to do.
    pub demand: Demand,
}

impl Ask {
    /// The word.
    pub fn encode(self) -> u64 {
        self.round << 16 | (self.epoch as u64) << 8 | self.demand as u64
    }

    /// The parts of a word.
    pub fn decode(word: u64) -> Ask {
        let demand = match word as u8 {
            0 => Demand::Disarm,
            1 => Demand::Promote,
            2 => Demand::Arm,
            3 => Demand::Snapshot,
            4 => Demand::Flush,
            _ => Demand::Inspect,
        };
        Ask { round: word >> 16, epoch: (word >> 8) as u8, demand }
    }

    /// Whether a cycle runs.
    pub fn in_cycle(self) -> bool {
        matches!(self.demand, Demand::Arm | Demand::Snapshot | Demand::Flush)
    }

    /// Phase of a mutator that has answered this, and the mark that its promotions carry. What attaches now takes it over.
    pub fn stance(self) -> (Phase, u8) {
        match self.demand {
            Demand::Disarm | Demand::Promote | Demand::Inspect => (Phase::Idle, self.epoch),
            Demand::Arm => (Phase::Armed, previous_epoch(self.epoch)),
            Demand::Snapshot | Demand::Flush => (Phase::Scanned, self.epoch),
        }
    }
}

/// The last ask that a mutator has answered: written by its owner or holder.
#[derive(Debug)]
#[repr(transparent)]
pub struct Answer(AtomicU64);

impl Answer {
    /// None yet.
    pub fn new() -> Answer {
        Answer(AtomicU64::new(0))
    }

    /// What `word` asks is done. Release: [A-given].
    pub fn give(&self, word: u64) {
        self.0.store(word, Release);
    }

    /// Whether it is `word` that was answered. Acquire: [A-given].
    pub fn is(&self, word: u64) -> bool {
        self.0.load(Acquire) == word
    }
}

impl Default for Answer {
    fn default() -> Answer {
        Answer::new()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_word_comes_back_as_it_went_in() {
        let in_cycle = [Demand::Arm, Demand::Snapshot, Demand::Flush];
        let between = [Demand::Disarm, Demand::Promote, Demand::Inspect];
        for (i, demand) in in_cycle.into_iter().chain(between).enumerate() {
            let ask = Ask { round: 1 << 40 | i as u64, epoch: 255 - i as u8, demand };
            assert_eq!(Ask::decode(ask.encode()), ask);
            assert_eq!(ask.in_cycle(), ask.stance().0 != Phase::Idle);
        }
    }

    #[test]
    fn who_is_armed_in_the_first_cycle_promotes_with_the_last_number() {
        let ask = Ask { round: 1, epoch: 1, demand: Demand::Arm };
        assert_eq!(ask.stance(), (Phase::Armed, 255));
    }
}
