//! The buffer protocol, and memoryview.

use crate::answer::{Res, status};
use crate::err;
use crate::exc;
use crate::layout::{NULL, Ob, Py_buffer, PyVarObject, Ty, type_of};
use crate::object::{EQ, NE, bool_of, not_implemented};
use crate::own::{Own, incref};
use crate::types::PyMemoryView_Type;
use handfast_cpyext_macros::{capi, contract, slot};
use std::ffi::{c_char, c_int, c_void};
use std::ptr::{self, null_mut};

/// Bytes in a row.
pub const SIMPLE: c_int = 0;
/// Everything that a consumer may ask for without writing.
pub const FULL_RO: c_int = 0x11c;

const WRITABLE: c_int = 1;
const FORMAT: c_int = 4;
const ND: c_int = 8;
const STRIDES: c_int = 0x18;
/// The most dimensions that are looked at.
const DIMENSIONS: c_int = 64;

/// A view that is released when it goes.
#[derive(Debug)]
pub struct View(Box<Py_buffer>);

impl View {
    /// A view of an object.
    #[contract]
    pub unsafe fn of(ob: Ob, flags: c_int) -> Res<View> {
        // In a box: releasing may need the address that filling saw.
        let mut view = Box::new(unsafe_zeroed!(Py_buffer));
        PyObject_GetBuffer(ob, &raw mut *view, flags)?;
        Ok(View(view))
    }

    /// The bytes of a view in a row.
    pub fn bytes(&self) -> &[u8] {
        if self.0.len == 0 {
            return &[];
        }
        // SAFETY: [X2] a filled view that has not been released.
        unsafe { std::slice::from_raw_parts(self.0.buf.cast(), self.0.len as usize) }
    }

    /// The bytes of any view, in the order of C.
    #[contract]
    pub unsafe fn to_vec(&self) -> Vec<u8> {
        if is_contiguous(&self.0) {
            return self.bytes().to_vec();
        }
        let mut out = vec![];
        gather(&self.0, 0, self.0.buf.cast(), &mut out);
        out
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // SAFETY: [X2] filled, and released here alone.
        unsafe { PyBuffer_Release(&raw mut *self.0) };
    }
}

#[contract]
unsafe fn gather(view: &Py_buffer, dimension: c_int, at: *const u8, out: &mut Vec<u8>) {
    if dimension == view.ndim {
        out.extend_from_slice(std::slice::from_raw_parts(at, view.itemsize as usize));
        return;
    }
    let step = view.strides.offset(dimension as isize).read();
    for i in 0..view.shape.offset(dimension as isize).read() {
        let mut place = at.offset(i * step);
        if !view.suboffsets.is_null() && view.suboffsets.offset(dimension as isize).read() >= 0 {
            place = place.cast::<*const u8>().read().offset(view.suboffsets.offset(dimension as isize).read());
        }
        gather(view, dimension + 1, place, out);
    }
}

#[contract]
unsafe fn is_contiguous(view: &Py_buffer) -> bool {
    in_order(view, b'C')
}

/// Whether the bytes are in a row, with the last index running fastest (C's order), or the first (Fortran's, `F`).
#[contract]
pub unsafe fn in_order(view: &Py_buffer, order: u8) -> bool {
    if !view.suboffsets.is_null() || view.ndim > DIMENSIONS {
        return false;
    }
    if view.len == 0 {
        return true;
    }
    if view.strides.is_null() {
        return order != b'F' || view.ndim <= 1 || view.shape.is_null();
    }
    let mut expected = view.itemsize;
    for at in 0..view.ndim as isize {
        let dimension = if order == b'F' { at } else { view.ndim as isize - 1 - at };
        let items = view.shape.offset(dimension).read();
        if items > 1 && view.strides.offset(dimension).read() != expected {
            return false;
        }
        expected *= items;
    }
    true
}

/// Whether an object has a buffer.
#[capi]
pub unsafe fn PyObject_CheckBuffer(ob: Ob) -> c_int {
    c_int::from((*type_of(ob)).tp_as_buffer.as_ref().is_some_and(|table| table.bf_getbuffer.is_some()))
}

/// Fills a view of an object.
#[capi]
pub unsafe fn PyObject_GetBuffer(ob: Ob, view: *mut Py_buffer, flags: c_int) -> Res<()> {
    match (*type_of(ob)).tp_as_buffer.as_ref().and_then(|table| table.bf_getbuffer) {
        Some(get) => status(get(ob, view, flags)),
        None => err::type_error(&format!("a bytes-like object is required, not '{}'", crate::types::kind_of(ob))),
    }
}

