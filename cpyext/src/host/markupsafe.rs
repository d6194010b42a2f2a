//! The demonstration: a page, escaped by MarkupSafe's C extension.

use super::rungs;
use handfast_cpyext::{Runtime, eval};
use std::path::Path;
use std::time::Instant;

/// Lines that are escaped one by one, however short the page is.
const LINES: usize = 200_000;

/// Escapes a page, whole and line by line, and prints what it took.
pub fn run(file: &Path) -> Result<(), String> {
    let page = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let page = String::from_utf8(page).map_err(|error| format!("{}: not UTF-8: {error}", file.display()))?;
    let rung = rungs::find("markupsafe")?;
    let _entered = super::start()?;
    let runtime = Runtime::get().expect("started");
    let module = super::load_module(&rung.library(), &rung.module)?;
    let escape = eval::attribute(&module, "_escape_inner").map_err(|raised| raised.to_string())?;

    let text = eval::text(&page);
    let start = Instant::now();
    let escaped = eval::call(&escape, &[&text]).map_err(|raised| raised.to_string())?;
    let whole = start.elapsed();
    let escaped = eval::str_of(&escaped);
    let expected = escape_here(&page);
    if escaped != expected {
        return Err("the extension's answer is not what it should be".into());
    }

    let before = runtime.heap().stats();
    let lines: Vec<&str> = page.lines().cycle().take(if page.is_empty() { 0 } else { LINES }).collect();
    let start = Instant::now();
    let kept = eval::Kept::new();
    for line in &lines {
        // A str of the heap's nursery, which gets its mirror for the call.
        let answer = eval::call_on_heap(&escape, line).map_err(|raised| raised.to_string())?;
        kept.push(&answer).map_err(|raised| raised.to_string())?;
    }
    let each = start.elapsed();
    let escaped_lines = kept.len();
    runtime.collect();
    let after = runtime.heap().stats();
    println!("{}: {} characters, {} escaped", file.display(), page.chars().count(), escaped.chars().count());
    println!("  whole page      {:>10.1} µs", whole.as_secs_f64() * 1e6);
    println!(
        "  line by line    {:>10.1} ms for {escaped_lines} lines, {:.0} ns each",
        each.as_secs_f64() * 1e3,
        each.as_nanos() as f64 / lines.len().max(1) as f64
    );
    println!("  mirrors made    {:>10}", after.links_made - before.links_made);
    println!(
        "  collections     {:>10} of the nursery, {} cycles",
        after.minor_collections - before.minor_collections,
        after.cycles - before.cycles
    );
    println!(
        "  longest pause   {:>10.1} µs, half of them below {:.1} µs",
        after.longest_pause_ns as f64 / 1e3,
        after.p50_pause_ns as f64 / 1e3
    );
    Ok(())
}

/// What MarkupSafe promises.
fn escape_here(page: &str) -> String {
    page.replace('&', "&amp;").replace('>', "&gt;").replace('<', "&lt;").replace('\'', "&#39;").replace('"', "&#34;")
}
