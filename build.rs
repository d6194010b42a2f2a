//! Lets the examples export the C interface, so that a plug-in which they load finds the functions of `handfast.h` in
//! the program itself.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-link-arg-examples=-rdynamic");
}
