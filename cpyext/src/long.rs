//! int: any size, in digits of 30 bits, as CPython lays it out.
//!
//! Values of 63 bits take the short way everywhere; the rest is `num-bigint`'s work, from and to digits. -5 to 256 exist
//! once.

use crate::answer::Res;
use crate::err;
use crate::layout::{Ob, PyVarObject, Ty, flag, has, type_of};
use crate::own::Own;
use crate::spare;
use crate::types::PyLong_Type;
use handfast_cpyext_macros::{capi, contract};
use num_bigint::{BigInt, BigUint, Sign};
use num_traits::{Signed, ToPrimitive, Zero};
use std::ffi::{CStr, c_char, c_int, c_long, c_void};
use std::ptr;

/// An int.
#[repr(C)]
#[derive(Debug)]
pub struct PyLongObject {
    pub(crate) ob_base: PyVarObject,
    pub(crate) ob_digit: [u32; 1],
}

const BITS: usize = 30;
const MASK: u64 = (1 << BITS) - 1;
const SMALL: std::ops::Range<i64> = -5..257;

/// The small ints, made when the runtime starts.
static mut SMALLS: [Ob; 262] = [ptr::null_mut(); 262];

/// Makes the small ints.
#[contract]
pub unsafe fn init() {
    for value in SMALL {
        let ob = alloc_i64(value).expect("memory for small ints").into_raw();
        crate::own::immortal(ob);
        SMALLS[(value - SMALL.start) as usize] = ob;
    }
}

/// Whether an object is an int.
#[inline]
pub fn is_int(ob: Ob) -> bool {
    has(ob, flag::LONG)
}

#[inline]
#[contract]
unsafe fn alloc(digits: usize, negative: bool) -> Res<Own> {
    let size = size_of::<PyVarObject>() + 4 * digits.max(1);
    let ob = spare::alloc(size, &raw mut PyLong_Type);
    let Some(own) = Own::new(ob) else { return err::no_memory() };
    (*ob.cast::<PyVarObject>()).ob_size = if negative { -(digits as isize) } else { digits as isize };
    Ok(own)
}

/// Bytes of an int.
#[contract]
pub unsafe fn size_in_memory(ob: Ob) -> usize {
    let digits = (*ob.cast::<PyVarObject>()).ob_size.unsigned_abs();
    size_of::<PyVarObject>() + 4 * digits.max(1)
}

#[contract]
unsafe fn digits(ob: Ob) -> *mut u32 {
    (&raw mut (*ob.cast::<PyLongObject>()).ob_digit).cast()
}

#[inline(never)]
#[contract]
unsafe fn alloc_magnitude(magnitude: u64, negative: bool) -> Res<Own> {
    let count = (64 - magnitude.leading_zeros() as usize).div_ceil(BITS);
    let ob = alloc(count, negative)?;
    let to = digits(ob.ob());
    for at in 0..count {
        to.add(at).write((magnitude >> (BITS * at) & MASK) as u32);
    }
    Ok(ob)
}

/// Fills memory for three digits.
#[contract]
pub unsafe fn fill_i64(ob: *mut PyLongObject, value: i64) {
    let magnitude = value.unsigned_abs();
    let count = (64 - magnitude.leading_zeros() as usize).div_ceil(BITS) as isize;
    (*ob).ob_base.ob_size = if value < 0 { -count } else { count };
    let to: *mut u32 = (&raw mut (*ob).ob_digit).cast();
    for at in 0..3 {
        to.add(at).write((magnitude >> (BITS * at) & MASK) as u32);
    }
}

#[inline]
#[contract]
unsafe fn alloc_i64(value: i64) -> Res<Own> {
    let magnitude = value.unsigned_abs();
    if magnitude <= MASK && value != 0 {
        let ob = alloc(1, value < 0)?;
        digits(ob.ob()).write(magnitude as u32);
        return Ok(ob);
    }
    alloc_magnitude(value.unsigned_abs(), value < 0)
}

/// An int.
#[inline]
#[contract]
pub unsafe fn from_i64(value: i64) -> Res<Own> {
    if SMALL.contains(&value) {
        return Ok(Own::share(SMALLS[(value - SMALL.start) as usize]));
    }
    alloc_i64(value)
}

