//! Fields hold what was stored last, over collections, whichever of source and value is old.

use handfast::{Config, Error, Field, Heap, Trace};

#[derive(Trace)]
struct Pair {
    id: u32,
    left: Field<Pair>,
    right: Field<Pair>,
}

fn pair(id: u32) -> Pair {
    Pair { id, left: Field::null(), right: Field::null() }
}

#[test]
fn a_field_is_null_at_first_and_after_clear() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let a = s.alloc(pair(1))?;
        assert_eq!(s.get(a, |p| &p.left), None);
        s.set(a, |p| &p.left, a);
        assert_eq!(s.get(a, |p| &p.left), Some(a.get(s)));
        assert_eq!(s.get(a, |p| &p.right), None);
        s.clear(a, |p| &p.left);
        assert_eq!(s.get(a, |p| &p.left), None);
        s.set(a, |p| &p.right, Some(a));
        s.set(a, |p| &p.right, s.get(a, |p| &p.left));
        assert_eq!(s.get(a, |p| &p.right), None);
        Ok(())
    })
}

#[test]
fn an_old_object_keeps_a_young_one_alive() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let old = s.alloc(pair(1))?;
        s.collect_minor();
        assert!(!s.is_young(old));
        s.scope(|t| {
            let young = t.alloc(pair(2))?;
            assert!(t.is_young(young));
            t.set(old, |p| &p.left, young);
            Ok::<(), Error>(())
        })?;
        s.collect_minor();
        s.collect_full();
        assert_eq!(s.get(old, |p| &p.left).map(|p| p.id), Some(2));
        Ok(())
    })
}

#[test]
fn only_fields_keep_the_nodes_of_a_list_alive() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let list = s.var::<Pair>();
        for id in 0..50_000 {
            s.scope(|t| {
                let node = t.alloc(pair(id))?;
                t.set(node, |p| &p.left, list.get(t));
                list.set(t, node);
                Ok::<(), Error>(())
            })?;
        }
        s.collect_full();
        let mut expected = 50_000;
        let mut node = list.get(s);
        while let Some(found) = node {
            expected -= 1;
            assert_eq!(found.id, expected);
            node = found.get(|p| &p.left);
        }
        assert_eq!(expected, 0);
        Ok(())
    })
}
