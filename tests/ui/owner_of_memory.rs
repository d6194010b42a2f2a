//! A type that owns memory outside of the heap would leak it.
use handfast::Trace;

#[derive(Trace)]
struct Name {
    text: String,
}

fn main() {}
