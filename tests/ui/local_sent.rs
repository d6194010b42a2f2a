//! A root is of the thread whose stack it is on, also for a thread that ends before the scope does.
use handfast::{Config, Heap};

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        let local = s.alloc(1_u64).unwrap();
        std::thread::scope(|threads| {
            threads.spawn(|| drop(local));
        });
    });
}
