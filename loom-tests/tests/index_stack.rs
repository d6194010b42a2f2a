//! The stack of indices: no index has two owners, none is lost, and what belongs to one travels with it.
#![cfg(loom)]

use loom_tests::heap::pool::{IndexStack, Links};
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicU32, AtomicU64, Ordering,
    Ordering::{Acquire, Relaxed, Release},
};
use loom_tests::sync::thread;
use loom_tests::{Plain, check_all};

/// Members with something of their own.
struct Blocks {
    links: [AtomicU32; 3],
    own: [Plain<u32>; 3],
    stack: IndexStack,
}

impl Blocks {
    fn new(members: u32) -> Arc<Blocks> {
        let blocks = Arc::new(Blocks {
            links: std::array::from_fn(|_| AtomicU32::new(0)),
            own: std::array::from_fn(|_| Plain::new(0)),
            stack: IndexStack::new(),
        });
        (0..members).for_each(|i| blocks.push(i));
        blocks
    }

    fn push(&self, i: u32) {
        self.stack.push(&self.links[..], i);
    }

    fn pop(&self) -> Option<u32> {
        self.stack.pop(&self.links[..])
    }

    fn touch(&self, i: u32) {
        self.own[i as usize].touch();
    }

    fn rest(&self) -> Vec<u32> {
        let mut rest: Vec<u32> = self.stack.take_all(&self.links[..]).collect();
        rest.sort_unstable();
        rest
    }
}

#[test]
fn an_index_has_one_owner_and_none_is_lost() {
    check_all(|| {
        let blocks = Blocks::new(2);
        let other = {
            let blocks = blocks.clone();
            thread::spawn(move || {
                // Takes both, and gives back the one that was on top: the ABA case.
                let (first, second) = (blocks.pop(), blocks.pop());
                first.iter().chain(&second).for_each(|&i| blocks.touch(i));
                if let Some(first) = first {
                    blocks.push(first);
                }
                second
            })
        };
        let mine = blocks.pop();
        if let Some(i) = mine {
            blocks.touch(i);
        }
        let mut all: Vec<u32> = mine.into_iter().chain(other.join().unwrap()).chain(blocks.rest()).collect();
        all.sort_unstable();
        assert_eq!(all, [0, 1], "lost or owned twice");
    });
}

#[test]
fn take_all_and_pop_and_push_share_the_members() {
    check_all(|| {
        let blocks = Blocks::new(2);
        let popper = {
            let blocks = blocks.clone();
            thread::spawn(move || {
                blocks.touch(2);
                blocks.push(2);
                let mine = blocks.pop();
                if let Some(i) = mine {
                    blocks.touch(i);
                }
                mine
            })
        };
        let mut all: Vec<u32> = Vec::new();
        for i in blocks.stack.take_all(&blocks.links[..]) {
            blocks.touch(i);
            all.push(i);
        }
        all.extend(popper.join().unwrap());
        all.extend(blocks.rest());
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2], "lost or owned twice");
    });
}

#[test]
fn what_belongs_to_an_index_travels_through_other_pushes() {
    check_all(|| {
        let blocks = Blocks::new(0);
        let pushers: Vec<_> = (0..2)
            .map(|i| {
                let blocks = blocks.clone();
                thread::spawn(move || {
                    blocks.touch(i);
                    blocks.push(i);
                })
            })
            .collect();
        while let Some(i) = blocks.pop() {
            blocks.touch(i);
        }
        pushers.into_iter().for_each(|p| p.join().unwrap());
    });
}

/// One thread takes both members, makes them its own, and gives one back; the other examines the stack meanwhile. `heed`
/// says whether it heeds the answer.
fn examine(heed: bool) {
    check_all(move || {
        let blocks = Blocks::new(2);
        let kinds: Arc<[AtomicU32; 2]> = Arc::new(std::array::from_fn(|_| AtomicU32::new(0)));
        let other = {
            let (blocks, kinds) = (blocks.clone(), kinds.clone());
            thread::spawn(move || {
                let taken = [blocks.pop(), blocks.pop()];
                taken.iter().flatten().for_each(|&i| kinds[i as usize].store(1, Relaxed));
                if let [Some(first), _] = taken {
                    kinds[first as usize].store(0, Relaxed);
                    blocks.push(first);
                }
            })
        };
        let mut seen = vec![];
        let stayed = blocks.stack.examine(&blocks.links[..], 3, |i| seen.push((i, kinds[i as usize].load(Relaxed))));
        if stayed || !heed {
            let moments: [&[(u32, u32)]; 4] = [&[(1, 0), (0, 0)], &[(0, 0)], &[], &[(1, 0)]];
            assert!(moments.contains(&&seen[..]), "not the members of any moment: {seen:?}");
        }
        other.join().unwrap();
    });
}

#[test]
fn an_examination_sees_the_members_of_one_moment_or_says_no() {
    examine(true);
}

#[test]
#[should_panic(expected = "not the members of any moment")]
fn twin_examination_whose_answer_is_not_heeded() {
    examine(false);
}

/// The same stack without the tag, or with another ordering of the push.
struct Weak {
    head: AtomicU64,
    tagged: bool,
    pushes: Ordering,
}

impl Weak {
    fn push(&self, links: &[AtomicU32], i: u32) {
        let mut head = self.head.load(Relaxed);
        loop {
            links.link(i).store(head as u32, Relaxed);
            match self.head.compare_exchange(head, self.tag(head) | (i + 1) as u64, self.pushes, Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    fn pop(&self, links: &[AtomicU32]) -> Option<u32> {
        let mut head = self.head.load(Acquire);
        loop {
            let i = (head as u32).checked_sub(1)?;
            let next = links.link(i).load(Relaxed);
            match self.head.compare_exchange(head, self.tag(head) | next as u64, Relaxed, Acquire) {
                Ok(_) => return Some(i),
                Err(now) => head = now,
            }
        }
    }

    fn tag(&self, head: u64) -> u64 {
        if self.tagged { ((head >> 32) + 1) << 32 } else { 0 }
    }
}

#[test]
#[should_panic(expected = "lost or owned twice")]
fn twin_head_without_tag() {
    check_all(|| {
        let links: Arc<[AtomicU32; 2]> = Arc::new(std::array::from_fn(|_| AtomicU32::new(0)));
        let stack = Arc::new(Weak { head: AtomicU64::new(0), tagged: false, pushes: Release });
        (0..2).for_each(|i| stack.push(&links[..], i));
        let other = {
            let (stack, links) = (stack.clone(), links.clone());
            thread::spawn(move || {
                let (first, second) = (stack.pop(&links[..]), stack.pop(&links[..]));
                if let Some(first) = first {
                    stack.push(&links[..], first);
                }
                second
            })
        };
        let mut all: Vec<u32> = stack.pop(&links[..]).into_iter().collect();
        all.extend(other.join().unwrap());
        while let Some(i) = stack.pop(&links[..]) {
            all.push(i);
            if all.len() > 2 {
                break;
            }
        }
        all.sort_unstable();
        assert_eq!(all, [0, 1], "lost or owned twice");
    });
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_push_without_release() {
    check_all(|| {
        let blocks = Blocks::new(0);
        let stack = Arc::new(Weak { head: AtomicU64::new(0), tagged: true, pushes: Relaxed });
        let pusher = {
            let (stack, blocks) = (stack.clone(), blocks.clone());
            thread::spawn(move || {
                blocks.touch(0);
                stack.push(&blocks.links[..], 0);
            })
        };
        if let Some(i) = stack.pop(&blocks.links[..]) {
            blocks.touch(i);
        }
        pusher.join().unwrap();
    });
}
