//! W4: the shape of GCBench: a big tree at first, one that stays, an array of two million numbers, then short-lived trees of
//! growing depth, half of them filled from the top (stores into objects that exist) and half built from the bottom. Nodes
//! of 40 bytes. The limit takes its nodes from a region that is taken back whole when a tree is done.

use crate::outcome::Outcome;
use crate::own::Own;
use crate::region::Region;
use crate::row::timed;
use crate::workload::Scale;
use handfast::raw::{self, Mutator, Object, TypeInfo};
use handfast::{Field, Heap, Local, Ref, Scope, Trace};
use std::hint::black_box;
use std::ptr::null_mut;

static NODE: TypeInfo = TypeInfo::new("bench::GcNode", 32).with_refs(&[0, 8]);
static NUMBERS: TypeInfo = TypeInfo::new("bench::Numbers", 0).with_items(8);

/// The systems.
pub fn own() -> Vec<Own> {
    vec![
        Own::handfast("w4", "handfast raw", REGION, on_raw),
        Own::handfast("w4", "handfast typed", REGION, on_typed),
        Own::limit("w4", REGION, in_region),
    ]
}

const REGION: &str = "nodes in a region";

const NUMBER_COUNT: usize = 2_000_000;

struct Shape {
    stretch: u32,
    long_lived: u32,
    shrink: u32,
}

impl Shape {
    fn of(scale: Scale) -> Shape {
        Shape { stretch: 20 - scale.shrink(), long_lived: 18 - scale.shrink(), shrink: scale.shrink() }
    }

    /// What the programs of the peers print as well, of the nodes that are left and a number of the array.
    fn sum(&self, nodes: u64, number: f64) -> u64 {
        assert_eq!(nodes, (2 << self.long_lived) - 1, "nodes are lost");
        nodes + (number * 1e6) as u64
    }

    /// Depths of the short-lived trees, and how many there are of each kind.
    fn short_lived(&self) -> impl Iterator<Item = (u32, u64)> + use<> {
        let nodes = 2 * ((2u64 << self.stretch) - 1);
        (4..=18 - self.shrink).step_by(2).map(move |depth| (depth, nodes / ((2 << depth) - 1)))
    }
}

fn on_raw(scale: Scale) -> Outcome {
    let heap = raw::Heap::new(&crate::paced(scale.gcbench_limit())).expect("heap");
    let m = heap.attach().expect("attach");
    let shape = Shape::of(scale);
    let mut sum = 0;
    let sample = timed(|| {
        // SAFETY: [X1] this thread's mutator; what is kept is rooted.
        unsafe {
            black_box(bottom_up(m, shape.stretch));
            let keep = m.root(node(m));
            fill(m, *keep, shape.long_lived);
            let numbers = m.root(m.alloc_items(&NUMBERS, NUMBER_COUNT));
            assert!(!(*numbers).is_null(), "out of memory");
            for i in 0..NUMBER_COUNT / 2 {
                raw::payload(*numbers).cast::<f64>().add(i).write(1.0 / (i + 1) as f64);
            }
            for (depth, count) in shape.short_lived() {
                for _ in 0..count {
                    let tree = node(m);
                    fill(m, tree, depth);
                }
                for _ in 0..count {
                    black_box(bottom_up(m, depth));
                }
            }
            sum = shape.sum(nodes(m, *keep), raw::payload(*numbers).cast::<f64>().add(1000).read());
        }
    });
    // SAFETY: [X1] as above.
    unsafe { m.detach() };
    Outcome::new(sample, 1).sum(sum).figure(sample.wall).stats(heap.stats())
}

unsafe fn node(m: Mutator) -> *mut Object {
    // SAFETY: [X1] all of the payload is written at once.
    unsafe {
        let node = m.alloc_uninit(&NODE);
        assert!(!node.is_null(), "out of memory");
        raw::payload(node).cast::<[usize; 4]>().write([0; 4]);
        node
    }
}

/// From the top.
unsafe fn fill(m: Mutator, node_to_fill: *mut Object, depth: u32) {
    if depth == 0 {
        return;
    }
    // SAFETY: [X1] the node is rooted over the allocations.
    unsafe {
        let parent = m.frame::<1>();
        parent.set(0, node_to_fill);
        let left = node(m);
        m.store(parent.get(0), 0, left);
        let right = node(m);
        m.store(parent.get(0), 8, right);
        fill(m, m.load(parent.get(0), 0), depth - 1);
        fill(m, m.load(parent.get(0), 8), depth - 1);
    }
}

unsafe fn bottom_up(m: Mutator, depth: u32) -> *mut Object {
    // SAFETY: [X1] children are rooted over the allocations that follow them.
    unsafe {
        if depth == 0 {
            return node(m);
        }
        let children = m.frame::<2>();
        children.set(0, bottom_up(m, depth - 1));
        children.set(1, bottom_up(m, depth - 1));
        let parent = m.alloc_uninit(&NODE);
        assert!(!parent.is_null(), "out of memory");
        // A fresh private young object: plain writes need no barrier.
        raw::payload(parent).cast::<[usize; 4]>().write([children.get(0) as usize, children.get(1) as usize, 0, 0]);
        parent
    }
}

unsafe fn nodes(m: Mutator, node: *mut Object) -> u64 {
    // SAFETY: [X1] a live tree; nothing collects meanwhile.
    unsafe {
        let left = m.load(node, 0);
        if left.is_null() { 1 } else { 1 + nodes(m, left) + nodes(m, m.load(node, 8)) }
    }
}

/// The node in the typed layer.
#[derive(Trace)]
struct Node {
    left: Field<Node>,
    right: Field<Node>,
    numbers: [u64; 2],
}

