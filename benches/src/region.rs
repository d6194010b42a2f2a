//! What the limits of the tree workloads allocate from: memory of one tree at a time, taken back whole.

/// Nodes that stay where they are until all are taken back.
pub struct Region<T> {
    nodes: Vec<T>,
}

impl<T> Region<T> {
    /// Room for the nodes of one tree.
    pub fn for_depth(depth: u32) -> Region<T> {
        Region { nodes: Vec::with_capacity((2 << depth) - 1) }
    }

    /// A node; valid until the region is taken back.
    #[inline(always)]
    pub fn node(&mut self, node: T) -> *mut T {
        debug_assert!(self.nodes.len() < self.nodes.capacity(), "nodes do not move");
        self.nodes.push(node);
        let at = self.nodes.len() - 1;
        self.nodes.as_mut_ptr().wrapping_add(at)
    }

    /// Takes all back.
    pub fn clear(&mut self) {
        self.nodes.clear();
    }
}
