//! Buffers in other orders: single items, copies in a row, and memoryviews of what a filled `Py_buffer` says.

use crate::answer::Res;
use crate::buffer::{PyMemoryView_FromObject, PyMemoryViewObject, in_order, view_of};
use crate::err;
use crate::exc;
use crate::layout::{NULL, Ob, Py_buffer};
use crate::own::Own;
use crate::types::PyMemoryView_Type;
use handfast_cpyext_macros::{capi, contract};
use std::ffi::{c_char, c_int, c_void};
use std::ptr;

const READ_WRITE: c_int = 0x200;

/// Where an item is.
#[capi]
pub unsafe fn PyBuffer_GetPointer(view: *const Py_buffer, indices: *const isize) -> *mut c_void {
    let view = &*view;
    let mut at = view.buf.cast::<u8>();
    for dimension in 0..view.ndim as isize {
        at = at.offset(view.strides.offset(dimension).read() * indices.offset(dimension).read());
        if !view.suboffsets.is_null() {
            let further = view.suboffsets.offset(dimension).read();
            if further >= 0 {
                at = at.cast::<*mut u8>().read().offset(further);
            }
        }
    }
    at.cast()
}

/// The bytes in a row: with the last index running fastest (C), or the first (`F`).
#[contract]
unsafe fn in_a_row(view: &Py_buffer, order: u8) -> Vec<u8> {
    if in_order(view, order) {
        return std::slice::from_raw_parts(view.buf.cast::<u8>(), view.len as usize).to_vec();
    }
    let dimensions = view.ndim as usize;
    let shape = std::slice::from_raw_parts(view.shape, dimensions);
    let mut fastest_first: Vec<usize> = (0..dimensions).collect();
    if order != b'F' {
        fastest_first.reverse();
    }
    let (mut out, mut indices) = (Vec::with_capacity(view.len as usize), vec![0_isize; dimensions]);
    if shape.contains(&0) {
        return out;
    }
    loop {
        let item = PyBuffer_GetPointer(view, indices.as_ptr()).cast::<u8>();
        out.extend_from_slice(std::slice::from_raw_parts(item, view.itemsize as usize));
        let next = fastest_first.iter().find(|&&dimension| {
            indices[dimension] += 1;
            let carries = indices[dimension] == shape[dimension];
            if carries {
                indices[dimension] = 0;
            }
            !carries
        });
        if next.is_none() {
            return out;
        }
    }
}

/// Copies the bytes of a view, in a row, to memory for just as many. `A` is Fortran's order where that is the view's.
#[capi]
pub unsafe fn PyBuffer_ToContiguous(to: *mut c_void, view: *const Py_buffer, size: isize, order: c_char) -> Res<()> {
    if size != (*view).len {
        return err::value_error("PyBuffer_ToContiguous: len != view->len");
    }
    let order = match order as u8 {
        b'A' if in_order(&*view, b'F') => b'F',
        order => order,
    };
    let bytes = in_a_row(&*view, order);
    to.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
    Ok(())
}

/// Gives a memoryview shape, strides and suboffsets of its own, those of `of`; without strides those of C's order.
#[contract]
unsafe fn own_arrays(ob: Ob, of: &Py_buffer) {
    let view = view_of(ob);
    let dimensions = of.ndim.max(0) as usize;
    let mut all = Vec::with_capacity(3 * dimensions);
    for dimension in 0..dimensions {
        all.push(if of.shape.is_null() { of.len / of.itemsize.max(1) } else { of.shape.add(dimension).read() });
    }
    if of.strides.is_null() {
        let mut step = of.itemsize;
        let mut strides: Vec<isize> = (0..dimensions).rev().map(|at| step_then_grow(&mut step, all[at])).collect();
        strides.reverse();
        all.extend(strides);
    } else {
        all.extend_from_slice(std::slice::from_raw_parts(of.strides, dimensions));
    }
    if !of.suboffsets.is_null() {
        all.extend_from_slice(std::slice::from_raw_parts(of.suboffsets, dimensions));
    }
    let arrays = Box::new(all.into_boxed_slice());
    let first = arrays.as_ptr().cast_mut();
    view.shape = first;
    view.strides = first.add(dimensions);
    view.suboffsets = if of.suboffsets.is_null() { ptr::null_mut() } else { first.add(2 * dimensions) };
    (*ob.cast::<PyMemoryViewObject>()).arrays = Some(arrays);
}

fn step_then_grow(step: &mut isize, items: isize) -> isize {
    let mine = *step;
    *step *= items;
    mine
}

/// A memoryview of what a filled `Py_buffer` says. It holds nothing: the memory has to outlive it.
#[capi]
pub unsafe fn PyMemoryView_FromBuffer(info: *const Py_buffer) -> Res<Own> {
    if (*info).buf.is_null() {
        return err::value_error("PyMemoryView_FromBuffer(): info->buf must not be NULL");
    }
    let ob = crate::types::alloc_instance(&raw mut PyMemoryView_Type, 0)?;
    *view_of(ob.ob()) = *info;
    (view_of(ob.ob()).obj, view_of(ob.ob()).internal) = (NULL, ptr::null_mut());
    if (*info).format.is_null() {
        view_of(ob.ob()).format = c"B".as_ptr().cast_mut();
    }
    own_arrays(ob.ob(), &*info);
    Ok(ob)
}

/// A memoryview of an object whose bytes are in a row: of itself, or to read only of a copy.
#[capi]
pub unsafe fn PyMemoryView_GetContiguous(of: Ob, kind: c_int, order: c_char) -> Res<Own> {
    let ob = PyMemoryView_FromObject(of)?;
    let view = *view_of(ob.ob());
    if kind == READ_WRITE && view.readonly != 0 {
        return err::raise(exc::PyExc_BufferError, "underlying buffer is not writable");
    }
    let order = order as u8;
    if in_order(&view, order) || (order == b'A' && in_order(&view, b'F')) {
        return Ok(ob);
    }
    if kind == READ_WRITE {
        return err::raise(exc::PyExc_BufferError, "writable contiguous buffer requested for a non-contiguous object.");
    }
    let bytes = crate::bytes::from_slice(&in_a_row(&view, order))?;
    let copy = PyMemoryView_FromObject(bytes.ob())?;
    let mut laid_out = view;
    let mut strides = vec![0; view.ndim as usize];
    let mut step = view.itemsize;
    let dimensions: Vec<usize> = (0..strides.len()).collect();
    let fastest_first: Vec<usize> = if order == b'F' { dimensions } else { dimensions.into_iter().rev().collect() };
    for dimension in fastest_first {
        strides[dimension] = step_then_grow(&mut step, view.shape.add(dimension).read());
    }
    (laid_out.strides, laid_out.suboffsets) = (strides.as_mut_ptr(), ptr::null_mut());
    own_arrays(copy.ob(), &laid_out);
    let to = view_of(copy.ob());
    // The format is the exporter's memory, which `of` keeps.
    (to.ndim, to.itemsize, to.format) = (view.ndim, view.itemsize, view.format);
    (*copy.ob().cast::<PyMemoryViewObject>()).exporter = Some(ob);
    Ok(copy)
}
