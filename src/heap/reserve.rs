//! Address ranges: reserved once, committed piece by piece, given back piece by piece.
//!
//! A reservation is an inaccessible mapping that costs no memory; [`Reservation::commit`] makes a part of it readable
//! and writable, [`Reservation::release`] drops its pages (it stays committed and reads as zero).

use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mmap_anonymous, mprotect, munmap};
use std::ffi::c_void;
use std::io;

/// A range of addresses of this process.
#[derive(Debug)]
pub struct Reservation {
    mapped: *mut c_void,
    mapped_bytes: usize,
    base: usize,
    bytes: usize,
}

// SAFETY: [M1] a reservation is a range of addresses; what its memory holds is governed by the types built on it.
unsafe impl Send for Reservation {}
// SAFETY: [M1] as above.
unsafe impl Sync for Reservation {}

impl Reservation {
    /// Reserves `bytes`, aligned to `align` (a power of two of at least a page), inaccessible.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn new(bytes: usize, align: usize) -> io::Result<Reservation> {
        Self::map(bytes, align, ProtFlags::empty())
    }

    /// As [`Reservation::new`], readable and writable from the start: for side tables, whose pages appear when they
    /// are first touched.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn zeroed(bytes: usize) -> io::Result<Reservation> {
        Self::map(bytes, 4096, ProtFlags::READ | ProtFlags::WRITE)
    }

    fn map(bytes: usize, align: usize, prot: ProtFlags) -> io::Result<Reservation> {
        let bytes = bytes.next_multiple_of(4096);
        let mapped_bytes = bytes + if align > 4096 { align } else { 0 };
        // SAFETY: [M1] a fresh private mapping at an address of the system's choice.
        let mapped = unsafe {
            mmap_anonymous(std::ptr::null_mut(), mapped_bytes, prot, MapFlags::PRIVATE | MapFlags::NORESERVE)
        }?;
        let base = (mapped as usize).next_multiple_of(align);
        Ok(Reservation { mapped, mapped_bytes, base, bytes })
    }

    /// The first address.
    #[inline(always)]
    pub fn base(&self) -> usize {
        self.base
    }

    /// Whether an address lies inside.
    #[inline(always)]
    pub fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.base) < self.bytes
    }

    /// Makes `[offset, offset + bytes)` readable and writable.
    ///
    /// # Errors
    /// What the operating system says, usually that memory is out.
    pub fn commit(&self, offset: usize, bytes: usize) -> io::Result<()> {
        debug_assert!(offset + bytes <= self.bytes);
        let at = (self.base + offset) as *mut c_void;
        // SAFETY: [M1] inside our own mapping.
        unsafe { mprotect(at, bytes, MprotectFlags::READ | MprotectFlags::WRITE) }?;
        Ok(())
    }

    /// Asks for huge pages in a committed part, or for ordinary ones.
    pub fn advise_huge(&self, offset: usize, bytes: usize, huge: bool) {
        debug_assert!(offset + bytes <= self.bytes);
        let advice = if huge { Advice::LinuxHugepage } else { Advice::LinuxNoHugepage };
        // SAFETY: [M1] inside our own mapping; advice only, so its failure is no error.
        let _ = unsafe { madvise((self.base + offset) as *mut c_void, bytes, advice) };
    }

    /// Has the operating system provide the pages of a committed part that reads as zero.
    ///
    /// # Errors
    /// That memory is out. (Linux before 5.14 knows no such request. There the process is killed.)
    pub fn populate(&self, offset: usize, bytes: usize) -> io::Result<()> {
        debug_assert!(offset + bytes <= self.bytes);
        // SAFETY: [M1] inside our own mapping; contents stay as they are.
        match unsafe { madvise((self.base + offset) as *mut c_void, bytes, Advice::LinuxPopulateWrite) } {
            Err(Errno::INVAL) => self.touch(offset, bytes),
            result => result?,
        }
        Ok(())
    }

    /// Touches the pages of a committed part that holds nothing, so that nobody waits for them later. While
    /// [`Reservation::populate`] is at work, every thread of the process that maps or unmaps anything waits for it; here they
    /// do not.
    pub fn touch(&self, offset: usize, bytes: usize) {
        debug_assert!(offset + bytes <= self.bytes);
        for page in (offset..offset + bytes).step_by(4096) {
            // SAFETY: [M1] inside our own mapping; the caller says that nothing is there.
            unsafe { ((self.base + page) as *mut u8).write_volatile(0) };
        }
    }

    /// Gives the pages of a committed part back to the operating system; they read as zero afterwards.
    pub fn release(&self, offset: usize, bytes: usize) {
        debug_assert!(offset + bytes <= self.bytes);
        // SAFETY: [M1] inside our own mapping; the caller says that nothing there is needed.
        let result = unsafe { madvise((self.base + offset) as *mut c_void, bytes, Advice::LinuxDontNeed) };
        debug_assert!(result.is_ok(), "madvise: {result:?}");
    }

    /// Has the child of a fork find its pages empty; whether the system does that.
    pub fn wipe_on_fork(&self) -> bool {
        // SAFETY: [M1] our own mapping, private and anonymous; contents stay as they are in this process.
        unsafe { madvise(self.mapped, self.mapped_bytes, Advice::LinuxWipeOnFork) }.is_ok()
    }

    /// A table of `T` at `offset`.
    ///
    /// # Safety
    /// `[offset, offset + n * size_of::<T>())` is inside, committed, aligned for `T`, only used as this table, and
    /// all zeroes are a valid `T`.
    #[inline]
    pub unsafe fn table<T: Sync>(&self, offset: usize, n: usize) -> &[T] {
        // SAFETY: [M1] the caller's promise.
        unsafe { std::slice::from_raw_parts((self.base + offset) as *const T, n) }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // SAFETY: [M1] the whole of our own mapping, of which nothing is used any more.
        let result = unsafe { munmap(self.mapped, self.mapped_bytes) };
        debug_assert!(result.is_ok(), "munmap: {result:?}");
    }
}
