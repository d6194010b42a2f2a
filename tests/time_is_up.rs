//! A minor collection whose time is up after no object, one, two and so on: what it had copied by then and what stays lie in
//! the same blocks, and everything is as the program left it.

use handfast::raw::{self, Heap, Mutator, Object, TypeInfo};
use handfast::{Config, Error};
use std::ptr::null_mut;

static NODE: TypeInfo = TypeInfo::new("Node", 32).with_refs(&[0, 8]);
static WIDE: TypeInfo = TypeInfo::new("Wide", 400).with_refs(&[0, 8]);
/// As large as makes an object of the large-object space.
static LARGE: TypeInfo = TypeInfo::new("Large", 16 << 10).with_refs(&[0, 8]);

/// Objects of a graph; every place is the number of one.
const OBJECTS: usize = 48;
/// Those that cannot move: pinned, identified, published.
const PINNED: usize = 5;
const IDENTIFIED: usize = 17;
const PUBLISHED: usize = 30;
const IS_LARGE: usize = 11;

fn kind(i: usize) -> &'static TypeInfo {
    match i {
        IS_LARGE => &LARGE,
        _ if i % 7 == 3 => &WIDE,
        _ => &NODE,
    }
}

/// What an object refers to: later ones, and one of its next neighbours twice over, so that there are many ways to most.
fn targets(i: usize) -> [Option<usize>; 2] {
    // What was published refers to nothing: else all behind it would be public, too.
    if i == PUBLISHED {
        return [None; 2];
    }
    [i + 1, 2 * i + 1].map(|to| (to < OBJECTS).then_some(to))
}

unsafe fn number(object: *mut Object) -> usize {
    // SAFETY: a live object of this file: the third word is its number.
    unsafe { raw::payload(object).cast::<usize>().add(2).read() }
}

/// Makes a graph of which `of_graph` holds the first object, with as much garbage between; where its objects are.
unsafe fn build(m: Mutator, graph: usize, of_graph: *mut *mut Object) -> Vec<*mut Object> {
    // SAFETY: this thread's mutator; every object is rooted before the next allocation.
    unsafe {
        let scope = m.scope_open();
        let roots: Vec<_> = (0..OBJECTS)
            .map(|i| {
                assert!(!m.alloc(kind(i * 3)).is_null());
                let object = m.alloc(kind(i));
                raw::payload(object).cast::<usize>().add(2).write(graph * OBJECTS + i);
                m.root(object)
            })
            .collect();
        for i in 0..OBJECTS {
            for (slot, to) in targets(i).into_iter().enumerate() {
                m.store(*roots[i], 8 * slot, to.map_or(null_mut(), |to| *roots[to]));
            }
        }
        m.publish(*roots[PUBLISHED]);
        m.pin(*roots[PINNED]);
        m.identity(*roots[IDENTIFIED]);
        *of_graph = *roots[0];
        let objects = roots.iter().map(|&root| *root).collect();
        m.scope_close(scope);
        objects
    }
}

/// Where the objects of a graph are now.
unsafe fn find(m: Mutator, graph: usize, first: *mut Object) -> Vec<*mut Object> {
    let mut found: Vec<*mut Object> = vec![null_mut(); OBJECTS];
    let mut work = vec![(0, first)];
    // SAFETY: live objects; nothing collects.
    unsafe {
        while let Some((i, object)) = work.pop() {
            assert_eq!(number(object), graph * OBJECTS + i);
            assert_eq!(raw::type_of(object), std::ptr::from_ref(kind(i)));
            if found[i].is_null() {
                found[i] = object;
                for (slot, to) in targets(i).into_iter().enumerate() {
                    match to {
                        Some(to) => work.push((to, m.load(object, 8 * slot))),
                        None => assert!(m.load(object, 8 * slot).is_null()),
                    }
                }
            }
            assert_eq!(found[i], object, "two ways lead to the same object");
        }
    }
    assert!(found.iter().all(|object| !object.is_null()));
    found
}

/// Runs graphs through collections that copy no object, one, two...; the last `alive` graphs are kept, the others die.
fn run(alive: usize, full: impl Fn(usize) -> bool) -> Result<(), Error> {
    let heap = Heap::new(&Config { nursery_bytes: 128 << 10, gc_threads: 0, ..Config::default() })?;
    let m = heap.attach()?;
    let movable = OBJECTS - 4;
    // SAFETY: this thread's mutator; addresses of objects that may have died are only compared.
    unsafe {
        let graphs: Vec<_> = (0..alive).map(|_| m.root(null_mut())).collect();
        for n in 0..2 * OBJECTS {
            heap.copy_at_most(Some(n as u64));
            let graph = graphs[n % alive];
            let made = build(m, n, graph);
            m.collect_minor();
            m.unpin(made[PINNED]);
            heap.verify().unwrap();
            let now = find(m, n, *graph);
            for i in [PINNED, IDENTIFIED, PUBLISHED, IS_LARGE] {
                assert_eq!(now[i], made[i]);
            }
            let moved = made.iter().zip(&now).filter(|(made, now)| made != now).count();
            if !cfg!(gc_zeal) {
                assert_eq!(moved, n.min(movable), "of {movable} that could");
            }
            if full(n) {
                m.collect_full();
                heap.verify().unwrap();
            }
            // The holes beside what stayed are filled, by what is copied and by what is allocated where there are no blocks.
            heap.copy_at_most(None);
            let scope = m.scope_open();
            let list = m.root(null_mut());
            for _ in 0..if cfg!(gc_zeal) { 20 } else { 2000 } {
                let node = m.alloc(&NODE);
                raw::payload(node).cast::<usize>().add(2).write(usize::MAX);
                m.store(node, 0, *list);
                *list = node;
                // Not all survives: else nothing would be copied next time.
                assert!(!m.alloc(&NODE).is_null());
            }
            m.collect_minor();
            m.scope_close(scope);
            for back in 0..alive.min(n + 1) {
                let graph = n - back;
                find(m, graph, *graphs[graph % alive]);
            }
        }
        m.collect_full();
        heap.verify().unwrap();
        m.detach();
    }
    Ok(())
}

#[test]
fn after_any_number_of_objects() -> Result<(), Error> {
    run(1, |_| false)
}

#[test]
fn and_holes_are_filled_after_a_sweep() -> Result<(), Error> {
    run(5, |n| n % 3 == 2)
}
