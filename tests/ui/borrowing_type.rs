//! An object lives until the collector finds it dead, so it cannot borrow.
use handfast::Trace;

#[derive(Trace)]
struct Slice<'a> {
    bytes: &'a [u8],
}

fn main() {}
