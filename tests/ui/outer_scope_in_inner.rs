//! The outer scope is shut while an inner one is open: a root pushed on it would go with the inner one.
use handfast::{Config, Heap};

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        s.scope(|t| {
            t.safepoint();
            s.alloc(1_u64).unwrap();
        });
    });
}
