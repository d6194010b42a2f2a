//! C counts a pointer that it had borrowed when the object is unreachable already, but the cycle that finds that out has not
//! been judged: the pair lives, both halves, until C lets go.

use handfast::Config;
use handfast::raw::{self, Heap, LinkFlags, Mutator, PyObject, TypeInfo};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::{self, yield_now};

static SLOTTED: TypeInfo = TypeInfo::new("Slotted", 24).with_handle_slot(8);
static SLOTLESS: TypeInfo = TypeInfo::new("Slotless", 24);
const NUMBER: u64 = 0x5EED;

/// Answers one handshake of a collection that another thread drives; false when that is over.
unsafe fn answers(m: Mutator, over: &AtomicBool) -> bool {
    // SAFETY: the caller's mutator, running, with nothing unrooted in hand.
    unsafe {
        while !(m.is_behind() && m.is_asked()) {
            if over.load(SeqCst) {
                return false;
            }
            yield_now();
        }
        m.safepoint_once();
    }
    true
}

unsafe fn number(object: *mut raw::Object) -> *mut u64 {
    // SAFETY: the caller's live object, of three words.
    unsafe { raw::payload(object).cast() }
}

fn counted_after(answered: usize, ty: &'static TypeInfo, flags: LinkFlags) {
    let heap = Heap::new(&Config { gc_threads: 0, ..Config::default() }).expect("a heap");
    let m = heap.attach().expect("a mutator");
    // SAFETY: this thread's mutator; the object is rooted, or held by C, wherever something may collect.
    unsafe {
        let root = m.root(m.alloc(ty));
        number(*root).write(NUMBER);
        let ob = m.handle(*root, 48, null_mut(), flags);
        m.collect_full();
        PyObject::decref(ob);
        *root = null_mut();

        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let driver = scope.spawn(|| {
                let own = heap.attach().expect("a mutator");
                own.collect_full();
                own.detach();
                over.store(true, SeqCst);
            });
            for _ in 0..answered {
                assert!(answers(m, &over), "a collection asks more often");
            }
            // The next question is asked: what came before it is done.
            while !m.is_behind() {
                yield_now();
            }
            PyObject::incref(ob);
            while answers(m, &over) {}
            driver.join().expect("the driver");
        });

        assert!(heap.next_dead().is_null(), "C holds it");
        assert_eq!(PyObject::refcnt(ob), 1);
        let object = m.to_obj(ob);
        assert_eq!(number(object).read(), NUMBER);
        assert_eq!(m.from_obj(object), ob);
        heap.verify().expect("a heap in order");

        PyObject::decref(ob);
        m.collect_full();
        assert_eq!(heap.stats().links, 0);
        let dead = heap.next_dead();
        assert_eq!(dead, if flags == LinkFlags::LIGHT { null_mut() } else { ob });
        if !dead.is_null() {
            PyObject::decref(dead);
        }
        m.detach();
    }
    let report = heap.close().expect("nobody is attached");
    assert_eq!((report.objects, report.references), (0, 0));
}

/// Promote, arm and snapshot are answered, one by one; the flush round is asked for after links were scanned for counts.
#[test]
fn what_c_counts_before_the_cycle_is_judged_lives() {
    for answered in 0..=3 {
        for ty in [&SLOTTED, &SLOTLESS] {
            for flags in [LinkFlags::LIGHT, LinkFlags::NONE] {
                counted_after(answered, ty, flags);
            }
        }
    }
}
