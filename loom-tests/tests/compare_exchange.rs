//! A compare-exchange on a public field: of two pushes none is lost, what others find is published, and what was
//! overwritten in a cycle is shaded.
#![cfg(loom)]

use loom_tests::object::flags::{Flags, PUBLIC};
use loom_tests::object::reference::{follow, put, replace};
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicBool, AtomicPtr,
    Ordering::{Acquire, Relaxed, Release},
};
use loom_tests::sync::thread;
use loom_tests::{Plain, check_all, number, object};

type Word = AtomicPtr<()>;

/// A cell of a stack: header, one payload word, one reference.
struct Cell {
    flags: Flags,
    marked: AtomicBool,
    payload: Plain<u32>,
    next: Word,
}

/// A public stack and its cells, of which cell 0 is on it.
struct Stack {
    top: Word,
    cells: [Cell; 3],
}

/// How a cell gets onto the stack.
#[derive(Clone, Copy)]
struct Push {
    replace: fn(&Word, *mut (), *mut ()) -> bool,
    /// Whether the cell is published before the exchange or after it.
    flags_first: bool,
    shade: bool,
}

const RIGHT: Push = Push { replace, flags_first: true, shade: true };

impl Stack {
    fn push(&self, cell: usize, how: Push) {
        self.cells[cell].payload.set(7);
        loop {
            let top = follow(&self.top);
            self.cells[cell].next.store(top, Relaxed);
            if how.flags_first {
                self.cells[cell].flags.set_private(PUBLIC, 0);
            }
            if (how.replace)(&self.top, top, object(cell)) {
                if how.shade {
                    let top = &self.cells[number(top).unwrap()];
                    top.payload.get();
                    top.marked.store(true, Relaxed);
                }
                self.cells[cell].flags.set_private(PUBLIC, 0);
                return;
            }
        }
    }
}

fn two_pushes(how: Push) {
    check_all(move || {
        let stack = Arc::new(Stack {
            top: Word::new(object(0)),
            cells: std::array::from_fn(|cell| Cell {
                flags: Flags::new(if cell == 0 { PUBLIC } else { 0 }),
                marked: AtomicBool::new(false),
                payload: Plain::new(7),
                next: Word::new(std::ptr::null_mut()),
            }),
        });
        let other = {
            let stack = stack.clone();
            thread::spawn(move || stack.push(1, how))
        };
        // Meets what the other has pushed, if it finds it.
        let found = &stack.cells[number(follow(&stack.top)).unwrap()];
        assert!(found.flags.get() & PUBLIC != 0, "a private cell on a public stack");
        assert_eq!(found.payload.get(), 7);
        stack.push(2, how);
        other.join().unwrap();
        let (mut at, mut len) = (number(stack.top.load(Relaxed)), 0);
        while let Some(cell) = at {
            // The top is still referred to; what was the top once was overwritten.
            assert!(len == 0 || stack.cells[cell].marked.load(Relaxed), "overwritten and not shaded");
            (at, len) = (number(stack.cells[cell].next.load(Relaxed)), len + 1);
        }
        assert_eq!(len, 3, "a push was lost");
    });
}

fn load_then_store(field: &Word, _: *mut (), value: *mut ()) -> bool {
    put(field, value);
    true
}

fn without_release(field: &Word, expected: *mut (), value: *mut ()) -> bool {
    field.compare_exchange(expected, value, Acquire, Relaxed).is_ok()
}

#[test]
fn no_push_is_lost_and_all_that_is_found_is_public() {
    two_pushes(RIGHT);
}

#[test]
#[should_panic(expected = "a push was lost")]
fn twin_load_then_store() {
    two_pushes(Push { replace: load_then_store, ..RIGHT });
}

#[test]
#[should_panic(expected = "a private cell on a public stack")]
fn twin_exchange_before_the_flags() {
    two_pushes(Push { flags_first: false, ..RIGHT });
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_exchange_without_release() {
    two_pushes(Push { replace: without_release, ..RIGHT });
}

#[test]
#[should_panic(expected = "overwritten and not shaded")]
fn twin_the_overwritten_value_is_not_shaded() {
    two_pushes(Push { shade: false, ..RIGHT });
}

/// A thread that knows a value replaces it as soon as it is there: what was done before it was stored is there, too, though
/// nothing was loaded.
fn message(replace: fn(&Word, *mut (), *mut ()) -> bool) {
    check_all(move || {
        let shared = Arc::new((Word::new(object(0)), Plain::new(0)));
        let other = {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.1.set(1);
                put(&shared.0, object(1));
            })
        };
        if replace(&shared.0, object(1), object(2)) {
            assert_eq!(shared.1.get(), 1);
        }
        other.join().unwrap();
    });
}

#[test]
fn who_replaces_a_value_sees_what_was_done_before_it_was_stored() {
    message(replace);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_replaces_without_acquire() {
    message(|field, expected, value| field.compare_exchange(expected, value, Release, Relaxed).is_ok());
}
