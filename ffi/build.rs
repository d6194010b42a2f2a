//! Gives the shared library its soname, when it is built to be installed.
//!
//! `install.sh` sets `HANDFAST_SONAME=1`. A library that is used from the build directory has no soname, so that a
//! program linked against it finds it there under the name that cargo gave it.

use std::env;

fn main() {
    println!("cargo:rerun-if-env-changed=HANDFAST_SONAME");
    println!("cargo:rerun-if-changed=build.rs");
    let elf = env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "unix")
        && env::var("CARGO_CFG_TARGET_VENDOR").is_ok_and(|vendor| vendor != "apple");
    if elf && env::var_os("HANDFAST_SONAME").is_some() {
        let major = env!("CARGO_PKG_VERSION_MAJOR");
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libhandfast.so.{major}");
    }
}
