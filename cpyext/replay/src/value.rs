//! A value of a recording: what `record/encode.py` wrote, read back.

use serde_json::Value as Json;
use std::fmt;

/// A value that an argument or a result has.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `None`.
    None,
    /// A bool.
    Bool(bool),
    /// An int of 53 bits.
    Int(i64),
    /// A larger one, as `hex()` writes it.
    Long(String),
    /// A float, by its bits.
    Float(u64),
    /// A str.
    Str(String),
    /// A str of which addresses were taken out (`0x?`): only in results.
    Addresses(String),
    /// A str whose words come in any order; they are sorted here: only in results.
    Words(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A bytearray.
    ByteArray(Vec<u8>),
    /// A memoryview of such bytes.
    View {
        /// What it shows.
        bytes: Vec<u8>,
        /// Whether of a bytearray.
        writable: bool,
    },
    /// A tuple.
    Tuple(Vec<Value>),
    /// A list.
    List(Vec<Value>),
    /// A dict, in its order.
    Dict(Vec<(Value, Value)>),
    /// A list iterator that gives these.
    Iterator(Vec<Value>),
    /// A list that comes again, by number.
    SharedList(u64),
    /// An object of the module, by number.
    Object(u64),
    /// A function, type or value of the module.
    Named {
        /// Its name there.
        name: String,
        /// Of which load of the module.
        load: usize,
    },
    /// An `object()`, by number.
    Plain(u64),
    /// An int of a class of its own.
    Kin {
        /// Its number.
        number: u64,
        /// What it is equal to.
        value: Box<Value>,
    },
    /// A sequence that is no list.
    Sequence(Vec<Value>),
    /// A stand-in for a Python function, by number.
    Function(u64),
    /// A builtin type, by name.
    Class(String),
    /// Any int: a hash, which differs between implementations.
    AnyInt,
    /// What the recorder could not say, and why.
    Unsayable(String),
}

/// What is wrong with a line, for people.
pub type Malformed = String;

fn hex(digits: &str) -> Result<Vec<u8>, Malformed> {
    let pair = |i| digits.get(i..i + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..digits.len()).step_by(2).map(|i| pair(i).ok_or_else(|| format!("bad hex {digits:?}"))).collect()
}

fn number(json: &Json) -> Result<u64, Malformed> {
    json.as_u64().ok_or_else(|| format!("a number was expected: {json}"))
}

fn string(json: &Json) -> Result<String, Malformed> {
    json.as_str().map(str::to_owned).ok_or_else(|| format!("a text was expected: {json}"))
}

/// An array of values.
pub fn values(json: &Json) -> Result<Vec<Value>, Malformed> {
    json.as_array().ok_or_else(|| format!("an array was expected: {json}"))?.iter().map(Value::parse).collect()
}

impl Value {
    /// Reads one.
    pub fn parse(json: &Json) -> Result<Value, Malformed> {
        match json {
            Json::Null => Ok(Value::None),
            Json::Bool(value) => Ok(Value::Bool(*value)),
            Json::Number(value) => {
                value.as_i64().map(Value::Int).ok_or_else(|| format!("a float must be written by its bits: {value}"))
            }
            Json::String(value) => Ok(Value::Str(value.clone())),
            Json::Array(_) => Ok(Value::List(values(json)?)),
            Json::Object(fields) => {
                // The first field is the tag; none of the forms has two tags.
                let tags = [
                    "i", "f", "re", "words", "b", "B", "v", "V", "t", "d", "it", "L", "o", "m", "p", "I", "S", "fn",
                    "c", "any", "?",
                ];
                let tag = tags.iter().find(|tag| fields.contains_key(**tag));
                let tag = *tag.ok_or_else(|| format!("no value: {json}"))?;
                Value::tagged(tag, &fields[tag], json)
            }
        }
    }

