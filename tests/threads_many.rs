//! Five hundred threads attached at once, each with roots, frames and a nursery of its own: a cycle gets an answer from all of
//! them, what each holds stays, and a fork in the middle leaves all of it to the parent.

mod support;

use handfast::raw::{self, Heap, Mutator, Object, TypeInfo};
use handfast::{Config, Error};
use std::ptr::null_mut;
use std::sync::Barrier;
use std::thread;

static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);

const THREADS: usize = if cfg!(gc_zeal) { 50 } else { 500 };

/// A node with this number that refers to another.
unsafe fn node(m: Mutator, next: *mut *mut Object, number: usize) -> *mut Object {
    // SAFETY: this thread's mutator; `next` is a root, read after what may collect.
    unsafe {
        let node = m.alloc_uninit(&NODE);
        raw::payload(node).cast::<[usize; 2]>().write([*next as usize, number]);
        node
    }
}

unsafe fn number(object: *mut Object) -> usize {
    // SAFETY: a live node.
    unsafe { raw::payload(object).cast::<usize>().add(1).read() }
}

#[test]
fn five_hundred_threads_are_attached_at_once() {
    support::fail_fast();
    let heap = Heap::new(&Config { max_heap_bytes: 2 << 30, ..Config::default() }).unwrap();
    let (attached, checked) = (Barrier::new(THREADS + 1), Barrier::new(THREADS + 1));
    thread::scope(|scope| {
        for t in 0..THREADS {
            let (heap, attached, checked) = (&heap, &attached, &checked);
            // SAFETY: this thread's mutator; what is kept is in roots and frames; a wait is in native state.
            let body = move || unsafe {
                let m = heap.attach().unwrap();
                let list = m.root(null_mut());
                let frame = m.frame::<3>();
                for i in 0..100 {
                    *list = node(m, list, t * 1000 + i);
                    frame.set(i % 3, *list);
                }
                m.native_enter();
                attached.wait();
                // The cycle is over meanwhile.
                checked.wait();
                m.native_leave();
                let mut at = *list;
                for i in (0..100).rev() {
                    assert_eq!(number(at), t * 1000 + i);
                    if i >= 97 {
                        assert_eq!(frame.get(i % 3), at, "both are updated");
                    }
                    at = m.load(at, 0);
                }
                assert!(at.is_null());
                drop(frame);
                m.detach();
            };
            thread::Builder::new().stack_size(128 << 10).spawn_scoped(scope, body).unwrap();
        }
        attached.wait();
        let m = heap.attach().unwrap();
        // SAFETY: this thread's mutator.
        unsafe {
            let kept = m.root(null_mut());
            *kept = node(m, kept, 7);
            m.collect_full();
            let verified = m.verify().unwrap();
            assert!(verified.old >= THREADS as u64 * 100, "{verified:?}");
            // SAFETY: the child calls the heap, which is what is tested, and `_exit`.
            match libc::fork() {
                -1 => panic!("fork: {}", std::io::Error::last_os_error()),
                0 => {
                    // Ends a child that hangs.
                    libc::alarm(20);
                    m.collect_full();
                    let whole = number(*kept) == 7 && heap.close() == Err(Error::Forked);
                    libc::_exit(if whole { 0 } else { 1 });
                }
                pid => {
                    let mut status = 0;
                    assert_eq!(libc::waitpid(pid, &mut status, 0), pid);
                    assert_eq!(status, 0, "what the child found");
                }
            }
            m.collect_full();
            assert_eq!(number(*kept), 7);
            m.detach();
        }
        checked.wait();
    });
    assert_eq!(heap.close().unwrap().objects, 0);
}