/// Releases a view; a second time does nothing.
#[capi]
pub unsafe fn PyBuffer_Release(view: *mut Py_buffer) {
    let ob = ptr::replace(&raw mut (*view).obj, NULL);
    if ob.is_null() {
        return;
    }
    if let Some(release) = (*type_of(ob)).tp_as_buffer.as_ref().and_then(|table| table.bf_releasebuffer) {
        (*view).obj = ob;
        release(ob, view);
        (*view).obj = NULL;
    }
    crate::own::decref(ob);
}

/// Fills a view of bytes in a row.
#[contract]
pub unsafe fn fill(
    view: *mut Py_buffer,
    ob: Ob,
    buf: *mut c_void,
    len: isize,
    readonly: bool,
    flags: c_int,
) -> Res<()> {
    if readonly && flags & WRITABLE != 0 {
        return err::raise(exc::PyExc_BufferError, "Object is not writable.");
    }
    if !ob.is_null() {
        incref(ob);
    }
    let this = &mut *view;
    (this.obj, this.buf, this.len, this.itemsize, this.ndim) = (ob, buf, len, 1, 1);
    this.readonly = c_int::from(readonly);
    this.format = if flags & FORMAT != 0 { c"B".as_ptr().cast_mut() } else { null_mut() };
    this.shape = if flags & ND != 0 { &raw mut this.len } else { null_mut() };
    this.strides = if flags & STRIDES == STRIDES { &raw mut this.itemsize } else { null_mut() };
    (this.suboffsets, this.internal) = (null_mut(), null_mut());
    Ok(())
}

/// Fills a view of bytes in a row.
#[capi]
pub unsafe fn PyBuffer_FillInfo(
    view: *mut Py_buffer,
    ob: Ob,
    buf: *mut c_void,
    len: isize,
    readonly: c_int,
    flags: c_int,
) -> Res<()> {
    fill(view, ob, buf, len, readonly != 0, flags)
}

/// Whether the bytes of a view are in a row, in the order of C, of Fortran (`F`), or in either (`A`).
#[capi]
pub unsafe fn PyBuffer_IsContiguous(view: *const Py_buffer, order: c_char) -> c_int {
    let view = &*view;
    c_int::from(match order as u8 {
        b'A' => in_order(view, b'C') || in_order(view, b'F'),
        order => in_order(view, order),
    })
}

/// A memoryview.
#[repr(C)]
#[derive(Debug)]
pub struct PyMemoryViewObject {
    ob_base: PyVarObject,
    pub(crate) view: Py_buffer,
    /// Shape, strides and suboffsets, where they are its own.
    pub(crate) arrays: Option<Box<Box<[isize]>>>,
    /// What keeps the format, where that is not the exporter.
    pub(crate) exporter: Option<Own>,
}

/// The view in a memoryview.
#[contract]
pub unsafe fn view_of<'a>(ob: Ob) -> &'a mut Py_buffer {
    &mut (*ob.cast::<PyMemoryViewObject>()).view
}

/// A memoryview of an object.
#[capi]
pub unsafe fn PyMemoryView_FromObject(of: Ob) -> Res<Own> {
    let ob = crate::types::alloc_instance(&raw mut PyMemoryView_Type, 0)?;
    PyObject_GetBuffer(of, view_of(ob.ob()), FULL_RO)?;
    Ok(ob)
}

/// A memoryview of C's memory.
#[capi]
pub unsafe fn PyMemoryView_FromMemory(memory: *mut c_char, size: isize, flags: c_int) -> Res<Own> {
    const WRITE: c_int = 0x200;
    let ob = crate::types::alloc_instance(&raw mut PyMemoryView_Type, 0)?;
    fill(view_of(ob.ob()), NULL, memory.cast(), size, flags & WRITE == 0, FULL_RO)?;
    Ok(ob)
}

/// Frees a memoryview.
#[slot]
pub unsafe fn view_dealloc(ob: Ob) {
    PyBuffer_Release(view_of(ob));
    let this = ob.cast::<PyMemoryViewObject>();
    let held = ((*this).arrays.take(), (*this).exporter.take());
    crate::types::free(ob);
    drop(held);
}

/// `memoryview(...)`
#[slot]
pub unsafe fn view_new(_ty: Ty, args: Ob, _kwargs: Ob) -> Res<Own> {
    match crate::tuple::items_of(args) {
        [ob] => PyMemoryView_FromObject(*ob),
        _ => err::type_error("memoryview() takes one argument"),
    }
}

#[contract]
unsafe fn items(ob: Ob) -> isize {
    let view = view_of(ob);
    if view.ndim == 0 || view.shape.is_null() { view.len / view.itemsize.max(1) } else { view.shape.read() }
}

/// The number of items.
#[slot]
pub unsafe fn view_length(ob: Ob) -> isize {
    items(ob)
}

