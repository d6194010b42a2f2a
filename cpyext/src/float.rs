//! float.

use crate::answer::Res;
use crate::err;
use crate::exc;
use crate::layout::{Ob, PyObject, Ty, type_of};
use crate::long::{is_int, to_big, to_f64};
use crate::object::{bool_of, holds, not_implemented};
use crate::own::Own;
use crate::spare;
use crate::types::{PyFloat_Type, PyType_IsSubtype};
use handfast_cpyext_macros::{capi, contract, slot};
use num_bigint::BigInt;
use num_traits::FromPrimitive;
use std::ffi::c_int;
use std::ptr;

/// A float.
#[repr(C)]
#[derive(Debug)]
pub struct PyFloatObject {
    ob_base: PyObject,
    pub(crate) ob_fval: f64,
}

/// A float.
#[inline]
#[contract]
pub unsafe fn from_f64(value: f64) -> Res<Own> {
    let ob = spare::alloc(size_of::<PyFloatObject>(), &raw mut PyFloat_Type);
    let Some(own) = Own::new(ob) else { return err::no_memory() };
    (*ob.cast::<PyFloatObject>()).ob_fval = value;
    Ok(own)
}

/// Whether an object is a float.
#[contract]
pub unsafe fn is_float(ob: Ob) -> bool {
    ptr::eq(type_of(ob), &raw mut PyFloat_Type) || PyType_IsSubtype(type_of(ob), &raw mut PyFloat_Type) != 0
}

/// The value of a float.
#[contract]
pub unsafe fn value(ob: Ob) -> f64 {
    (*ob.cast::<PyFloatObject>()).ob_fval
}

/// `value * 2**by`, rounded once.
pub fn scale(value: f64, by: i64) -> f64 {
    // SAFETY: [X7] a function of numbers.
    unsafe extern "C" {
        safe fn ldexp(value: f64, by: c_int) -> f64;
    }
    ldexp(value, by.clamp(-5000, 5000) as c_int)
}

/// A float or an int as a float.
#[contract]
unsafe fn number(ob: Ob) -> Res<Option<f64>> {
    if is_float(ob) {
        return Ok(Some(value(ob)));
    }
    if is_int(ob) { to_f64(ob).map(Some) } else { Ok(None) }
}

/// A float.
#[capi]
pub unsafe fn PyFloat_FromDouble(value: f64) -> Res<Own> {
    from_f64(value)
}

/// The value of a float, or of what `__float__` or `__index__` answer.
#[capi]
pub unsafe fn PyFloat_AsDouble(ob: Ob) -> Res<f64> {
    if ob.is_null() {
        let _ = err::PyErr_BadArgument();
        return Err(crate::answer::Raised);
    }
    if let Some(value) = number(ob)? {
        return Ok(value);
    }
    let table = (*type_of(ob)).tp_as_number;
    if !table.is_null() {
        if let Some(convert) = (*table).nb_float {
            let answer = crate::answer::owned(convert(ob))?;
            if !is_float(answer.ob()) {
                let (of, kind) = (crate::types::kind_of(ob), crate::types::kind_of(answer.ob()));
                return err::type_error(&format!("{of}.__float__ returned non-float (type {kind})"));
            }
            return Ok(value(answer.ob()));
        }
        if (*table).nb_index.is_some() {
            return to_f64(crate::number::PyNumber_Index(ob)?.ob());
        }
    }
    err::type_error(&format!("must be real number, not {}", crate::types::kind_of(ob)))
}

/// A float of a text.
#[capi]
pub unsafe fn PyFloat_FromString(ob: Ob) -> Res<Own> {
    let text = if crate::unicode::is_str(ob) {
        crate::unicode::to_text(ob)
    } else if crate::bytes::is_bytes(ob) {
        String::from_utf8_lossy(crate::bytes::slice(ob)).into_owned()
    } else {
        let kind = crate::types::kind_of(ob);
        return err::type_error(&format!("float() argument must be a string or a real number, not '{kind}'"));
    };
    match crate::text::parse_float(&text) {
        Some(value) => from_f64(value),
        None => {
            let shown = crate::text::str_repr(text.chars().map(u32::from));
            err::value_error(&format!("could not convert string to float: {shown}"))
        }
    }
}

