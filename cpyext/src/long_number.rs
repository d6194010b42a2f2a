//! int: arithmetic, comparison, `int(...)`.

use crate::answer::Res;
use crate::err;
use crate::exc;
use crate::layout::{NULL, Ob, Ty};
use crate::long::{from_big, from_i64, is_exact, is_int, sign, to_big, to_f64, to_i64};
use crate::object::{bool_of, holds, not_implemented};
use crate::own::Own;
use crate::types::PyLong_Type;
use handfast_cpyext_macros::{contract, slot};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{Signed, ToPrimitive, Zero};
use std::ffi::c_int;
use std::ptr;

#[contract]
unsafe fn binary(
    a: Ob,
    b: Ob,
    small: impl FnOnce(i64, i64) -> Option<i64>,
    big: impl FnOnce(BigInt, BigInt) -> Res<BigInt>,
) -> Res<Own> {
    if !is_int(a) || !is_int(b) {
        return Ok(not_implemented());
    }
    if let (Some(a), Some(b)) = (to_i64(a), to_i64(b))
        && let Some(answer) = small(a, b)
    {
        return from_i64(answer);
    }
    from_big(&big(to_big(a), to_big(b))?)
}

fn divisor(b: &BigInt, text: &str) -> Res<()> {
    // SAFETY: [X5] set once, when the runtime starts.
    if b.is_zero() { err::raise(unsafe { exc::PyExc_ZeroDivisionError }, text) } else { Ok(()) }
}

/// `+`
#[slot]
pub unsafe fn int_add(a: Ob, b: Ob) -> Res<Own> {
    binary(a, b, i64::checked_add, |a, b| Ok(a + b))
}

/// `-`
#[slot]
pub unsafe fn int_subtract(a: Ob, b: Ob) -> Res<Own> {
    binary(a, b, i64::checked_sub, |a, b| Ok(a - b))
}

/// `*`
#[slot]
pub unsafe fn int_multiply(a: Ob, b: Ob) -> Res<Own> {
    binary(a, b, i64::checked_mul, |a, b| Ok(a * b))
}

/// `//`
#[slot]
pub unsafe fn int_floor_divide(a: Ob, b: Ob) -> Res<Own> {
    binary(
        a,
        b,
        |_, _| None,
        |a, b| {
            divisor(&b, "integer division or modulo by zero")?;
            Ok(a.div_floor(&b))
        },
    )
}

/// `%`
#[slot]
pub unsafe fn int_remainder(a: Ob, b: Ob) -> Res<Own> {
    binary(
        a,
        b,
        |_, _| None,
        |a, b| {
            divisor(&b, "integer modulo by zero")?;
            Ok(a.mod_floor(&b))
        },
    )
}

/// `divmod`
#[slot]
pub unsafe fn int_divmod(a: Ob, b: Ob) -> Res<Own> {
    if !is_int(a) || !is_int(b) {
        return Ok(not_implemented());
    }
    let (quotient, remainder) = (int_floor_divide(a, b)?, int_remainder(a, b)?);
    crate::tuple::pack(&[quotient.ob(), remainder.ob()])
}

/// `/`
#[slot]
pub unsafe fn int_true_divide(a: Ob, b: Ob) -> Res<Own> {
    if !is_int(a) || !is_int(b) {
        return Ok(not_implemented());
    }
    divisor(&to_big(b), "division by zero")?;
    let (a, b) = (to_big(a), to_big(b));
    let exact = |n: &BigInt| n.bits() <= 53;
    if exact(&a) && exact(&b) {
        return crate::float::from_f64(a.to_f64().unwrap_or(0.0) / b.to_f64().unwrap_or(1.0));
    }
    // Scaled so that the quotient has 66 bits or more, with a sticky bit below: rounds once.
    let shift = 66 + b.bits() as i64 - a.bits() as i64;
    let (n, d) = if shift > 0 { (a.abs() << shift, b.abs()) } else { (a.abs(), b.abs() << -shift) };
    let (quotient, rest): (BigInt, BigInt) = n.div_rem(&d);
    let sticky: BigInt = (quotient << 1) + i32::from(!rest.is_zero());
    let value = sticky.to_f64().unwrap_or(f64::INFINITY);
    let scaled = crate::float::scale(value, -(shift + 1));
    if scaled.is_infinite() {
        return err::overflow("integer division result too large for a float");
    }
    crate::float::from_f64(if a.is_negative() != b.is_negative() { -scaled } else { scaled })
}

/// `**`, with a modulus or None.
#[slot]
pub unsafe fn int_power(a: Ob, b: Ob, modulus: Ob) -> Res<Own> {
    if !is_int(a) || !is_int(b) {
        return Ok(not_implemented());
    }
    let (base, exponent) = (to_big(a), to_big(b));
    if is_int(modulus) {
        let modulus = to_big(modulus);
        if modulus.is_zero() {
            return err::value_error("pow() 3rd argument cannot be 0");
        }
        let (base, exponent) = if exponent.is_negative() {
            match base.modinv(&modulus) {
                Some(inverse) => (inverse, -exponent),
                None => return err::value_error("base is not invertible for the given modulus"),
            }
        } else {
            (base, exponent)
        };
        return from_big(&base.modpow(&exponent, &modulus));
    }
    if exponent.is_negative() {
        if base.is_zero() {
            return err::raise(exc::PyExc_ZeroDivisionError, "0.0 cannot be raised to a negative power");
        }
        return crate::float::from_f64(to_f64(a)?.powf(to_f64(b)?));
    }
    match exponent.to_u32() {
        Some(exponent) if base.bits().max(1) * u64::from(exponent) < 1 << 33 => from_big(&base.pow(exponent)),
        _ if base.is_zero() || base == BigInt::from(1) => from_big(&base),
        _ => err::no_memory(),
    }
}

