//! The heap's configuration in all workloads. `--config` changes fields of it, in the processes of the runs as well: they
//! find the text in the environment.

use handfast::{Config, raw};
use std::time::Duration;

/// Where the processes of the runs find the text of `--config`.
pub const VARIABLE: &str = "HANDFAST_BENCH_CONFIG";

/// A configuration with a limit in MiB: about three times what lives at the peak, which collectors of the whole heap
/// would use up before they begin. So may ours.
pub fn config(limit: usize) -> Config {
    adjusted(Config { max_heap_bytes: limit << 20, growth_percent: 200, ..Config::default() })
}

/// The same, where pauses are a goal of their own.
pub fn prompt(limit: usize) -> Config {
    adjusted(Config { pause_target: Duration::from_micros(300), growth_percent: 150, ..config(limit) })
}

/// The same with the default pacing, for programs whose garbage dies young: cycles that begin before the limit is near cost
/// them nothing (two or three in a run, as with the other) and keep the peak lower.
pub fn paced(limit: usize) -> Config {
    let growth_percent = Config::default().growth_percent;
    adjusted(Config { growth_percent, ..config(limit) })
}

/// With what `--config` says.
pub fn adjusted(mut config: Config) -> Config {
    if let Ok(text) = std::env::var(VARIABLE) {
        apply(&mut config, &text).unwrap_or_else(|error| panic!("{VARIABLE}: {error}"));
    }
    config
}

/// A heap with this limit in MiB.
pub fn raw_heap(limit: usize) -> raw::Heap {
    raw::Heap::new(&config(limit)).expect("heap")
}

/// Sets the fields that `text` names: `field=number,…`; numbers may end with `k`, `m` or `g`.
///
/// # Errors
/// What is wrong with the text.
pub fn apply(config: &mut Config, text: &str) -> Result<(), String> {
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (field, value) = part.split_once('=').ok_or(format!("{part:?} is not of the form field=number"))?;
        let number = number(value).ok_or(format!("{field}: {value:?} is not a number"))?;
        match field {
            "nursery_bytes" => config.nursery_bytes = number,
            "max_nursery_bytes" => config.max_nursery_bytes = number,
            "pause_target_us" => config.pause_target = Duration::from_micros(number as u64),
            "growth_percent" => config.growth_percent = u32::try_from(number).unwrap_or(u32::MAX),
            "min_trigger_bytes" => config.min_trigger_bytes = number,
            "gc_threads" => config.gc_threads = u32::try_from(number).unwrap_or(u32::MAX),
            "reserve_bytes" => config.reserve_bytes = number,
            "touch_memory" => config.touch_memory = number != 0,
            _ => return Err(format!("unknown field {field:?}")),
        }
    }
    Ok(())
}

fn number(text: &str) -> Option<usize> {
    let (digits, shift) = match text.chars().last()? {
        'k' => (&text[..text.len() - 1], 10),
        'm' => (&text[..text.len() - 1], 20),
        'g' => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    digits.parse::<usize>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_set_by_name() {
        let mut config = Config::default();
        apply(&mut config, "nursery_bytes=512k,gc_threads=2,touch_memory=1").unwrap();
        assert_eq!((config.nursery_bytes, config.gc_threads, config.touch_memory), (512 << 10, 2, true));
        assert!(apply(&mut config, "nursery_bytes=99999999999999999999").is_err());
    }
}
