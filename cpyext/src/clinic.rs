//! What code calls that CPython's Argument Clinic has generated: its own modules, above all.

use crate::answer::{Raised, Res};
use crate::err;
use crate::layout::{NULL, Ob};
use crate::own::Own;
use crate::tuple::items_of;
use crate::{dict, number, unicode};
use handfast_cpyext_macros::{capi, contract};
use std::borrow::Cow;
use std::ffi::{CStr, c_char, c_int, c_void};

/// What a generated function tells of its parameters. Extensions fill the first three fields.
#[repr(C)]
#[derive(Debug)]
pub struct Parser {
    format: *const c_char,
    keywords: *const *const c_char,
    fname: *const c_char,
    custom_msg: *const c_char,
    rest: [usize; 5],
}

#[contract]
unsafe fn text<'a>(text: *const c_char) -> Cow<'a, str> {
    CStr::from_ptr(text).to_string_lossy()
}

fn plural(count: isize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// A `TypeError` for an argument of a wrong type.
#[capi]
pub unsafe fn _PyArg_BadArgument(function: *const c_char, which: *const c_char, wanted: *const c_char, ob: Ob) {
    let kind = if std::ptr::eq(ob, crate::object::none()) { "None".into() } else { crate::types::kind_of(ob) };
    let text = format!("{}() {} must be {}, not {kind}", text(function), text(which), text(wanted));
    let _ = err::type_error::<()>(&text);
}

/// Whether there are no arguments with names: 1 or 0.
#[capi]
pub unsafe fn _PyArg_NoKeywords(function: *const c_char, kwargs: Ob) -> c_int {
    if kwargs.is_null() || crate::dict::len(kwargs) == 0 {
        return 1;
    }
    let _ = err::type_error::<()>(&format!("{}() takes no keyword arguments", text(function)));
    0
}

/// Whether the number of positional arguments is allowed: 1 or 0.
#[capi]
pub unsafe fn _PyArg_CheckPositional(name: *const c_char, count: isize, least: isize, most: isize) -> c_int {
    if (least..=most).contains(&count) {
        return 1;
    }
    let bound = if count < least { least } else { most };
    let how = match (least == most, count < least) {
        (true, _) => "",
        (false, true) => "at least ",
        (false, false) => "at most ",
    };
    let name = if name.is_null() { "unpacked tuple".into() } else { text(name) };
    let _ = err::type_error::<()>(&format!("{name} expected {how}{bound} argument{}, got {count}", plural(bound)));
    0
}

#[contract]
unsafe fn keyword(kwargs: Ob, kwnames: Ob, values: *const Ob, name: &str) -> Res<Ob> {
    if !kwargs.is_null() {
        let key = unicode::from_str(name)?;
        return Ok(dict::get(kwargs, key.ob())?.unwrap_or(NULL));
    }
    if !kwnames.is_null() {
        for (i, &one) in items_of(kwnames).iter().enumerate() {
            if unicode::to_text(one) == name {
                return Ok(values.add(i).read());
            }
        }
    }
    Ok(NULL)
}

#[contract]
unsafe fn names(kwargs: Ob, kwnames: Ob) -> Vec<String> {
    if !kwnames.is_null() {
        return items_of(kwnames).iter().map(|&name| unicode::to_text(name)).collect();
    }
    let (mut all, mut at) = (vec![], 0);
    while let Some((name, _, _)) = if kwargs.is_null() { None } else { dict::next(kwargs, &mut at) } {
        all.push(unicode::to_text(name));
    }
    all
}

/// Arguments in the order of the parameters, NULL for those that are not given; they go to `room`.
#[capi]
#[allow(clippy::too_many_arguments, reason = "the function is CPython's")]
pub unsafe fn _PyArg_UnpackKeywords(
    args: *const Ob,
    count: isize,
    kwargs: Ob,
    kwnames: Ob,
    parser: *mut Parser,
    least: c_int,
    most: c_int,
    required: c_int,
    room: *mut Ob,
) -> Res<*const Ob> {
    let function = if (*parser).fname.is_null() { Cow::from("function") } else { text((*parser).fname) + "()" };
    let mut parameters: Vec<Cow<'_, str>> = vec![];
    while !(*parser).keywords.add(parameters.len()).read().is_null() {
        parameters.push(text((*parser).keywords.add(parameters.len()).read()));
    }
    let (least, most, given) = (least as isize, most as isize, names(kwargs, kwnames));
    let total = parameters.len();
    if count as usize + given.len() > total {
        let how = if least == total as isize { "exactly" } else { "at most" };
        let kind = if count == 0 { "keyword " } else { "" };
        let (s, all) = (plural(total as isize), count as usize + given.len());
        return err::type_error(&format!("{function} takes {how} {total} {kind}argument{s} ({all} given)"));
    }
    if count > most {
        if most == 0 {
            return err::type_error(&format!("{function} takes no positional arguments"));
        }
        let how = if least < most { "at most" } else { "exactly" };
        let s = plural(most);
        return err::type_error(&format!("{function} takes {how} {most} positional argument{s} ({count} given)"));
    }
    let positional_only = parameters.iter().take_while(|name| name.is_empty()).count();
    for (i, name) in parameters.iter().enumerate() {
        let by_name = if name.is_empty() { NULL } else { keyword(kwargs, kwnames, args.offset(count), name)? };
        let value = if (i as isize) < count { args.add(i).read() } else { by_name };
        if (i as isize) < count && !by_name.is_null() {
            return err::type_error(&format!(
                "argument for {function} given by name ('{name}') and position ({})",
                i + 1
            ));
        }
        let is_required = (i as isize) < least || (i as isize >= most && (i as isize) < most + required as isize);
        if value.is_null() && is_required {
            if i < positional_only {
                let how = if least < most { "at least" } else { "exactly" };
                let s = plural(least);
                return err::type_error(&format!(
                    "{function} takes {how} {least} positional argument{s} ({count} given)"
                ));
            }
            return err::type_error(&format!("{function} missing required argument '{name}' (pos {})", i + 1));
        }
        room.add(i).write(value);
    }
    match given.iter().find(|name| !parameters[positional_only..].iter().any(|known| known == name.as_str())) {
        Some(name) => err::type_error(&format!("'{name}' is an invalid keyword argument for {function}")),
        None => Ok(room),
    }
}

/// A converter: None leaves the default.
#[capi]
pub unsafe fn _Py_convert_optional_to_ssize_t(ob: Ob, to: *mut c_void) -> c_int {
    if std::ptr::eq(ob, crate::object::none()) {
        return 1;
    }
    if number::PyIndex_Check(ob) == 0 {
        let kind = crate::types::kind_of(ob);
        let _ = err::type_error::<()>(&format!("argument should be integer or None, not {kind}"));
        return 0;
    }
    match number::PyNumber_AsSsize_t(ob, crate::exc::PyExc_OverflowError) {
        Ok(value) => {
            to.cast::<isize>().write(value);
            1
        }
        Err(Raised) => 0,
    }
}

/// `PyNumber_Index`, under the name that CPython's own modules use.
#[capi]
pub unsafe fn _PyNumber_Index(ob: Ob) -> Res<Own> {
    number::PyNumber_Index(ob)
}
