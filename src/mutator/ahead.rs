//! A few addresses between being asked for and being visited.
//!
//! What old objects refer to lies where the program stored it, in no order, and a visit that finds a header in no cache
//! waits for it. So an address is put here when memory has been asked for what it leads to, and comes out when as many others
//! have been put in as memory answers at once. (A queue before the visit: Cher, Hosking and Vijaykumar, Software prefetching
//! for mark-sweep garbage collection, ASPLOS 2004.)

use std::ptr::null_mut;

/// So many slots, or what they refer to, wait in a minor collection.
pub const AHEAD: usize = 16;

/// A queue of `N` addresses at most.
#[derive(Debug)]
pub struct Ahead<T, const N: usize> {
    ring: [*mut T; N],
    /// How many were put in, and how many have come out.
    put: usize,
    taken: usize,
}

impl<T, const N: usize> Ahead<T, N> {
    /// An empty one.
    pub fn new() -> Ahead<T, N> {
        Ahead { ring: [null_mut(); N], put: 0, taken: 0 }
    }

    /// Puts an address in; the one that has waited long enough, or null.
    #[inline(always)]
    pub fn put(&mut self, address: *mut T) -> *mut T {
        // While the queue is not full, what was there has come out before, or never was put in.
        let oldest = std::mem::replace(&mut self.ring[self.put % N], address);
        self.put += 1;
        if self.put - self.taken > N {
            self.taken += 1;
            return oldest;
        }
        null_mut()
    }

    /// Takes the one out that has waited longest.
    #[inline(always)]
    pub fn take(&mut self) -> Option<*mut T> {
        (self.taken < self.put).then(|| {
            let oldest = self.ring[self.taken % N];
            self.taken += 1;
            oldest
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(i: usize) -> *mut u8 {
        std::ptr::without_provenance_mut(i)
    }

    #[test]
    fn what_is_put_in_comes_out_once_and_in_order() {
        for taken in 0..=AHEAD {
            let mut ahead = Ahead::<u8, AHEAD>::new();
            let mut out = vec![];
            for i in 1..=3 * AHEAD {
                let due = ahead.put(address(i));
                out.extend((!due.is_null()).then_some(due));
                assert!(i - out.len() <= AHEAD);
                if i == 2 * AHEAD {
                    out.extend((0..taken).map_while(|_| ahead.take()));
                    assert_eq!(out.len(), AHEAD + taken);
                }
            }
            assert_eq!(out.len(), 2 * AHEAD, "the others wait");
            out.extend(std::iter::from_fn(|| ahead.take()));
            assert_eq!(out, (1..=3 * AHEAD).map(address).collect::<Vec<_>>());
        }
    }
}
