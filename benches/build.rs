//! Compiles `c/`: what a C program gets from the inline functions of `handfast.h`.

fn main() {
    println!("cargo:rerun-if-changed=c");
    println!("cargo:rerun-if-changed=../ffi/include");
    cc::Build::new()
        .file("c/inline.c")
        .file("c/locked.c")
        .include("../ffi/include")
        .std("c11")
        .opt_level(2)
        .warnings_into_errors(false)
        .compile("handfast_bench_inline");
}
