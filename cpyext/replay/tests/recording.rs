//! Every form of a value and of an event that the recorder writes is read as what it means, and what is malformed is
//! refused with words that name it.

use handfast_cpyext_replay::recording::{By, Callback, Event, ListChange, Outcome};
use handfast_cpyext_replay::value::Value;

fn value(json: &str) -> Result<Value, String> {
    Value::parse(&serde_json::from_str(json).expect("JSON"))
}

fn act(json: &str) -> handfast_cpyext_replay::recording::Act {
    match Event::parse(json) {
        Ok(Event::Act(act)) => *act,
        other => panic!("no act: {other:?}"),
    }
}

#[test]
fn values() {
    let cases = [
        ("null", Value::None),
        ("true", Value::Bool(true)),
        ("-7", Value::Int(-7)),
        (r#"{"i":"-0x20000000000000"}"#, Value::Long("-0x20000000000000".into())),
        (r#"{"f":"7ff8000000000000"}"#, Value::Float(f64::NAN.to_bits())),
        (r#"{"f":"8000000000000000"}"#, Value::Float((-0.0f64).to_bits())),
        (r#""\u00e9\ud83c\udf63""#, Value::Str("é🍣".into())),
        (r#"{"re":"<X at 0x?>"}"#, Value::Addresses("<X at 0x?>".into())),
        (r#"{"words":"+ a b"}"#, Value::Words("+ a b".into())),
        (r#"{"b":"00ff"}"#, Value::Bytes(vec![0, 255])),
        (r#"{"B":"01","n":3}"#, Value::ByteArray(vec![1, 1, 1])),
        (r#"{"v":{"b":"0102","n":2}}"#, Value::View { bytes: vec![1, 2, 1, 2], writable: false }),
        (r#"{"V":{"b":""}}"#, Value::View { bytes: vec![], writable: true }),
        (r#"{"t":[1,{"t":[]}]}"#, Value::Tuple(vec![Value::Int(1), Value::Tuple(vec![])])),
        ("[[]]", Value::List(vec![Value::List(vec![])])),
        (r#"{"d":[[1,"a"],[null,2]]}"#, {
            let second = (Value::None, Value::Int(2));
            Value::Dict(vec![(Value::Int(1), Value::Str("a".into())), second])
        }),
        (r#"{"it":[1]}"#, Value::Iterator(vec![Value::Int(1)])),
        (r#"{"o":5}"#, Value::Object(5)),
        (r#"{"L":6}"#, Value::SharedList(6)),
        (r#"{"m":"f","l":1}"#, Value::Named { name: "f".into(), load: 1 }),
        (r#"{"p":2}"#, Value::Plain(2)),
        (r#"{"fn":3}"#, Value::Function(3)),
        (r#"{"c":"int"}"#, Value::Class("int".into())),
        (r#"{"any":"int"}"#, Value::AnyInt),
        (r#"{"?":"an instance of Liar"}"#, Value::Unsayable("an instance of Liar".into())),
    ];
    for (json, expected) in cases {
        assert_eq!(value(json), Ok(expected), "{json}");
    }
}

#[test]
fn malformed_values_are_refused() {
    let cases = [
        ("1.5", "by its bits"),
        (r#"{"b":"0g"}"#, "bad hex"),
        (r#"{"b":"012"}"#, "bad hex"),
        (r#"{"f":"xyz"}"#, "xyz"),
        (r#"{"o":-1}"#, "a number was expected"),
        (r#"{"d":[[1]]}"#, "no pairs"),
        (r#"{"unknown":1}"#, "no value"),
    ];
    for (json, words) in cases {
        let error = value(json).expect_err(json);
        assert!(error.contains(words), "{json}: {error}");
    }
}

#[test]
fn objects_of_a_value_are_found_at_any_depth() {
    let nested = value(r#"[{"o":1},{"t":[{"d":[[{"o":2},[{"o":3}]]]}]},{"it":[{"o":4}]},{"p":9}]"#).expect("a value");
    let mut found = vec![];
    nested.objects(&mut |number| found.push(number));
    assert_eq!(found, [1, 2, 3, 4]);
}

#[test]
fn events() {
    assert_eq!(Event::parse(r#"{"op":"test","name":"t.py::a"}"#), Ok(Event::Test("t.py::a".into())));
    let load = Event::Load { module: "a._b".into(), load: 1 };
    assert_eq!(Event::parse(r#"{"op":"load","module":"a._b","l":1}"#), Ok(load));
    assert_eq!(Event::parse(r#"{"op":"drop","o":7}"#), Ok(Event::Drop(7)));
}

#[test]
fn a_call_with_everything() {
    let act = act(
        r#"{"op":"method","s":{"o":1},"name":"m","a":[{"L":2}],"k":{"z":1,"a":2},"lists":[[2,[3]]],"r":{"t":[{"o":4}]},
           "new":[[4,"T"]],"after":[[]],"lists_after":[[2,5,[[0,6]]]],"cb":[{"fn":8,"a":[9],"e":"KeyError","msg":"9"}],
           "by":{"methods":["x"],"keys":[[10]]}}"#,
    );
    assert_eq!((act.op.as_str(), act.receiver, act.name.as_str()), ("method", Some(1), "m"));
    assert_eq!(act.keywords, [("z".into(), Value::Int(1)), ("a".into(), Value::Int(2))], "in the order of the call");
    assert_eq!(act.lists, [(2, vec![Value::Int(3)])]);
    assert_eq!(act.outcome, Outcome::Returned(Value::Tuple(vec![Value::Object(4)])));
    assert_eq!(act.new, [(4, "T".into())]);
    assert_eq!(act.after, Some(vec![Value::List(vec![])]));
    assert_eq!(act.lists_after, [ListChange { list: 2, length: 5, items: vec![(0, Value::Int(6))] }]);
    let outcome = Outcome::Raised { kind: "KeyError".into(), message: Some("9".into()), args: None };
    assert_eq!(act.callbacks, [Callback { function: 8, args: vec![Value::Int(9)], outcome }]);
    assert_eq!(act.by, Some(By { methods: vec!["x".into()], keys: vec![vec![Value::Int(10)]] }));
}

#[test]
fn an_exception_and_a_reason() {
    let act =
        act(r#"{"op":"call","f":{"m":"f"},"a":[{"?":"a class: X"}],"e":"E","msg":"m","x":[1],"skip":"a class: X"}"#);
    let args = Some(vec![Value::Int(1)]);
    assert_eq!(act.outcome, Outcome::Raised { kind: "E".into(), message: Some("m".into()), args });
    assert_eq!(act.skip.as_deref(), Some("a class: X"));
}

#[test]
fn lines_that_are_no_events_are_refused() {
    for line in ["", "[]", "{}", r#"{"op":"call"}"#, r#"{"op":"drop"}"#, r#"{"op":"call","a":[],"lists_after":[[1]]}"#]
    {
        assert!(Event::parse(line).is_err(), "{line}");
    }
}
