//! An object of one heap cannot get into another, nor be used through a scope of another.

use handfast::{Config, Error, Field, Global, Heap, LinkFlags, Trace, Weak};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[derive(Trace)]
struct Cell {
    next: Field<Cell>,
}

/// What `f` panics with.
fn refused<R>(what: &str, f: impl FnOnce() -> R) {
    let Err(message) = catch_unwind(AssertUnwindSafe(f)) else { panic!("{what} was not refused") };
    let message = message.downcast_ref::<&str>().unwrap_or_else(|| panic!("{what}: not the right message"));
    assert!(message.contains("an object of one heap was used in a scope of another"), "{what}: {message}");
}

#[test]
fn objects_stay_in_their_heap() -> Result<(), Error> {
    let config = Config { gc_threads: 0, ..Config::default() };
    let (one, two) = (Heap::new(config.clone())?, Heap::new(config)?);
    let (mut first, mut second) = (one.attach()?, two.attach()?);
    first.scope(|s| {
        second.scope(|t| {
            let a = s.alloc(Cell { next: Field::null() })?;
            let b = t.alloc(Cell { next: Field::null() })?;
            let array = t.alloc_array::<Cell>(1)?;
            let (var, global) = (t.var::<Cell>(), Global::new(t, b)?);
            let weak = Weak::new(t, b)?;
            let handle = t.handle(b, 24, std::ptr::null_mut(), LinkFlags::LIGHT)?;

            refused("a local in another scope", || a.get(t));
            refused("a source", || t.set(a, |c| &c.next, b));
            refused("a local as a value", || t.set(b, |c| &c.next, a));
            refused("a reference as a value", || t.set(b, |c| &c.next, a.get(s)));
            refused("an optional value", || t.set(b, |c| &c.next, Some(a)));
            refused("an item", || t.set_item(array, 0, a));
            refused("a variable's value", || var.set(t, a));
            refused("a variable's scope", || var.set(s, a));
            refused("an empty variable's scope", || var.get(s));
            refused("a root", || t.root(a));
            refused("a pin", || drop(t.pin(a)));
            refused("an identity", || t.identity(a));
            refused("a new global", || drop(Global::new(t, a)));
            refused("a global's scope", || global.get(s));
            refused("a global's value", || global.set(t, a));
            refused("a weak reference's scope", || weak.upgrade(s));
            refused("a handle's object", || drop(t.handle(a, 24, std::ptr::null_mut(), LinkFlags::NONE)));
            refused("a handle's scope", || s.to_obj::<Cell>(&handle));
            refused("a link", || s.link_gc_owned(a, &handle, LinkFlags::NONE));

            assert_eq!(t.get(b, |c| &c.next), None);
            assert_eq!(t.item::<_, Cell>(array, 0), None);
            assert_eq!(array.get(t).len(), 1);
            assert_eq!(var.get(t), None);
            assert_eq!(global.get(t), b.get(t));
            Ok(())
        })
    })
}
