//! `Scope::handle_with`: a `PyObject` whose own fields are written before anybody knows it.

use handfast::{Config, Data, Error, Global, HandleSlot, Heap, LinkFlags, PyRef, Trace};
use std::ptr::null_mut;
use std::sync::Barrier;
use std::thread;

#[derive(Trace)]
struct Number {
    value: u64,
    handle: HandleSlot,
}

/// What C sees after the head.
fn body(handle: &PyRef, len: usize) -> Vec<u8> {
    // SAFETY: as many bytes as the handle was made with, which nobody writes any more.
    unsafe { std::slice::from_raw_parts(handle.as_ptr().cast::<u8>().add(24), len) }.to_vec()
}

#[test]
fn a_new_handle_is_filled_and_an_old_one_is_not() -> Result<(), Error> {
    let heap = Heap::new(Config::default())?;
    heap.attach()?.scope(|s| {
        let text = s.alloc_bytes(b"twelve bytes")?;
        let first = s.handle_with(text, 24 + 16, null_mut(), LinkFlags::LIGHT, |text, body| {
            assert_eq!(body, [0; 16]);
            body[..12].copy_from_slice(text.as_slice());
        })?;
        assert_eq!(body(&first, 16), b"twelve bytes\0\0\0\0");
        assert_eq!(first.refcnt(), 1);
        let second = s.handle_with(text, 24, null_mut(), LinkFlags::LIGHT, |_, _| panic!("it has a handle"))?;
        assert_eq!(first.as_ptr(), second.as_ptr());
        assert_eq!(first.refcnt(), 2);
        drop(second);
        s.collect_full();
        assert_eq!(s.to_obj::<Data<u8>>(&first).map(|text| text.len()), Some(12));
        assert_eq!(body(&first, 12), b"twelve bytes");
        let small = s.handle_with(text, 23, null_mut(), LinkFlags::LIGHT, |_, _| ());
        assert!(matches!(small, Err(Error::InvalidArgument { .. })));
        Ok(())
    })
}

#[test]
fn a_panic_in_fill_links_nothing() -> Result<(), Error> {
    let heap = Heap::new(Config::default())?;
    heap.attach()?.scope(|s| {
        let number = s.alloc(Number { value: 1, handle: HandleSlot::new() })?;
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            s.handle_with(number, 64, null_mut(), LinkFlags::NONE, |_, _| panic!("no"))
        }));
        assert!(result.is_err());
        assert!(s.from_obj(number).is_none());
        assert_eq!(heap.stats().links, 0);
        Ok::<(), Error>(())
    })?;
    let report = heap.close()?;
    assert_eq!(report.objects, 0, "the memory went back");
    Ok(())
}

#[test]
fn a_handle_that_fill_makes_itself_is_the_one() -> Result<(), Error> {
    let heap = Heap::new(Config::default())?;
    heap.attach()?.scope(|s| {
        let number = s.alloc(Number { value: 1, handle: HandleSlot::new() })?;
        let mut inner = None;
        let outer = s.handle_with(number, 64, null_mut(), LinkFlags::LIGHT, |number, _| {
            inner = Some(s.handle(number, 24, null_mut(), LinkFlags::LIGHT));
        })?;
        let inner = inner.expect("fill ran")?;
        assert_eq!(inner.as_ptr(), outer.as_ptr());
        assert_eq!(outer.refcnt(), 2);
        Ok(())
    })
}

#[test]
fn threads_that_race_get_one_handle_and_find_it_filled() -> Result<(), Error> {
    const THREADS: usize = 3;
    const OBJECTS: u64 = 500;
    let heap = Heap::new(Config::default())?;
    let mut mutator = heap.attach()?;
    let numbers = mutator.scope(|s| {
        let numbers = s.alloc_array::<Number>(OBJECTS as usize)?;
        for value in 0..OBJECTS {
            let number = s.alloc(Number { value, handle: HandleSlot::new() })?;
            s.set_item(numbers, value as usize, number);
        }
        Global::new(s, numbers)
    })?;
    let start = Barrier::new(THREADS);
    let addresses = mutator.native(|| {
        thread::scope(|threads| {
            let workers: Vec<_> = (0..THREADS)
                .map(|_| {
                    threads.spawn(|| {
                        let mut mutator = heap.attach()?;
                        mutator.native(|| start.wait());
                        mutator.scope(|s| {
                            (0..OBJECTS)
                                .map(|i| {
                                    let number = numbers.get(s).item(i as usize).expect("set above");
                                    let ob =
                                        s.handle_with(number, 32, null_mut(), LinkFlags::LIGHT, |number, body| {
                                            body.copy_from_slice(&number.value.to_ne_bytes());
                                        })?;
                                    assert_eq!(body(&ob, 8), i.to_ne_bytes());
                                    Ok(ob.as_ptr().addr())
                                })
                                .collect::<Result<Vec<_>, Error>>()
                        })
                    })
                })
                .collect();
            workers.into_iter().map(|w| w.join().expect("no panic")).collect::<Result<Vec<_>, _>>()
        })
    })?;
    assert!(addresses.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(heap.stats().links, OBJECTS);
    Ok(())
}
