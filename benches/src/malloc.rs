//! The same shapes on mimalloc.

use std::hint::black_box;
use std::ptr::null_mut;

/// 32 bytes: a word in place of the header, and the node.
#[repr(C)]
pub struct Node {
    header: u64,
    value: u64,
    left: *mut Node,
    right: *mut Node,
}

unsafe fn make(left: *mut Node, right: *mut Node) -> *mut Node {
    // SAFETY: [X2] fresh memory of the size of a node, written whole.
    unsafe {
        let node: *mut Node = libmimalloc_sys::mi_malloc(size_of::<Node>()).cast();
        node.write(Node { header: 0x1234, value: 0, left, right });
        node
    }
}

/// Allocates and frees `n` nodes, keeping the last.
pub fn churn(n: u64) -> u64 {
    // SAFETY: [X2] each node is freed once.
    unsafe {
        let mut last = make(null_mut(), null_mut());
        for i in 0..n {
            let node = make(null_mut(), null_mut());
            (*node).value = i;
            libmimalloc_sys::mi_free(last.cast());
            last = black_box(node);
        }
        let value = (*last).value;
        libmimalloc_sys::mi_free(last.cast());
        value
    }
}

/// # Safety
/// None: the tree is the caller's to [`free`].
pub unsafe fn tree(depth: u32) -> *mut Node {
    // SAFETY: [X2] as `make`.
    unsafe {
        if depth == 0 {
            return make(null_mut(), null_mut());
        }
        let left = tree(depth - 1);
        let right = tree(depth - 1);
        make(left, right)
    }
}

/// # Safety
/// A live tree.
pub unsafe fn check(node: *mut Node) -> u64 {
    // SAFETY: [X2] the caller's tree.
    unsafe { if (*node).left.is_null() { 1 } else { 1 + check((*node).left) + check((*node).right) } }
}

/// # Safety
/// A live tree, which is gone afterwards.
pub unsafe fn free(node: *mut Node) {
    // SAFETY: [X2] the caller's tree; each node is freed once.
    unsafe {
        if !(*node).left.is_null() {
            free((*node).left);
            free((*node).right);
        }
        libmimalloc_sys::mi_free(node.cast());
    }
}
