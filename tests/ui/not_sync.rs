//! Any thread may read a published object.
use handfast::Trace;
use std::cell::Cell;

#[derive(Trace)]
struct Counter {
    count: Cell<u64>,
}

fn main() {}
