//! The handshake word: who may act for a mutator, and what it is asked to do.
//!
//! A collector never stops a mutator. It sets a *request* bit in the mutator's word and lets the mutator serve it at its
//! own safepoint; a mutator that is in native code is *held* for a moment and the requester does the work in its place.
//! (Handshakes: Doligez and Gonthier, POPL 1994. Attach states: PEP 703.)
//!
//! # States
//! ```text
//!                 attach                try_enter_native              try_hold
//!   DETACHED ─────────────▶ RUNNING ──────────────────────▶ NATIVE ─────────────▶ HELD
//!            ◀─────────────         ◀──────────────────────        ◀─────────────
//!               try_detach               try_leave_native              release
//! ```
//! Request bits ride on top of every state but `DETACHED`. `RUNNING` without a request is the word 0, so that compiled
//! code (C too) polls with one compare.
//!
//! # Who may do what
//! 1. Only the owning thread attaches, detaches, enters and leaves native code.
//! 2. Only a requester holds, and it gives back what it holds. While a mutator is held, the holder plays its owner: it may
//!    touch everything that is the mutator's own. The owner meanwhile waits in [`HandshakeWord::try_leave_native`].
//! 3. Anybody sets request bits; the owner or the holder clears them.
//! 4. Leaving `RUNNING` needs a word without requests: who goes away has answered.
//! 5. A request that several threads can make at once (publish) is cleared *before* its queue is read
//!    ([`HandshakeWord::serve`], then the queue): what comes later sets the bit again. Its requesters wait for what they
//!    asked for (the object is public), not for the bit. One that has a single requester, who waits for the answer before
//!    it asks again (cycle), is cleared when its work is done, and its requester waits for that.
//! 6. A mutator that waits for another (a crossing) goes on polling, and serves what cannot collect (publish).
//!
//! # Orderings
//! - [O-ask] a requester's writes → `request` (release) → the owner's `poll` (acquire fence when not empty), or the failed
//!   `try_enter_native`, `try_detach`, or `try_leave_native` (acquire).
//! - [O-answer] the owner's work → `serve` (release) → `is_requested`, `target` or `request` (acquire) of the requester.
//! - [O-hold] the owner's private writes → `try_enter_native` (release) → `try_hold` (acquire); the holder's →
//!   `release` (release) → `try_leave_native` (acquire).
//! - [O-away] the owner's last writes → `try_detach` (release) → whoever reads `Detached` (acquire); the next owner of the
//!   record synchronises through the registry.
//! - [O-attach] the record as its owner prepared it → `attach` (release) → `request`, `target` (acquire).
//! - [D-limit] [`NurseryLimit`] and the request bits are a Dekker pair: see there.

use crate::sync::atomic::{
    AtomicU32, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
    fence,
};
use crate::sync::seen;

const RUNNING: u32 = 0;
const NATIVE: u32 = 1;
const HELD: u32 = 2;
const DETACHED: u32 = 3;
const STATE: u32 = 0b11;
const REQUESTS: u32 = 0b1100;

/// A set of requests to a mutator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Requests(u32);

impl Requests {
    /// Nothing is asked.
    pub const NONE: Requests = Requests(0);
    /// Answer the global cycle: look up the phase that it asks for, and take it.
    pub const CYCLE: Requests = Requests(4);
    /// Publish the objects that other threads want to cross to.
    pub const PUBLISH: Requests = Requests(8);

    /// Whether nothing is asked.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether everything in `other` is asked.
    #[inline]
    pub const fn contains(self, other: Requests) -> bool {
        self.0 & other.0 == other.0
    }

    /// What is in either.
    #[inline]
    pub const fn union(self, other: Requests) -> Requests {
        Requests(self.0 | other.0)
    }

    /// What is in both.
    #[inline]
    pub const fn intersection(self, other: Requests) -> Requests {
        Requests(self.0 & other.0)
    }

    /// What is here but not in `other`.
    #[inline]
    pub const fn difference(self, other: Requests) -> Requests {
        Requests(self.0 & !other.0)
    }

