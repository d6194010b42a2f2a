//! A mutator stays on the thread that attached.
use handfast::{Config, Heap};

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    let mut mutator = heap.attach().unwrap();
    std::thread::spawn(move || mutator.safepoint());
}
