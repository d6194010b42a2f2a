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
        // Else a loop takes half as long again where the linker happens to put a jump of it across two lines of the cache.
        .flag_if_supported("-Wa,-mbranches-within-32B-boundaries")
        .warnings_into_errors(false)
        .compile("handfast_bench_inline");
}
