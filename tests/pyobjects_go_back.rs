//! Memory of `PyObject`s goes back to the operating system once they are dropped, by whomever: by the thread that made them,
//! by another one while the maker runs, or by another one after the maker has left.

#![cfg(not(feature = "debug"))] // There what is freed stays in quarantine for a while.

use handfast::Config;
use handfast::raw::{Heap, PyObject};
use std::ptr::null_mut;
use std::thread;

const SIZE: usize = 256;
const TOTAL: usize = 128 << 20;

/// Resident bytes of this process.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

enum Dropper {
    Maker,
    AnotherBeside,
    AnotherAfter,
}

/// Fills the memory, drops all, and says how much is resident then, above what was before.
fn left(dropper: Dropper) -> usize {
    let heap = Heap::new(&Config { gc_threads: 0, ..Config::default() }).unwrap();
    // SAFETY: each thread uses its own mutator; each reference is dropped once.
    unsafe {
        let m = heap.attach().unwrap();
        let mut made = vec![0_usize; TOTAL / SIZE];
        let before = resident();
        for ob in &mut made {
            *ob = m.pyobject_new(SIZE, null_mut()) as usize;
            (*ob as *mut u8).add(24).write_bytes(1, SIZE - 24);
        }
        let full = resident() - before;
        assert!(full > TOTAL / 10 * 9, "{full} bytes are resident while all live");
        let drop_all = || made.iter().for_each(|&ob| PyObject::decref(ob as *mut PyObject));
        match dropper {
            Dropper::Maker => {
                drop_all();
                // A page that is empty rests until the collection after the one that has seen it.
                (0..2).for_each(|_| m.collect_minor());
            }
            Dropper::AnotherBeside | Dropper::AnotherAfter => {
                let stays = matches!(dropper, Dropper::AnotherBeside);
                if !stays {
                    m.detach();
                }
                let work = || {
                    let other = heap.attach().unwrap();
                    drop_all();
                    // Sends what it has not handed back yet; pages of nobody are looked through by the cycle.
                    if stays {
                        other.collect_minor()
                    } else {
                        other.collect_full()
                    };
                    other.detach();
                };
                thread::scope(|s| s.spawn(work).join().unwrap());
                if stays {
                    (0..2).for_each(|_| m.collect_minor());
                }
            }
        }
        let left = resident().saturating_sub(before);
        if !matches!(dropper, Dropper::AnotherAfter) {
            m.detach();
        }
        left
    }
}

// One test: what is resident is the process's.
#[test]
fn resident_bytes_fall_after_dropping_128_mib() {
    for (dropper, who) in [
        (Dropper::Maker, "their maker"),
        (Dropper::AnotherBeside, "another thread"),
        (Dropper::AnotherAfter, "another thread, the maker gone"),
    ] {
        let left = left(dropper);
        assert!(left < TOTAL / 8, "dropped by {who}: {left} bytes are resident still");
    }
}