#[contract]
unsafe fn binary(a: Ob, b: Ob, f: impl FnOnce(f64, f64) -> Res<f64>) -> Res<Own> {
    match (number(a)?, number(b)?) {
        (Some(a), Some(b)) => from_f64(f(a, b)?),
        _ => Ok(not_implemented()),
    }
}

fn divisor(b: f64, text: &str) -> Res<()> {
    // SAFETY: [X5] set once, when the runtime starts.
    if b == 0.0 { err::raise(unsafe { exc::PyExc_ZeroDivisionError }, text) } else { Ok(()) }
}

fn modulo(a: f64, b: f64) -> f64 {
    let rest = a % b;
    if rest != 0.0 && (b < 0.0) != (rest < 0.0) {
        rest + b
    } else if rest == 0.0 {
        0.0_f64.copysign(b)
    } else {
        rest
    }
}

fn floor_divide(a: f64, b: f64) -> f64 {
    let quotient = (a - modulo(a, b)) / b;
    if quotient == 0.0 {
        return 0.0_f64.copysign(a / b);
    }
    let floor = quotient.floor();
    if quotient - floor > 0.5 { floor + 1.0 } else { floor }
}

/// `+`
#[slot]
pub unsafe fn float_add(a: Ob, b: Ob) -> Res<Own> {
    binary(a, b, |a, b| Ok(a + b))
}

/// `-`
#[slot]
pub unsafe fn float_subtract(a: Ob, b: Ob) -> Res<Own> {
    binary(a, b, |a, b| Ok(a - b))
}

/// `*`
#[slot]
pub unsafe fn float_multiply(a: Ob, b: Ob) -> Res<Own> {
    binary(a, b, |a, b| Ok(a * b))
}

/// `/`
#[slot]
pub unsafe fn float_true_divide(a: Ob, b: Ob) -> Res<Own> {
    binary(a, b, |a, b| divisor(b, "float division by zero").map(|()| a / b))
}

/// `//`
#[slot]
pub unsafe fn float_floor_divide(a: Ob, b: Ob) -> Res<Own> {
    binary(a, b, |a, b| divisor(b, "float floor division by zero").map(|()| floor_divide(a, b)))
}

/// `%`
#[slot]
pub unsafe fn float_remainder(a: Ob, b: Ob) -> Res<Own> {
    binary(a, b, |a, b| divisor(b, "float modulo").map(|()| modulo(a, b)))
}

/// `divmod`
#[slot]
pub unsafe fn float_divmod(a: Ob, b: Ob) -> Res<Own> {
    let (Some(a), Some(b)) = (number(a)?, number(b)?) else { return Ok(not_implemented()) };
    divisor(b, "float divmod()")?;
    let (quotient, rest) = (from_f64(floor_divide(a, b))?, from_f64(modulo(a, b))?);
    crate::tuple::pack(&[quotient.ob(), rest.ob()])
}

/// `**`
#[slot]
pub unsafe fn float_power(a: Ob, b: Ob, modulus: Ob) -> Res<Own> {
    if !ptr::eq(modulus, crate::object::none()) {
        return err::type_error("pow() 3rd argument not allowed unless all arguments are integers");
    }
    binary(a, b, |a, b| {
        if a == 0.0 && b < 0.0 {
            return divisor(0.0, "0.0 cannot be raised to a negative power").map(|()| 0.0);
        }
        if a < 0.0 && a.is_finite() && b.is_finite() && b != b.floor() {
            return err::value_error("a negative number to a fractional power is complex");
        }
        let value = a.powf(b);
        if value.is_infinite() && a.is_finite() && b.is_finite() {
            return err::overflow("(34, 'Numerical result out of range')");
        }
        Ok(value)
    })
}

/// `-x`
#[slot]
pub unsafe fn float_negative(a: Ob) -> Res<Own> {
    from_f64(-value(a))
}

/// `+x`, `float(x)`
#[slot]
pub unsafe fn float_itself(a: Ob) -> Res<Own> {
    if ptr::eq(type_of(a), &raw mut PyFloat_Type) { Ok(Own::share(a)) } else { from_f64(value(a)) }
}

/// `abs(x)`
#[slot]
pub unsafe fn float_absolute(a: Ob) -> Res<Own> {
    from_f64(value(a).abs())
}

/// `bool(x)`
#[slot]
pub unsafe fn float_bool(a: Ob) -> c_int {
    c_int::from(value(a) != 0.0)
}

