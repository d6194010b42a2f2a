//! Calls of C functions as a runtime on the heap makes them: with objects that nobody but the heap refers to.
//!
//! An argument is a reference on the heap when the call begins, and so is the answer when it has ended; in between each
//! has a `PyObject`, made when there is none (`cross::to_c`), and found again (`cross::answer_to_gc`).

use crate::answer::Res;
use crate::cross::{alloc_items, answer_to_gc, to_c};
use crate::eval::{Exception, raised};
use crate::layout::{Ob, Ty};
use crate::own::Own;
use crate::runtime::mutator;
use crate::{call, err, instance, native};
use handfast::raw::{Object, TypeInfo};
use handfast_cpyext_macros::contract;
use std::ptr::null_mut;

static OBJECTS: TypeInfo = TypeInfo::new("objects", 0).with_ref_items();

/// A root for objects that begin here, and one for the last answer.
#[derive(Debug)]
pub struct Caller {
    scope: usize,
    objects: *mut *mut Object,
    last: *mut *mut Object,
    count: usize,
}

impl Drop for Caller {
    fn drop(&mut self) {
        // SAFETY: [X4] the scope that this opened, on the same thread: the address in it keeps it there.
        unsafe { mutator().scope_close(self.scope) };
    }
}

/// One call: the argument crosses to C, the answer crosses back.
#[inline]
#[contract]
unsafe fn cross(function: Ob, p: *mut Object, last: *mut *mut Object) -> Res<()> {
    let argument = Own::new(to_c(p)).map_or_else(err::no_memory, Ok)?;
    let answer = call::with(function, &[argument.ob()])?;
    *last = answer_to_gc(answer.ob())?;
    Ok(())
}

impl Caller {
    /// With so many instances of a [`class`](crate::eval::class), each with its number as attribute `v`. On an entered thread,
    /// which drops callers in the opposite order of their making.
    ///
    /// # Errors
    /// `MemoryError`.
    pub fn new(class: &Own, count: usize) -> Result<Caller, Exception> {
        // SAFETY: [X4] this thread's; what is allocated is stored before anything else may collect.
        let made = unsafe {
            let scope = mutator().scope_open();
            let (objects, last) = (mutator().root(null_mut()), mutator().root(null_mut()));
            Caller { scope, objects, last, count }
        };
        // SAFETY: [X1] a class.
        unsafe { made.fill(class.ob().cast()) }.map_err(|_| raised())?;
        Ok(made)
    }

    #[contract]
    unsafe fn fill(&self, ty: Ty) -> Res<()> {
        *self.objects = alloc_items(&OBJECTS, self.count)?;
        let name = crate::names::get("v");
        for at in 0..self.count {
            let p = instance::with_int(ty, name.ob(), at as i64)?;
            mutator().store(*self.objects, 8 * at, p);
        }
        Ok(())
    }

    /// A counted reference of C's to an object.
    ///
    /// # Panics
    /// When there is no such object, or memory is out.
    pub fn held(&self, at: usize) -> Own {
        assert!(at < self.count, "an object of this caller");
        // SAFETY: [X4] a live object, at an offset that was checked.
        let ob = unsafe { to_c(mutator().load(*self.objects, 8 * at)) };
        Own::new(ob).expect("memory for a mirror")
    }

    /// Calls without arguments, so many times.
    ///
    /// # Errors
    /// What a call raised; also below.
    pub fn call_nothing(&self, function: &Own, calls: usize) -> Result<(), Exception> {
        // SAFETY: [X1] held objects.
        let once = || unsafe {
            *self.last = answer_to_gc(call::with(function.ob(), &[])?.ob())?;
            Ok(())
        };
        (0..calls).try_for_each(|_| once()).map_err(|_: crate::answer::Raised| raised())
    }

    /// Calls with one object, so many times.
    ///
    /// # Errors
    /// What a call raised.
    pub fn call_same(&self, function: &Own, calls: usize) -> Result<(), Exception> {
        // SAFETY: [X1] held objects; the address is asked for anew before each call.
        let once = |_| unsafe { cross(function.ob(), mutator().load(*self.objects, 0), self.last) };
        (0..calls).try_for_each(once).map_err(|_| raised())
    }

    /// Calls with each object.
    ///
    /// # Errors
    /// What a call raised.
    pub fn call_each(&self, function: &Own) -> Result<(), Exception> {
        // SAFETY: [X1] as above.
        let once = |at| unsafe { cross(function.ob(), mutator().load(*self.objects, 8 * at), self.last) };
        (0..self.count).try_for_each(once).map_err(|_| raised())
    }

    /// Calls with an instance that is made for the call.
    ///
    /// # Errors
    /// What a call raised.
    pub fn call_fresh(&self, function: &Own, class: &Own, calls: usize) -> Result<(), Exception> {
        let name = crate::names::get("v");
        // SAFETY: [X1] held objects; nothing collects between the object's making and its crossing.
        let once = |i| unsafe {
            let p = instance::with_int(class.ob().cast(), name.ob(), i as i64)?;
            cross(function.ob(), p, self.last)
        };
        (0..calls).try_for_each(once).map_err(|_| raised())
    }

    /// Calls with an int that is made for the call.
    ///
    /// # Errors
    /// What a call raised.
    pub fn call_ints(&self, function: &Own, calls: usize) -> Result<(), Exception> {
        // SAFETY: [X1] as above.
        let once = |i| unsafe { cross(function.ob(), native::int(1000 + i as i64)?, self.last) };
        (0..calls).try_for_each(once).map_err(|_| raised())
    }
}
