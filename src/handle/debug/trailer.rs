//! What a checked build writes behind each `PyObject` of our slabs: its [`Trailer`], at the end of its slot.
//!
//! The state says what the memory is: nothing (0, as in fresh memory), alive, on its way out, or freed. The history is a
//! ring of events, each one word, so that it is written by any thread without a lock and never read half; the first two
//! that matter for a leak, the allocation and the first incref, are kept apart. A seal in front finds writes past the end.
//!
//! Orderings are relaxed: in a correct program the events of one object are ordered by what the program does, and the
//! report about an incorrect one says what can be seen.

use crate::handle::PyObject;
use crate::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// What the memory of a slot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum State {
    /// No object: never was, or given back to the slab.
    Empty = 0,
    Alive = 0xA11_0C01,
    /// Its pair has died, and the dead queue owns its count.
    Queued = 0xA11_0C02,
    /// Taken out of the dead queue.
    Delivered = 0xA11_0C03,
    /// C-only, and its count has reached zero: its dealloc runs, or is due.
    Dying = 0xA11_0C04,
    /// Freed: poisoned, in quarantine.
    Freed = 0xA11_0C05,
}

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum What {
    Allocated = 1,
    Incref,
    Linked,
    Queued,
    Delivered,
    Zero,
    Freed,
}

impl What {
    fn of(byte: u8) -> Option<What> {
        const ALL: [What; 7] =
            [What::Allocated, What::Incref, What::Linked, What::Queued, What::Delivered, What::Zero, What::Freed];
        ALL.get(usize::from(byte).wrapping_sub(1)).copied()
    }

    pub(super) fn text(self) -> &'static str {
        match self {
            What::Allocated => "allocated",
            What::Incref => "first incref",
            What::Linked => "linked",
            What::Queued => "pair found dead, queued",
            What::Delivered => "taken out of the dead queue",
            What::Zero => "last reference dropped",
            What::Freed => "freed",
        }
    }
}

/// An event: what, on which thread, and the number of the stack from which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) what: What,
    pub(super) stack: u32,
    pub(super) thread: u32,
}

impl Event {
    fn encode(self) -> u64 {
        (self.what as u64) << 56 | u64::from(self.stack & 0xff_ffff) << 32 | u64::from(self.thread)
    }

    fn decode(word: u64) -> Option<Event> {
        let what = What::of((word >> 56) as u8)?;
        Some(Event { what, stack: (word >> 32) as u32 & 0xff_ffff, thread: word as u32 })
    }
}

/// Events that the ring keeps.
const RING: usize = 6;

const SEAL: usize = 0x5EA1_ED00_0B1E_C75E;

/// The end of a slot. All zero is a valid trailer, of no object.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Trailer {
    seal: AtomicUsize,
    state: AtomicU32,
    events: AtomicU32,
    size: AtomicUsize,
    ob_type: AtomicUsize,
    allocated: AtomicU64,
    incref: AtomicU64,
    ring: [AtomicU64; RING],
}

/// Bytes that a trailer takes.
pub(super) const BYTES: usize = size_of::<Trailer>();

impl Trailer {
    /// The trailer of the slot of `slot_size` bytes at `slot`.
    ///
    /// # Safety
    /// There is such a slot, larger than [`BYTES`], and its memory stays mapped as long as the answer is used.
    pub(super) unsafe fn of<'a>(slot: usize, slot_size: usize) -> &'a Trailer {
        // SAFETY: [K5] the end of a slot that was taken with room for it; slots are 16-byte aligned, and so are their sizes.
        unsafe { &*((slot + slot_size - BYTES) as *const Trailer) }
    }

    /// An object begins.
    pub(super) fn begin(&self, size: usize, ob_type: usize, event: Event) {
        self.seal.store(SEAL, Relaxed);
        self.size.store(size, Relaxed);
        self.ob_type.store(ob_type, Relaxed);
        self.allocated.store(event.encode(), Relaxed);
        self.incref.store(0, Relaxed);
        self.events.store(0, Relaxed);
        self.ring.iter().for_each(|e| e.store(0, Relaxed));
        self.set_state(State::Alive);
    }

    pub(super) fn is_sealed(&self) -> bool {
        self.seal.load(Relaxed) == SEAL
    }

    pub(super) fn state(&self) -> State {
        Self::decode(self.state.load(Relaxed))
    }

    /// Freed from now on; answers what it was, so that of two threads that free it one knows.
    pub(super) fn end(&self) -> State {
        Self::decode(self.state.swap(State::Freed as u32, Relaxed))
    }

    fn decode(state: u32) -> State {
        let all = [State::Alive, State::Queued, State::Delivered, State::Dying, State::Freed];
        all.into_iter().find(|&s| s as u32 == state).unwrap_or(State::Empty)
    }

    pub(super) fn set_state(&self, state: State) {
        self.state.store(state as u32, Relaxed);
    }

    /// Bytes that were asked for.
    pub(super) fn size(&self) -> usize {
        self.size.load(Relaxed)
    }

    /// The type that it had when it was last seen in order.
    pub(super) fn ob_type(&self) -> usize {
        self.ob_type.load(Relaxed)
    }

    /// Remembers the type before the memory is poisoned.
    pub(super) fn keep_type(&self, ob: &PyObject) {
        self.ob_type.store(ob.ob_type as usize, Relaxed);
    }

    pub(super) fn add(&self, event: Event) {
        let i = self.events.fetch_add(1, Relaxed) as usize;
        self.ring[i % RING].store(event.encode(), Relaxed);
    }

    /// Whether no incref was seen yet.
    pub(super) fn never_increfed(&self) -> bool {
        self.incref.load(Relaxed) == 0
    }

    pub(super) fn first_incref(&self, event: Event) {
        let _ = self.incref.compare_exchange(0, event.encode(), Relaxed, Relaxed);
    }

    /// The history, oldest first.
    pub(super) fn history(&self) -> Vec<Event> {
        let n = self.events.load(Relaxed) as usize;
        let ring = (n.saturating_sub(RING)..n).map(|i| self.ring[i % RING].load(Relaxed));
        let first = [self.allocated.load(Relaxed), self.incref.load(Relaxed)];
        first.into_iter().chain(ring).filter_map(Event::decode).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(what: What, thread: u32) -> Event {
        Event { what, stack: 77, thread }
    }

    #[test]
    fn a_history_keeps_its_beginning_and_its_end() {
        let memory = [0u64; BYTES / 8];
        // SAFETY: memory for one trailer, aligned, all zero.
        let trailer = unsafe { Trailer::of(memory.as_ptr() as usize, BYTES) };
        assert_eq!(trailer.state(), State::Empty);
        assert!(trailer.history().is_empty());
        trailer.begin(40, 9, event(What::Allocated, 1));
        assert_eq!((trailer.state(), trailer.size(), trailer.ob_type()), (State::Alive, 40, 9));
        trailer.first_incref(event(What::Incref, 2));
        trailer.first_incref(event(What::Incref, 3));
        for thread in 10..30 {
            trailer.add(event(What::Linked, thread));
        }
        let threads: Vec<u32> = trailer.history().iter().map(|e| e.thread).collect();
        assert_eq!(threads, [1, 2, 24, 25, 26, 27, 28, 29]);
        assert!(trailer.history().iter().all(|e| e.stack == 77));
        assert_eq!((trailer.end(), trailer.end()), (State::Alive, State::Freed));
        assert!(trailer.is_sealed());
    }
}