/// An int.
#[contract]
pub unsafe fn from_u64(value: u64) -> Res<Own> {
    match i64::try_from(value) {
        Ok(value) => from_i64(value),
        Err(_) => alloc_magnitude(value, false),
    }
}

/// An int.
#[contract]
pub unsafe fn from_big(value: &BigInt) -> Res<Own> {
    if let Some(value) = value.to_i64() {
        return from_i64(value);
    }
    // Digits of 30 bits from digits of 32.
    let words: Vec<u32> = value.magnitude().iter_u32_digits().collect();
    let count = (value.bits() as usize).div_ceil(BITS);
    let ob = alloc(count, value.is_negative())?;
    let to = digits(ob.ob());
    for at in 0..count {
        let (word, shift) = (at * BITS / 32, at * BITS % 32);
        let low = u64::from(words[word]);
        let high = u64::from(words.get(word + 1).copied().unwrap_or(0));
        to.add(at).write(((low | high << 32) >> shift & MASK) as u32);
    }
    Ok(ob)
}

/// An instance of a subtype of int, with this value.
#[contract]
pub unsafe fn of_subtype(ty: Ty, value: Ob) -> Res<Own> {
    let size = (*value.cast::<PyVarObject>()).ob_size;
    let made = crate::types::alloc_instance(ty, size.unsigned_abs() as isize)?;
    (*made.ob().cast::<PyVarObject>()).ob_size = size;
    digits(made.ob()).copy_from_nonoverlapping(digits(value), size.unsigned_abs());
    Ok(made)
}

/// The value, if it has 63 bits or fewer.
#[inline]
#[contract]
pub unsafe fn to_i64(ob: Ob) -> Option<i64> {
    let size = (*ob.cast::<PyVarObject>()).ob_size;
    let from = digits(ob);
    let magnitude = match size.unsigned_abs() {
        0 => 0,
        1 => u64::from(from.read()),
        2 => u64::from(from.read()) | u64::from(from.add(1).read()) << BITS,
        3 => {
            let top = u64::from(from.add(2).read());
            if top >= 1 << 3 {
                return if top == 1 << 3 && size < 0 && from.read() == 0 && from.add(1).read() == 0 {
                    Some(i64::MIN)
                } else {
                    None
                };
            }
            u64::from(from.read()) | u64::from(from.add(1).read()) << BITS | top << (2 * BITS)
        }
        _ => return None,
    };
    Some(if size < 0 { -(magnitude as i64) } else { magnitude as i64 })
}

/// The value.
#[contract]
pub unsafe fn to_big(ob: Ob) -> BigInt {
    if let Some(value) = to_i64(ob) {
        return value.into();
    }
    let size = (*ob.cast::<PyVarObject>()).ob_size;
    let mut words = vec![0_u32; size.unsigned_abs() * BITS / 32 + 2];
    for at in 0..size.unsigned_abs() {
        let digit = u64::from(digits(ob).add(at).read());
        let (word, shift) = (at * BITS / 32, at * BITS % 32);
        let wide = digit << shift;
        words[word] |= wide as u32;
        words[word + 1] |= (wide >> 32) as u32;
    }
    BigInt::from_biguint(if size < 0 { Sign::Minus } else { Sign::Plus }, BigUint::new(words))
}

/// The int that an object stands for: itself, or what its `__index__` answers.
#[contract]
pub unsafe fn index(ob: Ob) -> Res<Own> {
    if ob.is_null() {
        return err::bad_internal_call("bad argument to internal function");
    }
    if is_int(ob) { Ok(Own::share(ob)) } else { crate::number::PyNumber_Index(ob) }
}

/// The sign.
#[contract]
pub unsafe fn sign(ob: Ob) -> c_int {
    (*ob.cast::<PyVarObject>()).ob_size.signum() as c_int
}

/// An int of C's.
#[capi]
pub unsafe fn PyLong_FromLong(value: c_long) -> Res<Own> {
    from_i64(value)
}

/// An int of C's.
#[capi]
pub unsafe fn PyLong_FromLongLong(value: i64) -> Res<Own> {
    from_i64(value)
}

/// An int of C's.
#[capi]
pub unsafe fn PyLong_FromSsize_t(value: isize) -> Res<Own> {
    from_i64(value as i64)
}

/// An int of C's.
#[capi]
pub unsafe fn PyLong_FromUnsignedLong(value: u64) -> Res<Own> {
    from_u64(value)
}

