//! Two stacks of indices over the same links, against two vectors.

use crate::heap::pool::IndexStack;
use crate::sync::atomic::AtomicU32;
use arbitrary::Arbitrary;

const INDICES: usize = 16;

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Op {
    /// An index that is in no stack.
    Push {
        to: bool,
        which: u8,
    },
    Pop {
        from: bool,
    },
    /// Takes all of one and puts each into the other, or back, or keeps it.
    TakeAll {
        from: bool,
        keep: u8,
    },
}

pub struct Stacks {
    links: Vec<AtomicU32>,
    real: [IndexStack; 2],
    model: [Vec<u32>; 2],
    /// In no stack.
    free: Vec<u32>,
}

impl Default for Stacks {
    fn default() -> Stacks {
        Stacks {
            links: (0..INDICES).map(|_| AtomicU32::new(77)).collect(),
            real: [IndexStack::new(), IndexStack::new()],
            model: Default::default(),
            free: (0..INDICES as u32).collect(),
        }
    }
}

impl Stacks {
    pub fn step(&mut self, op: Op) {
        match op {
            Op::Push { to, which } => {
                if !self.free.is_empty() {
                    let index = self.free.swap_remove(which as usize % self.free.len());
                    self.push(usize::from(to), index);
                }
            }
            Op::Pop { from } => {
                let popped = self.real[usize::from(from)].pop(&self.links[..]);
                assert_eq!(popped, self.model[usize::from(from)].pop());
                self.free.extend(popped);
            }
            Op::TakeAll { from, keep } => {
                let from = usize::from(from);
                let mut expected = std::mem::take(&mut self.model[from]);
                let (real, links, model) = (&self.real, &self.links[..], &mut self.model);
                for (i, index) in real[from].take_all(links).enumerate() {
                    assert_eq!(Some(index), expected.pop());
                    if keep >> (i % 8) & 1 == 1 {
                        self.free.push(index);
                    } else {
                        let to = if keep & 1 == 0 { from } else { 1 - from };
                        real[to].push(links, index);
                        model[to].push(index);
                    }
                }
                assert_eq!(expected, [], "members were lost");
            }
        }
    }

    fn push(&mut self, to: usize, index: u32) {
        self.real[to].push(&self.links[..], index);
        self.model[to].push(index);
    }
}
