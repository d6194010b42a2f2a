//! What a run must have done: how many operations, and what comes out of them. All systems of a workload get the same
//! numbers and make the same choices, so that a program that loses an object, or saves itself some work, is found out.

use crate::table::Random;
use crate::workload::Scale;
use std::collections::BTreeMap;

/// Of one run; `None`: not known beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Operations of all threads.
    pub ops: Option<u64>,
    /// W4: nodes of the tree that is kept, and a number of the array. W5: everything that was read from replaced objects.
    pub sum: Option<u64>,
    /// Which part of the work the system is given: a fourth, an eighth. 0 and 1: all of it.
    pub part: u64,
}

impl Expected {
    /// Compares with the numbers that a program has printed.
    ///
    /// # Errors
    /// What differs.
    pub fn check(&self, numbers: &BTreeMap<String, f64>) -> Result<(), String> {
        for (key, wanted) in [("ops", self.ops), ("sum", self.sum)] {
            let Some(wanted) = wanted else { continue };
            match numbers.get(key) {
                None => return Err(format!("does not say its {key}")),
                Some(found) if *found != wanted as f64 => return Err(format!("{key} is {found}, not {wanted}")),
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// Knows what comes out, and what took time to find out.
#[derive(Default)]
pub struct Expectations {
    sums: BTreeMap<(usize, u64, u64), u64>,
}

impl Expectations {
    /// Of a system that does a `part`th of the work of W2, W3 (by depth) and W5.
    pub fn of(&mut self, workload: &str, threads: u64, scale: Scale, part: u64) -> Expected {
        let (slots, turns) = scale.table();
        let nodes = |depth| Some(Scale::nodes(depth) * threads);
        let ops = |ops| Expected { ops, sum: None, part };
        let table = |of: &mut Self, slots, turns| {
            let sum = of.sums.entry((slots, turns, threads)).or_insert_with(|| sum_of_replaced(slots, turns, threads));
            Expected { ops: Some(turns), sum: Some(*sum), part }
        };
        match workload {
            "w2" => ops(Some(scale.churn() / part)),
            "w3" | "w3x2" => ops(nodes(scale.depth() - part.ilog2())),
            "by-threads" => ops(nodes(16)),
            // The thousandth of the harmonic numbers, in millionths.
            "w4" => Expected { ops: Some(1), sum: Some((2 << (18 - scale.shrink())) - 1 + 1_000_000 / 1001), part },
            "w5" | "w5x2" => table(self, slots, turns / part),
            "by-heap" => {
                let (slots, turns) = scale.small_table();
                table(self, slots, turns)
            }
            // Who replaces whose object is a matter of chance.
            "w5s2" => ops(Some(turns / part)),
            _ => Expected::default(),
        }
    }
}

/// What W5 reads, all threads together: each has its own slots and makes the same choices.
fn sum_of_replaced(slots: usize, turns: u64, threads: u64) -> u64 {
    let (slots, turns) = (slots / threads as usize, turns / threads);
    let mut values: Vec<u32> = (0..slots as u32).collect();
    let (mut random, mut sum) = (Random::new(slots), 0);
    for turn in 0..turns as u32 {
        sum += u64::from(std::mem::replace(&mut values[random.slot(slots)], turn));
    }
    sum * threads
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Scale = Scale { quick: true, x: 0.0 };

    fn printed(words: &[(&str, f64)]) -> BTreeMap<String, f64> {
        words.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect()
    }

    #[test]
    fn work_that_was_not_done_is_noticed() {
        let expected = Expectations::default().of("w3", 2, QUICK, 4);
        let nodes = 2.0 * Scale::nodes(13) as f64;
        assert_eq!(expected.check(&printed(&[("ops", nodes)])), Ok(()));
        assert!(expected.check(&printed(&[("ops", nodes - 1.0)])).unwrap_err().starts_with("ops is"));
        assert!(expected.check(&printed(&[])).unwrap_err().contains("ops"));
        assert_eq!(Expected::default().check(&printed(&[])), Ok(()));
    }

    #[test]
    fn values_that_were_lost_are_noticed() {
        let expected = Expected { ops: Some(1), sum: Some(7), part: 1 };
        assert_eq!(expected.check(&printed(&[("ops", 1.0), ("sum", 7.0)])), Ok(()));
        assert!(expected.check(&printed(&[("ops", 1.0), ("sum", 8.0)])).is_err());
    }

    #[test]
    fn a_table_of_one_slot_gives_back_what_was_put_in() {
        // The first value, which is its number, and all but the last that was stored.
        assert_eq!(sum_of_replaced(1, 5, 1), 1 + 2 + 3);
        assert_eq!(sum_of_replaced(2, 10, 2), 2 * (1 + 2 + 3));
    }
}