    const fn of_word(word: u32) -> Requests {
        Requests(word & REQUESTS)
    }
}

/// The state in which a requester found a mutator, which says who has to serve the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it says who has to serve the request"]
pub enum Target {
    /// Its owner runs and will serve at its next safepoint: interrupt it ([`NurseryLimit::interrupt`]) and wait.
    Running,
    /// Its owner is in native code: try to hold it and serve in its place. If that fails, look again.
    Native,
    /// Another requester acts for it: wait, then look again.
    Held,
    /// Nobody is there: nothing was set and nothing is to be waited for.
    Detached,
}

/// What a mutator finds on its way back from native code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a held mutator may not run"]
pub enum Leave {
    /// It runs; these requests are to be served before anything else.
    Running(Requests),
    /// A requester acts for it at the moment: still native; wait and try again.
    Held,
}

/// The word of one mutator: its state and what it is asked.
#[derive(Debug)]
#[repr(transparent)]
pub struct HandshakeWord(AtomicU32);

impl Default for HandshakeWord {
    fn default() -> Self {
        Self::new()
    }
}

impl HandshakeWord {
    /// A word without an owner: detached.
    pub fn new() -> Self {
        HandshakeWord(AtomicU32::new(DETACHED))
    }

    /// What is asked of the running owner. Owner only; one relaxed load when nothing is.
    #[inline]
    pub fn poll(&self) -> Requests {
        let word = self.0.load(Relaxed);
        if word != RUNNING {
            // [O-ask]: pairs with the release in `request`; what the requester wrote before it asked is visible now.
            fence(Acquire);
            seen(&self.0);
        }
        Requests::of_word(word)
    }

    /// Detached to running, by the new owner. Whoever attaches looks up next what it missed (`Asked::adopt`).
    pub fn attach(&self) {
        debug_assert_eq!(self.0.load(Relaxed), DETACHED, "attach of a word that has an owner");
        // Nobody else changes a detached word (rule 1, and `request` leaves it alone), so a store is enough. Release pairs
        // with the acquire of `request` and `target`: who sees the mutator sees its record as its owner prepared it.
        self.0.store(RUNNING, Release);
    }

    /// Running to detached, by the owner.
    ///
    /// # Errors
    /// The requests that must be served first; the state did not change.
    pub fn try_detach(&self) -> Result<(), Requests> {
        self.leave_running(DETACHED)
    }

    /// Running to native, by the owner. From here on a requester may act for the mutator at any time.
    ///
    /// # Errors
    /// The requests that must be served first; the state did not change.
    #[inline]
    pub fn try_enter_native(&self) -> Result<(), Requests> {
        self.leave_running(NATIVE)
    }

    #[inline]
    fn leave_running(&self, to: u32) -> Result<(), Requests> {
        // Success, release: [O-hold] with `try_hold`, [O-away] with who reads `Detached`. Failure, acquire: [O-ask].
        match self.0.compare_exchange(RUNNING, to, Release, Acquire) {
            Ok(_) => Ok(()),
            Err(word) => {
                debug_assert_eq!(word & STATE, RUNNING, "only a running mutator goes native or away");
                Err(Requests::of_word(word))
            }
        }
    }

    /// Native to running, by the owner; requests stay and are handed to the caller. [`Leave::Held`] when a requester acts
    /// for the mutator: nothing changed, the caller waits and tries again.
    #[inline]
    pub fn try_leave_native(&self) -> Leave {
        let mut word = self.0.load(Relaxed);
        loop {
            if word & STATE == HELD {
                return Leave::Held;
            }
            debug_assert_eq!(word & STATE, NATIVE, "only a native mutator leaves native code");
            let requests = word & REQUESTS;
            // Acquire: [O-hold], what a holder did for us is visible; and [O-ask] for the requests that we take along.
            match self.0.compare_exchange_weak(word, RUNNING | requests, Acquire, Relaxed) {
                Ok(_) => return Leave::Running(Requests(requests)),
                Err(now) => word = now,
            }
        }
    }

