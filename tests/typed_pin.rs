//! A pinned object stays in place until its last pin is dropped, and lives until its scope closes.

use handfast::{Config, Error, Heap};

#[test]
fn pins_nest_and_hold_the_address() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let buffer = s.alloc_bytes(b"in place")?;
        let outer = s.pin(buffer);
        let inner = s.pin(buffer);
        let address = outer.as_ptr();
        assert_eq!(address, inner.as_ptr());
        drop(outer);
        s.collect_minor();
        s.collect_full();
        assert_eq!(buffer.get(s).as_slice().as_ptr(), address);
        assert_eq!(inner.get(s).as_slice(), b"in place");
        let kept = inner.local();
        drop(inner);
        s.collect_full();
        assert_eq!(kept.get(s).as_slice(), b"in place");
        Ok(())
    })
}

#[test]
fn a_pin_dropped_in_native_state_is_harmless() -> Result<(), Error> {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        let buffer = s.alloc_bytes(b"in place")?;
        let pinned = s.pin(buffer);
        s.native(move || drop(pinned));
        s.collect_full();
        assert_eq!(buffer.get(s).as_slice(), b"in place");
        Ok(())
    })
}