#[contract]
unsafe fn shift_by(b: Ob) -> Res<Option<u64>> {
    if sign(b) < 0 {
        return err::value_error("negative shift count");
    }
    Ok(to_big(b).to_u64())
}

/// `<<`
#[slot]
pub unsafe fn int_lshift(a: Ob, b: Ob) -> Res<Own> {
    if !is_int(a) || !is_int(b) {
        return Ok(not_implemented());
    }
    match shift_by(b)? {
        _ if sign(a) == 0 => from_i64(0),
        Some(by @ 0..0x1_0000_0000) => from_big(&(to_big(a) << by)),
        _ => err::overflow("too many digits in integer"),
    }
}

/// `>>`
#[slot]
pub unsafe fn int_rshift(a: Ob, b: Ob) -> Res<Own> {
    if !is_int(a) || !is_int(b) {
        return Ok(not_implemented());
    }
    match shift_by(b)? {
        Some(by) if by < to_big(a).bits() + 64 => from_big(&(to_big(a) >> by)),
        _ => from_i64(if sign(a) < 0 { -1 } else { 0 }),
    }
}

/// `&`
#[slot]
pub unsafe fn int_and(a: Ob, b: Ob) -> Res<Own> {
    binary(a, b, |a, b| Some(a & b), |a, b| Ok(a & b))
}

/// `|`
#[slot]
pub unsafe fn int_or(a: Ob, b: Ob) -> Res<Own> {
    binary(a, b, |a, b| Some(a | b), |a, b| Ok(a | b))
}

/// `^`
#[slot]
pub unsafe fn int_xor(a: Ob, b: Ob) -> Res<Own> {
    binary(a, b, |a, b| Some(a ^ b), |a, b| Ok(a ^ b))
}

/// `-x`
#[slot]
pub unsafe fn int_negative(a: Ob) -> Res<Own> {
    from_big(&-to_big(a))
}

/// `+x`, `int(x)`, `x.__index__()`
#[slot]
pub unsafe fn int_itself(a: Ob) -> Res<Own> {
    if is_exact(a) { Ok(Own::share(a)) } else { from_big(&to_big(a)) }
}

/// `abs(x)`
#[slot]
pub unsafe fn int_absolute(a: Ob) -> Res<Own> {
    from_big(&to_big(a).abs())
}

/// `~x`
#[slot]
pub unsafe fn int_invert(a: Ob) -> Res<Own> {
    from_big(&!to_big(a))
}

/// `bool(x)`
#[slot]
pub unsafe fn int_bool(a: Ob) -> c_int {
    c_int::from(sign(a) != 0)
}

/// `float(x)`
#[slot]
pub unsafe fn int_float(a: Ob) -> Res<Own> {
    crate::float::from_f64(to_f64(a)?)
}

/// `hash(x)`: the value modulo 2^61 - 1, as all numbers have it.
#[slot]
pub unsafe fn int_hash(a: Ob) -> isize {
    let modulus = (1_i64 << 61) - 1;
    let hash = match to_i64(a) {
        Some(value) => value % modulus,
        None => (to_big(a) % modulus).to_i64().unwrap_or(0),
    };
    if hash == -1 { -2 } else { hash as isize }
}

/// `repr(x)`
#[slot]
pub unsafe fn int_repr(a: Ob) -> Res<Own> {
    crate::unicode::from_str(&to_big(a).to_string())
}

/// Compares with another int.
#[slot]
pub unsafe fn int_richcompare(a: Ob, b: Ob, op: c_int) -> Res<Own> {
    if !is_int(a) || !is_int(b) {
        return Ok(not_implemented());
    }
    let order = match (to_i64(a), to_i64(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => to_big(a).cmp(&to_big(b)),
    };
    Ok(bool_of(holds(order, op)))
}

/// `int(...)`
#[slot]
pub unsafe fn int_new(ty: Ty, args: Ob, _kwargs: Ob) -> Res<Own> {
    let value = match crate::tuple::items_of(args) {
        [] => from_i64(0)?,
        [ob] => crate::number::PyNumber_Long(*ob)?,
        [ob, base, ..] => {
            let base = crate::number::PyNumber_AsSsize_t(*base, NULL)? as c_int;
            if !crate::unicode::is_str(*ob) {
                return err::type_error("int() can't convert non-string with explicit base");
            }
            crate::long::parse(&crate::unicode::to_text(*ob), base)?
        }
    };
    if ptr::eq(ty, &raw mut PyLong_Type) {
        return Ok(value);
    }
    crate::long::of_subtype(ty, value.ob())
}
