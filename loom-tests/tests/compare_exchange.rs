//! A compare-exchange on a public field: of two pushes none is lost, what others find is published, and what was
//! overwritten in a cycle is shaded.
#![cfg(loom)]

use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicBool, AtomicUsize, Ordering,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use loom_tests::sync::thread;
use loom_tests::{Plain, check};

const NULL: usize = usize::MAX;

/// A cell of a stack: flags in its header, one payload word, one reference.
struct Cell {
    public: AtomicBool,
    marked: AtomicBool,
    payload: Plain<u32>,
    next: AtomicUsize,
}

/// A public stack and its cells, of which cell 0 is on it.
struct Stack {
    top: AtomicUsize,
    cells: [Cell; 3],
}

/// How a cell gets onto the stack.
#[derive(Clone, Copy)]
struct Push {
    /// Of an exchange that succeeds.
    order: Ordering,
    exchange: bool,
    /// Whether the cell is published before the exchange or after it.
    flags_first: bool,
    shade: bool,
}

const RIGHT: Push = Push { order: AcqRel, exchange: true, flags_first: true, shade: true };

impl Stack {
    fn push(&self, cell: usize, how: Push) {
        self.cells[cell].payload.set(7);
        loop {
            let top = self.top.load(Acquire);
            self.cells[cell].next.store(top, Relaxed);
            if how.flags_first {
                self.cells[cell].public.store(true, Relaxed);
            }
            let pushed = if how.exchange {
                self.top.compare_exchange(top, cell, how.order, Relaxed).is_ok()
            } else {
                self.top.store(cell, Release);
                true
            };
            if pushed {
                if how.shade {
                    self.cells[top].payload.get();
                    self.cells[top].marked.store(true, Relaxed);
                }
                self.cells[cell].public.store(true, Relaxed);
                return;
            }
        }
    }
}

fn two_pushes(how: Push) {
    check(move || {
        let stack = Arc::new(Stack {
            top: AtomicUsize::new(0),
            cells: std::array::from_fn(|cell| Cell {
                public: AtomicBool::new(cell == 0),
                marked: AtomicBool::new(false),
                payload: Plain::new(7),
                next: AtomicUsize::new(NULL),
            }),
        });
        let other = {
            let stack = stack.clone();
            thread::spawn(move || stack.push(1, how))
        };
        // Meets what the other has pushed, if it finds it.
        let found = stack.top.load(Acquire);
        assert!(stack.cells[found].public.load(Relaxed), "a private cell on a public stack");
        assert_eq!(stack.cells[found].payload.get(), 7);
        stack.push(2, how);
        other.join().unwrap();
        let (mut at, mut len) = (stack.top.load(Relaxed), 0);
        while at != NULL {
            // The top is still referred to; what was the top once was overwritten.
            assert!(len == 0 || stack.cells[at].marked.load(Relaxed), "overwritten and not shaded");
            (at, len) = (stack.cells[at].next.load(Relaxed), len + 1);
        }
        assert_eq!(len, 3, "a push was lost");
    });
}

#[test]
fn no_push_is_lost_and_all_that_is_found_is_public() {
    two_pushes(RIGHT);
}

#[test]
#[should_panic(expected = "a push was lost")]
fn twin_load_then_store() {
    two_pushes(Push { exchange: false, ..RIGHT });
}

#[test]
#[should_panic(expected = "a private cell on a public stack")]
fn twin_exchange_before_the_flags() {
    two_pushes(Push { flags_first: false, ..RIGHT });
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_exchange_without_release() {
    two_pushes(Push { order: Acquire, ..RIGHT });
}

#[test]
#[should_panic(expected = "overwritten and not shaded")]
fn twin_the_overwritten_value_is_not_shaded() {
    two_pushes(Push { shade: false, ..RIGHT });
}
