//! Two threads make the handle of one public object: one exchange on its handle slot decides.
#![cfg(loom)]

use loom_tests::handle::refcount::RefCount;
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicUsize, Ordering,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use loom_tests::sync::thread;
use loom_tests::{Plain, check_all};

/// The C side: memory that its maker fills before anybody can find it.
struct Ob {
    count: RefCount,
    link: Plain<u32>,
}

/// A public object with a handle slot (0: none, else number of the `Ob` + 1), and memory for one `Ob` per thread.
struct Heap {
    slot: AtomicUsize,
    obs: [Ob; 2],
    freed: AtomicUsize,
}

#[derive(Clone, Copy)]
enum Make {
    Exchange(Ordering),
    LookThenStore,
}

impl Heap {
    fn new() -> Arc<Heap> {
        let ob = || Ob { count: RefCount::new(0), link: Plain::new(0) };
        Arc::new(Heap { slot: AtomicUsize::new(0), obs: [ob(), ob()], freed: AtomicUsize::new(0) })
    }

    fn use_link(&self, handle: usize) {
        let link = self.obs[handle - 1].link.get();
        assert_eq!(link, 7, "a handle without its link");
    }

    /// A new counted reference, by the thread whose memory is `own`.
    fn handle(&self, own: usize, make: Make) -> usize {
        let mut found = self.slot.load(Acquire);
        if found == 0 {
            self.obs[own].link.set(7);
            self.obs[own].count.set(1);
            self.obs[own].count.add_link();
            let decided = match make {
                // Release: the filled `Ob`. Acquire on failure: that of the winner.
                Make::Exchange(order) => self.slot.compare_exchange(0, own + 1, order, Acquire),
                Make::LookThenStore => {
                    self.slot.store(own + 1, Release);
                    Ok(0)
                }
            };
            match decided {
                Ok(_) => return own + 1,
                Err(winner) => {
                    self.obs[own].link.set(0);
                    self.freed.fetch_add(1, Relaxed);
                    found = winner;
                }
            }
        }
        self.obs[found - 1].count.incref();
        self.use_link(found);
        found
    }
}

fn two_threads(make: Make) {
    check_all(move || {
        let heap = Heap::new();
        let other = {
            let heap = heap.clone();
            thread::spawn(move || heap.handle(1, make))
        };
        let here = heap.handle(0, make);
        assert_eq!(other.join().unwrap(), here, "two handles of one object");
        assert_eq!(heap.obs[here - 1].count.count(), 3, "one count each, and the link's");
        assert!(heap.freed.load(Relaxed) <= 1);
    });
}

#[test]
fn two_threads_get_one_handle_and_a_reference_each() {
    two_threads(Make::Exchange(AcqRel));
}

#[test]
#[should_panic(expected = "two handles of one object")]
fn twin_slot_is_looked_at_and_then_stored() {
    two_threads(Make::LookThenStore);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_exchange_without_release() {
    two_threads(Make::Exchange(Relaxed));
}

#[test]
fn who_looks_up_a_handle_finds_a_whole_one_or_none() {
    check_all(|| {
        let heap = Heap::new();
        let makers: Vec<_> = (0..2)
            .map(|own| {
                let heap = heap.clone();
                thread::spawn(move || heap.handle(own, Make::Exchange(AcqRel)))
            })
            .collect();
        let found = heap.slot.load(Acquire);
        if found != 0 {
            heap.use_link(found);
        }
        makers.into_iter().for_each(|m| assert_ne!(m.join().unwrap(), 0));
    });
}
