//! Public fields: what a reader finds there is published, and what a store in a cycle overwrites is shaded.
#![cfg(loom)]

use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{
    AtomicBool, AtomicUsize, Ordering,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use loom_tests::sync::thread;
use loom_tests::{Plain, check};

const NULL: usize = usize::MAX;

/// An object: flags in its header, one payload word, one reference.
struct Object {
    public: AtomicBool,
    marked: AtomicBool,
    payload: Plain<u32>,
    field: AtomicUsize,
}

/// The field of a public object, and the objects that it may refer to.
struct Heap {
    field: AtomicUsize,
    objects: [Object; 3],
}

fn heap(field: usize) -> Arc<Heap> {
    Arc::new(Heap {
        field: AtomicUsize::new(field),
        objects: std::array::from_fn(|_| Object {
            public: AtomicBool::new(false),
            marked: AtomicBool::new(false),
            payload: Plain::new(0),
            field: AtomicUsize::new(NULL),
        }),
    })
}

impl Heap {
    fn init(&self, o: usize) {
        self.objects[o].payload.set(7);
    }

    /// What any thread may expect of an object that it finds in a public place.
    fn meet(&self, o: usize) {
        assert!(self.objects[o].public.load(Relaxed), "a private object in a public place");
        assert_eq!(self.objects[o].payload.get(), 7);
    }

    fn shade(&self, o: usize) {
        self.objects[o].payload.get();
        self.objects[o].marked.store(true, Relaxed);
    }

    fn is_marked(&self, o: usize) -> bool {
        self.objects[o].marked.load(Relaxed)
    }
}

/// The publication of a closure of two, with the ordering of the store and the place of the flags as given.
fn publication(order: Ordering, flags_first: bool) {
    check(move || {
        let heap = heap(NULL);
        let owner = {
            let heap = heap.clone();
            thread::spawn(move || {
                let flag = || [0, 1].map(|o| heap.objects[o].public.store(true, Relaxed));
                heap.init(0);
                heap.init(1);
                heap.objects[0].field.store(1, Relaxed);
                if flags_first {
                    flag();
                }
                heap.field.store(0, order);
                if !flags_first {
                    flag();
                }
            })
        };
        let found = heap.field.load(Acquire);
        if found != NULL {
            heap.meet(found);
            heap.meet(heap.objects[found].field.load(Acquire));
        }
        owner.join().unwrap();
    });
}

#[test]
fn a_reader_of_a_public_field_meets_public_objects_only() {
    publication(Release, true);
}

#[test]
#[should_panic(expected = "a private object in a public place")]
fn twin_store_without_release() {
    publication(Relaxed, true);
}

#[test]
#[should_panic(expected = "a private object in a public place")]
fn twin_store_before_the_flags() {
    publication(Release, false);
}

/// How an armed mutator writes a public field.
#[derive(Clone, Copy)]
enum Write {
    Exchange(Ordering),
    LoadThenStore,
}

/// An idle mutator stores object 1 while an armed one stores object 2 over what is there.
fn armed_against_idle(write: Write) {
    check(move || {
        let heap = heap(0);
        let idle = {
            let heap = heap.clone();
            thread::spawn(move || {
                heap.init(1);
                // A plain store in an idle heap. Loom does not know which of a racing store and exchange came later
                // (tokio-rs/loom#282), of two exchanges it does; what they overwrite and publish is the same.
                heap.field.swap(1, Release);
            })
        };
        let overwritten = match write {
            Write::Exchange(order) => heap.field.swap(2, order),
            Write::LoadThenStore => {
                let read = heap.field.load(Acquire);
                heap.field.store(2, Release);
                read
            }
        };
        heap.shade(overwritten);
        idle.join().unwrap();
        let left = heap.field.swap(NULL, Relaxed);
        assert!(left == 1 || heap.is_marked(1), "overwritten and not shaded");
    });
}

#[test]
fn what_an_armed_store_overwrites_is_shaded() {
    armed_against_idle(Write::Exchange(AcqRel));
}

#[test]
#[should_panic(expected = "overwritten and not shaded")]
fn twin_old_value_is_read_before_the_store() {
    armed_against_idle(Write::LoadThenStore);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_exchange_without_acquire() {
    armed_against_idle(Write::Exchange(Release));
}

/// Two armed mutators store over object 0 and over each other.
fn armed_against_armed(exchange: bool) {
    check(move || {
        let heap = heap(0);
        let store = move |heap: &Heap, o: usize| {
            heap.init(o);
            let overwritten = if exchange {
                heap.field.swap(o, AcqRel)
            } else {
                let read = heap.field.load(Acquire);
                heap.field.store(o, Release);
                read
            };
            heap.shade(overwritten);
        };
        let other = {
            let heap = heap.clone();
            thread::spawn(move || store(&heap, 1))
        };
        store(&heap, 2);
        other.join().unwrap();
        let left = heap.field.swap(NULL, Relaxed);
        assert!((0..3).all(|o| o == left || heap.is_marked(o)), "overwritten and not shaded");
    });
}

#[test]
fn of_two_armed_stores_each_shades_what_it_overwrote() {
    armed_against_armed(true);
}

#[test]
#[should_panic(expected = "overwritten and not shaded")]
fn twin_two_armed_stores_read_the_same_old_value() {
    armed_against_armed(false);
}
