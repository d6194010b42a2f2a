//! A mutator's root stack: slots with stable addresses, pushed and cut back by scopes.
//!
//! Slots live in chunks that are never moved, because C code and rooted locals hold their addresses; the chunks are
//! reached through raw pointers, because a root that is reached through `&mut` may be cached by the compiler across a
//! collection. Only the owner pushes; only the owner, or the holder of its record, visits.

use crate::object::{Object, Slot};

/// Slots of a chunk.
const CHUNK: usize = 1024;

#[derive(Debug)]
struct Chunk {
    slots: *mut [*mut Object; CHUNK],
}

/// The height of a stack, for who closes scopes in order: what [`RootStack::len`] tells, without the arithmetic.
#[derive(Clone, Copy, Debug)]
pub struct Height {
    top: Slot,
    base: Slot,
}

/// A stack of roots.
#[derive(Debug)]
pub struct RootStack {
    top: Slot,
    end: Slot,
    /// The first slot of the present chunk.
    base: Slot,
    /// Roots in the chunks below it.
    below: usize,
    chunks: Vec<Chunk>,
    /// Chunks in use, at least one once anything was pushed.
    used: usize,
}

impl RootStack {
    /// An empty stack.
    pub const fn new() -> RootStack {
        let none = std::ptr::null_mut();
        RootStack { top: none, end: none, base: none, below: 0, chunks: Vec::new(), used: 0 }
    }

    /// Pushes a root and returns its slot.
    #[inline(always)]
    pub fn push(&mut self, object: *mut Object) -> Slot {
        if self.top == self.end {
            self.grow();
        }
        let slot = self.top;
        self.top = slot.wrapping_add(1);
        // SAFETY: [R1] below the end of the present chunk.
        unsafe { slot.write(object) };
        slot
    }

    #[cold]
    fn grow(&mut self) {
        if self.used == self.chunks.len() {
            self.chunks.push(Chunk { slots: Box::into_raw(Box::new([std::ptr::null_mut(); CHUNK])) });
        }
        self.enter(self.used);
    }

    /// Makes chunk `i` the present one, empty.
    fn enter(&mut self, i: usize) {
        self.used = i + 1;
        self.base = self.chunks[i].slots.cast();
        self.below = i * CHUNK;
        self.top = self.base;
        self.end = self.base.wrapping_add(CHUNK);
    }

    /// Number of roots: the mark of a scope that opens now.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.below + (self.top as usize - self.base as usize) / size_of::<Slot>()
    }

    /// Cuts the stack back to a mark; false if it is above the top.
    #[inline(always)]
    pub fn truncate(&mut self, mark: usize) -> bool {
        let in_chunk = mark.wrapping_sub(self.below);
        if in_chunk <= (self.top as usize - self.base as usize) / size_of::<Slot>() {
            self.top = self.base.wrapping_add(in_chunk);
            return true;
        }
        self.truncate_slow(mark)
    }

    /// How high it is.
    #[inline(always)]
    pub fn height(&self) -> Height {
        Height { top: self.top, base: self.base }
    }

    /// Cuts the stack back to a height that it had; does nothing if it is lower now.
    #[inline(always)]
    pub fn cut(&mut self, height: Height) {
        if height.base == self.base && height.top <= self.top {
            self.top = height.top;
        } else {
            self.cut_slow(height);
        }
    }

    #[cold]
    fn cut_slow(&mut self, height: Height) {
        // Before the first chunk there was nothing.
        let chunk = self.chunks.iter().position(|chunk| chunk.slots.cast() == height.base);
        let in_chunk = (height.top as usize - height.base as usize) / size_of::<Slot>();
        let _ = self.truncate(chunk.unwrap_or(0) * CHUNK + in_chunk);
    }

    #[cold]
    fn truncate_slow(&mut self, mark: usize) -> bool {
        if mark > self.len() {
            return false;
        }
        self.enter(mark / CHUNK);
        self.top = self.base.wrapping_add(mark % CHUNK);
        true
    }

    /// Calls `f` for each root slot.
    pub fn for_each(&self, mut f: impl FnMut(Slot)) {
        for (i, chunk) in self.chunks[..self.used].iter().enumerate() {
            let first: Slot = chunk.slots.cast();
            let n = if i + 1 == self.used { (self.top as usize - first as usize) / 8 } else { CHUNK };
            for k in 0..n {
                f(first.wrapping_add(k));
            }
        }
    }
}

impl Drop for RootStack {
    fn drop(&mut self) {
        for chunk in &self.chunks {
            // SAFETY: [R1] made by Box::into_raw in `grow`, dropped once.
            drop(unsafe { Box::from_raw(chunk.slots) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_cut_back_over_chunks_and_slots_stay() {
        let mut stack = RootStack::new();
        let object = |i: usize| (i * 8) as *mut Object;
        let mut slots = vec![];
        for i in 0..3 * CHUNK + 5 {
            assert_eq!(stack.len(), i);
            slots.push(stack.push(object(i)));
        }
        for (i, slot) in slots.iter().enumerate() {
            // SAFETY: the stack is alive and so are its chunks.
            assert_eq!(unsafe { **slot }, object(i));
        }
        let mut n = 0;
        stack.for_each(|s| {
            assert_eq!(s, slots[n]);
            n += 1;
        });
        assert_eq!(n, 3 * CHUNK + 5);
        for mark in [3 * CHUNK, 2 * CHUNK + 1, CHUNK, CHUNK - 1, 0] {
            assert!(stack.truncate(mark));
            assert_eq!(stack.len(), mark);
            for above in [1, CHUNK, 2 * CHUNK, usize::MAX - mark] {
                assert!(!stack.truncate(mark + above));
            }
            assert_eq!(stack.len(), mark);
            let slot = stack.push(object(7));
            assert_eq!(slot, slots[mark], "a slot of the same depth has the same address");
            assert!(stack.truncate(mark));
        }
    }

    #[test]
    fn a_stack_is_cut_to_each_height_that_it_had() {
        let mut stack = RootStack::new();
        let mut heights = vec![stack.height()];
        for i in 1..=3 * CHUNK + 5 {
            stack.push(i as *mut Object);
            heights.push(stack.height());
        }
        for step in [1, 7, CHUNK, 2 * CHUNK + 3] {
            let from = stack.len();
            for len in (0..=from).rev().step_by(step) {
                stack.cut(heights[len]);
                assert_eq!(stack.len(), len);
                stack.cut(heights[from]);
                assert_eq!(stack.len(), len, "it was lower already");
            }
            stack.cut(heights[0]);
            assert_eq!(stack.len(), 0);
            for i in 1..=3 * CHUNK + 5 {
                let slot = stack.push(i as *mut Object);
                // SAFETY: the stack is alive and so are its chunks.
                assert_eq!(unsafe { *slot } as usize, i);
            }
        }
    }
}