/// `int(x)`
#[slot]
pub unsafe fn float_int(a: Ob) -> Res<Own> {
    crate::long::PyLong_FromDouble(value(a))
}

/// `repr(x)`: the shortest text that reads as the same float.
#[slot]
pub unsafe fn float_repr(a: Ob) -> Res<Own> {
    crate::unicode::from_str(&crate::text::float_repr(value(a)))
}

/// `hash(x)`: that of an equal int, and modulo 2^61 - 1 else.
#[slot]
pub unsafe fn float_hash(a: Ob) -> isize {
    hash_f64(value(a), a)
}

fn hash_f64(value: f64, ob: Ob) -> isize {
    const BITS: i32 = 61;
    const MODULUS: u64 = (1 << BITS) - 1;
    if value.is_infinite() {
        return if value > 0.0 { 314_159 } else { -314_159 };
    }
    if value.is_nan() {
        return (ob as usize >> 4) as isize;
    }
    // 28 bits of the mantissa at a time, rotated into place.
    let bits = value.abs().to_bits();
    let (mut exponent, mut mantissa) = ((bits >> 52) as i32, bits & ((1 << 52) - 1));
    if exponent == 0 {
        exponent = 1;
    } else {
        mantissa |= 1 << 52;
    }
    let shift = (exponent - 1075).rem_euclid(BITS);
    let product = u128::from(mantissa) << shift;
    let hash = (product % u128::from(MODULUS)) as isize;
    let hash = if value < 0.0 { -hash } else { hash };
    if hash == -1 { -2 } else { hash }
}

/// Compares with a float or an int, exactly.
#[slot]
pub unsafe fn float_richcompare(a: Ob, b: Ob, op: c_int) -> Res<Own> {
    let x = value(a);
    let order = if is_float(b) {
        x.partial_cmp(&value(b))
    } else if is_int(b) {
        if x.is_nan() {
            None
        } else if x.is_infinite() {
            x.partial_cmp(&0.0)
        } else {
            let whole = BigInt::from_f64(x.trunc()).unwrap_or_default();
            let fraction = x - x.trunc();
            Some(whole.cmp(&to_big(b)).then(fraction.partial_cmp(&0.0).unwrap_or(std::cmp::Ordering::Equal)))
        }
    } else {
        return Ok(not_implemented());
    };
    Ok(bool_of(order.map_or(op == crate::object::NE, |order| holds(order, op))))
}

/// `float(...)`
#[slot]
pub unsafe fn float_new(ty: Ty, args: Ob, kwargs: Ob) -> Res<Own> {
    if !ptr::eq(ty, &raw mut PyFloat_Type) {
        let of = float_new(&raw mut PyFloat_Type, args, kwargs)?;
        let made = crate::types::alloc_instance(ty, 0)?;
        (*made.ob().cast::<PyFloatObject>()).ob_fval = value(of.ob());
        return Ok(made);
    }
    match crate::tuple::items_of(args) {
        [] => from_f64(0.0),
        [ob, ..] => crate::number::PyNumber_Float(*ob),
    }
}

macro_rules! packed {
    ($($pack:ident, $unpack:ident, $float:ty;)*) => { $(
        /// Writes the bytes of a float, the lowest first or the highest.
        #[capi]
        pub unsafe fn $pack(value: f64, to: *mut std::ffi::c_char, little_endian: c_int) -> Res<()> {
            let narrow = value as $float;
            if narrow.is_infinite() && value.is_finite() {
                return err::overflow("float too large to pack with f format");
            }
            let bytes = if little_endian != 0 { narrow.to_le_bytes() } else { narrow.to_be_bytes() };
            to.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            Ok(())
        }

        /// Reads them.
        #[capi]
        pub unsafe fn $unpack(from: *const std::ffi::c_char, little_endian: c_int) -> f64 {
            let bytes = from.cast::<[u8; size_of::<$float>()]>().read_unaligned();
            let value = if little_endian != 0 { <$float>::from_le_bytes(bytes) } else { <$float>::from_be_bytes(bytes) };
            f64::from(value)
        }
    )* };
}
packed! {
    PyFloat_Pack4, PyFloat_Unpack4, f32;
    PyFloat_Pack8, PyFloat_Unpack8, f64;
}
