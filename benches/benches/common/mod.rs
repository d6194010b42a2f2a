//! What the benches share: a small heap, its mutator, and types.

#![allow(dead_code, reason = "each bench uses a part")]

pub mod standing;

use handfast::raw::{self, Heap, Mutator, Object, TypeInfo};
use handfast::{Config, Field, Trace};
use std::ptr::null_mut;

/// 32 bytes with the header: a word and two references.
pub static NODE: TypeInfo = TypeInfo::new("bench::Node", 24).with_refs(&[8, 16]);
/// 40 bytes: two references, a handle slot and a word.
pub static LINKED: TypeInfo = TypeInfo::new("bench::Linked", 32).with_refs(&[0, 8]).with_handle_slot(16);
/// The same without the slot.
pub static SLOTLESS: TypeInfo = TypeInfo::new("bench::Slotless", 32).with_refs(&[0, 8]);
/// An array of references.
pub static LIST: TypeInfo = TypeInfo::new("bench::List", 0).with_ref_items();
/// Bytes of a `PyObject`.
pub const SIZE: usize = 48;

/// The node in the typed layer.
#[derive(Trace)]
pub struct Typed {
    /// A word.
    pub value: u64,
    /// A reference.
    pub left: Field<Typed>,
    /// A reference.
    pub right: Field<Typed>,
}

/// A heap without a collector thread, and this thread's mutator, which is detached in the end.
pub struct Bench {
    /// The heap.
    pub heap: Heap,
    /// This thread's.
    pub m: Mutator,
}

impl Bench {
    /// With this many MiB.
    pub fn new(mib: usize) -> Bench {
        Bench::with(&Config { max_heap_bytes: mib << 20, gc_threads: 0, ..Config::default() })
    }

    /// With this configuration.
    pub fn with(config: &Config) -> Bench {
        let heap = Heap::new(config).expect("heap");
        let m = heap.attach().expect("attach");
        Bench { heap, m }
    }

    /// A rooted list of this many new nodes.
    pub fn nodes(&self, count: usize) -> *mut *mut Object {
        // SAFETY: [X1] this thread's mutator; the list is rooted.
        unsafe {
            let list = self.m.root(self.m.alloc_items(&LIST, count));
            for i in 0..count {
                let node = node(self.m);
                self.m.store(*list, i * 8, node);
            }
            list
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // SAFETY: [X1] this thread's mutator, which is not used afterwards.
        unsafe { self.m.detach() };
    }
}

/// A new node.
///
/// # Safety
/// The calling thread's mutator. May collect.
#[inline(always)]
pub unsafe fn node(m: Mutator) -> *mut Object {
    // SAFETY: [X1] all of the payload is written at once.
    unsafe {
        let node = m.alloc_uninit(&NODE);
        assert!(!node.is_null(), "out of memory");
        raw::payload(node).cast::<[usize; 3]>().write([0; 3]);
        node
    }
}

/// A balanced tree.
///
/// # Safety
/// As [`node`].
pub unsafe fn tree(m: Mutator, depth: u32) -> *mut Object {
    // SAFETY: [X1] children are rooted over the allocations that follow them.
    unsafe {
        if depth == 0 {
            return node(m);
        }
        let scope = m.scope_open();
        let left = m.root(tree(m, depth - 1));
        let right = m.root(tree(m, depth - 1));
        let parent = node(m);
        m.store(parent, 8, *left);
        m.store(parent, 16, *right);
        m.scope_close(scope);
        parent
    }
}

/// A list of this many private young nodes.
///
/// # Safety
/// As [`node`].
pub unsafe fn chain(m: Mutator, length: usize) -> *mut Object {
    // SAFETY: [X1] the head is rooted over the allocations.
    unsafe {
        let scope = m.scope_open();
        let head = m.root(null_mut());
        for _ in 0..length {
            let next = node(m);
            m.store(next, 8, *head);
            *head = next;
        }
        let first = *head;
        m.scope_close(scope);
        first
    }
}
