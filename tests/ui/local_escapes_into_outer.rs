//! Nor through a variable of an outer scope.
use handfast::{Config, Heap};

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        let mut kept = s.alloc(1_u64).unwrap();
        s.scope(|t| {
            kept = t.alloc(2_u64).unwrap();
        });
        println!("{}", *kept.get(s));
    });
}
