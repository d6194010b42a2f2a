//! Versions: what the header says at compile time, what the library says at run time, and whether they fit.

use crate::boundary;
use crate::ctypes::{HfPyobject, size_t};
use crate::status::{Failure, HfStatus};
use std::ffi::{CStr, c_char};

/// Version of this header: incompatible changes.
pub const HF_VERSION_MAJOR: u32 = 0;
/// Version of this header: additions.
pub const HF_VERSION_MINOR: u32 = 1;
/// Version of this header: corrections.
pub const HF_VERSION_PATCH: u32 = 0;
/// Number of the binary interface. It changes when a program that was compiled before cannot run any more: when a
/// layout that `handfast_inline.h` repeats changes, above all.
pub const HF_ABI: u32 = 3;

/// `"MAJOR.MINOR.PATCH"` of the library that runs. Static text. Thread: any. Collects: no.
#[unsafe(no_mangle)]
pub extern "C" fn hf_version() -> *const c_char {
    const TEXT: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(text) => text,
        Err(_) => c"",
    };
    TEXT.as_ptr()
}

/// Whether a program fits the library that runs: call it as `hf_abi_check(sizeof(hf_pyobject), HF_ABI)`.
/// Thread: any. Collects: no. Errors: `HF_ERR_ABI`.
#[unsafe(no_mangle)]
pub extern "C" fn hf_abi_check(pyobject_size: size_t, abi: u32) -> HfStatus {
    boundary::status("hf_abi_check", || {
        if abi != HF_ABI {
            let cause = format!("compiled for interface {abi}, the library has {HF_ABI}");
            return Err(Failure::new(HfStatus::HF_ERR_ABI, cause));
        }
        if pyobject_size != size_of::<HfPyobject>() {
            let cause = format!("hf_pyobject has {pyobject_size} bytes, in the library {}", size_of::<HfPyobject>());
            return Err(Failure::new(HfStatus::HF_ERR_ABI, cause));
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_version_is_the_packages() {
        let header = format!("{HF_VERSION_MAJOR}.{HF_VERSION_MINOR}.{HF_VERSION_PATCH}");
        assert_eq!(header, env!("CARGO_PKG_VERSION"));
        // SAFETY: static text.
        assert_eq!(unsafe { CStr::from_ptr(hf_version()) }.to_str(), Ok(header.as_str()));
    }

    #[test]
    fn only_the_same_interface_fits() {
        assert_eq!(hf_abi_check(24, HF_ABI), HfStatus::HF_OK);
        assert_eq!(hf_abi_check(16, HF_ABI), HfStatus::HF_ERR_ABI);
        assert_eq!(hf_abi_check(24, HF_ABI + 1), HfStatus::HF_ERR_ABI);
    }
}
