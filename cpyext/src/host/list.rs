//! The rungs and how far each comes: compiled, loaded, replayed. Each is tried in a process of its own.

use super::rungs;
use std::process::Command;

/// Prints the table.
pub fn run() -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    println!("{:<12} {:<12} replay of its own test suite", "rung", "state");
    for rung in rungs::all() {
        let (state, words) = if !rung.library().is_file() {
            ("not built", "cpyext/rungs/fetch.sh, cpyext/rungs/build.sh".into())
        } else {
            let output = Command::new(&program).args(["replay", &rung.name]).output();
            let output = output.map_err(|error| error.to_string())?;
            let words = String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned();
            let error = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
            let words = words.trim_start_matches(&rung.name).trim_start_matches(": ").to_owned();
            match (output.status.success(), words.is_empty()) {
                (true, _) => ("replayed", words),
                (false, false) => ("differs", words),
                (false, true) if !rung.recording().is_file() => ("built", "cpyext/record/record.sh".into()),
                (false, true) => ("fails", error),
            }
        };
        println!("{:<12} {state:<12} {words}", rung.name);
    }
    Ok(())
}
