//! Memory of `PyObject`s alone: one thread allocates what another frees, and the footprint of many sizes in random order;
//! handfast's slabs against mimalloc.

use crate::handle::{SIZE, with_mutator};
use crate::row::{Row, Sample, timed};
use handfast::raw::{Heap, PyObject};
use libmimalloc_sys::{mi_free, mi_malloc};
use std::hint::black_box;
use std::process::Command;
use std::ptr::null_mut;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

const MANY: u64 = 10_000_000;
const BATCH: usize = 1000;
const SAME: &str = "slab: mimalloc, same thread";
const CROSS: &str = "slab: mimalloc, freed by another thread";

struct Batch(Vec<usize>);

fn produce(send: &SyncSender<Batch>, spare: &Receiver<Batch>, make: impl Fn() -> usize) {
    for _ in 0..MANY as usize / BATCH {
        let mut batch = spare.recv().expect("the consumer gives back");
        batch.0.extend((0..BATCH).map(|_| make()));
        send.send(batch).expect("the consumer runs");
    }
}

/// One thread makes batches, another frees what is in them; four batches are under way.
fn across(produce_all: impl FnOnce(SyncSender<Batch>, Receiver<Batch>) + Send, free: impl Fn(usize)) -> Sample {
    let (send, receive) = sync_channel::<Batch>(4);
    let (give_back, spare) = sync_channel::<Batch>(4);
    (0..4).for_each(|_| give_back.send(Batch(Vec::with_capacity(BATCH))).expect("there is room"));
    timed(|| {
        thread::scope(|s| {
            s.spawn(move || produce_all(send, spare));
            for mut batch in receive {
                batch.0.drain(..).for_each(&free);
                // At the end the producer is gone.
                let _ = give_back.send(batch);
            }
        })
    })
}

fn across_handfast() -> Sample {
    let heap: Heap = crate::raw_heap(1024);
    let m = heap.attach().expect("attach");
    let of_producer = heap.clone();
    let sample = across(
        move |send, spare| {
            let m = of_producer.attach().expect("attach");
            // SAFETY: [X1] this thread's mutator.
            produce(&send, &spare, || unsafe { m.pyobject_new(SIZE, null_mut()) } as usize);
            // SAFETY: [X1] as above.
            unsafe { m.detach() };
        },
        // SAFETY: [X1] each is freed once.
        |ob| unsafe { PyObject::free(ob as *mut PyObject) },
    );
    // SAFETY: [X1] this thread's mutator.
    unsafe { m.detach() };
    sample
}

unsafe fn zeroed_by_mimalloc(size: usize) -> usize {
    // SAFETY: [X2] `size` bytes, at least three words; what is compared zeroes as well.
    unsafe {
        let memory = mi_malloc(size).cast::<u8>();
        memory.write_bytes(0, size);
        memory.cast::<[usize; 3]>().write([1, 0, 0]);
        memory as usize
    }
}

fn across_mimalloc() -> Sample {
    across(
        // SAFETY: [X2] freed by the consumer.
        |send, spare| produce(&send, &spare, || unsafe { zeroed_by_mimalloc(SIZE) }),
        // SAFETY: [X2] each is freed once.
        |memory| unsafe { mi_free((memory as *mut u8).cast()) },
    )
}

/// The rows.
pub fn rows() -> Vec<Row> {
    let row = |name, base, run: fn() -> Sample| Row::new(name, base, MANY, run);
    vec![
        row(SAME, SAME, || {
            timed(|| {
                for _ in 0..MANY {
                    // SAFETY: [X2] freed once.
                    unsafe { mi_free(black_box(zeroed_by_mimalloc(SIZE) as *mut u8).cast()) };
                }
            })
        }),
        row("slab: PyObject, same thread", SAME, || {
            with_mutator(|m| {
                timed(|| {
                    for _ in 0..MANY {
                        // SAFETY: [X1] this thread's mutator; freed once.
                        unsafe { PyObject::decref(black_box(m.pyobject_new(SIZE, null_mut()))) };
                    }
                })
            })
        }),
        row(CROSS, CROSS, across_mimalloc),
        row("slab: PyObject, freed by another thread", CROSS, across_handfast),
    ]
}

/// Slots that are filled, and a million times freed and filled with another size.
const LIVE: usize = 100_000;
const TURNS: usize = 1_000_000;

fn resident_kib() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).expect("a number") * 4
}

fn random_pairs(make: impl Fn(usize) -> usize, free: impl Fn(usize)) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    let mut live = vec![0; LIVE];
    let before = resident_kib();
    for turn in 0..LIVE + TURNS {
        let at = if turn < LIVE { turn } else { random() % LIVE };
        if live[at] != 0 {
            free(live[at]);
        }
        live[at] = make(24 + random() % 489);
    }
    println!("{}", resident_kib() - before);
    black_box(&live);
}

/// One side of the footprint, in a process of its own: prints KiB.
pub fn footprint_child(of: &str) {
    if of == "mimalloc" {
        // SAFETY: [X2] each is freed once.
        random_pairs(|size| unsafe { zeroed_by_mimalloc(size) }, |p| unsafe { mi_free((p as *mut u8).cast()) });
    } else {
        with_mutator(|m| {
            // SAFETY: [X1] this thread's mutator; each is freed once.
            let make = |size| unsafe { m.pyobject_new(size, null_mut()) as usize };
            // SAFETY: [X1] as above.
            random_pairs(make, |ob| unsafe { PyObject::free(ob as *mut PyObject) });
        });
    }
}

/// Resident memory after a million random pairs of `free` and `malloc`, 24 to 512 bytes, 100,000 live.
pub fn footprint() {
    let of = |name: &str| -> f64 {
        let program = std::env::current_exe().expect("this program");
        let output = Command::new(program).args(["footprint", name]).output().expect("this program runs");
        String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number")
    };
    let (ours, theirs) = (of("handfast"), of("mimalloc"));
    println!("footprint: handfast {ours} KiB, mimalloc {theirs} KiB, ratio {:.2}", ours / theirs);
}
