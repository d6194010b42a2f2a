//! Whether a heap is used by the process that made it.
//!
//! A fork copies the memory of a heap but not the threads that work on it. Each slow path of allocation asks, so the answer should
//! not take a system call: it is a load from a page that the kernel hands to a child empty (`MADV_WIPEONFORK`, Linux 4.14).
//! Where the kernel does not know that advice, the process is asked for its number.

use super::reserve::Reservation;
use crate::sync::atomic::{AtomicU32, Ordering};

/// The process that made something.
#[derive(Debug)]
pub struct Process {
    /// Holds a one, and in a child a zero.
    page: Option<Reservation>,
    id: i32,
}

impl Process {
    /// The calling process.
    pub fn current() -> Process {
        let page = Reservation::zeroed(size_of::<AtomicU32>()).ok().filter(Reservation::wipe_on_fork);
        if let Some(page) = &page {
            word(page).store(1, Ordering::Relaxed);
        }
        Process { page, id: id() }
    }

    /// Whether it is the calling process.
    #[inline]
    pub fn is_current(&self) -> bool {
        match &self.page {
            // Relaxed: written once, before anybody asks; what empties it is a fork, not a thread.
            Some(page) => word(page).load(Ordering::Relaxed) != 0,
            None => self.id == id(),
        }
    }
}

#[inline(always)]
fn word(page: &Reservation) -> &AtomicU32 {
    // SAFETY: [M1] a page of our own, readable and writable, used as this word and nothing else; zero is a valid value.
    unsafe { &page.table::<AtomicU32>(0, 1)[0] }
}

fn id() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wiped_page_and_another_number_are_another_process() {
        let process = Process::current();
        assert!(process.is_current());
        if let Some(page) = &process.page {
            word(page).store(0, Ordering::Relaxed);
            assert!(!process.is_current());
        }
        assert!(Process { page: None, ..process }.is_current());
        assert!(!Process { page: None, id: id() + 1 }.is_current());
    }
}
