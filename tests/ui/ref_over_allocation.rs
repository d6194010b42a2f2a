//! An unrooted reference does not survive an allocation.
use handfast::{Config, Heap};

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        let first = s.alloc(1_u64).unwrap();
        let unrooted = first.get(s);
        s.alloc(2_u64).unwrap(); // may move `first`
        println!("{}", *unrooted);
    });
}
