//! What a thread left in its thread-locals (its mutator, counted references, global roots, weak references) may be dropped after
//! the heap has let go of the thread, in whatever order: nothing is used that is gone, and nothing others hold is lost.

use handfast::{Config, Finalize, Global, HandleSlot, Heap, LinkFlags, Local, Mutator, PyRef, Scope, Trace, Weak};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

#[derive(Trace)]
#[handfast(finalize)]
struct Word {
    number: u64,
    handle: HandleSlot,
}

static FINALIZED: AtomicUsize = AtomicUsize::new(0);

/// What a finalizer and a destructor leave behind goes into the same thread-locals.
impl Finalize for Word {
    fn finalize<'s>(scope: &mut Scope<'s>, this: Local<'s, Word>) {
        scope.collect_minor();
        let _ = KEPT.try_with(|kept| kept.borrow_mut().globals.push(Global::new(scope, this).unwrap()));
        assert_eq!(this.get(scope).number % 2, 1);
        FINALIZED.fetch_add(1, Relaxed);
    }
}

#[derive(Default)]
struct Kept {
    heap: Option<Heap>,
    mutator: Option<Mutator>,
    globals: Vec<Global<Word>>,
    weak: Vec<Weak<Word>>,
    handles: Vec<PyRef>,
}

/// Runs it; a panic is one that says this. (Another leaves the destructor of a thread-local, which ends the process.)
fn or_panics<R>(text: &str, body: impl FnOnce() -> R) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(body)) {
        assert_eq!(payload.downcast_ref::<&str>(), Some(&text));
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // The thread is attached still, or it is not and cannot be again.
        if let Some(mutator) = &mut self.mutator {
            or_panics("a mutator was used after its thread was detached", || {
                mutator.scope(|s| {
                    s.collect_full();
                    self.globals.iter().for_each(|global| assert_eq!(global.get(s).number % 2, 1));
                });
            });
        } else if let Some(heap) = &self.heap
            && let Ok(mut mutator) = heap.attach()
        {
            mutator.scope(|s| s.alloc(1_u64).map(drop)).unwrap();
        }
        or_panics("a PyRef was used on a thread that is not attached to its heap", || self.handles.first().cloned());
    }
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}

/// Fills the thread-locals, first of them or last, and answers a reference for the thread that joins.
fn leave(heap: &Heap, touch_first: bool, keep_mutator: bool) -> Global<Word> {
    if touch_first {
        KEPT.with(|kept| drop(kept.borrow()));
    }
    let mut mutator = heap.attach().unwrap();
    let (shared, kept) = mutator.scope(|s| {
        let mut kept = Kept::default();
        for number in [1, 3, 5] {
            let word = s.alloc(Word { number, handle: HandleSlot::new() }).unwrap();
            kept.globals.push(Global::new(s, word).unwrap());
            kept.weak.push(Weak::new(s, word).unwrap());
            kept.handles.push(s.handle(word, 24, null_mut(), LinkFlags::NONE).unwrap());
        }
        for number in [7, 9] {
            s.scope(|t| t.alloc(Word { number, handle: HandleSlot::new() }).map(drop)).unwrap();
        }
        let shared = s.alloc(Word { number: 11, handle: HandleSlot::new() }).unwrap();
        (Global::new(s, shared).unwrap(), kept)
    });
    KEPT.with(|slot| {
        let mut slot = slot.borrow_mut();
        *slot = kept;
        slot.heap = Some(heap.clone());
        slot.mutator = keep_mutator.then_some(mutator);
    });
    shared
}

#[test]
fn thread_locals_may_outlive_the_attachment() {
    for gc_threads in [0, 1] {
        let heap = Heap::new(Config { gc_threads, ..Config::default() }).unwrap();
        for (touch_first, keep_mutator) in [(false, false), (false, true), (true, false), (true, true)] {
            let shared = std::thread::spawn({
                let heap = heap.clone();
                move || leave(&heap, touch_first, keep_mutator)
            });
            let shared = shared.join().unwrap();
            let mut mutator = heap.attach().unwrap();
            mutator.scope(|s| {
                s.collect_full();
                assert_eq!(shared.get(s).number, 11);
            });
            mutator.verify().unwrap();
        }
        heap.attach().unwrap().scope(|s| {
            s.collect_full();
            s.collect_full();
        });
        // The two that nobody held, of each thread.
        assert!(FINALIZED.swap(0, Relaxed) >= 4 * 2);
        KEPT.with(|kept| drop(kept.take()));
        heap.close().unwrap();
    }
}
