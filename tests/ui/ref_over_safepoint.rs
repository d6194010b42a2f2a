//! Nor a safepoint, nor native state, nor an inner scope; also not as a plain borrow of the contents.
use handfast::{Config, Heap};

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        let first = s.alloc(1_u64).unwrap();
        let contents: &u64 = first.get(s).contents();
        s.safepoint();
        println!("{contents}");
        let contents: &u64 = first.get(s).contents();
        s.native(|| println!("{contents}"));
        let contents: &u64 = first.get(s).contents();
        s.scope(|t| t.collect_minor());
        println!("{contents}");
    });
}
