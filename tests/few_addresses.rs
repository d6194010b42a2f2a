//! Roots where a process may have few addresses, or little memory: fewer roots, and an error or a panic that says so. Nothing is
//! lost by either.

mod support;

use handfast::raw::{Heap, Mutator, Object, TypeInfo};
use handfast::{Config, Error};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);
static FILE: TypeInfo = TypeInfo::new("File", 16).with_finalizer(finalize);
static FINALIZED: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" fn finalize(_: *mut std::ffi::c_void, _: *mut Object) {
    FINALIZED.fetch_add(1, Relaxed);
}

/// What the system says of this process, in bytes.
fn bytes_of(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let value = status.lines().find_map(|l| l.strip_prefix(line)).unwrap();
    value.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
}

/// Runs `body` while the process may have at most so many bytes of a resource.
fn limited<R>(resource: libc::__rlimit_resource_t, bytes: u64, body: impl FnOnce() -> R) -> R {
    let mut before = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: memory of ours.
    assert_eq!(unsafe { libc::getrlimit(resource, &mut before) }, 0);
    let limit = libc::rlimit { rlim_cur: bytes.min(before.rlim_max), ..before };
    // SAFETY: as above.
    assert_eq!(unsafe { libc::setrlimit(resource, &limit) }, 0);
    let result = body();
    // SAFETY: as above.
    assert_eq!(unsafe { libc::setrlimit(resource, &before) }, 0);
    result
}

/// Takes roots until there are no more; how many there were, and what the panic said.
unsafe fn fill(m: Mutator) -> (usize, String) {
    let mut roots = 0;
    let full = catch_unwind(AssertUnwindSafe(|| {
        // A frame of so many needs more at once than is committed at a time.
        // SAFETY: this thread's mutator; it is cut off with the scope around it.
        std::mem::forget(unsafe { m.frame::<10_000>() });
        roots = 10_000;
        loop {
            // SAFETY: this thread's mutator.
            unsafe { m.root(null_mut()) };
            roots += 1;
        }
    }));
    (roots, full.unwrap_err().downcast_ref::<String>().unwrap().clone())
}

/// After that all goes on: what was rooted before is there, and there is room again.
unsafe fn goes_on(m: Mutator, kept: *mut *mut Object, scope: usize) {
    // SAFETY: this thread's mutator; `kept` is a root.
    unsafe {
        m.collect_minor();
        assert!(m.scope_close(scope));
        m.root(m.alloc(&NODE));
        m.collect_full();
        assert!(m.load(*kept, 0).is_null());
        m.verify().unwrap();
        m.detach();
    }
}

/// One test, since limits are those of the process.
#[test]
fn where_roots_find_no_room_it_is_said() {
    support::fail_fast();
    // A backtrace would need memory.
    std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    let heap = Heap::new(&Config { gc_threads: 0, max_heap_bytes: 32 << 20, ..Config::default() }).unwrap();

    let refused = limited(libc::RLIMIT_AS, bytes_of("VmSize:") + (32 << 10), || heap.attach().map(drop));
    assert!(matches!(refused, Err(Error::Os { code: libc::ENOMEM, .. })), "{refused:?}");
    assert!(refused.unwrap_err().to_string().starts_with("reserving addresses for the roots of a thread: "));
    assert!(heap.current().is_none());

    // A quarter, as often as it takes: 16 MiB.
    let m = limited(libc::RLIMIT_AS, bytes_of("VmSize:") + (24 << 20), || heap.attach()).unwrap();
    // SAFETY: this thread's mutator; slots are used while their scope is open.
    unsafe {
        let kept = m.root(m.alloc(&NODE));
        let scope = m.scope_open();
        let (roots, said) = fill(m);
        assert_eq!((roots, &*said), ((16 << 20) / 8 - 1, "a thread has more than 2097152 roots"));
        // What dies while there is no room for it is finalized when there is.
        for _ in 0..10 {
            m.alloc(&FILE);
        }
        m.collect_full();
        assert_eq!(FINALIZED.load(Relaxed), 0);
        goes_on(m, kept, scope);
        assert_eq!(FINALIZED.load(Relaxed), 10);
    }

    // Another thread has a stack of its own: all the addresses, but not the memory.
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let other = Heap::new(&Config { gc_threads: 0, max_heap_bytes: 32 << 20, ..Config::default() }).unwrap();
            let m = other.attach().unwrap();
            // SAFETY: this thread's mutator; slots are used while their scope is open.
            unsafe {
                let kept = m.root(m.alloc(&NODE));
                let scope = m.scope_open();
                let room = 20 << 20;
                let (roots, said) = limited(libc::RLIMIT_DATA, bytes_of("VmData:") + room, || fill(m));
                assert!(said.starts_with("no 65536 bytes of memory for the roots of a thread: "), "{said}");
                // All that there was, though it is committed in pieces that double: but for what others took, and a piece.
                assert!((roots * 8) as u64 > room - (1 << 20), "{roots} roots");
                goes_on(m, kept, scope);
            }
        });
    });
}
