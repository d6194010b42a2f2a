//! Heaps whose pointers own: `Box`, `Rc` and `dumpster`'s `Gc`. The same code for each.

use crate::gaps::{random_slot, random_start};
use crate::{Done, Ticks, Work};
use std::hint::black_box;

macro_rules! workloads {
    ($pointer:ident, $header:expr) => {
        fn node(left: Option<$pointer<Node>>, right: Option<$pointer<Node>>) -> $pointer<Node> {
            $pointer::new(Node { _header: $header, left, right })
        }

        pub fn w2(objects: u64) -> u64 {
            let mut last = node(None, None);
            for _ in 0..objects {
                last = black_box(node(None, None));
            }
            objects + u64::from(last.left.is_some())
        }

        fn bottom_up(depth: u64) -> $pointer<Node> {
            if depth == 0 {
                return node(None, None);
            }
            let (left, right) = (bottom_up(depth - 1), bottom_up(depth - 1));
            node(Some(left), Some(right))
        }

        fn check(node: &Node) -> u64 {
            match (&node.left, &node.right) {
                (Some(left), Some(right)) => 1 + check(left) + check(right),
                _ => 1,
            }
        }

        pub fn w3(max: u64) -> u64 {
            let mut nodes = check(&bottom_up(max + 1));
            let long_lived = bottom_up(max);
            for depth in (4..=max).step_by(2) {
                for _ in 0..1u64 << (max - depth + 4) {
                    nodes += check(&bottom_up(depth));
                }
            }
            nodes + check(&long_lived)
        }

        pub fn w5(work: Work) -> Done {
            let entry = |value: u64| $pointer::new(Entry { _header: $header, _link: None, values: [value; 11] });
            let mut table: Vec<$pointer<Entry>> = (0..work.a).map(entry).collect();
            let (mut state, mut sum, mut ticks) = (random_start(work.a), 0u64, Ticks::new());
            for turn in 0..work.turns {
                let at = random_slot(&mut state, work.a);
                let old = std::mem::replace(&mut table[at], entry(turn));
                sum = sum.wrapping_add(old.values[0]);
                drop(old);
                if turn % 16 == 15 {
                    ticks.tick();
                }
            }
            ticks.done(work.turns, sum)
        }
    };
}

pub mod with_box {
    use super::*;

    struct Node {
        // Two words of header, as the others have counts.
        _header: [u64; 2],
        left: Option<Box<Node>>,
        right: Option<Box<Node>>,
    }

    struct Entry {
        _header: [u64; 2],
        _link: Option<Box<Entry>>,
        values: [u64; 11],
    }

    workloads!(Box, [0x1234, 0]);
}

pub mod with_rc {
    use super::*;
    use std::rc::Rc;

    struct Node {
        _header: (),
        left: Option<Rc<Node>>,
        right: Option<Rc<Node>>,
    }

    struct Entry {
        _header: (),
        _link: Option<Rc<Entry>>,
        values: [u64; 11],
    }

    workloads!(Rc, ());
}

pub mod with_dumpster {
    use super::*;
    use dumpster::unsync::Gc;
    use dumpster::Trace;

    #[derive(Trace)]
    struct Node {
        _header: (),
        left: Option<Gc<Node>>,
        right: Option<Gc<Node>>,
    }

    #[derive(Trace)]
    struct Entry {
        _header: (),
        _link: Option<Gc<Entry>>,
        values: [u64; 11],
    }

    workloads!(Gc, ());
}
