//! Compiles the functions of the Python API that take a variable number of arguments, which stable Rust cannot define,
//! and makes programs that load extensions export their symbols.

const SOURCES: [&str; 5] = ["c/getargs.c", "c/buildvalue.c", "c/format.c", "c/call.c", "c/layout.c"];

fn main() {
    let mut build = cc::Build::new();
    build.include("include").include("../ffi/include").flag("-std=c11").warnings(true).extra_warnings(true);
    for source in SOURCES {
        build.file(source);
        println!("cargo:rerun-if-changed={source}");
    }
    build.warnings_into_errors(true).flag("-Wno-unused-parameter").compile("handfast_cpyext_variadic");
    for folder in ["include", "../ffi/include"] {
        println!("cargo:rerun-if-changed={folder}");
    }
    println!("cargo:rustc-link-arg=-rdynamic");
}
