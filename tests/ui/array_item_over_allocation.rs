//! Nor do the items of an array or the bytes of data survive an allocation.
use handfast::{Config, Heap};

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        let array = s.alloc_array::<u64>(1).unwrap();
        let item = s.item(array, 0).unwrap();
        let data = s.alloc_bytes(b"bytes").unwrap();
        println!("{}", *item);
        let bytes = data.get(s).as_slice();
        s.collect_minor();
        println!("{bytes:?}");
    });
}
