//! Links: words, both ways, bits, counts.

use super::*;
use crate::handle::link_word::LinkWord;

/// An old object without a root, held by a handle: private, or public.
fn linked(w: &World, ty: &'static TypeInfo, public: bool) -> (*mut Object, *mut PyObject) {
    // SAFETY: the object is used before anything collects.
    unsafe {
        let scope = w.m.scope_open();
        let root = w.m.root(w.m.alloc(ty));
        if public {
            w.m.publish(*root);
        }
        let ob = w.m.handle(*root, 32, null_mut(), LinkFlags::NONE);
        w.m.collect_full();
        let object = *root;
        w.m.scope_close(scope);
        (object, ob)
    }
}

#[test]
fn a_link_that_names_no_object_or_has_other_tags() {
    let w = World::new();
    for ty in [&NODE, &SLOTTED] {
        let (private, ob) = linked(&w, ty, false);
        let (public, public_ob) = linked(&w, ty, true);
        // SAFETY: both are alive: they are held.
        let words = unsafe { (&(*ob).ob_pypy_link, &(*public_ob).ob_pypy_link) };
        let values = (words.0.get().0, words.1.get().0);
        let (tag_private, tag_young) = (1 << 63, 1 << 62);
        assert_eq!(values, (private as usize | tag_private, public as usize));
        w.damage(
            Invariant::Link,
            ob as usize,
            || words.0.set(LinkWord(0x1000 | tag_private)),
            || words.0.set(LinkWord(values.0)),
        );
        w.damage(
            Invariant::Link,
            public_ob as usize,
            || words.1.set(LinkWord(0x1000)),
            || words.1.set(LinkWord(values.1)),
        );
        w.damage(
            Invariant::Link,
            ob as usize,
            || words.0.set(LinkWord(private as usize)),
            || words.0.set(LinkWord(values.0)),
        );
        w.damage(Invariant::Link, public_ob as usize, || set_flags(public, 0, PUBLIC), || set_flags(public, PUBLIC, 0));
        w.damage(
            Invariant::LinkBit,
            ob as usize,
            || words.0.set(LinkWord(values.0 | tag_young)),
            || words.0.set(LinkWord(values.0)),
        );
        // SAFETY: the references that `linked` took.
        unsafe {
            PyObject::decref(ob);
            PyObject::decref(public_ob);
        }
    }
    w.end();
}

#[test]
fn a_pair_whose_sides_do_not_lead_to_each_other() {
    let w = World::new();
    for public in [false, true] {
        let (object, ob) = linked(&w, &SLOTTED, public);
        w.damage(Invariant::LinkBack, ob as usize, || set_flags(object, 0, LINKED), || set_flags(object, LINKED, 0));
        let handle = field(object, 2);
        w.damage(Invariant::LinkBack, ob as usize, || write(handle, null_mut()), || write(handle, ob.cast()));
        // SAFETY: held; the handles of types without a slot are in the table.
        unsafe {
            let (object, other) = linked(&w, &NODE, public);
            let links = &w.m.inner().links;
            w.damage(
                Invariant::LinkBack,
                other as usize,
                || links.set_table_entry(object, null_mut()),
                || links.set_table_entry(object, other),
            );
            PyObject::decref(ob);
            PyObject::decref(other);
        }
    }
    w.end();
}

#[test]
fn a_link_that_scans_miss() {
    let w = World::new();
    for public in [false, true] {
        let (object, ob) = linked(&w, &SLOTTED, public);
        // SAFETY: held; rooted now, as an owner finds its links by its objects.
        unsafe {
            let scope = w.m.scope_open();
            w.m.root(object);
            let page = SlabHeap::page(ob.cast());
            w.damage(Invariant::LinkBit, object as usize, || page.clear_linked(ob), || page.set_linked(ob));
            w.m.scope_close(scope);
            PyObject::decref(ob);
        }
    }
    // SAFETY: this thread's links; the object is rooted.
    unsafe {
        let young = *w.young(&SLOTTED);
        let ob = w.m.pyobject_new(32, null_mut());
        w.m.link_gc_owned(young, ob, LinkFlags::LIGHT).unwrap();
        let list = &raw mut LocalLinks::of(w.record()).unwrap().young;
        w.damage(Invariant::LinkBit, young as usize, || assert_eq!((*list).pop(), Some(ob)), || (*list).push(ob));
        PyObject::decref(ob);
    }
    w.end();
}

#[test]
fn a_link_without_its_own_count() {
    let w = World::new();
    for public in [false, true] {
        let (_, ob) = linked(&w, &NODE, public);
        // SAFETY: held.
        let count = unsafe { &(*ob).ob_refcnt };
        w.damage(Invariant::LinkCount, ob as usize, || count.set(0), || count.set(2));
        // SAFETY: the reference that `linked` took.
        unsafe { PyObject::decref(ob) };
    }
    w.end();
}
