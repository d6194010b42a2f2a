//! A root cannot be left in a thread-local for after its scope.

use handfast::{Config, Heap, Local};
use std::cell::Cell;

thread_local! {
    static KEPT: Cell<Option<Local<'static, u64>>> = const { Cell::new(None) };
}

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        let one = s.alloc(1_u64).unwrap();
        KEPT.set(Some(one));
    });
}
