//! The tree node of all workloads: two reference fields and two words, on every heap that is compared.

use handfast::raw::{self, Mutator, Object, TypeInfo};
use handfast::{Field, Local, Ref, Scope, Trace};
use std::ptr::null_mut;

/// 32 bytes with the header: two references and a word.
pub static NODE: TypeInfo = TypeInfo::new("bench::Node", 24).with_refs(&[8, 16]);

/// The same in the typed layer.
#[derive(Trace)]
pub struct Node {
    /// A word.
    pub value: u64,
    /// Left child.
    pub left: Field<Node>,
    /// Right child.
    pub right: Field<Node>,
}

/// A tree of this depth, through the raw layer.
///
/// # Safety
/// The calling thread's mutator.
pub unsafe fn raw_tree(m: Mutator, depth: u32) -> *mut Object {
    // SAFETY: [X1] children are rooted over the allocations that follow them; all of the payload is written.
    unsafe {
        if depth == 0 {
            return leaf(m);
        }
        let children = m.frame::<2>();
        children.set(0, raw_tree(m, depth - 1));
        children.set(1, raw_tree(m, depth - 1));
        let node = m.alloc_uninit(&NODE);
        assert!(!node.is_null(), "out of memory");
        // A fresh private young object: plain writes need no barrier.
        raw::payload(node).cast::<[*mut Object; 3]>().write([null_mut(), children.get(0), children.get(1)]);
        node
    }
}

/// # Safety
/// The calling thread's mutator.
#[inline(always)]
pub unsafe fn leaf(m: Mutator) -> *mut Object {
    // SAFETY: [X1] all of the payload is written at once.
    unsafe {
        let node = m.alloc_uninit(&NODE);
        assert!(!node.is_null(), "out of memory");
        let payload = raw::payload(node).cast::<[usize; 3]>();
        payload.write([0; 3]);
        node
    }
}

/// Number of nodes.
///
/// # Safety
/// A live tree; nothing collects meanwhile.
pub unsafe fn raw_check(m: Mutator, node: *mut Object) -> u64 {
    // SAFETY: [X1] as the function's.
    unsafe {
        let left = m.load(node, 8);
        if left.is_null() { 1 } else { 1 + raw_check(m, left) + raw_check(m, m.load(node, 16)) }
    }
}

/// A tree of this depth, through the typed layer.
pub fn typed_tree<'s>(s: &mut Scope<'s>, depth: u32) -> Local<'s, Node> {
    let empty = || Node { value: 0, left: Field::null(), right: Field::null() };
    if depth == 0 {
        return s.alloc(empty()).expect("out of memory");
    }
    s.escape(|t| {
        let (left, right) = (typed_tree(t, depth - 1), typed_tree(t, depth - 1));
        t.alloc_with(empty(), |new| {
            new.set(|n| &n.left, left);
            new.set(|n| &n.right, right);
        })
    })
    .expect("out of memory")
}

/// Number of nodes, through the typed layer.
pub fn typed_check(node: Ref<'_, Node>) -> u64 {
    match (node.get(|n| &n.left), node.get(|n| &n.right)) {
        (Some(left), Some(right)) => 1 + typed_check(left) + typed_check(right),
        _ => 1,
    }
}