/// An item, of bytes in one dimension.
#[slot]
pub unsafe fn view_item(ob: Ob, at: isize) -> Res<Own> {
    let view = view_of(ob);
    if view.ndim > 1 || view.itemsize != 1 {
        return err::raise(exc::PyExc_NotImplementedError, "memoryview: items of bytes in one dimension only");
    }
    if !(0..items(ob)).contains(&at) {
        return err::index_error("index out of bounds on dimension 1");
    }
    let step = if view.strides.is_null() { 1 } else { view.strides.read() };
    crate::long::from_i64(view.buf.cast::<u8>().offset(at * step).read().into())
}

/// An item, or a part as bytes.
#[slot]
pub unsafe fn view_subscript(ob: Ob, key: Ob) -> Res<Own> {
    let length = items(ob);
    if let Some(range) = crate::slice::range_of(key, length)? {
        if range.step != 1 || view_of(ob).itemsize != 1 || !is_contiguous(view_of(ob)) {
            return err::raise(exc::PyExc_NotImplementedError, "memoryview: slices of bytes without a step only");
        }
        let part = PyMemoryView_FromObject(ob)?;
        let view = view_of(part.ob());
        view.buf = view.buf.cast::<u8>().offset(range.start * view.itemsize).cast();
        view.len = range.count as isize * view.itemsize;
        view.shape = &raw mut view.len;
        return Ok(part);
    }
    let at = crate::number::index_for(key, "memoryview: invalid slice key: ")?;
    view_item(ob, if at < 0 { at + length } else { at })
}

/// Sets an item, of bytes in one dimension, or a part of the same size.
#[slot]
pub unsafe fn view_ass_subscript(ob: Ob, key: Ob, value: Ob) -> Res<()> {
    let (view, length) = (view_of(ob), items(ob));
    if value.is_null() {
        return err::type_error("cannot delete memory");
    }
    if view.readonly != 0 {
        return err::type_error("cannot modify read-only memory");
    }
    if view.itemsize != 1 || !is_contiguous(view) {
        return err::raise(exc::PyExc_NotImplementedError, "memoryview: items of bytes in one dimension only");
    }
    let place = view.buf.cast::<u8>();
    if let Some(range) = crate::slice::range_of(key, length)? {
        let new = View::of(value, FULL_RO)?.to_vec();
        if new.len() != range.count {
            return err::value_error("memoryview assignment: lvalue and rvalue have different structures");
        }
        for (at, byte) in range.indices().zip(new) {
            place.add(at).write(byte);
        }
        return Ok(());
    }
    let at = crate::number::index_for(key, "memoryview: invalid slice key: ")?;
    let at = if at < 0 { at + length } else { at };
    if !(0..length).contains(&at) {
        return err::index_error("index out of bounds on dimension 1");
    }
    match u8::try_from(crate::number::PyNumber_AsSsize_t(value, NULL)?) {
        Ok(byte) => place.offset(at).write(byte),
        Err(_) => return err::value_error("memoryview: invalid value for format 'B'"),
    }
    Ok(())
}

/// Whether the bytes are equal to those of another object.
#[slot]
pub unsafe fn view_richcompare(a: Ob, b: Ob, op: c_int) -> Res<Own> {
    if (op != EQ && op != NE) || PyObject_CheckBuffer(b) == 0 {
        return Ok(not_implemented());
    }
    let (mine, other) = (View::of(a, FULL_RO)?, View::of(b, FULL_RO)?);
    Ok(bool_of((mine.to_vec() == other.to_vec()) == (op == EQ)))
}

/// The view's buffer is that of its object.
#[slot]
pub unsafe fn view_getbuffer(ob: Ob, to: *mut Py_buffer, flags: c_int) -> Res<()> {
    let view = view_of(ob);
    if view.readonly != 0 && flags & WRITABLE != 0 {
        return err::raise(exc::PyExc_BufferError, "memoryview: underlying buffer is not writable");
    }
    if flags & STRIDES != STRIDES && !is_contiguous(view) {
        return err::raise(exc::PyExc_BufferError, "memoryview: underlying buffer is not C-contiguous");
    }
    *to = *view;
    incref(ob);
    (*to).obj = ob;
    if ptr::eq(view.shape, &raw const view.len) {
        (*to).shape = &raw mut (*to).len;
    }
    if ptr::eq(view.strides, &raw const view.itemsize) {
        (*to).strides = &raw mut (*to).itemsize;
    }
    if flags & FORMAT == 0 {
        (*to).format = null_mut();
    }
    if flags & ND != ND {
        ((*to).shape, (*to).ndim) = (null_mut(), 1);
    }
    if flags & STRIDES != STRIDES {
        (*to).strides = null_mut();
    }
    Ok(())
}
