//! Which field of a union is in use is not known.
use handfast::Trace;

#[derive(Trace)]
union Word {
    number: u64,
    float: f64,
}

fn main() {}
