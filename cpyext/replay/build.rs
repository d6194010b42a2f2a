//! With the feature `libpython`: links `selfcheck` with the libpython of the CPython 3.11 that `PYTHON311` names, or
//! that is called `python3.11`.

use std::process::Command;

const ASK: &str =
    "import sys, sysconfig as s; assert sys.version_info[:2] == (3, 11); print(s.get_config_var('LIBDIR'))";

fn main() {
    println!("cargo:rerun-if-env-changed=PYTHON311");
    if std::env::var_os("CARGO_FEATURE_LIBPYTHON").is_none() {
        return;
    }
    let python = std::env::var("PYTHON311").unwrap_or_else(|_| "python3.11".into());
    let answer = Command::new(&python).args(["-c", ASK]).output();
    let folder = match answer {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Ok(output) => panic!("{python} is no CPython 3.11: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => panic!("{python}: {error}; PYTHON311 names a CPython 3.11"),
    };
    println!("cargo:rustc-link-search=native={folder}");
    println!("cargo:rustc-link-lib=dylib=python3.11");
    println!("cargo:rustc-link-arg-bins=-Wl,-rpath,{folder}");
    // Extensions find the functions of the C-API in the program.
    println!("cargo:rustc-link-arg-bins=-rdynamic");
}
