//! The objects of a replay by their numbers, and the way between values of a recording and objects: [`Tables::make`] and
//! [`Tables::compare`].
//!
//! Comparing looks at objects through typed readers (`PyLong_AsLongLong` …) and at exact types, never through the
//! implementation's own `==`, which is under test too.

use crate::api::{self, Ob};
use crate::operation::{apply, call};
use crate::owned::{Owned, Raised, done, is, kind, none, text, truth};
use crate::recording::By;
use crate::value::Value;
use crate::{callback, kin, sequence};
use std::collections::HashMap;
use std::ffi::c_char;
use std::ptr::null_mut;

/// An object of the module.
#[derive(Debug)]
pub enum Slot {
    /// It is there.
    Bound(Owned),
    /// It is not, or no longer what it was in the recording: a call that made or changed it was skipped, or differed.
    Tainted,
}

/// All that a replay has by number.
#[derive(Debug, Default)]
pub struct Tables {
    /// Objects of the module.
    pub objects: HashMap<u64, Slot>,
    /// The numbers of those that are bound, by address.
    pub numbers: HashMap<usize, u64>,
    /// Lists that come again.
    pub lists: HashMap<u64, Owned>,
    /// Plain `object()`s, and ints of a class of their own.
    plain: HashMap<u64, Owned>,
    /// Stand-ins of Python functions.
    functions: HashMap<u64, Owned>,
    /// The module, each time that it was loaded.
    pub modules: Vec<Option<Owned>>,
}

/// Why two things are not the same, for people.
pub type Differs = String;

fn buffer(bytes: &[u8]) -> (*const c_char, isize) {
    (bytes.as_ptr().cast(), bytes.len() as isize)
}

/// Raised instead of an object that cannot be made.
fn lacking(what: String) -> Raised {
    Raised { kind: "replay".into(), message: what, args: None }
}

/// An int of any size, from `hex()`'s text.
fn long(hex: &str) -> Result<Owned, Raised> {
    let digits = text(hex);
    // SAFETY: [P3] base 16 takes a sign and 0x.
    unsafe { Owned::new(api::PyLong_FromString(digits.as_ptr(), null_mut(), 16)) }
}

fn bytes(of: &[u8]) -> Result<Owned, Raised> {
    let (start, size) = buffer(of);
    // SAFETY: [P3] so many bytes.
    unsafe { Owned::new(api::PyBytes_FromStringAndSize(start, size)) }
}

fn byte_array(of: &[u8]) -> Result<Owned, Raised> {
    let (start, size) = buffer(of);
    // SAFETY: [P3] so many bytes.
    unsafe { Owned::new(api::PyByteArray_FromStringAndSize(start, size)) }
}

impl Tables {
    /// A tuple of values.
    pub fn make_tuple(&mut self, items: &[Value]) -> Result<Owned, Raised> {
        let items = items.iter().map(|item| self.make(item)).collect::<Result<Vec<_>, _>>()?;
        tuple(&items)
    }

    /// A list of values.
    pub fn make_list(&mut self, items: &[Value]) -> Result<Owned, Raised> {
        // SAFETY: [P1]
        let list = unsafe { Owned::new(api::PyList_New(0)) }?;
        for item in items {
            let item = self.make(item)?;
            // SAFETY: [P1]
            done(unsafe { api::PyList_Append(list.as_ptr(), item.as_ptr()) })?;
        }
        Ok(list)
    }

