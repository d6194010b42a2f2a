//! The barrier against the marker: a mutator that is scanned takes an object out of a field that the marker has still to
//! look at, and puts another in. What was there when the snapshot was taken is marked all the same (Yuasa's deletion
//! barrier), and the marker never reads what it may not.
#![cfg(loom)]

use loom_tests::object::reference::{exchange, follow, put, settled};
use loom_tests::sync::Arc;
use loom_tests::sync::atomic::{AtomicBool, AtomicPtr, Ordering::Relaxed};
use loom_tests::sync::thread;
use loom_tests::{Plain, check_all, number, object};

const NULL: *mut () = std::ptr::null_mut();

/// A grey object with two fields, both of which lead to object 0; object 1 is allocated after the snapshot, so that it is
/// born marked.
struct Heap {
    fields: [AtomicPtr<()>; 2],
    marked: [AtomicBool; 2],
    payload: [Plain<u32>; 2],
}

/// How the mutator writes a field.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Write {
    /// The source is public.
    Exchange,
    /// The source is private and old.
    LoadAndPut,
    WithoutShading,
    ShadesTheNewValue,
    WithoutRelease,
}

impl Heap {
    /// As the marker and the barrier do: a look and a store.
    fn shade(&self, o: *mut ()) {
        if let Some(o) = number(o)
            && !self.marked[o].load(Relaxed)
        {
            assert_eq!(self.payload[o].get(), 7);
            self.marked[o].store(true, Relaxed);
        }
    }

    fn write(&self, field: usize, value: *mut (), write: Write) {
        let field = &self.fields[field];
        match write {
            Write::Exchange => self.shade(exchange(field, value)),
            Write::LoadAndPut => {
                // Only the owner stores here: nobody can come between the two.
                let old = follow(field);
                put(field, value);
                self.shade(old);
            }
            Write::WithoutShading => put(field, value),
            Write::ShadesTheNewValue => {
                self.shade(value);
                put(field, value);
            }
            Write::WithoutRelease => {
                self.shade(follow(field));
                field.store(value, Relaxed);
            }
        }
    }

    /// The marker traces the object.
    fn trace(&self) {
        for field in &self.fields {
            self.shade(settled(field, |_| false));
        }
    }
}

/// The mutator moves object 0 from the field that the marker looks at last to a root, and puts object 1 in its place.
fn marking(write: Write) {
    check_all(move || {
        let heap = Arc::new(Heap {
            fields: [AtomicPtr::new(object(0)), AtomicPtr::new(object(0))],
            marked: [AtomicBool::new(false), AtomicBool::new(false)],
            payload: [Plain::new(7), Plain::new(0)],
        });
        let mutator = {
            let heap = heap.clone();
            thread::spawn(move || {
                // Takes it into a root: loads have no barrier.
                let root = follow(&heap.fields[1]);
                heap.payload[1].set(7);
                heap.write(1, object(1), write);
                heap.write(0, NULL, write);
                root
            })
        };
        heap.trace();
        let root = number(mutator.join().unwrap()).unwrap();
        assert!(heap.marked[root].load(Relaxed), "an object in use is not marked");
    });
}

#[test]
fn what_the_snapshot_reached_is_marked_whoever_takes_it_out() {
    marking(Write::Exchange);
    marking(Write::LoadAndPut);
}

#[test]
#[should_panic(expected = "an object in use is not marked")]
fn twin_a_store_does_not_shade() {
    marking(Write::WithoutShading);
}

#[test]
#[should_panic(expected = "an object in use is not marked")]
fn twin_a_store_shades_the_new_value_instead() {
    marking(Write::ShadesTheNewValue);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn twin_a_store_without_release() {
    marking(Write::WithoutRelease);
}
