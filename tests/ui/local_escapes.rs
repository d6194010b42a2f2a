//! A root does not leave its scope as a result.
use handfast::{Config, Heap};

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    let mut mutator = heap.attach().unwrap();
    let escaped = mutator.scope(|s| s.alloc(1_u64).unwrap());
    mutator.scope(|s| println!("{}", *escaped.get(s)));
}
