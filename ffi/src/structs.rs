//! Structs that both sides fill and that grow over time: each starts with `size_t struct_size`, the size that the
//! *program* was compiled with.
//!
//! Reading: the smaller of the two sizes is copied over defaults; a struct that is larger than the library's (a newer
//! header) is accepted when everything the library does not know is zero. Writing: only what the program's size covers.
//! Nothing is ever read or written beyond what `struct_size` says.

use crate::status::Failure;
use std::ptr;

/// Larger sizes are taken for an uninitialised struct.
pub(crate) const MAX_STRUCT: usize = 4096;

/// A `#[repr(C)]` struct whose first field is `struct_size`.
///
/// # Safety
/// Any bit pattern is a value, the first field is `struct_size: usize`, and there is no padding that would have to be
/// initialised.
pub(crate) unsafe trait Growing {
    /// The struct's name, for messages.
    const NAME: &'static str;
    /// Its size in the first version of the interface: the least that a program can have.
    const FIRST: usize;
}

/// The size that the program says.
///
/// # Safety
/// `from` points at a readable `usize`, or is null.
unsafe fn stated<T: Growing>(from: *const T) -> Result<usize, Failure> {
    if from.is_null() {
        return Err(Failure::null(T::NAME));
    }
    // SAFETY: [E3] not null, so the caller promised a readable word there.
    let size = unsafe { from.cast::<usize>().read_unaligned() };
    if size < T::FIRST || size > MAX_STRUCT {
        return Err(Failure::argument(format!("{}.struct_size is {size}, not {}", T::NAME, size_of::<T>())));
    }
    Ok(size)
}

/// Copies a program's struct over `defaults`.
///
/// # Safety
/// `from` is null or points at as many readable bytes as its `struct_size` says.
pub(crate) unsafe fn read<T: Growing>(from: *const T, defaults: T) -> Result<T, Failure> {
    // SAFETY: [E3] the caller's promise covers the first word.
    let size = unsafe { stated(from) }?;
    let known = size.min(size_of::<T>());
    for offset in known..size {
        // SAFETY: [E3] below the stated size.
        if unsafe { from.cast::<u8>().add(offset).read() } != 0 {
            return Err(Failure::argument(format!("{} has fields that this library does not know", T::NAME)));
        }
    }
    let mut value = defaults;
    // SAFETY: [E3] `known` bytes are readable at `from` and writable at `value`, of which any bit pattern is valid.
    unsafe { ptr::copy_nonoverlapping(from.cast::<u8>(), (&raw mut value).cast::<u8>(), known) };
    Ok(value)
}

/// Copies a value into a program's struct, except for `struct_size`, which stays what the program set.
///
/// # Safety
/// `to` is null or points at as many writable bytes as its `struct_size` says.
pub(crate) unsafe fn write<T: Growing>(to: *mut T, value: &T) -> Result<(), Failure> {
    // SAFETY: [E3] the caller's promise covers the first word.
    let size = unsafe { stated(to.cast_const()) }?;
    // SAFETY: [E3] as the caller promised.
    unsafe { fill(to, value, size) };
    Ok(())
}

/// Copies the first `size` bytes of a value, except for `struct_size`.
///
/// # Safety
/// `size` bytes are writable at `to`.
pub(crate) unsafe fn fill<T: Growing>(to: *mut T, value: &T, size: usize) {
    let head = size_of::<usize>();
    let bytes = size.min(size_of::<T>()).saturating_sub(head);
    // SAFETY: [E3] `value` is longer than the head.
    let from = unsafe { ptr::from_ref(value).cast::<u8>().add(head) };
    // SAFETY: [E3] the caller promised `size` bytes; when there are fewer than a head, `bytes` is 0.
    let to = to.cast::<u8>().wrapping_add(head);
    // SAFETY: [E3] both sides have `bytes` bytes from there.
    unsafe { ptr::copy_nonoverlapping(from, to, bytes) };
}

/// Fills a program's struct of `size` bytes with a value, and states that size in it.
///
/// # Safety
/// `to` is null or `size` bytes are writable there.
pub(crate) unsafe fn init<T: Growing>(to: *mut T, value: &T, size: usize) -> Result<(), Failure> {
    if to.is_null() {
        return Err(Failure::null(T::NAME));
    }
    if size < T::FIRST || size > MAX_STRUCT {
        return Err(Failure::argument(format!("{size} is not the size of {}", T::NAME)));
    }
    // SAFETY: [E3] as the caller promised.
    unsafe { ptr::write_bytes(to.cast::<u8>(), 0, size) };
    // SAFETY: [E3] likewise.
    unsafe { fill(to, value, size) };
    // SAFETY: [E3] the first field, of a struct of at least the first version's size.
    unsafe { to.cast::<usize>().write_unaligned(size) };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Three {
        struct_size: usize,
        one: usize,
        two: usize,
    }
    // SAFETY: three words, any bits, the size first.
    unsafe impl Growing for Three {
        const NAME: &'static str = "three";
        const FIRST: usize = 16;
    }
    const DEFAULTS: Three = Three { struct_size: 24, one: 1, two: 2 };

    #[test]
    fn an_older_struct_gets_defaults_for_what_it_lacks() {
        let old = [16_usize, 5, 99];
        // SAFETY: the first two words are all that the size states.
        let read = unsafe { read(old.as_ptr().cast::<Three>(), DEFAULTS) }.unwrap();
        assert_eq!((read.one, read.two), (5, 2));
    }

    #[test]
    fn a_newer_struct_is_taken_when_its_new_fields_are_zero() {
        let zero = [40_usize, 5, 6, 0, 0];
        // SAFETY: 40 bytes are there.
        let value = unsafe { read(zero.as_ptr().cast::<Three>(), DEFAULTS) }.unwrap();
        assert_eq!((value.one, value.two), (5, 6));
        let set = [40_usize, 5, 6, 0, 1];
        // SAFETY: 40 bytes are there.
        assert!(unsafe { read(set.as_ptr().cast::<Three>(), DEFAULTS) }.is_err());
    }

    #[test]
    fn unusable_sizes_are_refused() {
        for size in [0_usize, 8, 15, 4097, usize::MAX] {
            let bad = [size, 0, 0];
            // SAFETY: a refused size is not followed.
            assert!(unsafe { read(bad.as_ptr().cast::<Three>(), DEFAULTS) }.is_err(), "{size}");
        }
        // SAFETY: null is refused.
        assert!(unsafe { read(ptr::null::<Three>(), DEFAULTS) }.is_err());
    }

    #[test]
    fn nothing_is_written_beyond_the_stated_size() {
        let mut out = [16_usize, 7, 7];
        // SAFETY: writable as stated.
        unsafe { write(out.as_mut_ptr().cast::<Three>(), &DEFAULTS) }.unwrap();
        assert_eq!(out, [16, 1, 7]);
        let mut out = [9_usize, 9, 9, 9, 9];
        // SAFETY: 32 bytes are there.
        unsafe { init(out.as_mut_ptr().cast::<Three>(), &DEFAULTS, 32) }.unwrap();
        assert_eq!(out, [32, 1, 2, 0, 9]);
    }
}
