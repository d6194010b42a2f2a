//! Lazy sweep: the collector hands out the numbers of blocks, and mutators that need a block take some of them. Each block
//! is swept once, by the marks of the cycle that has just ended, and goes from owner to owner with all that belongs to it.
#![cfg(loom)]

use loom_tests::heap::kind::{Kind, KindByte};
use loom_tests::heap::pool::IndexStack;
use loom_tests::heap::sweep::SweepTurns;
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicU8, AtomicU32,
    Ordering::{AcqRel, Relaxed, Release},
};
use loom_tests::sync::thread;
use loom_tests::{Plain, check, check_all};

/// The numbers, or what would hand them out if it were weaker.
trait Turns: Send + Sync + 'static {
    fn new() -> Self;
    fn begin(&self, epoch: u8, blocks: u32);
    fn take(&self) -> Option<(u32, u8)>;
}

impl Turns for SweepTurns {
    fn new() -> SweepTurns {
        SweepTurns::new()
    }
    fn begin(&self, epoch: u8, blocks: u32) {
        SweepTurns::begin(self, epoch, blocks);
    }
    fn take(&self) -> Option<(u32, u8)> {
        SweepTurns::take(self)
    }
}

/// Number, end and cycle in words of their own.
struct ThreeWords {
    cursor: AtomicU32,
    end: AtomicU32,
    epoch: AtomicU8,
}

impl Turns for ThreeWords {
    fn new() -> ThreeWords {
        ThreeWords { cursor: AtomicU32::new(0), end: AtomicU32::new(0), epoch: AtomicU8::new(0) }
    }
    fn begin(&self, epoch: u8, blocks: u32) {
        self.epoch.store(epoch, Relaxed);
        self.end.store(blocks, Relaxed);
        self.cursor.store(0, Release);
    }
    fn take(&self) -> Option<(u32, u8)> {
        if self.cursor.load(Relaxed) >= self.end.load(Relaxed) {
            return None;
        }
        let block = self.cursor.fetch_add(1, AcqRel);
        (block < self.end.load(Relaxed)).then(|| (block, self.epoch.load(Relaxed)))
    }
}

/// Number and cycle in one word, but not ordered.
struct RelaxedWord(AtomicU32);

impl Turns for RelaxedWord {
    fn new() -> RelaxedWord {
        RelaxedWord(AtomicU32::new(0))
    }
    fn begin(&self, epoch: u8, blocks: u32) {
        self.0.store((epoch as u32) << 8 | blocks, Relaxed);
    }
    fn take(&self) -> Option<(u32, u8)> {
        let mut word = self.0.load(Relaxed);
        loop {
            let block = (word & 0xff).checked_sub(1)?;
            match self.0.compare_exchange(word, word - 1, Relaxed, Relaxed) {
                Ok(_) => return Some((block, (word >> 8) as u8)),
                Err(now) => word = now,
            }
        }
    }
}

const BLOCKS: usize = 2;

/// Blocks of one line each.
struct Heap<T> {
    turns: T,
    kinds: [KindByte; BLOCKS],
    marks: [Plain<u8>; BLOCKS],
    links: [AtomicU32; BLOCKS],
    free: IndexStack,
    /// What is in a block: 7, a live object.
    memory: [Plain<u32>; BLOCKS],
    claims: Claims,
}

/// How a sweeper makes a block its own.
#[derive(Clone, Copy, PartialEq)]
enum Claims {
    Rightly,
    ByLookAndStore,
    NotAtAll,
}

impl<T: Turns> Heap<T> {
    fn claim(&self, block: usize) -> bool {
        match self.claims {
            Claims::Rightly => self.kinds[block].claim(Kind::Old, Kind::Sweeping),
            Claims::ByLookAndStore => {
                let old = self.kinds[block].get() == Kind::Old;
                if old {
                    self.kinds[block].set(Kind::Sweeping);
                }
                old
            }
            Claims::NotAtAll => true,
        }
    }

    /// Sweeps one block; false when all numbers are taken.
    fn sweep_next(&self) -> bool {
        while let Some((block, epoch)) = self.turns.take() {
            let block = block as usize;
            if self.claim(block) {
                if self.marks[block].get() == epoch {
                    self.kinds[block].set(Kind::Recyclable);
                } else {
                    // Its owner alone: loom finds a second one.
                    self.marks[block].set(0);
                    self.memory[block].set(0);
                    self.kinds[block].set(Kind::Free);
                    self.free.push(&self.links[..], block as u32);
                }
                return true;
            }
        }
        false
    }

    /// A mutator that needs a block.
    fn take_free(&self) {
        loop {
            if let Some(block) = self.free.pop(&self.links[..]) {
                self.kinds[block as usize].set(Kind::Young);
                self.memory[block as usize].set(1);
                return;
            }
            if !self.sweep_next() {
                return;
            }
        }
    }
}

