//! `escape` frees the roots of an inner scope but for the one object that it returns.

use handfast::{Config, Error, Field, Heap, Local, Scope, Trace, Weak};

#[derive(Trace)]
struct Tree {
    depth: u32,
    left: Field<Tree>,
    right: Field<Tree>,
}

fn build<'s>(s: &mut Scope<'s>, depth: u32) -> Result<Local<'s, Tree>, Error> {
    s.escape(|t| {
        let tree = t.alloc(Tree { depth, left: Field::null(), right: Field::null() })?;
        if depth > 0 {
            let left = build(t, depth - 1)?;
            t.set(tree, |n| &n.left, left);
            let right = build(t, depth - 1)?;
            t.set(tree, |n| &n.right, right);
        }
        Ok(tree)
    })
}

fn check(tree: handfast::Ref<'_, Tree>) -> u32 {
    let left = tree.get(|n| &n.left).map_or(0, check);
    let right = tree.get(|n| &n.right).map_or(0, check);
    assert!(left == right && left == tree.depth, "{left} {right} {}", tree.depth);
    tree.depth + 1
}

#[test]
fn the_result_of_an_escape_lives() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, nursery_bytes: 128 << 10, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let tree = build(s, 14)?;
        s.collect_full();
        assert_eq!(check(tree.get(s)), 15);
        Ok(())
    })
}

#[test]
fn the_rest_of_an_escape_dies() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let mut other: Option<Weak<u64>> = None;
        let kept = s.escape(|t| {
            let lost = t.alloc(1_u64)?;
            other = Some(Weak::new(t, lost)?);
            t.alloc(2_u64)
        })?;
        s.collect_full();
        assert_eq!(*kept.get(s), 2);
        assert_eq!(other.and_then(|weak| weak.upgrade(s).map(|n| *n)), None);
        Ok::<(), Error>(())
    })
}

#[test]
fn an_error_leaves_through_an_escape() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let outcome: Result<Local<'_, u64>, &str> = s.escape(|_| Err("no"));
        assert_eq!(outcome.err(), Some("no"));
        Ok(())
    })
}
