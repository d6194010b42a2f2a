//! A panic in a scope or in native state closes it; the mutator goes on.

use handfast::{Config, Error, Heap, Weak};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn a_panic_closes_the_scope_and_frees_its_roots() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    let mut mutator = heap.attach()?;
    mutator.scope(|s| {
        let kept = s.alloc(1_u64)?;
        let mut lost: Option<Weak<u64>> = None;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            s.scope(|t| {
                let object = t.alloc(2_u64).unwrap();
                lost = Some(Weak::new(t, object).unwrap());
                panic!("in a scope");
            });
        }));
        assert!(outcome.is_err());
        s.collect_full();
        assert_eq!(lost.unwrap().upgrade(s), None);
        assert_eq!(*kept.get(s), 1);
        Ok::<(), Error>(())
    })?;
    let outcome = catch_unwind(AssertUnwindSafe(|| mutator.scope(|_| panic!("in the outermost scope"))));
    assert!(outcome.is_err());
    mutator.scope(|s| s.alloc(3_u64).map(|three| assert_eq!(*three.get(s), 3)))
}

#[test]
fn a_panic_in_native_state_leaves_it() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let kept = s.alloc(1_u64)?;
        assert!(catch_unwind(AssertUnwindSafe(|| s.native(|| panic!("in native state")))).is_err());
        s.collect_full();
        assert_eq!(*kept.get(s), 1);
        assert_eq!(s.native(|| 5), 5);
        Ok(())
    })
}