/// An int of C's.
#[capi]
pub unsafe fn PyLong_FromUnsignedLongLong(value: u64) -> Res<Own> {
    from_u64(value)
}

/// An int of C's.
#[capi]
pub unsafe fn PyLong_FromSize_t(value: usize) -> Res<Own> {
    from_u64(value as u64)
}

/// An address.
#[capi]
pub unsafe fn PyLong_FromVoidPtr(value: *mut c_void) -> Res<Own> {
    from_u64(value as usize as u64)
}

/// The whole part of a float.
#[capi]
pub unsafe fn PyLong_FromDouble(value: f64) -> Res<Own> {
    use num_traits::FromPrimitive;
    match BigInt::from_f64(value.trunc()) {
        Some(value) => from_big(&value),
        None if value.is_nan() => err::value_error("cannot convert float NaN to integer"),
        None => err::overflow("cannot convert float infinity to integer"),
    }
}

/// An int of digits, in a base of 2 to 36 or one that a prefix tells (0).
#[capi]
pub unsafe fn PyLong_FromString(text: *const c_char, end: *mut *mut c_char, base: c_int) -> Res<Own> {
    let bytes = CStr::from_ptr(text);
    if !end.is_null() {
        *end = text.cast_mut().add(bytes.to_bytes().len());
    }
    parse(&bytes.to_string_lossy(), base)
}

/// An int of digits.
#[contract]
pub unsafe fn parse(text: &str, base: c_int) -> Res<Own> {
    match crate::text::parse_int(text, base) {
        Some(value) => from_big(&value),
        None => {
            let shown = crate::text::str_repr(text.chars().map(u32::from));
            err::value_error(&format!("invalid literal for int() with base {base}: {shown}"))
        }
    }
}