    /// A dict of keyword arguments.
    pub fn make_keywords(&mut self, pairs: &[(String, Value)]) -> Result<Owned, Raised> {
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| (Value::Str(key.clone()), value.clone())).collect();
        self.make(&Value::Dict(pairs))
    }

    /// Something of the module, by name.
    fn named(&self, name: &str, load: usize) -> Result<Owned, Raised> {
        match self.modules.get(load).and_then(Option::as_ref) {
            Some(module) => module.attribute(name),
            None => Err(lacking(format!("the module was not loaded {} times", load + 1))),
        }
    }

    /// The object that a value stands for.
    pub fn make(&mut self, value: &Value) -> Result<Owned, Raised> {
        match value {
            Value::None => Ok(none()),
            Value::Bool(value) => Ok(truth(*value)),
            // SAFETY: [P1] a number.
            Value::Int(value) => unsafe { Owned::new(api::PyLong_FromLongLong(*value)) },
            Value::Long(hex) => long(hex),
            // SAFETY: [P1] a number.
            Value::Float(bits) => unsafe { Owned::new(api::PyFloat_FromDouble(f64::from_bits(*bits))) },
            Value::Str(value) => {
                let (start, size) = buffer(value.as_bytes());
                // SAFETY: [P3] so many bytes of UTF-8.
                unsafe { Owned::new(api::PyUnicode_FromStringAndSize(start, size)) }
            }
            Value::Bytes(value) => bytes(value),
            Value::ByteArray(value) => byte_array(value),
            Value::View { bytes: shown, writable } => {
                let base = if *writable { byte_array(shown) } else { bytes(shown) }?;
                // SAFETY: [P1] the view holds its base.
                unsafe { Owned::new(api::PyMemoryView_FromObject(base.as_ptr())) }
            }
            Value::Tuple(items) => self.make_tuple(items),
            Value::List(items) => self.make_list(items),
            Value::Dict(pairs) => {
                // SAFETY: [P1]
                let dict = unsafe { Owned::new(api::PyDict_New()) }?;
                for (key, value) in pairs {
                    let (key, value) = (self.make(key)?, self.make(value)?);
                    // SAFETY: [P1]
                    done(unsafe { api::PyDict_SetItem(dict.as_ptr(), key.as_ptr(), value.as_ptr()) })?;
                }
                Ok(dict)
            }
            Value::Iterator(items) => {
                let list = self.make_list(items)?;
                // SAFETY: [P1] the iterator holds its list.
                unsafe { Owned::new(api::PyObject_GetIter(list.as_ptr())) }
            }
            Value::SharedList(number) => {
                self.lists.get(number).cloned().ok_or_else(|| lacking(format!("list#{number} was not made")))
            }
            Value::Object(number) => match self.objects.get(number) {
                Some(Slot::Bound(object)) => Ok(object.clone()),
                _ => Err(lacking(format!("#{number} is not there"))),
            },
            Value::Named { name, load } => self.named(name, *load),
            Value::Plain(number) => {
                if !self.plain.contains_key(number) {
                    // SAFETY: [P2] the type, called without arguments.
                    let made = unsafe { Owned::new(api::PyObject_CallObject(kind::object(), null_mut())) }?;
                    self.plain.insert(*number, made);
                }
                Ok(self.plain[number].clone())
            }
            Value::Kin { number, value } => {
                if !self.plain.contains_key(number) {
                    let value = self.make(value)?;
                    self.plain.insert(*number, kin::new(value)?);
                }
                Ok(self.plain[number].clone())
            }
            Value::Sequence(items) => sequence::new(self.make_list(items)?),
            Value::Function(number) => {
                if !self.functions.contains_key(number) {
                    self.functions.insert(*number, callback::stand_in(*number)?);
                }
                Ok(self.functions[number].clone())
            }
            Value::Class(name) => {
                let class = class(name).ok_or_else(|| lacking(format!("type {name} is not known here")))?;
                // SAFETY: [P2]
                unsafe { Owned::from_borrowed(class) }
            }
            Value::AnyInt | Value::Addresses(_) | Value::Words(_) | Value::Unsayable(_) => {
                Err(lacking(format!("{value} is no value")))
            }
        }
    }

    /// Makes what a shared list holds what the recording says that it holds.
    pub fn set_list(&mut self, number: u64, items: &[Value]) -> Result<(), Raised> {
        let held = self.make_list(items)?;
        match self.lists.get(&number) {
            Some(list) => {
                // SAFETY: [P1] a list: the whole of it is replaced.
                done(unsafe { api::PyList_SetSlice(list.as_ptr(), 0, isize::MAX, held.as_ptr()) }).map(drop)
            }
            None => {
                self.lists.insert(number, held);
                Ok(())
            }
        }
    }

    /// Whether an object is what the recording says. A number that is not bound yet must be in `new`, and is bound to
    /// the object if that is of the type named there.
    pub fn compare(&mut self, expected: &Value, got: &Owned, new: &[(u64, String)]) -> Result<(), Differs> {
        if let Value::Object(number) = expected
            && !self.objects.contains_key(number)
        {
            let name = new.iter().find(|(new, _)| new == number).map_or("?", |(_, name)| name.as_str());
            if got.kind_name() != name {
                return Err(format!("a new {name} was expected: {}", got.shown()));
            }
            if let Some(other) = self.numbers.get(&(got.as_ptr() as usize)) {
                return Err(format!("a new {name} was expected, and not #{other} again"));
            }
            self.numbers.insert(got.as_ptr() as usize, *number);
            self.objects.insert(*number, Slot::Bound(got.clone()));
            return Ok(());
        }
        match (expected, new.is_empty()) {
            (Value::Tuple(items), false) => self.compare_row(items, got, kind::tuple(), new),
            (Value::List(items), false) => self.compare_row(items, got, kind::list(), new),
            _ => self.same(expected, got),
        }
    }

    /// The items of a tuple that come in any order, in the order of the recording: of each, `methods` are called and
    /// give its key.
    pub fn in_order(&mut self, got: &Owned, by: &By) -> Result<Owned, Differs> {
        let mut left = row(got, kind::tuple())?;
        // SAFETY: [P1]
        let none = unsafe { Owned::new(api::PyTuple_New(0)) }.map_err(|raised| raised.message)?;
        let mut found = vec![];
        for key in &by.keys {
            let matches = |item: &Owned| {
                by.methods.iter().zip(key).all(|(method, expected)| {
                    let answer = item.attribute(method).and_then(|method| call(&method, &none, None));
                    answer.is_ok_and(|answer| self.same(expected, &answer).is_ok())
                })
            };
            match left.iter().position(matches) {
                Some(i) => found.push(left.swap_remove(i)),
                None => {
                    let key: Vec<_> = key.iter().map(ToString::to_string).collect();
                    return Err(format!("no item with {:?} = {}: {}", by.methods, key.join(", "), got.shown()));
                }
            }
        }
        if left.is_empty() { tuple(&found).map_err(|raised| raised.message) } else { Err("more items".into()) }
    }

    fn compare_row(&mut self, items: &[Value], got: &Owned, of: Ob, new: &[(u64, String)]) -> Result<(), Differs> {
        let row = row(got, of)?;
        if row.len() != items.len() {
            return Err(format!("{} items instead of {}: {}", row.len(), items.len(), got.shown()));
        }
        items.iter().zip(&row).try_for_each(|(item, got)| self.compare(item, got, new))
    }

    /// Whether an object is what the recording says, all numbers being bound.
    pub fn same(&self, expected: &Value, got: &Owned) -> Result<(), Differs> {
        let differs = || format!("{expected} was expected: {}", got.shown());
        let exactly =
            |of: Ob| if is(&got.kind(), of) { Ok(()) } else { Err(format!("{}, a {}", differs(), got.kind_name())) };
        let when = |equal: bool| if equal { Ok(()) } else { Err(differs()) };
        match expected {
            Value::None => when(is(got, kind::none())),
            Value::Bool(value) => when(is(got, if *value { kind::truth() } else { kind::falsehood() })),
            Value::Int(value) => {
                exactly(kind::int())?;
                // SAFETY: [P1] an int; one that is too large raises.
                let found = unsafe { api::PyLong_AsLongLong(got.as_ptr()) };
                // SAFETY: [P1]
                let failed = found == -1 && !unsafe { api::PyErr_Occurred() }.is_null();
                if failed {
                    drop(Raised::take());
                }
                when(!failed && found == *value)
            }
            Value::Long(hex) => {
                exactly(kind::int())?;
                when(same_long(hex, got))
            }
            Value::AnyInt => exactly(kind::int()),
            Value::Float(bits) => {
                exactly(kind::float())?;
                // SAFETY: [P1] a float.
                when(unsafe { api::PyFloat_AsDouble(got.as_ptr()) }.to_bits() == *bits)
            }
            Value::Str(value) => {
                exactly(kind::str())?;
                when(got.as_str().as_ref() == Some(value))
            }
            Value::Addresses(value) => {
                exactly(kind::str())?;
                when(got.as_str().is_some_and(|text| without_addresses(&text) == *value))
            }
            Value::Words(value) => {
                exactly(kind::str())?;
                when(got.as_str().is_some_and(|text| sorted_words(&text) == *value))
            }
            Value::Bytes(value) => {
                exactly(kind::bytes())?;
                // SAFETY: [P1] bytes.
                let size = unsafe { api::PyBytes_Size(got.as_ptr()) };
                // SAFETY: [P1] bytes.
                let start = unsafe { api::PyBytes_AsString(got.as_ptr()) };
                // SAFETY: [P1] the object has so many bytes there.
                when(unsafe { std::slice::from_raw_parts(start.cast::<u8>(), size as usize) } == value)
            }
            Value::ByteArray(value) => {
                exactly(kind::bytearray())?;
                // SAFETY: [P1] a bytearray.
                let size = unsafe { api::PyByteArray_Size(got.as_ptr()) };
                // SAFETY: [P1] a bytearray.
                let start = unsafe { api::PyByteArray_AsString(got.as_ptr()) };
                // SAFETY: [P1] the object has so many bytes there.
                when(unsafe { std::slice::from_raw_parts(start.cast::<u8>(), size as usize) } == value)
            }
            Value::Tuple(items) => self.same_row(items, got, kind::tuple()),
            Value::List(items) => self.same_row(items, got, kind::list()),
            Value::Dict(pairs) => self.same_dict(pairs, got),
            Value::SharedList(number) => when(self.lists.get(number).is_some_and(|list| is(list, got.as_ptr()))),
            Value::Object(number) => match self.objects.get(number) {
                Some(Slot::Bound(object)) => when(is(object, got.as_ptr())),
                _ => Err(format!("{}, and #{number} is not there", differs())),
            },
            Value::Sequence(items) => match sequence::items(got) {
                Some(list) => self.same_row(items, &list, kind::list()),
                None => Err(differs()),
            },
            Value::Plain(number) | Value::Kin { number, .. } => {
                when(self.plain.get(number).is_some_and(|object| is(object, got.as_ptr())))
            }
            Value::Function(number) => when(self.functions.get(number).is_some_and(|f| is(f, got.as_ptr()))),
            Value::Class(name) => when(class(name).is_some_and(|class| is(got, class))),
            Value::Named { name, load } => when(self.named(name, *load).is_ok_and(|object| is(&object, got.as_ptr()))),
            // Only as an argument, afterwards: nobody else has it, so what is left can be taken.
            Value::Iterator(items) => {
                let mut left = vec![];
                while let Ok(item) = apply("next", std::slice::from_ref(got)).expect("an operation") {
                    left.push(item);
                }
                when(left.len() == items.len())?;
                items.iter().zip(&left).try_for_each(|(item, got)| self.same(item, got))
            }
            Value::View { .. } | Value::Unsayable(_) => Err(format!("{}: such results are not compared", differs())),
        }
    }

    fn same_row(&self, items: &[Value], got: &Owned, of: Ob) -> Result<(), Differs> {
        let row = row(got, of)?;
        if row.len() != items.len() {
            return Err(format!("{} items instead of {}: {}", row.len(), items.len(), got.shown()));
        }
        items.iter().zip(&row).try_for_each(|(item, got)| self.same(item, got))
    }

    fn same_dict(&self, pairs: &[(Value, Value)], got: &Owned) -> Result<(), Differs> {
        if !is(&got.kind(), kind::dict()) {
            return Err(format!("a dict was expected: {}", got.shown()));
        }
        // SAFETY: [P1] a dict.
        let size = unsafe { api::PyDict_Size(got.as_ptr()) };
        if size != pairs.len() as isize {
            return Err(format!("a dict of {} was expected: {}", pairs.len(), got.shown()));
        }
        let mut position = 0;
        for (key, value) in pairs {
            let (mut found_key, mut found_value) = (null_mut(), null_mut());
            // SAFETY: [P1] a dict that does not change while it is walked.
            let more = unsafe { api::PyDict_Next(got.as_ptr(), &mut position, &mut found_key, &mut found_value) };
            if more == 0 {
                return Err(format!("PyDict_Next ends early: {}", got.shown()));
            }
            for (expected, found) in [(key, found_key), (value, found_value)] {
                // SAFETY: [P1] borrowed from the dict.
                let found = unsafe { Owned::from_borrowed(found) }.map_err(|_| "PyDict_Next gave null".to_owned())?;
                self.same(expected, &found)?;
            }
        }
        Ok(())
    }

    /// Compares a shared list with what a recorded call made of it.
    pub fn same_shared(&self, number: u64, length: usize, items: &[(usize, Value)]) -> Result<(), Differs> {
        let list = self.lists.get(&number).ok_or_else(|| format!("list#{number} was not made"))?;
        let row = row(list, kind::list())?;
        if row.len() != length {
            return Err(format!("list#{number} has {} items instead of {length}", row.len()));
        }
        items.iter().try_for_each(|(i, item)| {
            let found = row.get(*i).ok_or_else(|| format!("list#{number} has no item {i}"))?;
            self.same(item, found).map_err(|what| format!("list#{number}[{i}]: {what}"))
        })
    }
}

