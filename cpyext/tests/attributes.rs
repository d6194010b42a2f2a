//! Attributes of instances that begin on the heap, and of their types, with what is remembered of the latter.

use handfast_cpyext::caller::Caller;
use handfast_cpyext::{Own, Runtime, eval};

fn text(ob: &Own, name: &str) -> String {
    match eval::attribute(ob, name) {
        Ok(value) => eval::str_of(&value),
        Err(raised) => raised.name,
    }
}

fn set(ob: &Own, name: &str, value: i64) {
    eval::set_attribute(ob, name, Some(&eval::int(value))).unwrap();
}

fn instances(class: &Own, collect: &dyn Fn()) {
    let caller = Caller::new(class, 5).unwrap();
    let [a, b, c, d, e] = std::array::from_fn(|at| caller.held(at));
    collect();
    assert_eq!((text(&a, "v"), text(&e, "v"), text(&a, "w")), ("0".into(), "4".into(), "AttributeError".into()));
    // In the order of the others: beside the first.
    for (at, name) in ["w", "x", "y"].into_iter().enumerate() {
        set(&a, name, 10 + at as i64);
    }
    set(&a, "v", 1000);
    collect();
    assert_eq!(["v", "w", "x", "y"].map(|name| text(&a, name)), ["1000", "10", "11", "12"]);
    // One more than there is room for, in another order, one that goes, and a dict that is asked for: each gets a dict.
    set(&a, "z", 13);
    set(&b, "y", 20);
    set(&b, "w", 21);
    eval::set_attribute(&c, "v", None).unwrap();
    assert_eq!(text(&d, "__dict__"), "{'v': 3}");
    set(&d, "w", 30);
    collect();
    assert_eq!(text(&a, "__dict__"), "{'v': 1000, 'w': 10, 'x': 11, 'y': 12, 'z': 13}");
    assert_eq!(text(&b, "__dict__"), "{'v': 1, 'y': 20, 'w': 21}");
    assert_eq!((text(&c, "v"), text(&c, "__dict__")), ("AttributeError".into(), "{}".into()));
    assert_eq!(text(&d, "__dict__"), "{'v': 3, 'w': 30}");
    assert_eq!(["v", "w", "x", "y"].map(|name| text(&e, name))[1..], ["AttributeError"; 3]);
    assert!(eval::set_attribute(&e, "w", None).is_err());
}

fn types(class: &Own, collect: &dyn Fn()) {
    let caller = Caller::new(class, 1).unwrap();
    let one = caller.held(0);
    // What was looked for and was not there is found once it is; also when it changes, and when it goes.
    assert_eq!(text(&one, "late"), "AttributeError");
    set(class, "late", 1);
    collect();
    assert_eq!(text(&one, "late"), "1");
    set(class, "late", 2);
    assert_eq!((text(&one, "late"), text(class, "late")), ("2".into(), "2".into()));
    set(&one, "late", 3);
    assert_eq!((text(&one, "late"), text(class, "late")), ("3".into(), "2".into()));
    eval::set_attribute(&one, "late", None).unwrap();
    eval::set_attribute(class, "late", None).unwrap();
    collect();
    assert_eq!((text(&one, "late"), text(class, "late")), ("AttributeError".into(), "AttributeError".into()));
}

/// One runtime per process, so one test.
#[test]
fn attributes_are_what_was_set_last() {
    let entered = Runtime::start(&handfast::Config::default()).unwrap();
    let collect = || Runtime::get().unwrap().collect();
    let nothing = || {};
    for collect in [&nothing as &dyn Fn(), &collect] {
        let class = eval::class("Thing").unwrap();
        instances(&class, collect);
        types(&class, collect);
    }
    drop(entered);
}
