//! A counted reference stays on its thread; `into_raw` is the way to hand it on.
use handfast::{Config, Heap};

fn main() {
    let heap = Heap::new(Config::default()).unwrap();
    heap.attach().unwrap().scope(|s| {
        let ob = s.pyobject(24, std::ptr::null_mut()).unwrap();
        std::thread::spawn(move || drop(ob));
    });
}
