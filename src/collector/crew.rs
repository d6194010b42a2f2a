//! Who marks: [`Crew`] counts those at work and what they have marked, tells them when somebody has nothing to do, and when
//! the last may stop.
//!
//! Only a marker at work makes work for others. It counts itself before it takes any and is counted out when it finds
//! none, so if nobody is at work and the queue is empty there will be no more. Mutators that help are counted as well while
//! they do: they give back what they do not finish. What is handed over after that look is found by the flush round.
//!
//! A marker keeps what it finds to itself while it is alone, which costs nothing. Who finds no work *asks*, and who is at work
//! looks at the same word once in a while: when somebody has asked in this cycle, or works beside it, it puts half of what it
//! has into the queue, unless there is something. (Work that is given away on request, not ahead of it: Feeley, A message
//! passing implementation of lazy task creation, 1992.) From the first request on there is always something in the queue, since
//! a marker whose thread does not run hears none. That is for speed, and no part of the argument above.
//!
//! All accesses are relaxed. Who found the queue empty has seen the pop that emptied it (the queue orders that), hence the
//! count of who popped, which came before; and what the markers did is handed over when their threads are joined, or by the
//! flush round ([G-help]).

use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// In the word: somebody has asked for work.
const ASKED: usize = 1;

/// In the word: one marker at work.
const ONE: usize = 2;

/// What marking has found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marked {
    /// Objects traced.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Markers at work. Each looks at the word all the time, so nothing else that changes is on its cache line.
#[derive(Debug)]
#[repr(align(128))]
pub struct Crew {
    word: AtomicUsize,
    marked: Total,
}

/// What was marked in this cycle.
#[derive(Debug)]
#[repr(align(128))]
struct Total {
    objects: AtomicU64,
    bytes: AtomicU64,
}

impl Crew {
    /// Nobody.
    pub fn new() -> Crew {
        Crew { word: AtomicUsize::new(0), marked: Total { objects: AtomicU64::new(0), bytes: AtomicU64::new(0) } }
    }

    /// One more, before it looks for work.
    pub fn enter(&self) {
        self.word.fetch_add(ONE, Relaxed);
    }

    /// One less, after it has found none or has put back what it has.
    pub fn leave(&self) {
        self.word.fetch_sub(ONE, Relaxed);
    }

    /// Whether nobody is at work; asked by who has found the queue empty.
    pub fn is_idle(&self) -> bool {
        self.word.load(Relaxed) < ONE
    }

    /// Says that somebody has no work: who has some gives, until the cycle ends.
    pub fn ask(&self) {
        if self.word.load(Relaxed) & ASKED == 0 {
            self.word.fetch_or(ASKED, Relaxed);
        }
    }

    /// Whether one that is at work should have some in the queue for others.
    #[inline(always)]
    pub fn wants_work(&self) -> bool {
        self.word.load(Relaxed) > ONE
    }

    /// Adds to what was marked in this cycle.
    pub fn add(&self, marked: Marked) {
        self.marked.objects.fetch_add(marked.objects, Relaxed);
        self.marked.bytes.fetch_add(marked.bytes, Relaxed);
    }

    /// What was marked in this cycle until now.
    pub fn marked(&self) -> Marked {
        let get = |n: &AtomicU64| n.load(Relaxed);
        Marked { objects: get(&self.marked.objects), bytes: get(&self.marked.bytes) }
    }

    /// A cycle begins. Nobody is at work: all have answered since the last one marked, and who helps answers nothing.
    pub fn begin(&self) {
        self.word.fetch_and(!ASKED, Relaxed);
        self.marked.objects.store(0, Relaxed);
        self.marked.bytes.store(0, Relaxed);
    }
}

impl Default for Crew {
    fn default() -> Crew {
        Crew::new()
    }
}
