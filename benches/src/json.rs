//! One JSON object a run, one a line.

use crate::case::Case;
use crate::run::Run;
use std::fmt::Write;

fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c < ' ' => drop(write!(quoted, "\\u{:04x}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

fn number(number: f64) -> String {
    if number.is_finite() { number.to_string() } else { "null".into() }
}

/// A run.
pub fn object(case: &Case, run: &Run) -> String {
    let mut fields = vec![
        ("workload", string(&case.workload)),
        ("system", string(&case.system)),
        ("role", string(if case.row { "row" } else { case.role.word() })),
        ("threads", case.threads.to_string()),
        ("x", case.x.map_or("null".into(), number)),
        ("round", run.round.to_string()),
        ("process_wall_s", number(run.wall)),
        ("process_cpu_s", number(run.cpu)),
        ("peak_kib", run.peak_kib.to_string()),
        ("others", number(run.others)),
        ("error", run.error.as_deref().map_or("null".into(), string)),
    ];
    let gaps: Vec<String> = run.gaps.iter().map(|(ns, count)| format!("[{ns},{count}]")).collect();
    fields.push(("gaps_ns", format!("[{}]", gaps.join(","))));
    let mut words: Vec<String> = fields.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    words.extend(run.numbers.iter().map(|(key, value)| format!("{}:{}", string(key), number(*value))));
    format!("{{{}}}", words.join(","))
}

#[cfg(test)]
mod tests {
    use super::string;

    #[test]
    fn strings_are_quoted() {
        assert_eq!(string("a \"b\"\\\n"), "\"a \\\"b\\\"\\\\\\u000a\"");
    }
}
