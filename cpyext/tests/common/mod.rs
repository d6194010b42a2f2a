//! Compiles a C file of this folder as an extension.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The library; `None` when the compiler is not there.
pub fn compile(compiler: &str, source: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{compiler}.{source}.so"));
    let include = |folder: &str| format!("-I{}", root.join(folder).display());
    let output = Command::new(compiler)
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-g", "-shared", "-fPIC"])
        .args([include("include"), include("../ffi/include")])
        .arg(root.join("tests").join(source))
        .arg("-o")
        .arg(&library)
        .output()
        .ok()?;
    assert!(output.status.success(), "{compiler}: {}", String::from_utf8_lossy(&output.stderr));
    Some(library)
}