    /// Asks, and says in which state the mutator was at that moment. A detached one is left alone.
    ///
    /// A `Running` target is interrupted next ([`NurseryLimit::interrupt`]).
    pub fn request(&self, r: Requests) -> Target {
        // Acquire on what was read, [O-answer] and [O-away]: a target that served or went away did so with its work done.
        let mut word = self.0.load(Acquire);
        loop {
            if word & STATE == DETACHED {
                return Target::Detached;
            }
            // Release: [O-ask]. Done even when the bit is set already: this requester's writes must be visible too.
            match self.0.compare_exchange_weak(word, word | r.0, AcqRel, Acquire) {
                Ok(_) => return Self::target_of(word),
                Err(now) => word = now,
            }
        }
    }

    /// Native to held, by a requester. False when the mutator is in another state by now (look at [`Self::target`] again).
    ///
    /// After `true` the caller owns what is the mutator's own, until [`Self::release`].
    #[must_use = "whoever holds must release"]
    pub fn try_hold(&self) -> bool {
        let mut word = self.0.load(Relaxed);
        while word & STATE == NATIVE {
            let held = HELD | (word & REQUESTS);
            // Acquire: [O-hold], pairs with the owner's `try_enter_native` and with an earlier holder's `release`, whose
            // release sequence the owner's round trip and requests (all read-modify-writes) continue.
            match self.0.compare_exchange_weak(word, held, Acquire, Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// Held to native, by the holder, and `served` is no longer asked. Answers what still is: a requester that found the
    /// word held waits for its turn.
    ///
    /// Wake the owner after this, if it may be waiting in `try_leave_native`.
    pub fn release(&self, served: Requests) -> Requests {
        let mut word = self.0.load(Relaxed);
        loop {
            debug_assert_eq!(word & STATE, HELD, "release of what is not held");
            let left = word & REQUESTS & !served.0;
            // Release: [O-hold] and [O-answer], what was done in the owner's place is visible to whoever comes next.
            match self.0.compare_exchange_weak(word, NATIVE | left, Release, Relaxed) {
                Ok(_) => return Requests(left),
                Err(now) => word = now,
            }
        }
    }

    /// Clears `served`, by the owner (or its holder). Before or after the work: rule 5.
    pub fn serve(&self, served: Requests) {
        // Release: [O-answer], for who clears after the work. Acquire: [O-ask], for who clears first and then looks at
        // the queue: a request whose bit this clears has its entry there.
        self.0.fetch_and(!served.0, AcqRel);
    }

    /// Whether any of `r` is still to be served. Acquire: after a `false` the mutator's work for it is visible
    /// ([O-answer]).
    pub fn is_requested(&self, r: Requests) -> bool {
        let word = self.0.load(Acquire);
        word & STATE != DETACHED && word & r.0 != 0
    }

    /// The state now. Acquire, as in [`Self::request`].
    #[inline]
    pub fn target(&self) -> Target {
        Self::target_of(self.0.load(Acquire))
    }

    #[inline(always)]
    fn target_of(word: u32) -> Target {
        match word & STATE {
            RUNNING => Target::Running,
            NATIVE => Target::Native,
            HELD => Target::Held,
            _ => Target::Detached,
        }
    }
}

/// The end of a mutator's current nursery block, or 0: the allocation fast path fails at its next compare and so reaches
/// a safepoint. This is how a running mutator is interrupted without a poll of its own.
///
/// Claim: after `request(r)` and then [`interrupt`](Self::interrupt), either the owner's next [`set`](Self::set) reports
/// `r`, or its limit becomes (and stays) 0. The owner writes the limit, then reads the word; the requester writes the
/// word, then the limit; each has a `fence(SeqCst)` in between. Whichever fence is first in the single order, its side's
/// write is seen: the requester's by the owner's `poll`; or the owner's limit is the older of the two and 0 replaces it.
#[derive(Debug)]
#[repr(transparent)]
pub struct NurseryLimit(AtomicUsize);

impl Default for NurseryLimit {
    fn default() -> Self {
        Self::new()
    }
}

impl NurseryLimit {
    /// No block yet: 0.
    pub fn new() -> Self {
        NurseryLimit(AtomicUsize::new(0))
    }

    /// The limit, or 0. Relaxed: the slow path polls the handshake word.
    #[inline]
    pub fn get(&self) -> usize {
        self.0.load(Relaxed)
    }

    /// New limit, by the owner, and what is asked of it meanwhile: served before it allocates again (its limit may still
    /// be the one just set).
    #[must_use = "an interrupt may have been overwritten: these requests are the only trace of it"]
    pub fn set(&self, limit: usize, word: &HandshakeWord) -> Requests {
        self.0.store(limit, Relaxed);
        // Pairs with the fence in `interrupt`: see the type.
        fence(SeqCst);
        word.poll()
    }

    /// Takes the room away until the next [`set`](Self::set). Owner only; no request needs to see it.
    pub fn close(&self) {
        self.0.store(0, Relaxed);
    }

    /// Makes the owner's next allocation take the slow path. By a requester, after `HandshakeWord::request`.
    pub fn interrupt(&self) {
        // Pairs with the fence in `set`: see the type.
        fence(SeqCst);
        self.0.store(0, Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn running_without_requests_is_the_word_zero() {
        let w = HandshakeWord::new();
        assert_eq!(w.target(), Target::Detached);
        w.attach();
        assert_eq!(w.0.load(Relaxed), 0);
        assert_eq!(w.target(), Target::Running);
        assert!(w.poll().is_empty());
    }

    #[test]
    fn a_detached_word_takes_no_request() {
        let w = HandshakeWord::new();
        assert_eq!(w.request(Requests::CYCLE), Target::Detached);
        assert!(!w.is_requested(Requests::CYCLE.union(Requests::PUBLISH)));
        w.attach();
        assert_eq!(w.poll(), Requests::NONE);
    }

    #[test]
    fn a_request_keeps_its_mutator_running_until_it_is_served() {
        let w = HandshakeWord::new();
        w.attach();
        assert_eq!(w.request(Requests::PUBLISH), Target::Running);
        assert_eq!(w.try_enter_native(), Err(Requests::PUBLISH));
        assert_eq!(w.try_detach(), Err(Requests::PUBLISH));
        assert!(w.is_requested(Requests::PUBLISH));
        assert!(!w.try_hold());
        w.serve(w.poll());
        assert!(!w.is_requested(Requests::PUBLISH));
        assert_eq!(w.try_enter_native(), Ok(()));
    }

    #[test]
    fn a_native_mutator_is_held_and_given_back() {
        let w = HandshakeWord::new();
        w.attach();
        w.try_enter_native().unwrap();
        assert_eq!(w.request(Requests::CYCLE), Target::Native);
        assert!(w.try_hold());
        assert!(!w.try_hold());
        assert_eq!(w.try_leave_native(), Leave::Held);
        assert_eq!(w.request(Requests::PUBLISH), Target::Held);
        assert_eq!(w.release(Requests::CYCLE), Requests::PUBLISH);
        assert_eq!(w.target(), Target::Native);
        assert_eq!(w.try_leave_native(), Leave::Running(Requests::PUBLISH));
        assert_eq!(w.target(), Target::Running);
    }

    #[test]
    fn sets_of_requests() {
        let both = Requests::CYCLE.union(Requests::PUBLISH);
        assert!(both.contains(Requests::CYCLE) && both.contains(both) && both.contains(Requests::NONE));
        assert!(!Requests::CYCLE.contains(both));
        assert_eq!(both.difference(Requests::CYCLE), Requests::PUBLISH);
        assert_eq!(both.intersection(Requests::CYCLE), Requests::CYCLE);
        assert!(!both.is_empty() && Requests::default().is_empty());
    }

    #[test]
    fn an_interrupt_is_seen_as_limit_or_as_request() {
        let (w, limit) = (HandshakeWord::new(), NurseryLimit::new());
        w.attach();
        assert_eq!(limit.set(4096, &w), Requests::NONE);
        assert_eq!(w.request(Requests::CYCLE), Target::Running);
        limit.interrupt();
        assert_eq!(limit.get(), 0);
        assert_eq!(limit.set(4096, &w), Requests::CYCLE);
    }
}
