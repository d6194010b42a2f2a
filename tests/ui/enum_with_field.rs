//! The place of a reference must not depend on a variant.
use handfast::{Field, Trace};

#[derive(Trace)]
enum Value {
    Number(f64),
    Next(Field<Value>),
}

fn main() {}
