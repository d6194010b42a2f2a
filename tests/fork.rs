//! In the child of a fork a heap answers with an error or null, never hangs, and the parent goes on.

mod support;

use handfast::raw::{self, Heap, TypeInfo};
use handfast::{Config, Error};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);
static BYTES: TypeInfo = TypeInfo::new("Bytes", 0).with_items(1);

/// Runs `child` in a forked process; it says whether all was well.
fn in_child(child: impl FnOnce() -> bool) {
    // SAFETY: the child calls the heap, which is what is tested, and `_exit`.
    unsafe {
        match libc::fork() {
            -1 => panic!("fork: {}", std::io::Error::last_os_error()),
            0 => {
                // Ends a child that hangs.
                libc::alarm(20);
                libc::_exit(if child() { 0 } else { 1 });
            }
            pid => {
                let mut status = 0;
                assert_eq!(libc::waitpid(pid, &mut status, 0), pid);
                assert!(libc::WIFEXITED(status), "the child was ended by signal {}", libc::WTERMSIG(status));
                assert_eq!(libc::WEXITSTATUS(status), 0, "the child found something wrong");
            }
        }
    }
}

#[test]
fn the_child_gets_errors_and_the_parent_goes_on() {
    support::fail_fast();
    let forks = if cfg!(gc_zeal) { 10 } else { 100 };
    for gc_threads in [0, 1] {
        let heap = Heap::new(&Config { gc_threads, max_heap_bytes: 64 << 20, ..Config::default() }).unwrap();
        let m = heap.attach().unwrap();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            // SAFETY: this thread's mutator; what may collect comes only after objects are rooted.
            scope.spawn(|| unsafe {
                let m = heap.attach().unwrap();
                while !stop.load(Relaxed) {
                    let head = m.root(null_mut());
                    for _ in 0..1000 {
                        let node = m.alloc(&NODE);
                        m.store(node, 0, *head);
                        *head = node;
                    }
                    m.scope_close(0);
                    m.collect_full();
                }
                m.detach();
            });
            // SAFETY: this thread's mutator; what may collect comes only after objects are rooted.
            unsafe {
                let kept = m.root(m.alloc(&NODE));
                raw::payload(*kept).cast::<u64>().add(1).write(7);
                for _ in 0..forks {
                    in_child(|| {
                        let closed = heap.close() == Err(Error::Forked);
                        m.collect_full();
                        let mut n = 0;
                        while !m.alloc(&NODE).is_null() {
                            n += 1;
                            if n > 100 << 20 {
                                return false;
                            }
                        }
                        while !m.alloc_items(&BYTES, 1 << 20).is_null() {}
                        let attached = thread::scope(|scope| {
                            scope.spawn(|| heap.attach().err() == Some(Error::Forked)).join().unwrap()
                        });
                        closed && attached && raw::payload(*kept).cast::<u64>().add(1).read() == 7
                    });
                    m.collect_full();
                    assert_eq!(raw::payload(*kept).cast::<u64>().add(1).read(), 7);
                }
                heap.verify().unwrap();
                stop.store(true, Relaxed);
                m.detach();
            }
        });
        heap.close().unwrap();
    }
}
