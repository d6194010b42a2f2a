//! A root cannot be put into an object.
use handfast::{Local, Trace};

#[derive(Trace)]
struct Holder {
    held: Local<'static, u64>,
}

fn main() {}
