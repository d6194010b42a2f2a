//! A report counts every call once, keeps the first differences and says how many more there are.

use handfast_cpyext_replay::{Difference, Report};

#[test]
fn counts_and_texts() {
    let mut report = Report { equal: 97, ..Report::default() };
    report.skip("an instance of array");
    report.skip("an instance of array");
    let what = "2 was expected: 3".to_owned();
    report.differ(Difference { line: 4, test: "t".into(), call: "f(1)".into(), what });
    assert_eq!((report.total(), report.percent_equal()), (100, 97.0));
    let text = report.to_string();
    assert!(text.starts_with("100 calls: 97 equal (97.00 %), 1 different, 2 skipped\n"), "{text}");
    assert!(text.contains("skipped 2: an instance of array"), "{text}");
    assert!(text.contains("line 4 (t)\n    f(1)\n    2 was expected: 3\n"), "{text}");
}

#[test]
fn differences_beyond_a_hundred_are_counted() {
    let mut report = Report::default();
    for line in 1..=105 {
        report.differ(Difference { line, test: String::new(), call: String::new(), what: String::new() });
    }
    assert_eq!((report.different, report.differences.len()), (105, 100));
    assert!(report.to_string().ends_with("and 5 more differences\n"));
}

#[test]
fn nothing_replayed_is_not_all_equal() {
    assert_eq!(Report::default().percent_equal(), 0.0);
}
