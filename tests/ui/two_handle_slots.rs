//! An object has one handle.
use handfast::{HandleSlot, Trace};

#[derive(Trace)]
struct Twice {
    one: HandleSlot,
    two: HandleSlot,
}

const _: &[usize] = <Twice as Trace>::REFS.offsets();

fn main() {}