    fn tagged(tag: &str, inner: &Json, whole: &Json) -> Result<Value, Malformed> {
        let bytes = |inner: &Json| -> Result<Vec<u8>, Malformed> {
            let times = inner.get("n").or_else(|| whole.get("n")).map_or(Ok(1), number)?;
            let unit = inner.get("b").unwrap_or(inner);
            Ok(hex(&string(unit)?)?.repeat(times as usize))
        };
        Ok(match tag {
            "i" => Value::Long(string(inner)?),
            "f" => Value::Float(u64::from_str_radix(&string(inner)?, 16).map_err(|e| format!("{whole}: {e}"))?),
            "re" => Value::Addresses(string(inner)?),
            "words" => Value::Words(string(inner)?),
            "b" => Value::Bytes(bytes(inner)?),
            "B" => Value::ByteArray(bytes(inner)?),
            "v" => Value::View { bytes: bytes(inner)?, writable: false },
            "V" => Value::View { bytes: bytes(inner)?, writable: true },
            "t" => Value::Tuple(values(inner)?),
            "it" => Value::Iterator(values(inner)?),
            "d" => {
                let pairs = values(inner)?.into_iter().map(|pair| match pair {
                    Value::List(pair) => <[Value; 2]>::try_from(pair).map(|[key, value]| (key, value)).ok(),
                    _ => None,
                });
                Value::Dict(pairs.collect::<Option<_>>().ok_or_else(|| format!("no pairs: {whole}"))?)
            }
            "L" => Value::SharedList(number(inner)?),
            "o" => Value::Object(number(inner)?),
            "p" => Value::Plain(number(inner)?),
            "I" => Value::Kin { number: number(&whole["n"])?, value: Box::new(Value::parse(inner)?) },
            "S" => Value::Sequence(values(inner)?),
            "fn" => Value::Function(number(inner)?),
            "m" => Value::Named { name: string(inner)?, load: whole.get("l").map_or(Ok(0), number)? as usize },
            "c" => Value::Class(string(inner)?),
            "any" => Value::AnyInt,
            _ => Value::Unsayable(string(inner)?),
        })
    }

    /// Calls `f` with the number of each object of the module in it.
    pub fn objects(&self, f: &mut impl FnMut(u64)) {
        match self {
            Value::Object(number) => f(*number),
            Value::Tuple(items) | Value::List(items) | Value::Iterator(items) | Value::Sequence(items) => {
                items.iter().for_each(|item| item.objects(f));
            }
            Value::Dict(pairs) => pairs.iter().for_each(|(key, value)| {
                key.objects(f);
                value.objects(f);
            }),
            _ => {}
        }
    }
}

/// As Python would write it, roughly: for reports.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, items: &[Value]| {
            for (i, item) in items.iter().enumerate().take(20) {
                write!(f, "{}{item}", if i > 0 { ", " } else { "" })?;
            }
            if items.len() > 20 { write!(f, ", … {} items", items.len()) } else { Ok(()) }
        };
        match self {
            Value::None => f.write_str("None"),
            Value::Bool(true) => f.write_str("True"),
            Value::Bool(false) => f.write_str("False"),
            Value::Int(value) => write!(f, "{value}"),
            Value::Long(hex) => f.write_str(hex),
            Value::Float(bits) => write!(f, "{:?}", f64::from_bits(*bits)),
            Value::Str(text) | Value::Addresses(text) | Value::Words(text) if text.chars().count() > 80 => {
                write!(f, "{:?}… {} bytes", text.chars().take(80).collect::<String>(), text.len())
            }
            Value::Str(text) | Value::Addresses(text) | Value::Words(text) => write!(f, "{text:?}"),
            Value::Bytes(bytes) if bytes.len() <= 40 => write!(f, "b\"{}\"", bytes.escape_ascii()),
            Value::Bytes(bytes) => write!(f, "<{} bytes>", bytes.len()),
            Value::ByteArray(bytes) => write!(f, "<bytearray of {}>", bytes.len()),
            Value::View { bytes, .. } => write!(f, "<memoryview of {}>", bytes.len()),
            Value::Tuple(items) => {
                f.write_str("(")?;
                row(f, items)?;
                f.write_str(")")
            }
            Value::List(items) => {
                f.write_str("[")?;
                row(f, items)?;
                f.write_str("]")
            }
            Value::Iterator(items) => {
                f.write_str("iter([")?;
                row(f, items)?;
                f.write_str("])")
            }
            Value::Dict(pairs) => {
                f.write_str("{")?;
                for (i, (key, value)) in pairs.iter().enumerate() {
                    write!(f, "{}{key}: {value}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("}")
            }
            Value::SharedList(number) => write!(f, "list#{number}"),
            Value::Object(number) => write!(f, "#{number}"),
            Value::Named { name, .. } => f.write_str(name),
            Value::Plain(number) => write!(f, "object#{number}"),
            Value::Kin { number, value } => write!(f, "{value}#{number}"),
            Value::Sequence(items) => {
                f.write_str("sequence([")?;
                row(f, items)?;
                f.write_str("])")
            }
            Value::Function(number) => write!(f, "function#{number}"),
            Value::Class(name) => f.write_str(name),
            Value::AnyInt => f.write_str("<any int>"),
            Value::Unsayable(reason) => write!(f, "<{reason}>"),
        }
    }
}
