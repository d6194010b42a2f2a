//! A heap tells its own `PyObject`s, and those that it has adopted, from other memory.

use handfast::Config;
use handfast::raw::{Heap, PyObject};
use std::ptr::null_mut;

#[test]
fn a_heap_knows_its_own_and_adopted_objects_and_no_others() {
    let (one, other) = (Heap::new(&Config::default()).unwrap(), Heap::new(&Config::default()).unwrap());
    let m = one.attach().unwrap();
    let mut memory = [1_usize, 0, 0, 0];
    let foreign: *mut PyObject = (&raw mut memory).cast();
    // SAFETY: the mutator is this thread's; the memory outlives its adoption.
    unsafe {
        let ob = m.pyobject_new(64, null_mut());
        assert!(one.owns_pyobject(ob) && !other.owns_pyobject(ob));
        assert!(!one.owns_pyobject(foreign) && !one.owns_pyobject(null_mut()));
        m.pyobject_adopt(foreign, 32).unwrap();
        assert!(one.owns_pyobject(foreign) && !other.owns_pyobject(foreign));
        m.pyobject_disown(foreign).unwrap();
        assert!(!one.owns_pyobject(foreign));
        PyObject::decref(ob);
        m.detach();
    }
}