macro_rules! narrow {
    ($($(#[$doc:meta])* $name:ident -> $ty:ty, $text:literal;)*) => { $(
        $(#[$doc])*
        #[capi]
        pub unsafe fn $name(ob: Ob) -> Res<$ty> {
            let ob = index(ob)?;
            let value = to_i64(ob.ob()).and_then(|value| <$ty>::try_from(value).ok());
            match value.or_else(|| to_big(ob.ob()).to_i128().and_then(|value| <$ty>::try_from(value).ok())) {
                Some(value) => Ok(value),
                None => err::overflow(concat!("Python int too large to convert to C ", $text)),
            }
        }
    )* };
}
narrow! {
    /// The value.
    PyLong_AsLong -> i64, "long";
    /// The value.
    PyLong_AsLongLong -> i64, "long long";
    /// The value.
    PyLong_AsSsize_t -> isize, "ssize_t";
}

/// The value.
#[capi]
pub unsafe fn _PyLong_AsInt(ob: Ob) -> Res<i32> {
    match i32::try_from(PyLong_AsLong(ob)?) {
        Ok(value) => Ok(value),
        Err(_) => err::overflow("Python int too large to convert to C int"),
    }
}

#[contract]
unsafe fn unsigned(ob: Ob, negative: &str, large: &str) -> Res<u64> {
    if ob.is_null() || !is_int(ob) {
        return err::type_error("an integer is required");
    }
    if sign(ob) < 0 {
        return err::overflow(negative);
    }
    match to_big(ob).to_u64() {
        Some(value) => Ok(value),
        None => err::overflow(large),
    }
}

/// The value.
#[capi]
pub unsafe fn PyLong_AsUnsignedLong(ob: Ob) -> Res<u64> {
    let large = "Python int too large to convert to C unsigned long";
    unsigned(ob, "can't convert negative value to unsigned int", large)
}

/// The value.
#[capi]
pub unsafe fn PyLong_AsUnsignedLongLong(ob: Ob) -> Res<u64> {
    unsigned(ob, "can't convert negative int to unsigned", "int too big to convert")
}

/// The value.
#[capi]
pub unsafe fn PyLong_AsSize_t(ob: Ob) -> Res<usize> {
    let large = "Python int too large to convert to C size_t";
    Ok(unsigned(ob, "can't convert negative value to size_t", large)? as usize)
}

/// An address.
#[capi]
pub unsafe fn PyLong_AsVoidPtr(ob: Ob) -> Res<*mut c_void> {
    let negative = !ob.is_null() && is_int(ob) && sign(ob) < 0;
    let value = if negative { PyLong_AsLong(ob)? as usize } else { PyLong_AsUnsignedLong(ob)? as usize };
    Ok(value as *mut c_void)
}

/// The low 64 bits.
#[contract]
unsafe fn low(ob: Ob) -> Res<u64> {
    let ob = index(ob)?;
    if let Some(value) = to_i64(ob.ob()) {
        return Ok(value as u64);
    }
    let value = to_big(ob.ob());
    let magnitude = value.iter_u64_digits().next().unwrap_or(0);
    Ok(if value.is_negative() { magnitude.wrapping_neg() } else { magnitude })
}

/// The low bits.
#[capi]
pub unsafe fn PyLong_AsUnsignedLongMask(ob: Ob) -> Res<u64> {
    low(ob)
}

/// The low bits.
#[capi]
pub unsafe fn PyLong_AsUnsignedLongLongMask(ob: Ob) -> Res<u64> {
    low(ob)
}

/// The value; -1 and `*overflow` the sign when it does not fit.
#[capi]
pub unsafe fn PyLong_AsLongAndOverflow(ob: Ob, overflow: *mut c_int) -> Res<i64> {
    *overflow = 0;
    let ob = index(ob)?;
    Ok(to_i64(ob.ob()).unwrap_or_else(|| {
        *overflow = sign(ob.ob());
        -1
    }))
}

/// The value; -1 and `*overflow` the sign when it does not fit.
#[capi]
pub unsafe fn PyLong_AsLongLongAndOverflow(ob: Ob, overflow: *mut c_int) -> Res<i64> {
    PyLong_AsLongAndOverflow(ob, overflow)
}

/// The nearest float.
#[contract]
pub unsafe fn to_f64(ob: Ob) -> Res<f64> {
    if let Some(value) = to_i64(ob) {
        return Ok(value as f64);
    }
    match to_big(ob).to_f64() {
        Some(value) if value.is_finite() => Ok(value),
        _ => err::overflow("int too large to convert to float"),
    }
}

/// The nearest float.
#[capi]
pub unsafe fn PyLong_AsDouble(ob: Ob) -> Res<f64> {
    if ob.is_null() || !is_int(ob) {
        return err::type_error("an integer is required");
    }
    to_f64(ob)
}

/// An int of bytes in two's complement.
#[capi]
pub unsafe fn _PyLong_FromByteArray(bytes: *const u8, size: usize, little_endian: c_int, is_signed: c_int) -> Res<Own> {
    let bytes = if size == 0 { &[] } else { std::slice::from_raw_parts(bytes, size) };
    let value = match (little_endian != 0, is_signed != 0) {
        (true, true) => BigInt::from_signed_bytes_le(bytes),
        (false, true) => BigInt::from_signed_bytes_be(bytes),
        (true, false) => BigInt::from_bytes_le(Sign::Plus, bytes),
        (false, false) => BigInt::from_bytes_be(Sign::Plus, bytes),
    };
    from_big(&value)
}

/// The bytes of an int, in two's complement.
#[capi]
pub unsafe fn _PyLong_AsByteArray(
    ob: Ob,
    bytes: *mut u8,
    size: usize,
    little_endian: c_int,
    is_signed: c_int,
) -> Res<()> {
    let value = to_big(ob);
    if value.is_negative() && is_signed == 0 {
        return err::overflow("can't convert negative int to unsigned");
    }
    let mut all = if is_signed != 0 { value.to_signed_bytes_le() } else { value.to_bytes_le().1 };
    if value.is_zero() {
        all.clear();
    }
    if all.len() > size {
        return err::overflow("int too big to convert");
    }
    all.resize(size, if value.is_negative() { 0xff } else { 0 });
    if little_endian == 0 {
        all.reverse();
    }
    bytes.copy_from_nonoverlapping(all.as_ptr(), size);
    Ok(())
}

/// The number of bits of the magnitude.
#[capi]
pub unsafe fn _PyLong_NumBits(ob: Ob) -> usize {
    to_big(ob).bits() as usize
}

/// The sign.
#[capi]
pub unsafe fn _PyLong_Sign(ob: Ob) -> c_int {
    sign(ob)
}

/// Whether an object is an int and no bool or other subtype.
pub fn is_exact(ob: Ob) -> bool {
    ptr::eq(type_of(ob), &raw mut PyLong_Type)
}
