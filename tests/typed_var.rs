//! A variable roots what it holds now, and nothing else.

use handfast::{Config, Error, Heap, Weak};

#[test]
fn a_variable_roots_its_present_value_only() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let var = s.var::<u64>();
        assert_eq!(var.get(s), None);
        let mut seen = Vec::new();
        for i in 0..3_u64 {
            s.scope(|t| {
                let number = t.alloc(i)?;
                seen.push(Weak::new(t, number)?);
                var.set(t, number);
                Ok::<(), Error>(())
            })?;
            s.collect_minor();
        }
        s.collect_full();
        let alive: Vec<_> = seen.iter().map(|weak| weak.upgrade(s).map(|n| *n)).collect();
        assert_eq!(alive, [None, None, Some(2)]);
        assert_eq!(var.get(s).as_deref(), Some(&2));
        var.clear(s);
        s.collect_full();
        assert_eq!(seen[2].upgrade(s), None);
        assert_eq!(var.get(s), None);
        Ok(())
    })
}
