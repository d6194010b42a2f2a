//! A mutator's root stack: slots with stable addresses, pushed and cut back by scopes and frames.
//!
//! C code and rooted locals hold the addresses of slots, so slots never move: the stack has a range of addresses of its own,
//! far larger than it will be, of which as much is committed as it has ever been high. Slots are reached through raw pointers,
//! because a root that is reached through `&mut` may be cached by the compiler across a collection. Only the owner pushes; only
//! the owner, or the holder of its record, visits.
//!
//! In one piece, the stack makes a scope a single address, and some slots at once a *frame*, as LLVM's shadow stacks have
//! them: entered with one comparison, left with one store.

use crate::heap::reserve::Reservation;
use crate::object::{Object, Slot};
use std::io;
use std::ptr::null_mut;

/// Bytes of addresses: 134 million roots.
const RESERVED: usize = 1 << 30;
/// So much is committed at a time, at least.
const STEP: usize = 64 << 10;
const SLOT: usize = size_of::<*mut Object>();

/// The height of a stack, for who closes scopes in order: what [`RootStack::len`] tells, without the arithmetic.
#[derive(Clone, Copy, Debug)]
pub struct Height(Slot);

/// A stack of roots.
#[derive(Debug)]
pub struct RootStack {
    top: Slot,
    /// The end of what is committed.
    end: Slot,
    base: Slot,
    memory: Option<Reservation>,
    /// Bytes of addresses; less than was wanted where a process may not have many.
    reserved: usize,
}

impl RootStack {
    /// An empty stack, without addresses yet.
    pub const fn new() -> RootStack {
        RootStack { top: null_mut(), end: null_mut(), base: null_mut(), memory: None, reserved: RESERVED }
    }

    /// Pushes a root and returns its slot.
    #[inline(always)]
    pub fn push(&mut self, object: *mut Object) -> Slot {
        if self.top == self.end {
            self.grow(1);
        }
        let slot = self.top;
        self.top = slot.wrapping_add(1);
        // SAFETY: [R1] below the end of what is committed.
        unsafe { slot.write(object) };
        slot
    }

    /// Pushes so many empty roots, one after the other, and returns the first.
    #[inline(always)]
    pub fn push_frame<const N: usize>(&mut self) -> Slot {
        if (self.end as usize - self.top as usize) < N.saturating_mul(SLOT) {
            self.grow(N);
        }
        let first = self.top;
        self.top = first.wrapping_add(N);
        // SAFETY: [R1] below the end of what is committed.
        unsafe { first.write_bytes(0, N) };
        first
    }

    /// Takes off a frame, and whatever was pushed after it: `first` is what [`RootStack::push_frame`] answered. Does nothing if
    /// the stack is lower now: what lies above has been nobody's root, so it may refer to anything.
    #[inline(always)]
    pub fn pop_frame(&mut self, first: Slot) {
        debug_assert!(self.base <= first && first <= self.end, "a frame of another stack");
        if first < self.top {
            self.top = first;
        }
    }

    /// Whether there is room for one more root.
    #[inline]
    pub fn has_room(&mut self) -> bool {
        self.top != self.end || self.try_grow(1).is_ok()
    }