/// A tuple of objects.
pub fn tuple(items: &[Owned]) -> Result<Owned, Raised> {
    // SAFETY: [P1]
    let tuple = unsafe { Owned::new(api::PyTuple_New(items.len() as isize)) }?;
    for (i, item) in items.iter().enumerate() {
        // SAFETY: [P1] a tuple that nobody else has; takes the reference over.
        done(unsafe { api::PyTuple_SetItem(tuple.as_ptr(), i as isize, item.clone().into_ptr()) })?;
    }
    Ok(tuple)
}

/// The items of a tuple or list.
fn row(got: &Owned, of: Ob) -> Result<Vec<Owned>, Differs> {
    if !is(&got.kind(), of) {
        return Err(format!("a {} was expected: {}", if of == kind::tuple() { "tuple" } else { "list" }, got.shown()));
    }
    let row = got.as_ptr();
    // SAFETY: [P1] of this very type.
    let size = unsafe { if of == kind::tuple() { api::PyTuple_Size(row) } else { api::PyList_Size(row) } };
    let item = |i| {
        // SAFETY: [P1] of this very type; borrowed from it.
        let item =
            unsafe { if of == kind::tuple() { api::PyTuple_GetItem(row, i) } else { api::PyList_GetItem(row, i) } };
        // SAFETY: [P1] as above.
        unsafe { Owned::from_borrowed(item) }.map_err(|raised| format!("item {i}: {}", raised.kind))
    };
    (0..size).map(item).collect()
}

