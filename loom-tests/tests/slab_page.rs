//! Slab pages between threads: a freed slot always finds its way to a holder of the page, who is alone.
#![cfg(loom)]

#[path = "../../src/handle/slab/remote.rs"]
#[allow(dead_code, reason = "each scenario uses a part")]
mod remote;

use heap::pool::{IndexStack, Links};
use loom::cell::UnsafeCell;
use loom_tests::{Plain, check, heap, sync};
use remote::{Mailbox, NONE, Posted, Pushed, RemoteFrees};
use sync::Arc;
use sync::atomic::{
    AtomicU32, AtomicUsize,
    Ordering::{Acquire, Relaxed},
};
use sync::thread;

/// One step of the protocol left out, or in the wrong place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Without {
    Nothing,
    LastMail,
    ClosedAnswer,
    DisownFirst,
    SecondLook,
    HandsOff,
    InnerLink,
    Sending,
}

/// A page of two slots, 16 and 32, both given out (or three, with 48); its owner's mailbox; the heap's stack of pages left behind.
struct World {
    remote: RemoteFrees,
    next: [AtomicUsize; 3],
    /// The owner's side: slots in use. Loom checks that only the holder touches it.
    used: UnsafeCell<u32>,
    mailbox: Mailbox,
    /// Where the page says whose mailbox it is: set by an owner, read by who delivers the page.
    home: Plain<u32>,
    heap: IndexStack,
    links: [AtomicU32; 1],
    without: Without,
}

// SAFETY: `used` is the holder's; loom checks it.
unsafe impl Send for World {}
// SAFETY: as above.
unsafe impl Sync for World {}

impl Links for World {
    fn link(&self, i: u32) -> &AtomicU32 {
        &self.links[i as usize]
    }
}

impl World {
    fn new(without: Without) -> Arc<World> {
        World::of(2, without)
    }

    fn of(slots: u32, without: Without) -> Arc<World> {
        Arc::new(World {
            remote: RemoteFrees::new(),
            next: std::array::from_fn(|_| AtomicUsize::new(0)),
            used: UnsafeCell::new(slots),
            mailbox: Mailbox::new(),
            home: Plain::new(0),
            heap: IndexStack::new(),
            links: [AtomicU32::new(0)],
            without,
        })
    }

    fn freers(self: &Arc<World>) -> Vec<thread::JoinHandle<()>> {
        let free = |slot| {
            let world = self.clone();
            thread::spawn(move || world.free_remote(slot))
        };
        [16, 32].map(free).into()
    }

    fn free_remote(&self, slot: usize) {
        self.push(slot, slot);
    }

    /// A parcel of slots 16 and 32.
    fn free_parcel(&self) {
        let link = || self.next[1].store(16, Relaxed);
        if self.without != Without::InnerLink {
            link();
        }
        self.push(32, 16);
        if self.without == Without::InnerLink {
            link();
        }
    }

    /// Pushes a chain of slots, of which the last has no next one yet.
    fn push(&self, first: usize, last: usize) {
        let pushed = self.remote.push(first, |next| self.next[last / 16 - 1].store(next, Relaxed));
        if pushed == Pushed::MustPost
            && self.home.get() == 1
            && self.mailbox.post(self, 0) == Posted::Closed
            && self.without != Without::ClosedAnswer
        {
            self.hand_over();
        }
    }

    /// Holder: counts a chain of slots as free; how many there were.
    fn merge(&self, mut slot: usize) -> u32 {
        let mut count = 0;
        while slot != 0 {
            slot = self.next[slot / 16 - 1].load(Relaxed);
            count += 1;
        }
        // SAFETY: loom panics when another access is concurrent; that is what is tested.
        self.used.with_mut(|used| unsafe { *used -= count });
        count
    }

    /// Holder: an empty page is done; another one waits in the heap's stack.
    fn hand_over(&self) {
        self.merge(self.remote.take());
        // SAFETY: as in `merge`.
        if self.used.with(|used| unsafe { *used }) != 0 {
            self.heap.push(self, 0);
        }
    }

    /// After all threads ended: whoever looks where it should finds every slot.
    fn all_found(&self) {
        if self.mailbox.take() == 0 || self.heap.pop(self).is_some() {
            self.merge(self.remote.open());
        }
        // SAFETY: as in `merge`.
        assert_eq!(self.used.with(|used| unsafe { *used }), 0, "lost");
    }
}

/// The owner leaves while others free the last slots of a FULL page.
fn leave(without: Without) {
    check(move || {
        let world = World::new(without);
        world.home.set(1);
        assert!(world.remote.close());
        let freers = world.freers();
        let disown = || world.merge(0);
        if without != Without::DisownFirst {
            disown();
        }
        if world.mailbox.close() != NONE && without != Without::LastMail {
            world.hand_over();
        }
        if without == Without::DisownFirst {
            disown();
        }
        freers.into_iter().for_each(|t| t.join().unwrap());
        // As the next mutator: the closed mailbox is opened again.
        world.mailbox.open();
        world.all_found();
    });
}

/// The owner, who has just adopted the page, finds nothing to allocate and puts it away while others free: whoever delivers
/// the page finds the new owner's mailbox.
fn put_away(without: Without) {
    check(move || {
        let world = World::new(without);
        let freers = world.freers();
        world.home.set(1);
        let mut got = 0;
        loop {
            got += world.merge(world.remote.take());
            if got != 0 || world.remote.close() || without == Without::SecondLook {
                break;
            }
        }
        freers.into_iter().for_each(|t| t.join().unwrap());
        if got != 0 {
            // Still OPEN: the owner looks again by itself.
            world.merge(world.remote.take());
        }
        world.all_found();
    });
}