    /// Commits more, for so many slots at least.
    ///
    /// # Panics
    /// If there are too many roots, or memory is out. The stack is as it was then.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, slots: usize) {
        if let Err(why) = self.try_grow(slots) {
            panic!("{why}");
        }
    }

    /// # Errors
    /// Why there is no room, in words.
    #[cold]
    fn try_grow(&mut self, slots: usize) -> Result<(), String> {
        let refused = |bytes, error| format!("no {bytes} bytes of memory for the roots of a thread: {error}");
        self.reserve().map_err(|error| refused(STEP, error))?;
        let used = self.end as usize - self.base as usize;
        let free = self.end as usize - self.top as usize;
        let needed = slots.saturating_mul(SLOT).saturating_sub(free);
        if needed > self.reserved - used {
            return Err(format!("a thread has more than {} roots", self.reserved / SLOT));
        }
        let least = needed.next_multiple_of(STEP).min(self.reserved - used);
        let twice = least.max(used).min(self.reserved - used);
        let commit = |bytes| self.memory.as_ref().map_or(Ok(()), |memory| memory.commit(used, bytes));
        // Twice as much at a time, unless only less is to be had.
        let more = match commit(twice) {
            Ok(()) => twice,
            Err(_) => commit(least).map(|()| least).map_err(|error| refused(least, error))?,
        };
        self.end = self.end.wrapping_byte_add(more);
        Ok(())
    }

    /// Gets addresses, if it has none; fewer if so many are refused. Before anybody asks for a height.
    ///
    /// # Errors
    /// What the operating system says when it refuses a single step.
    pub fn reserve(&mut self) -> io::Result<()> {
        if self.memory.is_some() {
            return Ok(());
        }
        let memory = loop {
            match Reservation::new(self.reserved, 4096) {
                Ok(memory) => break memory,
                Err(_) if self.reserved > STEP => self.reserved /= 4,
                Err(error) => {
                    // Somebody may try again when there are more.
                    self.reserved = RESERVED;
                    return Err(error);
                }
            }
        };
        self.base = memory.base() as Slot;
        (self.top, self.end) = (self.base, self.base);
        self.memory = Some(memory);
        Ok(())
    }

    /// Whether it has addresses.
    pub fn is_reserved(&self) -> bool {
        self.memory.is_some()
    }

    /// Number of roots: the mark of a scope that opens now.
    #[inline(always)]
    pub fn len(&self) -> usize {
        (self.top as usize - self.base as usize) / SLOT
    }

    /// Cuts the stack back to a mark; false if it is above the top.
    #[inline(always)]
    pub fn truncate(&mut self, mark: usize) -> bool {
        let open = mark <= self.len();
        if open {
            self.top = self.base.wrapping_add(mark);
        }
        open
    }

    /// How high it is.
    #[inline(always)]
    pub fn height(&self) -> Height {
        debug_assert!(!self.top.is_null(), "a height is an address");
        Height(self.top)
    }

    /// Cuts the stack back to a height that it had; does nothing if it is lower now.
    #[inline(always)]
    pub fn cut(&mut self, height: Height) {
        if height.0 <= self.top {
            self.top = height.0;
        }
    }

    /// Cuts the stack back to a height that it had, but for one root, which becomes this: one that leaves a scope. It is
    /// higher now.
    #[inline(always)]
    pub fn cut_to_one(&mut self, height: Height, object: *mut Object) -> Slot {
        debug_assert!(height.0 < self.top, "there is a root above");
        self.top = height.0.wrapping_add(1);
        // SAFETY: [R1] below the top until now, so below the end of what is committed.
        unsafe { height.0.write(object) };
        height.0
    }

    /// Calls `f` for each root slot.
    pub fn for_each(&self, mut f: impl FnMut(Slot)) {
        for i in 0..self.len() {
            f(self.base.wrapping_add(i));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Slots of a step.
    const MANY: usize = STEP / SLOT;

    #[test]
    fn scopes_cut_back_and_slots_stay() {
        let mut stack = RootStack::new();
        let object = |i: usize| (i * 8) as *mut Object;
        let mut slots = vec![];
        for i in 0..3 * MANY + 5 {
            assert_eq!(stack.len(), i);
            slots.push(stack.push(object(i)));
        }
        for (i, slot) in slots.iter().enumerate() {
            // SAFETY: the stack is alive and so are its slots.
            assert_eq!(unsafe { **slot }, object(i));
        }
        let mut n = 0;
        stack.for_each(|s| {
            assert_eq!(s, slots[n]);
            n += 1;
        });
        assert_eq!(n, 3 * MANY + 5);
        for mark in [3 * MANY, 2 * MANY + 1, MANY, MANY - 1, 0] {
            assert!(stack.truncate(mark));
            assert_eq!(stack.len(), mark);
            for above in [1, MANY, 2 * MANY, usize::MAX - mark] {
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
        stack.reserve().unwrap();
        let mut heights = vec![stack.height()];
        for i in 1..=3 * MANY + 5 {
            stack.push(i as *mut Object);
            heights.push(stack.height());
        }
        for step in [1, 7, MANY, 2 * MANY + 3] {
            let from = stack.len();
            for len in (0..=from).rev().step_by(step) {
                stack.cut(heights[len]);
                assert_eq!(stack.len(), len);
                stack.cut(heights[from]);
                assert_eq!(stack.len(), len, "it was lower already");
            }
            stack.cut(heights[0]);
            assert_eq!(stack.len(), 0);
            for i in 1..=3 * MANY + 5 {
                let slot = stack.push(i as *mut Object);
                // SAFETY: the stack is alive and so are its slots.
                assert_eq!(unsafe { *slot } as usize, i);
            }
        }
    }

    #[test]
    fn one_root_leaves_a_scope() {
        let mut stack = RootStack::new();
        let one = stack.push(24 as *mut Object);
        for inner in [1, 2, 3, 3 * MANY] {
            let height = stack.height();
            (0..inner).for_each(|i| _ = stack.push((16 + i * 8) as *mut Object));
            let left = stack.cut_to_one(height, 64 as *mut Object);
            // SAFETY: the stack is alive and so are its slots.
            assert_eq!(unsafe { (*one as usize, *left as usize) }, (24, 64));
            assert_eq!((stack.len(), left), (2, one.wrapping_add(1)));
            stack.cut(height);
        }
    }

    #[test]
    fn frames_are_empty_in_one_piece_and_taken_off_whole() {
        let mut stack = RootStack::new();
        let mut frames = vec![];
        for round in 0..2 {
            for i in 0..MANY {
                let (first, below) = (stack.push_frame::<5>(), stack.len() - 5);
                frames.push((first, below));
                for k in 0..5 {
                    let slot = first.wrapping_add(k);
                    // SAFETY: the stack is alive and so are its slots.
                    assert!(unsafe { *slot }.is_null(), "round {round}, frame {i}");
                    // SAFETY: as above.
                    unsafe { slot.write((8 * i + 8) as *mut Object) };
                }
                stack.push(24 as *mut Object);
            }
            let mut seen = 0;
            stack.for_each(|_| seen += 1);
            assert_eq!(seen, 6 * MANY);
            while let Some((first, below)) = frames.pop() {
                stack.pop_frame(first);
                assert_eq!(stack.len(), below);
            }
        }
    }

    #[test]
    fn a_stack_is_filled_to_its_last_slot() {
        let mut stack = RootStack { reserved: 3 * STEP, ..RootStack::new() };
        for _ in 0..3 * MANY / 3 {
            stack.push_frame::<3>();
        }
        assert_eq!(stack.len(), 3 * MANY);
        let one_more = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| stack.push(null_mut())));
        assert!(one_more.unwrap_err().downcast_ref::<String>().unwrap().contains("more than 24576 roots"));
        assert_eq!(stack.len(), 3 * MANY, "and stays usable");
        assert!(stack.truncate(0));
        stack.push(null_mut());
    }
}
