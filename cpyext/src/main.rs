//! Runs extensions.

use handfast_cpyext::{Runtime, eval, load};
use std::path::Path;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let entered = Runtime::start(&handfast::Config::default()).expect("a runtime");
    // SAFETY: [X1] the user says that it is an extension.
    match unsafe { load(Path::new(&args[0]), &args[1]) } {
        Ok(module) => println!("{}", eval::str_of(&module)),
        Err(error) => eprintln!("{error}"),
    }
    drop(entered);
}
