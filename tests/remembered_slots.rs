//! Of a big table only the slots that were stored into are remembered, up to a number of them, then the table as a whole:
//! the next minor collection finds every young object all the same, whether few slots are remembered or many.
//!
//! Not in builds that collect at every allocation: nothing stays young there.
#![cfg(not(gc_zeal))]

use handfast::Config;
use handfast::raw::{self, Heap, Object, TypeInfo};
use std::cell::Cell;
use std::ffi::c_void;

static TABLE: TypeInfo = TypeInfo::new("Table", 0).with_ref_items();
static NUMBER: TypeInfo = TypeInfo::new("Number", 8);

static PAIR: TypeInfo = TypeInfo::new("Pair", 16).with_refs(&[0, 8]);

/// More slots than a remembered set takes one by one.
const SLOTS: usize = 70_000;
/// Every so many slots refer to one object.
const EACH: usize = 100;

unsafe fn number(object: *mut Object) -> *mut u64 {
    // SAFETY: the caller's live object, whose payload is one word.
    unsafe { raw::payload(object).cast() }
}

#[test]
fn a_minor_finds_what_more_slots_refer_to_than_are_remembered_one_by_one() {
    let heap = Heap::new(&Config { gc_threads: 0, max_heap_bytes: 64 << 20, ..Config::default() }).expect("a heap");
    let m = heap.attach().expect("a mutator");
    // SAFETY: one thread, attached; every object is in a root or was made since the last collection.
    unsafe {
        let tables = [m.root(m.alloc_items(&TABLE, SLOTS)), m.root(m.alloc_items(&TABLE, SLOTS))];
        m.collect_minor();
        for round in 0..2 {
            // The second table is stored into when there are too many slots already.
            for (t, &table) in tables.iter().enumerate() {
                let mut object = std::ptr::null_mut();
                for slot in 0..SLOTS {
                    if slot % EACH == 0 {
                        object = m.alloc(&NUMBER);
                        assert!(m.is_young(object) && !m.is_young(*table), "nothing has collected since");
                        number(object).write((round << 32 | t << 24 | slot) as u64);
                    }
                    m.store(*table, 8 * slot, object);
                }
            }
            m.collect_minor();
            for (t, &table) in tables.iter().enumerate() {
                for slot in 0..SLOTS {
                    let object = m.load(*table, 8 * slot);
                    assert!(!m.is_young(object), "slot {slot} of table {t}");
                    assert_eq!(number(object).read(), (round << 32 | t << 24 | (slot - slot % EACH)) as u64);
                }
            }
            heap.verify().expect("a heap in order");
        }
        m.detach();
    }
}

#[test]
fn a_minor_finds_what_few_slots_refer_to() {
    let heap = Heap::new(&Config { gc_threads: 0, max_heap_bytes: 64 << 20, ..Config::default() }).expect("a heap");
    let m = heap.attach().expect("a mutator");
    // SAFETY: one thread, attached; every object is in a root or was made since the last collection.
    unsafe {
        let table = m.root(m.alloc_items(&TABLE, 1000));
        for i in 0..1000 {
            m.store(*table, 8 * i, m.alloc(&PAIR));
        }
        m.collect_minor();
        for slots in (0..40).chain([100]) {
            // Slots of a long object, or one of each small one, which is remembered whole; a pair that refers to a number.
            for small in [false, true] {
                for i in 0..slots {
                    let new = m.alloc(&PAIR);
                    let inner = m.alloc(&NUMBER);
                    number(inner).write(i as u64);
                    m.store(new, 8, inner);
                    assert!(m.is_young(new) && m.is_young(inner), "nothing has collected since");
                    if small {
                        m.store(m.load(*table, 8 * i), 0, new)
                    } else {
                        m.store(*table, 8 * (900 + i % 100), new)
                    }
                }
                m.collect_minor();
                for i in 0..slots {
                    let new =
                        if small { m.load(m.load(*table, 8 * i), 0) } else { m.load(*table, 8 * (900 + i % 100)) };
                    let inner = m.load(new, 8);
                    assert!(!m.is_young(new) && !m.is_young(inner), "{i} of {slots}, small: {small}");
                    assert_eq!(number(inner).read(), i as u64);
                }
                heap.verify().expect("a heap in order");
            }
        }
        m.detach();
    }
}

thread_local! {
    /// How many visits have changed their slot before they returned.
    static CHANGED: Cell<usize> = const { Cell::new(0) };
}

unsafe extern "C" fn trace(object: *mut Object, visit: raw::Visit, arg: *mut c_void) {
    // SAFETY: the object's one slot.
    unsafe {
        let slot = raw::payload(object).cast::<*mut Object>();
        let before = *slot;
        visit(slot, arg);
        CHANGED.set(CHANGED.get() + usize::from(*slot != before));
    }
}

#[test]
fn a_minor_is_done_with_a_slot_when_the_visit_of_a_trace_function_returns() {
    static TRACED: TypeInfo = TypeInfo::new("Traced", 8).with_trace(trace);
    let heap = Heap::new(&Config { gc_threads: 0, max_heap_bytes: 64 << 20, ..Config::default() }).expect("a heap");
    let m = heap.attach().expect("a mutator");
    // SAFETY: one thread, attached; every object is in a root or was made since the last collection.
    unsafe {
        let traced = m.root(m.alloc(&TRACED));
        m.collect_minor();
        let before = CHANGED.get();
        let value = m.alloc(&NUMBER);
        number(value).write(7);
        m.store(*traced, 0, value);
        m.collect_minor();
        assert_eq!(CHANGED.get(), before + 1, "the number has been moved");
        assert_eq!(number(m.load(*traced, 0)).read(), 7);
        m.detach();
    }
}
