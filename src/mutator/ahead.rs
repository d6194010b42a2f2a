//! A few slots between being asked for and being visited.
//!
//! What old objects refer to lies where the program stored it, in no order, and a visit that finds a header in no cache
//! waits for it. So a slot is put here when its object's header has been asked for, and comes out when as many others have been
//! put in as memory answers at once. (A queue before the visit: Cher, Hosking and Vijaykumar, Software prefetching for
//! mark-sweep garbage collection, ASPLOS 2004.)

use crate::object::Slot;
use std::ptr::null_mut;

/// So many slots wait.
pub const AHEAD: usize = 16;

/// A ring of slots.
#[derive(Debug)]
pub struct Ahead {
    /// Null where none has been yet.
    slots: [Slot; AHEAD],
    /// How many were put in.
    count: usize,
}

impl Ahead {
    /// An empty one.
    pub fn new() -> Ahead {
        Ahead { slots: [null_mut(); AHEAD], count: 0 }
    }

    /// Puts a slot in; the one that has waited long enough, or null.
    #[inline(always)]
    pub fn put(&mut self, slot: Slot) -> Slot {
        let due = std::mem::replace(&mut self.slots[self.count % AHEAD], slot);
        self.count += 1;
        due
    }

    /// The slots that wait still.
    pub fn waiting(&self) -> &[Slot] {
        &self.slots[..self.count.min(AHEAD)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(i: usize) -> Slot {
        std::ptr::without_provenance_mut(i)
    }

    #[test]
    fn what_is_put_in_comes_out_once() {
        for count in 0..=3 * AHEAD {
            let mut ahead = Ahead::new();
            let mut out: Vec<_> = (1..=count).map(|i| ahead.put(slot(i))).filter(|slot| !slot.is_null()).collect();
            assert_eq!(out.len(), count.saturating_sub(AHEAD), "the others wait");
            out.extend(ahead.waiting());
            out.sort();
            assert_eq!(out, (1..=count).map(slot).collect::<Vec<_>>());
        }
    }
}
