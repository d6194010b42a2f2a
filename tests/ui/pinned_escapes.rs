//! A pin does not outlive its scope.
use handfast::{Config, Heap};

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        let buffer = s.alloc_bytes(&[0; 8]).unwrap();
        let pinned = s.scope(|t| t.pin(buffer));
        println!("{:?}", pinned.as_ptr());
    });
}
