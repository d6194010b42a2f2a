//! A misspelt option is an error.
use handfast::Trace;

#[derive(Trace)]
#[handfast(finalise)]
struct File {
    descriptor: i32,
}

fn main() {}
