//! Two threads make the handle of one public object: one exchange on its handle slot decides.
#![cfg(loom)]

use loom_tests::handle::refcount::RefCount;
use loom_tests::handle::slot_word::SlotWord;
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use loom_tests::sync::thread;
use loom_tests::{Plain, check_all};

/// The C side: memory that its maker fills before anybody can find it.
struct Ob {
    count: RefCount,
    link: Plain<u32>,
}

/// The handle slot of a public object (0: none, else number of the `Ob` + 1), or one that is weaker.
enum Slot {
    Real(SlotWord),
    LookThenStore(AtomicUsize),
    WithoutRelease(AtomicUsize),
}

impl Slot {
    fn get(&self) -> usize {
        match self {
            Slot::Real(word) => word.get(),
            Slot::LookThenStore(word) | Slot::WithoutRelease(word) => word.load(Acquire),
        }
    }

    fn decide(&self, handle: usize) -> bool {
        match self {
            Slot::Real(word) => word.decide(handle),
            Slot::LookThenStore(word) => {
                word.store(handle, Release);
                true
            }
            Slot::WithoutRelease(word) => word.compare_exchange(0, handle, Relaxed, Acquire).is_ok(),
        }
    }
}

/// A public object, and memory for one `Ob` per thread.
struct Heap {
    slot: Slot,
    obs: [Ob; 2],
    freed: AtomicUsize,
}

impl Heap {
    fn new(slot: Slot) -> Arc<Heap> {
        let ob = || Ob { count: RefCount::new(0), link: Plain::new(0) };
        Arc::new(Heap { slot, obs: [ob(), ob()], freed: AtomicUsize::new(0) })
    }

    fn use_link(&self, handle: usize) {
        let link = self.obs[handle - 1].link.get();
        assert_eq!(link, 7, "a handle without its link");
    }

    /// A new counted reference, by the thread whose memory is `own`.
    fn handle(&self, own: usize) -> usize {
        let mut found = self.slot.get();
        if found == 0 {
            self.obs[own].link.set(7);
            self.obs[own].count.set(1);
            self.obs[own].count.add_link();
            if self.slot.decide(own + 1) {
                return own + 1;
            }
            self.obs[own].link.set(0);
            self.freed.fetch_add(1, Relaxed);
            found = self.slot.get();
        }
        self.obs[found - 1].count.incref();
        self.use_link(found);
        found
    }
}

fn two_threads(slot: fn() -> Slot) {
    check_all(move || {
        let heap = Heap::new(slot());
        let other = {
            let heap = heap.clone();
            thread::spawn(move || heap.handle(1))
        };
        let here = heap.handle(0);
        assert_eq!(other.join().unwrap(), here, "two handles of one object");
        assert_eq!(heap.obs[here - 1].count.count(), 3, "one count each, and the link's");
        assert!(heap.freed.load(Relaxed) <= 1);
    });
}

#[test]
fn two_threads_get_one_handle_and_a_reference_each() {
    two_threads(|| Slot::Real(SlotWord::new()));
}

#[test]
#[should_panic(expected = "two handles of one object")]
fn twin_slot_is_looked_at_and_then_stored() {
    two_threads(|| Slot::LookThenStore(AtomicUsize::new(0)));
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_exchange_without_release() {
    two_threads(|| Slot::WithoutRelease(AtomicUsize::new(0)));
}

#[test]
fn who_looks_up_a_handle_finds_a_whole_one_or_none() {
    check_all(|| {
        let heap = Heap::new(Slot::Real(SlotWord::new()));
        let makers: Vec<_> = (0..2)
            .map(|own| {
                let heap = heap.clone();
                thread::spawn(move || heap.handle(own))
            })
            .collect();
        let found = heap.slot.get();
        if found != 0 {
            heap.use_link(found);
        }
        makers.into_iter().for_each(|m| assert_ne!(m.join().unwrap(), 0));
    });
}