fn on_typed(scale: Scale) -> Outcome {
    let heap = Heap::new(crate::paced(scale.gcbench_limit())).expect("heap");
    let mut mutator = heap.attach().expect("attach");
    let shape = Shape::of(scale);
    let mut sum = 0;
    let sample = timed(|| {
        mutator.scope(|s| {
            s.scope(|t| black_box(typed_bottom_up(t, shape.stretch).get(t).contents().numbers[0]));
            let keep = typed_node(s);
            typed_fill(s, keep, shape.long_lived);
            let numbers = s
                .alloc_data_with(NUMBER_COUNT, |i| if i < NUMBER_COUNT / 2 { 1.0 / (i + 1) as f64 } else { 0.0 })
                .expect("out of memory");
            for (depth, count) in shape.short_lived() {
                for _ in 0..count {
                    s.scope(|t| {
                        let tree = typed_node(t);
                        typed_fill(t, tree, depth);
                    });
                }
                for _ in 0..count {
                    s.scope(|t| black_box(typed_bottom_up(t, depth).get(t).contents().numbers[0]));
                }
            }
            sum = shape.sum(typed_nodes(keep.get(s)), numbers.get(s).as_slice()[1000]);
        })
    });
    Outcome::new(sample, 1).sum(sum).figure(sample.wall).stats(heap.stats())
}

/// As the raw one, which the compiler inlines without being told.
#[inline(always)]
fn typed_node<'s>(s: &mut Scope<'s>) -> Local<'s, Node> {
    s.alloc(empty()).expect("out of memory")
}

fn empty() -> Node {
    Node { left: Field::null(), right: Field::null(), numbers: [0; 2] }
}

fn typed_fill(s: &mut Scope<'_>, node: Local<'_, Node>, depth: u32) {
    if depth == 0 {
        return;
    }
    s.scope(|t| {
        let left = typed_node(t);
        t.set(node, |n| &n.left, left);
        let right = typed_node(t);
        t.set(node, |n| &n.right, right);
        typed_fill(t, left, depth - 1);
        typed_fill(t, right, depth - 1);
    });
}

fn typed_bottom_up<'s>(s: &mut Scope<'s>, depth: u32) -> Local<'s, Node> {
    if depth == 0 {
        return typed_node(s);
    }
    s.escape(|t| {
        let (left, right) = (typed_bottom_up(t, depth - 1), typed_bottom_up(t, depth - 1));
        t.alloc_with(empty(), |new| {
            new.set(|n| &n.left, left);
            new.set(|n| &n.right, right);
        })
    })
    .expect("out of memory")
}

fn typed_nodes(node: Ref<'_, Node>) -> u64 {
    match (node.get(|n| &n.left), node.get(|n| &n.right)) {
        (Some(left), Some(right)) => 1 + typed_nodes(left) + typed_nodes(right),
        _ => 1,
    }
}

/// A node of the limit: a header, two references and two words, as everywhere.
#[repr(C)]
struct Plain(u64, *mut Plain, *mut Plain, [u64; 2]);

type Nodes = Region<Plain>;

fn plain(nodes: &mut Nodes, left: *mut Plain, right: *mut Plain) -> *mut Plain {
    nodes.node(Plain(0x1234, left, right, [0; 2]))
}

fn plain_fill(nodes: &mut Nodes, node: *mut Plain, depth: u32) {
    if depth == 0 {
        return;
    }
    let (left, right) = (plain(nodes, null_mut(), null_mut()), plain(nodes, null_mut(), null_mut()));
    // SAFETY: [X3] a node of this region, which still has its capacity.
    unsafe { ((*node).1, (*node).2) = (left, right) };
    plain_fill(nodes, left, depth - 1);
    plain_fill(nodes, right, depth - 1);
}

fn plain_filled(nodes: &mut Nodes, depth: u32) -> *mut Plain {
    let root = plain(nodes, null_mut(), null_mut());
    plain_fill(nodes, root, depth);
    root
}

fn plain_bottom_up(nodes: &mut Nodes, depth: u32) -> *mut Plain {
    let (left, right) = if depth == 0 {
        (null_mut(), null_mut())
    } else {
        (plain_bottom_up(nodes, depth - 1), plain_bottom_up(nodes, depth - 1))
    };
    plain(nodes, left, right)
}

fn plain_nodes(node: *const Plain) -> u64 {
    // SAFETY: [X3] a node of a region that still has its capacity.
    let node = unsafe { &*node };
    if node.1.is_null() { 1 } else { 1 + plain_nodes(node.1) + plain_nodes(node.2) }
}

fn in_region(scale: Scale) -> Outcome {
    let shape = Shape::of(scale);
    let mut sum = 0;
    let sample = timed(|| {
        let mut short = Nodes::for_depth(shape.stretch);
        black_box(plain_bottom_up(&mut short, shape.stretch));
        let mut long = Nodes::for_depth(shape.long_lived);
        let keep = plain_filled(&mut long, shape.long_lived);
        let mut numbers = vec![0.0; NUMBER_COUNT];
        for (i, number) in numbers.iter_mut().enumerate().take(NUMBER_COUNT / 2) {
            *number = 1.0 / (i + 1) as f64;
        }
        for (depth, count) in shape.short_lived() {
            for _ in 0..count {
                short.clear();
                black_box(plain_filled(&mut short, depth));
            }
            for _ in 0..count {
                short.clear();
                black_box(plain_bottom_up(&mut short, depth));
            }
        }
        sum = shape.sum(plain_nodes(keep), numbers[1000]);
    });
    Outcome::new(sample, 1).sum(sum).figure(sample.wall)
}