/// Whether an int is what `hex()` wrote: by its low 64 bits, then by the implementation's own comparison, for the
/// C-API has no other reader of large ints.
fn same_long(hex: &str, got: &Owned) -> bool {
    let digits = hex.trim_start_matches('-').trim_start_matches("0x");
    let low = u64::from_str_radix(&digits[digits.len().saturating_sub(16)..], 16).unwrap_or_default();
    let low = if hex.starts_with('-') { low.wrapping_neg() } else { low };
    // SAFETY: [P1] an int.
    let mask = unsafe { api::PyLong_AsUnsignedLongLongMask(got.as_ptr()) };
    let Ok(expected) = long(hex) else { return false };
    const EQ: i32 = 2;
    // SAFETY: [P1]
    let equal = unsafe { Owned::new(api::PyObject_RichCompare(expected.as_ptr(), got.as_ptr(), EQ)) };
    low == mask && equal.is_ok_and(|equal| is(&equal, kind::truth()))
}

/// `0x…` with six digits or more becomes `0x?`, as in the recorder.
pub fn without_addresses(text: &str) -> String {
    let mut parts = text.split("0x");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b)).count();
        shown.push_str("0x");
        if digits >= 6 {
            shown.push('?');
        }
        shown.push_str(&part[if digits >= 6 { digits } else { 0 }..]);
    }
    shown
}

