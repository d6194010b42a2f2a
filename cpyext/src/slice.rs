//! slice, and what it means for a sequence of some length.

use crate::answer::Res;
use crate::err;
use crate::layout::{NULL, Ob, PyObject, type_of};
use crate::object::none;
use crate::own::{Own, incref, xdecref};
use crate::types::PySlice_Type;
use handfast_cpyext_macros::{capi, contract, slot};
use std::ffi::c_int;
use std::ptr;

/// A slice.
#[repr(C)]
#[derive(Debug)]
pub struct PySliceObject {
    ob_base: PyObject,
    start: Ob,
    stop: Ob,
    pub(crate) step: Ob,
}

/// The positions that a slice names.
#[derive(Debug)]
pub struct Range {
    /// The first.
    pub start: isize,
    /// The distance between two.
    pub step: isize,
    /// How many.
    pub count: usize,
}

impl Range {
    /// The positions.
    pub fn indices(&self) -> impl Iterator<Item = usize> + use<> {
        let (start, step) = (self.start, self.step);
        (0..self.count as isize).map(move |i| (start + i * step) as usize)
    }
}

/// The positions that a key names in a sequence of this length; `None` when the key is no slice.
#[contract]
pub unsafe fn range_of(key: Ob, length: isize) -> Res<Option<Range>> {
    if !ptr::eq(type_of(key), &raw mut PySlice_Type) {
        return Ok(None);
    }
    let (mut start, mut stop, mut step) = (0, 0, 0);
    PySlice_Unpack(key, &raw mut start, &raw mut stop, &raw mut step)?;
    let count = PySlice_AdjustIndices(length, &raw mut start, &raw mut stop, step);
    Ok(Some(Range { start, step, count: count as usize }))
}

/// A slice; NULL stands for None.
#[capi]
pub unsafe fn PySlice_New(start: Ob, stop: Ob, step: Ob) -> Res<Own> {
    let ob = crate::types::alloc_instance(&raw mut PySlice_Type, 0)?;
    let this = ob.ob().cast::<PySliceObject>();
    let or_none = |ob: Ob| {
        let ob = if ob.is_null() { none() } else { ob };
        incref(ob);
        ob
    };
    ((*this).start, (*this).stop, (*this).step) = (or_none(start), or_none(stop), or_none(step));
    Ok(ob)
}

/// Frees a slice.
#[slot]
pub unsafe fn slice_dealloc(ob: Ob) {
    let this = ob.cast::<PySliceObject>();
    [(*this).start, (*this).stop, (*this).step].into_iter().for_each(xdecref);
    crate::types::free(ob);
}

#[contract]
unsafe fn bound(ob: Ob, absent: isize) -> Res<isize> {
    if ptr::eq(ob, none()) {
        return Ok(absent);
    }
    if (*type_of(ob)).tp_as_number.is_null() || (*(*type_of(ob)).tp_as_number).nb_index.is_none() {
        return err::type_error("slice indices must be integers or None or have an __index__ method");
    }
    // Too large is clipped.
    crate::number::PyNumber_AsSsize_t(ob, NULL)
}

/// An index of a slice, clipped.
#[capi]
pub unsafe fn _PyEval_SliceIndex(ob: Ob, to: *mut isize) -> c_int {
    if !ptr::eq(ob, none()) {
        match bound(ob, 0) {
            Ok(value) => *to = value,
            Err(_) => return 0,
        }
    }
    1
}

/// Start, stop and step, not yet adjusted to a length.
#[capi]
pub unsafe fn PySlice_Unpack(ob: Ob, start: *mut isize, stop: *mut isize, step: *mut isize) -> Res<()> {
    let this = ob.cast::<PySliceObject>();
    let by = bound((*this).step, 1)?.max(-isize::MAX);
    if by == 0 {
        return err::value_error("slice step cannot be zero");
    }
    *step = by;
    *start = bound((*this).start, if by < 0 { isize::MAX } else { 0 })?;
    *stop = bound((*this).stop, if by < 0 { isize::MIN } else { isize::MAX })?;
    Ok(())
}

/// Adjusts start and stop to a length; answers how many positions there are.
#[capi]
pub unsafe fn PySlice_AdjustIndices(length: isize, start: *mut isize, stop: *mut isize, step: isize) -> isize {
    let (low, high) = if step < 0 { (-1, length - 1) } else { (0, length) };
    let adjust = |at: isize| if at < 0 { at.saturating_add(length).max(low) } else { at.min(high) };
    (*start, *stop) = (adjust(*start), adjust(*stop));
    if step < 0 && *stop < *start {
        (*start - *stop - 1) / -step + 1
    } else if step > 0 && *start < *stop {
        (*stop - *start - 1) / step + 1
    } else {
        0
    }
}

/// Both at once.
#[capi]
pub unsafe fn PySlice_GetIndicesEx(
    ob: Ob,
    length: isize,
    start: *mut isize,
    stop: *mut isize,
    step: *mut isize,
    count: *mut isize,
) -> Res<()> {
    PySlice_Unpack(ob, start, stop, step)?;
    *count = PySlice_AdjustIndices(length, start, stop, *step);
    Ok(())
}

/// `slice(...)`
#[slot]
pub unsafe fn slice_new(_ty: crate::layout::Ty, args: Ob, _kwargs: Ob) -> Res<Own> {
    match crate::tuple::items_of(args) {
        [stop] => PySlice_New(NULL, *stop, NULL),
        [start, stop] => PySlice_New(*start, *stop, NULL),
        [start, stop, step] => PySlice_New(*start, *stop, *step),
        _ => err::type_error("slice expected 1 to 3 arguments"),
    }
}

/// `slice(a, b, c)`
#[slot]
pub unsafe fn slice_repr(ob: Ob) -> Res<Own> {
    let this = ob.cast::<PySliceObject>();
    let text = [(*this).start, (*this).stop, (*this).step].map(|part| crate::object::repr_text(part));
    crate::unicode::from_str(&format!("slice({})", text.join(", ")))
}
