//! A scope is used by its own thread only.
use handfast::{Config, Heap};

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        std::thread::scope(|threads| {
            threads.spawn(|| s.safepoint());
        });
    });
}
