//! What a global root or a weak reference gives is unrooted.
use handfast::{Config, Global, Heap, Weak};

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        let local = s.alloc(1_u64).unwrap();
        let global = Global::new(s, local).unwrap();
        let weak = Weak::new(s, local).unwrap();
        let (a, b) = (global.get(s), weak.upgrade(s).unwrap());
        s.collect_full();
        println!("{} {}", *a, *b);
    });
}
