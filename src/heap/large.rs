//! The large-object space: objects of more than a quarter of a block, on pages of their own, never moved.
//!
//! Runs of free pages are kept in one ordered map under a mutex: a large object costs at least the zeroing of 8 KiB, so
//! the lock is short beside the work, and no small allocation ever takes it. What other threads ask in passing, whether
//! an address is young, is answered by a table of one byte a page.

use super::kind::PageByte;
use super::reserve::Reservation;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering};
use std::collections::BTreeMap;
use std::io;

/// Bytes of a page.
pub const PAGE: usize = 4096;
/// Runs of at least this many bytes go back to the operating system when they are freed.
const RELEASE: usize = 256 << 10;
/// Objects of at least this many bytes get huge pages: a table that is looked up at random misses the translation cache
/// otherwise.
const HUGE: usize = 4 << 20;
/// Space is committed in steps of this many bytes.
const COMMIT: usize = 4 << 20;

#[derive(Debug)]
struct Runs {
    /// First page → (pages, whether they are known to be zero).
    free: BTreeMap<usize, (usize, bool)>,
    /// Pages handed out at least once.
    high: usize,
    /// Pages committed.
    committed: usize,
}

/// The space.
#[derive(Debug)]
pub struct LargeSpace {
    memory: Reservation,
    table: Reservation,
    pages: usize,
    huge: bool,
    /// Pages are touched when they are first handed out, and not given back.
    kept: bool,
    runs: Mutex<Runs>,
    /// Pages that the table may have entries for.
    high: AtomicUsize,
    used: AtomicUsize,
    /// Pages of free runs that the operating system does not have back.
    dirty: AtomicUsize,
}

impl LargeSpace {
    /// A space of at most `bytes`; `huge`: with huge pages where they pay.
    ///
    /// # Errors
    /// When the operating system refuses the address space.
    pub fn new(bytes: usize, huge: bool) -> io::Result<LargeSpace> {
        let pages = bytes.div_ceil(PAGE);
        Ok(LargeSpace {
            memory: Reservation::new(pages * PAGE, 1 << 21)?,
            table: Reservation::zeroed(pages)?,
            pages,
            huge,
            kept: false,
            runs: Mutex::new(Runs { free: BTreeMap::new(), high: 0, committed: 0 }),
            high: AtomicUsize::new(0),
            used: AtomicUsize::new(0),
            dirty: AtomicUsize::new(0),
        })
    }

    /// From now on pages are touched when they are first handed out, and stay. Those of the table for the first `bytes` of
    /// the space are touched at once.
    ///
    /// # Errors
    /// That memory is out.
    pub fn keep(&mut self, bytes: usize) -> io::Result<()> {
        self.kept = true;
        self.table.populate(0, (bytes / PAGE).min(self.pages).next_multiple_of(PAGE))
    }

    fn states(&self) -> &[PageByte] {
        // SAFETY: [M2] one byte a page, zero is none.
        unsafe { self.table.table(0, self.pages) }
    }

    fn page_of(&self, address: usize) -> usize {
        (address - self.memory.base()) / PAGE
    }

    /// Whether an address belongs to the space.
    #[inline(always)]
    pub fn contains(&self, address: usize) -> bool {
        self.memory.contains(address)
    }

    /// Whether the object whose header is at this address of the space is young.
    #[inline]
    pub fn is_young(&self, address: usize) -> bool {
        self.states()[self.page_of(address)].is_young()
    }

    /// Whether an object that is not freed starts in the page of this address of the space.
    #[cfg(feature = "debug")]
    pub fn is_in_use(&self, address: usize) -> bool {
        let state = &self.states()[self.page_of(address)];
        state.is_young() || state.is_old()
    }