/// The owner leaves an OPEN page to an adopter, while others free.
fn adopt(without: Without) {
    check(move || {
        let world = World::new(without);
        let freers = world.freers();
        world.merge(0);
        world.remote.post();
        let adopter = {
            let world = world.clone();
            thread::spawn(move || {
                if world.heap.pop(&*world).is_some() {
                    world.merge(world.remote.open());
                }
            })
        };
        world.hand_over();
        if without == Without::HandsOff {
            world.merge(0);
        }
        adopter.join().unwrap();
        freers.into_iter().for_each(|t| t.join().unwrap());
        // OPEN, and its holder looks by itself; or in the stack still; or done.
        world.merge(world.remote.take());
        world.all_found();
    });
}

#[test]
fn an_adopter_is_alone_and_finds_what_was_freed() {
    adopt(Without::Nothing);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_the_owner_touches_a_page_that_it_has_handed_over() {
    adopt(Without::HandsOff);
}

#[test]
fn a_page_left_behind_is_found_with_all_its_slots() {
    leave(Without::Nothing);
}

#[test]
#[should_panic(expected = "lost")]
fn twin_last_mail_not_read() {
    leave(Without::LastMail);
}

#[test]
#[should_panic(expected = "lost")]
fn twin_closed_mailbox_ignored() {
    leave(Without::ClosedAnswer);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_mailbox_closed_before_the_pages_are_disowned() {
    leave(Without::DisownFirst);
}

#[test]
fn a_page_put_away_comes_back() {
    put_away(Without::Nothing);
}

#[test]
#[should_panic(expected = "lost")]
fn twin_put_away_without_a_second_look() {
    put_away(Without::SecondLook);
}

/// One thread frees a slot and another, which then leaves, two in a parcel; the page's owner leaves meanwhile, too.
fn parcel(without: Without) {
    check(move || {
        let world = World::of(3, without);
        world.home.set(1);
        assert!(world.remote.close());
        let freers = [false, true].map(|parcel| {
            let world = world.clone();
            thread::spawn(move || match parcel {
                false => world.free_remote(48),
                true if without == Without::Sending => {}
                true => world.free_parcel(),
            })
        });
        world.merge(0);
        if world.mailbox.close() != NONE {
            world.hand_over();
        }
        freers.into_iter().for_each(|t| t.join().unwrap());
        world.mailbox.open();
        world.all_found();
    });
}

#[test]
fn a_parcel_comes_back_whole() {
    parcel(Without::Nothing);
}

#[test]
#[should_panic(expected = "lost")]
fn twin_parcel_pushed_before_it_is_linked() {
    parcel(Without::InnerLink);
}

#[test]
#[should_panic(expected = "lost")]
fn twin_leaves_with_a_parcel() {
    parcel(Without::Sending);
}

/// A mailbox for two pages, and what a weaker one would be.
struct Two<M> {
    mailbox: M,
    links: [AtomicU32; 2],
}

impl<M> Links for Two<M> {
    fn link(&self, i: u32) -> &AtomicU32 {
        &self.links[i as usize]
    }
}

/// Two threads post a page each, while the owner takes what there is, and once more at the end.
fn two_posts<M: Send + Sync + 'static>(mailbox: fn() -> M, post: fn(&Two<M>, u32), take: fn(&Two<M>) -> u32) {
    check(move || {
        let two = Arc::new(Two { mailbox: mailbox(), links: [AtomicU32::new(7), AtomicU32::new(7)] });
        let posters: Vec<_> = (0..2)
            .map(|i| {
                let two = two.clone();
                thread::spawn(move || post(&two, i))
            })
            .collect();
        let mut found = [0; 2];
        let mut walk = || {
            let mut i = take(&two);
            while i != NONE {
                assert!(i < 2, "a link that nobody has written");
                found[i as usize] += 1;
                i = two.links[i as usize].load(Relaxed);
            }
        };
        walk();
        posters.into_iter().for_each(|t| t.join().unwrap());
        walk();
        assert_eq!(found, [1, 1], "lost");
    });
}

#[test]
fn a_mailbox_gives_each_page_once() {
    two_posts(Mailbox::new, |two, i| assert_eq!(two.mailbox.post(two, i), Posted::Delivered), |two| two.mailbox.take());
}

/// The same with an owner that leaves: a page is in the last chain, or its poster is told.
#[test]
fn a_mailbox_that_is_closed_gives_each_page_or_refuses_it() {
    check(|| {
        let two = Arc::new(Two { mailbox: Mailbox::new(), links: [AtomicU32::new(7), AtomicU32::new(7)] });
        let posters: Vec<_> = (0..2)
            .map(|i| {
                let two = two.clone();
                thread::spawn(move || two.mailbox.post(&*two, i) == Posted::Closed)
            })
            .collect();
        let mut found = [0; 2];
        let mut i = two.mailbox.close();
        while i != NONE {
            assert!(i < 2, "a link that nobody has written");
            found[i as usize] += 1;
            i = two.links[i as usize].load(Relaxed);
        }
        for (i, poster) in posters.into_iter().enumerate() {
            assert_eq!(found[i] + u32::from(poster.join().unwrap()), 1, "lost");
        }
    });
}

#[test]
#[should_panic(expected = "a link that nobody has written")]
fn twin_page_is_posted_without_release() {
    two_posts(
        || AtomicU32::new(NONE),
        |two, i| {
            let mut head = two.mailbox.load(Relaxed);
            loop {
                two.links[i as usize].store(head, Relaxed);
                match two.mailbox.compare_exchange(head, i, Relaxed, Relaxed) {
                    Ok(_) => return,
                    Err(now) => head = now,
                }
            }
        },
        |two| two.mailbox.swap(NONE, Acquire),
    );
}
