//! A recording: one event a line, as `record/recorder.py` wrote them.

use crate::value::{Malformed, Value, values};
use serde_json::Value as Json;

/// What was done.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A test of the suite begins.
    Test(String),
    /// The module was loaded, for the n-th time.
    Load {
        /// Its dotted name.
        module: String,
        /// Which time, from 0.
        load: usize,
    },
    /// The suite let go of an object.
    Drop(u64),
    /// Anything with a result.
    Act(Box<Act>),
}

/// An operation with what it gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// `call`, `method`, or a name of Python's operator.
    pub op: String,
    /// What is called: of `call`.
    pub callee: Option<Value>,
    /// The object: of `method`.
    pub receiver: Option<u64>,
    /// The method's name.
    pub name: String,
    /// Positional arguments; of operators, the operands.
    pub args: Vec<Value>,
    /// Keyword arguments, in order.
    pub keywords: Vec<(String, Value)>,
    /// What shared lists hold before, where that is new.
    pub lists: Vec<(u64, Vec<Value>)>,
    /// What it gave.
    pub outcome: Outcome,
    /// Objects that came up, with the names of their types.
    pub new: Vec<(u64, String)>,
    /// How to tell the items of the result apart, which come in any order.
    pub by: Option<By>,
    /// The arguments afterwards, if the operation changed them.
    pub after: Option<Vec<Value>>,
    /// Changes of shared lists: the new length, and the items that differ.
    pub lists_after: Vec<ListChange>,
    /// Calls of Python functions that it made.
    pub callbacks: Vec<Callback>,
    /// Why it cannot be replayed.
    pub skip: Option<String>,
}

/// What tells the items of a result apart.
#[derive(Clone, Debug, PartialEq)]
pub struct By {
    /// Methods without arguments.
    pub methods: Vec<String>,
    /// What they give, of each item.
    pub keys: Vec<Vec<Value>>,
}

/// A shared list, changed.
#[derive(Clone, Debug, PartialEq)]
pub struct ListChange {
    /// Its number.
    pub list: u64,
    /// Its length now.
    pub length: usize,
    /// Items that differ.
    pub items: Vec<(usize, Value)>,
}

/// What an operation gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A result.
    Returned(Value),
    /// An exception: its type's name, its text, its arguments if they are not just the text.
    Raised {
        /// The name of its type.
        kind: String,
        /// `str()` of it.
        message: Option<String>,
        /// Its arguments.
        args: Option<Vec<Value>>,
    },
}

/// A call of a Python function that the module made.
#[derive(Clone, Debug, PartialEq)]
pub struct Callback {
    /// Which.
    pub function: u64,
    /// With what.
    pub args: Vec<Value>,
    /// What it answered.
    pub outcome: Outcome,
}

fn field<'a>(json: &'a Json, name: &str) -> Result<&'a Json, Malformed> {
    json.get(name).ok_or_else(|| format!("no field {name:?}"))
}

fn number(json: &Json) -> Result<u64, Malformed> {
    json.as_u64().ok_or_else(|| format!("a number was expected: {json}"))
}

fn string(json: &Json) -> Result<String, Malformed> {
    json.as_str().map(str::to_owned).ok_or_else(|| format!("a text was expected: {json}"))
}

