//! A list of ten million nodes, built, collected, walked and dropped through the typed layer: no recursion anywhere.

use handfast::{Config, Error, Field, Heap, Trace};

#[derive(Trace)]
struct Node {
    value: u64,
    next: Field<Node>,
}

const NODES: u64 = if cfg!(gc_zeal) { 2_000 } else { 10_000_000 };

#[test]
fn ten_million_nodes_need_no_stack() -> Result<(), Error> {
    let heap = Heap::new(Config::default())?;
    heap.attach()?.scope(|s| {
        let list = s.var::<Node>();
        for value in 0..NODES {
            s.scope(|t| {
                let node = t.alloc(Node { value, next: Field::null() })?;
                t.set(node, |n| &n.next, list.get(t));
                list.set(t, node);
                Ok::<(), Error>(())
            })?;
        }
        s.collect_full();
        let (mut at, mut expected) = (list.get(s), NODES);
        while let Some(node) = at {
            expected -= 1;
            assert_eq!(node.value, expected);
            at = s.get(node, |n| &n.next);
        }
        assert_eq!(expected, 0);
        assert!(heap.stats().live_objects >= NODES);
        list.clear(s);
        s.collect_full();
        assert_eq!(heap.stats().live_objects, 0);
        Ok(())
    })
}
