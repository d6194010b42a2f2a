//! In native state the heap cannot be used.
use handfast::{Config, Heap};

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        let local = s.alloc(1_u64).unwrap();
        s.native(|| println!("{}", *local.get(s)));
    });
}
