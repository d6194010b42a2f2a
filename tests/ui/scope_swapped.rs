//! An inner scope cannot take the place of the outer one: each has a name of its own.

use handfast::{Config, Heap};

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    let other = Heap::new(Config::default()).unwrap();
    let mut mutator = other.attach().unwrap();
    heap.attach().unwrap().scope(|s| {
        mutator.scope(|t| {
            std::mem::swap(s, t);
        });
    });
}
