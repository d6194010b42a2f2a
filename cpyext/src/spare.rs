//! Memory of small objects that died, for the next ones: free lists, as CPython has them.
//!
//! Extensions make and drop small objects all the time. A dead one that C alone knew goes on a list of its thread, by size,
//! and comes back as the next object of that size, still warm. To handfast it is an object in use: unlinked, count 0,
//! which a scan passes over. The lists are short, and empty when a thread leaves or a full collection is asked for, so
//! that what handfast counts as alive then is.
//!
//! So do the arrays of short lists' items. Not in a debug build, so that the address sanitizer sees their ends.
//!
//! Not on a list: objects of more than [`LARGEST`] bytes or with items, and memory of C's own that was made an object. In
//! a checked build none is: it wants to see each death.

use crate::layout::{Ob, Ty, raw_ob};
use crate::runtime::mutator;
use handfast::raw::{CHECKED, PyObject as RawObject};
use handfast_cpyext_macros::contract;
use std::cell::UnsafeCell;
use std::ptr::null_mut;

const GRANULE: usize = 16;
/// Bytes of the largest objects on a list.
pub const LARGEST: usize = 128;
const LISTS: usize = LARGEST / GRANULE + 1;
/// Objects on one list at most.
const LENGTH: u32 = 80;

#[derive(Clone, Copy)]
struct List {
    first: Ob,
    room: u32,
}

thread_local! {
    static SPARE: UnsafeCell<[List; LISTS]> = const { UnsafeCell::new([List { first: null_mut(), room: LENGTH }; LISTS]) };
}

/// The list of objects of this size, for a moment in which nothing else runs.
#[inline(always)]
fn with_list<R>(size: usize, f: impl FnOnce(&mut List) -> R) -> Option<R> {
    let number = size.div_ceil(GRANULE);
    if number >= LISTS || CHECKED {
        return None;
    }
    let lists = SPARE.with(UnsafeCell::get);
    // SAFETY: [X8] this thread's own, and `f` calls nothing that comes here.
    Some(f(unsafe { &mut (*lists)[number] }))
}

/// An object of so many bytes with count 1, zeroed behind the head; null when memory is out.
#[inline]
#[contract]
pub unsafe fn alloc(size: usize, ty: Ty) -> Ob {
    let taken = with_list(size, |list| {
        let ob = list.first;
        if !ob.is_null() {
            list.first = (*ob).ob_type.cast();
            list.room += 1;
        }
        ob
    });
    match taken {
        None => mutator().pyobject_new(size, ty.cast()).cast(),
        Some(ob) if ob.is_null() => mutator().pyobject_new(size.next_multiple_of(GRANULE), ty.cast()).cast(),
        Some(ob) => {
            crate::own::set(ob, 1);
            (*ob).ob_type = ty;
            // Volatile: the library's function would cost more than what most objects need.
            ob.add(1).cast::<usize>().write_volatile(0);
            let mut granule = ob.byte_add(2 * GRANULE).cast::<u128>();
            let end = ob.byte_add(size.next_multiple_of(GRANULE)).cast();
            while granule < end {
                granule.write_volatile(0);
                granule = granule.add(1);
            }
            ob
        }
    }
}

/// Frees an object that [`alloc`] gave out for this size, or a larger one.
#[inline]
#[contract]
pub unsafe fn free(ob: Ob, size: usize) {
    if (*ob).ob_pypy_link == 0 { free_unlinked(ob, size) } else { RawObject::free(raw_ob(ob)) }
}

/// The same, when it is known not to be linked.
#[inline(always)]
#[contract]
pub unsafe fn free_unlinked(ob: Ob, size: usize) {
    let put = with_list(size, |list| {
        if list.room == 0 {
            return false;
        }
        list.room -= 1;
        crate::own::set(ob, 0);
        (*ob).ob_type = list.first.cast();
        list.first = ob;
        true
    });
    if put != Some(true) {
        give_back(ob);
    }
}

#[cold]
#[inline(never)]
#[contract]
unsafe fn give_back(ob: Ob) {
    RawObject::free(raw_ob(ob));
}

/// Items of the longest arrays on a list.
const LONGEST: usize = 8;
/// Whether arrays go on lists.
const KEEP_ARRAYS: bool = !cfg!(debug_assertions);

#[derive(Clone, Copy)]
struct Arrays {
    first: *mut *mut Ob,
    room: u32,
}

thread_local! {
    /// Arrays of items of lists that died, by length; memory of `malloc`. The first item is the next array.
    static ARRAYS: UnsafeCell<[Arrays; LONGEST + 1]> =
        const { UnsafeCell::new([Arrays { first: null_mut(), room: LENGTH }; LONGEST + 1]) };
}

/// Memory of `malloc` for so many items, which are not set; null when memory is out.
#[inline]
#[contract]
pub unsafe fn alloc_items(count: usize) -> *mut Ob {
    if count <= LONGEST && KEEP_ARRAYS {
        let arrays = ARRAYS.with(UnsafeCell::get);
        let list = &mut (*arrays)[count];
        if !list.first.is_null() {
            let items = list.first;
            list.first = (*items).cast();
            list.room += 1;
            return items.cast();
        }
    }
    libc::malloc(count.saturating_mul(8)).cast()
}

/// Frees what [`alloc_items`] or `malloc` gave for so many items.
#[inline]
#[contract]
pub unsafe fn free_items(items: *mut Ob, count: usize) {
    if (1..=LONGEST).contains(&count) && KEEP_ARRAYS {
        let arrays = ARRAYS.with(UnsafeCell::get);
        let list = &mut (*arrays)[count];
        if list.room > 0 {
            list.room -= 1;
            items.write(list.first.cast());
            list.first = items.cast();
            return;
        }
    }
    libc::free(items.cast());
}

/// Gives back what is on this thread's lists.
#[contract]
pub unsafe fn flush() {
    for list in &mut *ARRAYS.with(UnsafeCell::get) {
        while !list.first.is_null() {
            let items = list.first;
            list.first = (*items).cast();
            list.room += 1;
            libc::free(items.cast());
        }
    }
    for number in 0..LISTS {
        while let Some(Some(ob)) = with_list(number * GRANULE, |list| {
            let ob = list.first;
            (!ob.is_null()).then(|| {
                list.first = (*ob).ob_type.cast();
                list.room += 1;
                ob
            })
        }) {
            RawObject::free(raw_ob(ob));
        }
    }
}