/// The cycle 2 has ended: block 0 is dead, block 1 lives. A mutator fills a block, gives it up, and needs another, while the
/// collector begins the sweep. The sweep of cycle 1, when there was one block, is over.
fn sweep<T: Turns>(claims: Claims, mutators: usize) {
    check(move || {
        let heap = Arc::new(Heap {
            turns: T::new(),
            kinds: std::array::from_fn(|_| KindByte::new(Kind::Old)),
            marks: [Plain::new(1), Plain::new(2)],
            links: std::array::from_fn(|_| AtomicU32::new(0)),
            free: IndexStack::new(),
            memory: [Plain::new(5), Plain::new(7)],
            claims,
        });
        heap.turns.begin(1, 1);
        while heap.turns.take().is_some() {}
        let others: Vec<_> = (0..mutators)
            .map(|_| {
                let heap = heap.clone();
                thread::spawn(move || heap.take_free())
            })
            .collect();
        heap.turns.begin(2, BLOCKS as u32);
        while heap.sweep_next() {}
        others.into_iter().for_each(|t| t.join().unwrap());
        assert_eq!(heap.memory[1].get(), 7, "a live block was freed");
        assert_eq!(heap.kinds[1].get(), Kind::Recyclable, "a block was not swept");
        assert_ne!(heap.kinds[0].get(), Kind::Old, "a block was not swept");
    });
}

#[test]
fn each_block_is_swept_once_by_the_marks_of_its_cycle() {
    sweep::<SweepTurns>(Claims::Rightly, 1);
}

#[test]
fn two_mutators_and_the_collector_share_the_sweep() {
    sweep::<SweepTurns>(Claims::Rightly, 2);
}

#[test]
#[should_panic(expected = "a live block was freed")]
fn twin_number_and_cycle_in_words_of_their_own() {
    sweep::<ThreeWords>(Claims::Rightly, 1);
}

/// What the collector did before it began the sweep is there for who takes a turn.
fn prepared<T: Turns>() {
    check_all(|| {
        let heap = Arc::new((T::new(), Plain::new(0)));
        let mutators: Vec<_> = (0..2)
            .map(|_| {
                let heap = heap.clone();
                thread::spawn(move || {
                    if heap.0.take().is_some() {
                        assert_eq!(heap.1.get(), 1);
                    }
                })
            })
            .collect();
        heap.1.set(1);
        heap.0.begin(1, 2);
        mutators.into_iter().for_each(|t| t.join().unwrap());
    });
}

#[test]
fn a_turn_brings_what_was_done_before_the_sweep() {
    prepared::<SweepTurns>();
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_turns_without_order() {
    prepared::<RelaxedWord>();
}

/// A block that is old only when the sweep has begun: an evacuation allocator gives it up.
fn given_up_meanwhile(claims: Claims) {
    check_all(move || {
        let heap = Arc::new(Heap {
            turns: SweepTurns::new(),
            kinds: [KindByte::new(Kind::Active), KindByte::new(Kind::Recyclable)],
            marks: [Plain::new(0), Plain::new(2)],
            links: std::array::from_fn(|_| AtomicU32::new(0)),
            free: IndexStack::new(),
            memory: [Plain::new(0), Plain::new(7)],
            claims,
        });
        let owner = {
            let heap = heap.clone();
            // An evacuation allocator leaves its block: what it put there is marked with the number of the cycle.
            thread::spawn(move || {
                heap.memory[0].set(7);
                heap.kinds[0].give_up(|| heap.marks[0].set(2));
            })
        };
        heap.turns.begin(2, BLOCKS as u32);
        while heap.sweep_next() {}
        owner.join().unwrap();
        assert_eq!(heap.memory[0].get(), 7, "a live block was freed");
    });
}

#[test]
fn a_block_that_is_given_up_during_the_sweep_comes_with_its_marks() {
    given_up_meanwhile(Claims::Rightly);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_a_block_is_swept_without_a_claim() {
    given_up_meanwhile(Claims::NotAtAll);
}

/// One block, two that would sweep it: a turn may be taken in one sweep and used when the next has begun.
fn one_number_twice(claims: Claims) {
    check_all(move || {
        let heap = Arc::new(Heap {
            turns: SweepTurns::new(),
            kinds: [KindByte::new(Kind::Old), KindByte::new(Kind::Active)],
            marks: [Plain::new(1), Plain::new(2)],
            links: std::array::from_fn(|_| AtomicU32::new(0)),
            free: IndexStack::new(),
            memory: [Plain::new(5), Plain::new(7)],
            claims,
        });
        let sweeper = || {
            let heap = heap.clone();
            move || {
                if heap.claim(0) {
                    heap.memory[0].touch();
                    heap.kinds[0].set(Kind::Free);
                    heap.free.push(&heap.links[..], 0);
                }
            }
        };
        let other = thread::spawn(sweeper());
        sweeper()();
        other.join().unwrap();
        assert_eq!(heap.free.pop(&heap.links[..]), Some(0));
        assert_eq!(heap.free.pop(&heap.links[..]), None);
        assert_eq!(heap.kinds[0].get(), Kind::Free);
    });
}

#[test]
fn of_two_sweepers_one_claims_the_block() {
    one_number_twice(Claims::Rightly);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_claim_by_a_look_and_a_store() {
    one_number_twice(Claims::ByLookAndStore);
}