fn array(json: Option<&Json>) -> &[Json] {
    json.and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

fn outcome(json: &Json) -> Result<Outcome, Malformed> {
    match json.get("e") {
        Some(kind) => Ok(Outcome::Raised {
            kind: string(kind)?,
            message: json.get("msg").map(string).transpose()?,
            args: json.get("x").map(values).transpose()?,
        }),
        // A result that has no form: the event is skipped.
        None => Ok(Outcome::Returned(json.get("r").map_or(Ok(Value::Unsayable("no result".into())), Value::parse)?)),
    }
}

fn by(json: &Json) -> Result<By, Malformed> {
    Ok(By {
        methods: array(json.get("methods")).iter().map(string).collect::<Result<_, _>>()?,
        keys: array(json.get("keys")).iter().map(values).collect::<Result<_, _>>()?,
    })
}

impl Event {
    /// Reads a line.
    ///
    /// ```
    /// use handfast_cpyext_replay::recording::{Event, Outcome};
    /// use handfast_cpyext_replay::value::Value;
    ///
    /// let event = Event::parse(r#"{"op":"call","f":{"m":"crc32c"},"a":[{"b":"00","n":3}],"r":1808132932}"#)?;
    /// let Event::Act(act) = event else { panic!("a call") };
    /// assert_eq!(act.args, [Value::Bytes(vec![0; 3])]);
    /// assert_eq!(act.outcome, Outcome::Returned(Value::Int(1808132932)));
    /// # Ok::<(), String>(())
    /// ```
    pub fn parse(line: &str) -> Result<Event, Malformed> {
        let json: Json = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let op = string(field(&json, "op")?)?;
        match op.as_str() {
            "test" => return Ok(Event::Test(string(field(&json, "name")?)?)),
            "load" => {
                let load = number(field(&json, "l")?)? as usize;
                return Ok(Event::Load { module: string(field(&json, "module")?)?, load });
            }
            "drop" => return Ok(Event::Drop(number(field(&json, "o")?)?)),
            _ => {}
        }
        let callbacks = array(json.get("cb")).iter().map(|json| {
            Ok(Callback {
                function: number(field(json, "fn")?)?,
                args: json.get("a").map_or(Ok(vec![]), values)?,
                outcome: outcome(json)?,
            })
        });
        let keywords = json.get("k").and_then(Json::as_object).into_iter().flatten();
        let pair = |json: &Json| -> Result<(Json, Json), Malformed> {
            match json.as_array().map(Vec::as_slice) {
                Some([a, b]) => Ok((a.clone(), b.clone())),
                _ => Err(format!("a pair was expected: {json}")),
            }
        };
        let change = |json: &Json| -> Result<ListChange, Malformed> {
            let [list, length, items] = array(Some(json)) else { return Err(format!("a list's change: {json}")) };
            let items = array(Some(items)).iter().map(|item| {
                let (index, value) = pair(item)?;
                Ok((number(&index)? as usize, Value::parse(&value)?))
            });
            Ok(ListChange {
                list: number(list)?,
                length: number(length)? as usize,
                items: items.collect::<Result<_, Malformed>>()?,
            })
        };
        let receiver = match json.get("s").map(Value::parse).transpose()? {
            Some(Value::Object(number)) => Some(number),
            _ => None,
        };
        Ok(Event::Act(Box::new(Act {
            callee: json.get("f").map(Value::parse).transpose()?,
            receiver,
            name: json.get("name").map_or(Ok(String::new()), string)?,
            args: values(field(&json, "a")?)?,
            keywords: keywords
                .map(|(key, value)| Ok((key.clone(), Value::parse(value)?)))
                .collect::<Result<_, Malformed>>()?,
            lists: array(json.get("lists"))
                .iter()
                .map(|entry| {
                    let (list, items) = pair(entry)?;
                    Ok((number(&list)?, values(&items)?))
                })
                .collect::<Result<_, Malformed>>()?,
            outcome: outcome(&json)?,
            new: array(json.get("new"))
                .iter()
                .map(|entry| {
                    let (object, name) = pair(entry)?;
                    Ok((number(&object)?, string(&name)?))
                })
                .collect::<Result<_, Malformed>>()?,
            by: json.get("by").map(by).transpose()?,
            after: json.get("after").map(values).transpose()?,
            lists_after: array(json.get("lists_after")).iter().map(change).collect::<Result<_, _>>()?,
            callbacks: callbacks.collect::<Result<_, Malformed>>()?,
            skip: json.get("skip").map(string).transpose()?,
            op,
        })))
    }
}
