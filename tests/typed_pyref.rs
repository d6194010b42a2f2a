//! A `PyRef` is one C reference: cloning and dropping count, and both or none of the pair lives.

use handfast::{Config, Error, HandleSlot, Heap, LinkFlags, PyRef, Trace, Weak};
use std::ptr::{NonNull, null_mut};

#[derive(Trace)]
struct PyInt {
    value: i64,
    handle: HandleSlot,
}

fn int(value: i64) -> PyInt {
    PyInt { value, handle: HandleSlot::new() }
}

fn heap() -> Result<Heap, Error> {
    Heap::new(Config { gc_threads: 0, ..Config::default() })
}

#[test]
fn clone_and_drop_count() -> Result<(), Error> {
    heap()?.attach()?.scope(|s| {
        let object = s.alloc(int(1))?;
        assert!(s.from_obj(object).is_none());
        let first = s.handle(object, 32, null_mut(), LinkFlags::NONE)?;
        assert_eq!(first.refcnt(), 1);
        let second = first.clone();
        assert_eq!(first.refcnt(), 2);
        let third = s.from_obj(object).expect("linked");
        let fourth = s.handle(object, 32, null_mut(), LinkFlags::NONE)?;
        assert_eq!((first.refcnt(), third.as_ptr(), fourth.as_ptr()), (4, first.as_ptr(), first.as_ptr()));
        drop((second, third, fourth));
        assert_eq!(first.refcnt(), 1);
        assert!(!first.is_unique(), "it is linked");
        Ok(())
    })
}

#[test]
fn a_count_keeps_the_pair_and_its_end_ends_it() -> Result<(), Error> {
    heap()?.attach()?.scope(|s| {
        let (handle, weak) = s.scope(|t| {
            let object = t.alloc(int(5))?;
            let weak = Weak::new(t, object)?;
            Ok::<_, Error>((t.handle(object, 24, null_mut(), LinkFlags::LIGHT)?, weak))
        })?;
        s.collect_minor();
        s.collect_full();
        assert_eq!(s.to_obj::<PyInt>(&handle).map(|int| int.value), Some(5));
        drop(handle);
        s.collect_full();
        assert!(weak.upgrade(s).is_none());
        assert!(s.next_dead().is_none(), "a light link dies silently");
        Ok(())
    })
}

#[test]
fn what_is_dropped_after_the_mutator_is_given_up_at_a_safepoint() -> Result<(), Error> {
    let heap = heap()?;
    let pair = |number| -> Result<(PyRef, Weak<PyInt>), Error> {
        heap.attach()?.scope(|s| {
            let object = s.alloc(int(number))?;
            Ok((s.handle(object, 24, null_mut(), LinkFlags::LIGHT)?, Weak::new(s, object)?))
        })
    };
    let (first, weak) = pair(1)?;
    // Nobody is attached now.
    let second = heap.attach()?.scope(|_| first.clone());
    drop(first);
    heap.attach()?.scope(|s| {
        s.collect_full();
        assert_eq!((second.refcnt(), weak.upgrade(s).map(|int| int.value)), (1, Some(1)));
    });
    drop(second);
    heap.attach()?.scope(|s| {
        s.collect_full();
        assert!(weak.upgrade(s).is_none(), "its pair is dead");
    });
    assert_eq!(heap.stats().links, 0);
    // The last chance is the end of the heap; after it nothing is looked at any more.
    let (before, _) = pair(2)?;
    let (after, _) = pair(3)?;
    drop(before);
    assert_eq!(heap.close()?.objects, 1);
    drop(after);
    Ok(())
}

#[test]
fn what_died_is_delivered_once() -> Result<(), Error> {
    heap()?.attach()?.scope(|s| {
        let address = s.scope(|t| {
            let object = t.alloc(int(5))?;
            Ok::<_, Error>(t.handle(object, 24, null_mut(), LinkFlags::NONE)?.as_ptr())
        })?;
        s.collect_full();
        let dead = s.next_dead().expect("it died");
        assert_eq!((dead.as_ptr(), dead.refcnt()), (address, 1));
        assert!(dead.is_unique());
        assert!(s.to_obj::<PyInt>(&dead).is_none());
        assert!(s.next_dead().is_none());
        Ok(())
    })
}

#[test]
fn both_ways_of_linking_refuse_a_second_link() -> Result<(), Error> {
    heap()?.attach()?.scope(|s| {
        let (a, b) = (s.alloc(int(1))?, s.alloc(2_u64)?);
        let (x, y) = (s.pyobject(24, null_mut())?, s.pyobject(64, null_mut())?);
        assert!(x.is_unique());
        s.link_gc_owned(a, &x, LinkFlags::NONE)?;
        s.link_c_owned(b, &y, LinkFlags::NONE)?;
        assert_eq!((x.refcnt(), y.refcnt()), (1, 1), "a link's count is its own");
        assert_eq!(s.link_gc_owned(a, &y, LinkFlags::NONE), Err(Error::AlreadyLinked));
        assert_eq!(s.link_c_owned(b, &x, LinkFlags::NONE), Err(Error::AlreadyLinked));
        assert_eq!(s.to_obj::<PyInt>(&x), Some(a.get(s)));
        assert_eq!(s.to_obj::<u64>(&y), Some(b.get(s)));
        Ok(())
    })
}

#[test]
fn a_raw_reference_keeps_its_count() -> Result<(), Error> {
    heap()?.attach()?.scope(|s| {
        let object = s.alloc(int(1))?;
        let handle = s.handle(object, 24, null_mut(), LinkFlags::LIGHT)?;
        let raw = handle.clone().into_raw();
        assert_eq!(handle.refcnt(), 2);
        // SAFETY: `raw` owns the count that `into_raw` left with it.
        let again = unsafe { PyRef::from_raw(s, NonNull::new(raw).unwrap()) };
        assert_eq!(handle.refcnt(), 2);
        drop(again);
        assert_eq!(handle.refcnt(), 1);
        Ok(())
    })
}

#[test]
fn a_size_too_small_is_an_error() -> Result<(), Error> {
    heap()?.attach()?.scope(|s| {
        let object = s.alloc(int(1))?;
        for size in [0, 8, 23] {
            assert!(matches!(s.handle(object, size, null_mut(), LinkFlags::NONE), Err(Error::InvalidArgument { .. })));
            assert!(matches!(s.pyobject(size, null_mut()), Err(Error::InvalidArgument { .. })));
        }
        Ok(())
    })
}

#[test]
fn a_reference_dropped_after_the_heap_was_closed_touches_nothing() -> Result<(), Error> {
    let heap = heap()?;
    let mut mutator = heap.attach()?;
    let handle = mutator.scope(|s| {
        let object = s.alloc(int(1))?;
        s.handle(object, 24, null_mut(), LinkFlags::NONE)
    })?;
    drop(mutator);
    assert_eq!(heap.close()?.objects, 1);
    drop(handle);
    Ok(())
}
