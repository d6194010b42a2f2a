//! The identity of an object stays the same when it moves or is published, and is its own.

use handfast::{Config, Error, Global, Heap};
use std::collections::HashSet;

#[test]
fn identities_are_stable_and_distinct() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let mut objects = Vec::new();
        for i in 0..100_u64 {
            let object = s.alloc(i)?;
            objects.push((object, s.identity(object)));
        }
        s.collect_minor();
        let _global = Global::new(s, objects[7].0)?;
        s.collect_full();
        for (object, identity) in &objects {
            assert_eq!(s.identity(*object), *identity);
        }
        assert_eq!(objects.iter().map(|(_, identity)| identity).collect::<HashSet<_>>().len(), 100);
        Ok(())
    })
}