/// The words of a text in order, as in the recorder.
fn sorted_words(text: &str) -> String {
    let mut words: Vec<_> = text.split_whitespace().collect();
    words.sort_unstable();
    words.join(" ")
}

/// A builtin type by its name.
fn class(name: &str) -> Option<Ob> {
    Some(match name {
        "object" => kind::object(),
        "type" => kind::class(),
        "bool" => kind::bool(),
        "int" => kind::int(),
        "float" => kind::float(),
        "str" => kind::str(),
        "bytes" => kind::bytes(),
        "bytearray" => kind::bytearray(),
        "tuple" => kind::tuple(),
        "list" => kind::list(),
        "dict" => kind::dict(),
        _ => return None,
    })
}

/// A module by its dotted name, with stand-ins for the exceptions that C looks up there: what a Python file of the
/// distribution would define.
///
/// # Errors
/// If the implementation raises.
pub fn exceptions_module(name: &str, exceptions: &[&str]) -> Result<(), Raised> {
    let path = text(name);
    // SAFETY: [P3] borrowed from the table of modules.
    let module = unsafe { Owned::from_borrowed(api::PyImport_AddModule(path.as_ptr())) }?;
    for exception in exceptions {
        let path = text(&format!("{name}.{exception}"));
        // SAFETY: [P3] null: derived from Exception, with no attributes.
        let class = unsafe { Owned::new(api::PyErr_NewException(path.as_ptr(), null_mut(), null_mut())) }?;
        module.set_attribute(exception, Some(&class))?;
    }
    Ok(())
}
