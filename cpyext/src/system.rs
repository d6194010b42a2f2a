//! Clocks, randomness and flags of the system that CPython lends to extensions.

use crate::answer::Res;
use crate::err;
use crate::exc;
use handfast_cpyext_macros::{capi, contract};
use std::ffi::{c_int, c_void};

/// Whether assertions are left out (`python -O`): there is no Python code here to leave them out of.
#[unsafe(no_mangle)]
#[used]
pub static mut Py_OptimizeFlag: c_int = 0;

/// The version whose meanings this API has: 3.11.
#[unsafe(no_mangle)]
#[used]
pub static Py_Version: std::ffi::c_ulong = 0x030b_00f0;

/// Whether the runtime is ending: it does not end before its process.
#[capi]
pub unsafe fn _Py_IsFinalizing() -> c_int {
    0
}

#[contract]
unsafe fn clock(id: libc::clockid_t) -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    libc::clock_gettime(id, &raw mut time);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Nanoseconds that never go back.
#[capi]
pub unsafe fn _PyTime_GetMonotonicClock() -> i64 {
    clock(libc::CLOCK_MONOTONIC)
}

/// Nanoseconds since 1970.
#[capi]
pub unsafe fn _PyTime_GetSystemClock() -> i64 {
    clock(libc::CLOCK_REALTIME)
}

/// Random bytes, without waiting for the system to have enough.
#[capi]
pub unsafe fn _PyOS_URandomNonblock(to: *mut c_void, size: isize) -> Res<()> {
    let (mut at, end) = (to.cast::<u8>(), to.cast::<u8>().offset(size));
    while at < end {
        let got = libc::getrandom(at.cast(), end.offset_from_unsigned(at), libc::GRND_NONBLOCK);
        if got < 0 {
            let error = std::io::Error::last_os_error();
            if error.kind() == std::io::ErrorKind::Interrupted {
                continue;
            }
            return err::raise(exc::PyExc_OSError, &error.to_string());
        }
        at = at.offset(got);
    }
    Ok(())
}