    /// Whether the object whose header is at this address of the space is old; acquire, as [`LargeSpace::is_young`].
    pub fn is_old(&self, address: usize) -> bool {
        self.states()[self.page_of(address)].is_old()
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Bytes of memory held, in use or not.
    pub fn held_bytes(&self) -> usize {
        self.used() + self.dirty.load(Ordering::Relaxed) * PAGE
    }

    /// Pages for an object of `bytes`, zeroed and registered as young; `None` when the space or the machine is out of
    /// memory. The page is that of the first byte, which is where the header is too: both lie in the first 16 bytes.
    pub fn alloc(&self, bytes: usize) -> Option<usize> {
        let need = bytes.div_ceil(PAGE);
        let (first, clean) = {
            let mut runs = self.runs.lock().unwrap_or_else(|e| e.into_inner());
            match runs.free.iter().find(|(_, (n, _))| *n >= need).map(|(&at, &run)| (at, run)) {
                Some((at, (n, clean))) => {
                    runs.free.remove(&at);
                    if n > need {
                        runs.free.insert(at + need, (n - need, clean));
                    }
                    (at, clean)
                }
                None => {
                    let at = runs.high;
                    let end = at + need;
                    if end > self.pages {
                        return None;
                    }
                    if end > runs.committed {
                        let target = (end * PAGE).next_multiple_of(COMMIT).min(self.pages * PAGE) / PAGE;
                        let from = runs.committed;
                        self.memory.commit(from * PAGE, (target - from) * PAGE).ok()?;
                        runs.committed = target;
                    }
                    runs.high = end;
                    // Release, [M-fresh]: who walks the pages finds them committed.
                    self.high.store(end, Ordering::Release);
                    (at, true)
                }
            }
        };
        let address = self.memory.base() + first * PAGE;
        if self.huge && bytes >= HUGE {
            self.memory.advise_huge(first * PAGE, need * PAGE, true);
        }
        if clean && self.kept && self.memory.populate(first * PAGE, need * PAGE).is_err() {
            let mut runs = self.runs.lock().unwrap_or_else(|e| e.into_inner());
            self.insert_run(&mut runs, first, need, true);
            return None;
        }
        if !clean {
            self.dirty.fetch_sub(need, Ordering::Relaxed);
            // SAFETY: [M3] the run was free and is ours now; it is committed.
            unsafe { std::ptr::write_bytes(address as *mut u8, 0, need * PAGE) };
        }
        self.used.fetch_add(need * PAGE, Ordering::Relaxed);
        self.states()[first].set_young();
        Some(address)
    }

    /// The object at this address is old from now on.
    pub fn set_old(&self, address: usize) {
        self.states()[self.page_of(address)].set_old();
    }

    /// Frees the pages of an object of `bytes` that nobody can reach.
    pub fn free(&self, start: usize, bytes: usize) {
        let (first, n) = (self.page_of(start), bytes.div_ceil(PAGE));
        self.states()[first].clear();
        let clean = bytes >= RELEASE && !self.kept;
        if clean {
            self.memory.release(first * PAGE, n * PAGE);
            if self.huge && bytes >= HUGE {
                self.memory.advise_huge(first * PAGE, n * PAGE, false);
            }
        }
        self.used.fetch_sub(n * PAGE, Ordering::Relaxed);
        let mut runs = self.runs.lock().unwrap_or_else(|e| e.into_inner());
        self.insert_run(&mut runs, first, n, clean);
    }

    /// Adds a free run, joined with its neighbours; a joined run is clean only if all its parts are.
    fn insert_run(&self, runs: &mut Runs, first: usize, n: usize, clean: bool) {
        let (mut at, mut len) = (first, n);
        let mut parts = [(n, clean), (0, true), (0, true)];
        if let Some((&before, &(m, c))) = runs.free.range(..first).next_back()
            && before + m == first
        {
            runs.free.remove(&before);
            (at, len, parts[1]) = (before, m + len, (m, c));
        }
        if let Some(&(m, c)) = runs.free.get(&(first + n)) {
            runs.free.remove(&(first + n));
            (len, parts[2]) = (len + m, (m, c));
        }
        let all_clean = parts.iter().all(|(_, c)| *c);
        if !all_clean {
            // The new run counts as dirty, and so do clean neighbours that it made dirty.
            let counted = usize::from(!parts[1].1) * parts[1].0 + usize::from(!parts[2].1) * parts[2].0;
            self.dirty.fetch_add(len - counted, Ordering::Relaxed);
        }
        runs.free.insert(at, (len, all_clean));
    }

    /// Gives free runs back to the operating system while more than `reserve` bytes of them are held. A run is taken out
    /// of the map meanwhile, so that nobody waits for the system.
    pub fn trim(&self, reserve: usize) {
        while self.dirty.load(Ordering::Relaxed) * PAGE > reserve {
            let (first, n) = {
                let mut runs = self.runs.lock().unwrap_or_else(|e| e.into_inner());
                let Some((&first, &(n, _))) = runs.free.iter().find(|(_, (_, clean))| !clean) else { return };
                runs.free.remove(&first);
                (first, n)
            };
            self.dirty.fetch_sub(n, Ordering::Relaxed);
            self.memory.release(first * PAGE, n * PAGE);
            let mut runs = self.runs.lock().unwrap_or_else(|e| e.into_inner());
            self.insert_run(&mut runs, first, n, true);
        }
    }

    /// Calls `f` with the first address of every old object.
    pub fn for_each_old(&self, mut f: impl FnMut(usize)) {
        let high = self.high.load(Ordering::Acquire);
        for (page, state) in self.states()[..high].iter().enumerate() {
            if state.is_old() {
                f(self.memory.base() + page * PAGE);
            }
        }
    }

    /// Checks that old objects, whose bytes `bytes_of` answers, and free runs do not overlap, and that the table knows
    /// objects in used pages only. Answers how many are old and how many young. Any thread, while nobody sweeps.
    ///
    /// # Errors
    /// The address of a page, and what is wrong with it.
    pub fn audit(&self, bytes_of: impl Fn(usize) -> usize) -> Result<(usize, usize), (usize, String)> {
        // Whoever takes or gives back a run waits: what is in the map and in the table does not change hands meanwhile.
        let runs = self.runs.lock().unwrap_or_else(|e| e.into_inner());
        let address = |page: usize| self.memory.base() + page * PAGE;
        let mut free_end = 0;
        for (&first, &(n, _)) in &runs.free {
            if n == 0 || first < free_end || first + n > runs.high {
                return Err((address(first), format!("a free run of {n} pages overlaps another, or the end")));
            }
            free_end = first + n;
        }
        let (mut old, mut young, mut end) = (0, 0, 0);
        for (page, state) in self.states()[..runs.high].iter().enumerate() {
            // Young first: it may become old meanwhile.
            if !state.is_young() && !state.is_old() {
                continue;
            }
            let is_old = state.is_old();
            let n = if is_old { bytes_of(address(page)).div_ceil(PAGE) } else { 1 };
            if page < end || page + n > runs.high {
                return Err((address(page), format!("an object of {n} pages overlaps another, or the end")));
            }
            let before = runs.free.range(..page + n).next_back();
            if before.is_some_and(|(&first, &(pages, _))| first + pages > page) {
                return Err((address(page), format!("an object of {n} pages lies in a free run")));
            }
            end = page + n;
            if is_old { old += 1 } else { young += 1 }
        }
        Ok((old, young))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_reused_joined_and_zeroed() {
        let space = LargeSpace::new(64 << 20, true).unwrap();
        let a = space.alloc(3 * PAGE).unwrap();
        let b = space.alloc(PAGE).unwrap();
        // SAFETY: test memory that was just handed out.
        unsafe { std::ptr::write_bytes(a as *mut u8, 7, 3 * PAGE) };
        space.free(a, 3 * PAGE);
        space.free(b, PAGE);
        let c = space.alloc(4 * PAGE).unwrap();
        assert_eq!(c, a, "the two runs were joined");
        // SAFETY: as above.
        let bytes = unsafe { std::slice::from_raw_parts(c as *const u8, 4 * PAGE) };
        assert!(bytes.iter().all(|&x| x == 0));
        assert!(space.is_young(c));
        space.set_old(c);
        let mut old = vec![];
        space.for_each_old(|a| old.push(a));
        assert_eq!(old, [c]);
        assert_eq!(space.used(), 4 * PAGE);
        assert!(space.alloc(65 << 20).is_none());
    }
}
