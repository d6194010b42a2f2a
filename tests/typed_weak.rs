//! A weak reference gives its object while that lives, and nothing after.

use handfast::{Config, Error, Heap, Weak};

#[test]
fn a_weak_reference_follows_its_object_and_ends_with_it() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let weak = s.scope(|t| {
            let object = t.alloc(7_u64)?;
            let weak = Weak::new(t, object)?;
            t.collect_minor();
            assert_eq!(weak.upgrade(t), Some(object.get(t)));
            t.collect_full();
            assert_eq!(weak.upgrade(t), Some(object.get(t)));
            Ok::<_, Error>(weak)
        })?;
        s.collect_full();
        assert_eq!(weak.upgrade(s), None);
        Ok(())
    })
}

#[test]
fn what_was_upgraded_and_rooted_lives_on() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let weak = s.scope(|t| {
            let object = t.alloc(7_u64)?;
            Weak::new(t, object)
        })?;
        let rooted = s.root(weak.upgrade(s).expect("nothing has collected yet"));
        s.collect_full();
        assert_eq!(*rooted.get(s), 7);
        assert_eq!(weak.upgrade(s), Some(rooted.get(s)));
        Ok(())
    })
}
