//! `#[handfast(finalize)]` wants a finalizer.
use handfast::Trace;

#[derive(Trace)]
#[handfast(finalize)]
struct File {
    descriptor: i32,
}

fn main() {}
