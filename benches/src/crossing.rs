//! Crossings: from a `PyObject` to its object and back, through the raw layer and through the functions that C calls; and
//! the first crossing of another thread's private link, which has it published.

use crate::handle::{SIZE, SLOTLESS, SLOTTED, with_mutator, with_pair};
use crate::row::{Row, Sample, timed};
use handfast::raw::{LinkFlags, Mutator, Object, PyObject};
use std::ffi::c_void;
use std::hint::black_box;
use std::ptr::null_mut;
use std::sync::mpsc;
use std::thread;

// The functions of the C interface, as C sees them.
use handfast_c as _;
unsafe extern "C" {
    fn hf_from_obj(mutator: *mut c_void, object: *mut Object) -> *mut PyObject;
    fn hf_to_obj(mutator: *mut c_void, ob: *mut PyObject) -> *mut Object;
    fn hf_handle(
        mutator: *mut c_void,
        object: *mut Object,
        size: usize,
        ob_type: *mut c_void,
        flags: u32,
    ) -> *mut PyObject;
    fn hf_refcnt(ob: *const PyObject) -> isize;
}

/// Ends an expression whose value only `black_box` wants.
fn discard<T: Copy>(_: T) {}

const MANY: u64 = 20_000_000;
const FIRST: usize = 20_000;
const CALL: &str = "handle: empty call";
const COUNT: &str = "handle: atomic up and down";

fn many(work: impl Fn(Mutator, *mut Object, *mut PyObject)) -> Sample {
    with_pair(&SLOTTED, |m, object, ob| timed(|| (0..MANY).for_each(|_| work(m, black_box(object), black_box(ob)))))
}

struct Obs(Vec<*mut PyObject>);
// SAFETY: [X1] the sender gives up a counted reference of each.
unsafe impl Send for Obs {}

/// Objects that are private to a thread in native code, crossed to by this one.
fn first_crossings() -> Sample {
    with_mutator(|m| {
        let (send, obs) = mpsc::channel();
        let (done, wait) = mpsc::channel::<()>();
        // SAFETY: [X1] this thread's mutator.
        let heap = unsafe { m.heap() }.clone();
        let owner = thread::spawn(move || {
            let m = heap.attach().expect("attach");
            // SAFETY: [X1] this thread's mutator; C's references keep the pairs.
            unsafe {
                let make = || m.handle(m.alloc(&SLOTTED), SIZE, null_mut(), LinkFlags::LIGHT);
                let obs = Obs((0..FIRST).map(|_| make()).collect());
                m.native_enter();
                send.send(obs).expect("the other thread waits");
                wait.recv().expect("the other thread answers");
                m.native_leave();
                m.detach();
            }
        });
        // SAFETY: [X1] as above; the references are ours now.
        unsafe {
            m.native_enter();
            let Obs(obs) = obs.recv().expect("the owner sends");
            m.native_leave();
            let sample = timed(|| obs.iter().for_each(|&ob| discard(black_box(m.to_obj(ob)))));
            obs.iter().for_each(|&ob| PyObject::decref(ob));
            done.send(()).expect("the owner waits");
            m.native_enter();
            owner.join().expect("the owner");
            m.native_leave();
            sample
        }
    })
}

/// The rows.
pub fn rows() -> Vec<Row> {
    let row = |name, base, run: fn() -> Sample| Row::new(name, base, MANY, run);
    // SAFETY (of all the blocks below): [X1] the mutator of the thread, and its live pair.
    vec![
        // SAFETY: [X1] see above.
        row("crossing: to_obj", CALL, || many(|m, _, ob| discard(black_box(unsafe { m.to_obj(ob) })))),
        row("crossing: to_obj, public object", CALL, || {
            with_pair(&SLOTTED, |m, object, ob| {
                // SAFETY: [X1] see above.
                unsafe { m.publish(object) };
                // SAFETY: [X1] see above.
                timed(|| (0..MANY).for_each(|_| discard(black_box(unsafe { m.to_obj(black_box(ob)) }))))
            })
        }),
        row("crossing: from C, hf_refcnt", CALL, || {
            // SAFETY: [X1] see above.
            many(|_, _, ob| discard(black_box(unsafe { hf_refcnt(ob) })))
        }),
        row("crossing: from C, hf_to_obj", CALL, || {
            // SAFETY: [X1] see above.
            many(|m, _, ob| discard(black_box(unsafe { hf_to_obj(m.as_ptr().cast(), ob) })))
        }),
        row("crossing: from C, hf_from_obj", CALL, || {
            // SAFETY: [X1] see above.
            many(|m, object, _| discard(black_box(unsafe { hf_from_obj(m.as_ptr().cast(), object) })))
        }),
        row("crossing: from C, hf_handle and decref", COUNT, || {
            many(|m, object, _| {
                // SAFETY: [X1] see above; the new reference is dropped.
                unsafe { PyObject::decref(hf_handle(m.as_ptr().cast(), object, SIZE, null_mut(), 1)) }
            })
        }),
        row("crossing: from C, hf_from_obj, no slot", CALL, || {
            with_pair(&SLOTLESS, |m, object, _| {
                timed(|| {
                    for _ in 0..MANY {
                        // SAFETY: [X1] see above.
                        black_box(unsafe { hf_from_obj(m.as_ptr().cast(), black_box(object)) });
                    }
                })
            })
        }),
        Row::new("crossing: first, owner in native code", CALL, FIRST as u64, first_crossings),
    ]
}
