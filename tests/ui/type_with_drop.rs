//! A type in the heap has no `Drop`: memory is reused without a call. `Finalize` is for what must happen.
use handfast::{Field, Trace};

#[derive(Trace)]
struct Handle {
    next: Field<Handle>,
}

impl Drop for Handle {
    fn drop(&mut self) {}
}

fn main() {}
