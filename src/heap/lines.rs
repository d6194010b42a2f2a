//! Sets of lines of one block.

use super::block::{LINE_SHIFT, LINES};
use std::fmt;
use std::ops::Range;

/// Words of a set.
pub const WORDS: usize = LINES / 64;

/// A set of lines of one block, a bit for each.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct LineSet(pub [u64; WORDS]);

impl LineSet {
    /// No line.
    pub const NONE: LineSet = LineSet([0; WORDS]);
    /// All lines of a block.
    pub const ALL: LineSet = LineSet([u64::MAX; WORDS]);

    /// Calls `f` with the number of each word that has lines of the bytes `[offset, offset + bytes)` of a block, and these.
    #[inline(always)]
    pub fn for_each_word(offset: usize, bytes: usize, mut f: impl FnMut(usize, u64)) {
        let (first, last) = (offset >> LINE_SHIFT, (offset + bytes - 1) >> LINE_SHIFT);
        // Of nearly all objects one word.
        if first / 64 == last / 64 {
            f(first / 64, u64::MAX >> (63 - (last - first)) << (first % 64));
            return;
        }
        for word in first / 64..=last / 64 {
            let from = first.saturating_sub(64 * word);
            let to = (last - 64 * word).min(63);
            f(word, u64::MAX << from & u64::MAX >> (63 - to));
        }
    }

    /// Adds the lines of the bytes `[offset, offset + bytes)` of a block.
    #[inline]
    pub fn cover(&mut self, offset: usize, bytes: usize) {
        LineSet::for_each_word(offset, bytes, |word, lines| self.0[word] |= lines);
    }

    /// Adds a line.
    #[inline]
    pub fn insert(&mut self, line: usize) {
        self.0[line / 64] |= 1 << (line % 64);
    }

    /// Takes a line away.
    #[inline]
    pub fn remove(&mut self, line: usize) {
        self.0[line / 64] &= !(1 << (line % 64));
    }

    /// Whether a line belongs to it.
    #[inline]
    pub fn contains(&self, line: usize) -> bool {
        self.0[line / 64] >> (line % 64) & 1 != 0
    }

    /// How many lines.
    #[inline]
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether it has no line.
    #[inline]
    pub fn is_empty(&self) -> bool {
        *self == LineSet::NONE
    }

    /// The other lines of the block.
    #[inline]
    pub fn others(&self) -> LineSet {
        LineSet(self.0.map(|word| !word))
    }

    /// The first line.
    #[inline]
    pub fn first(&self) -> Option<usize> {
        let word = self.0.iter().position(|&word| word != 0)?;
        Some(64 * word + self.0[word].trailing_zeros() as usize)
    }

    /// Takes out the first lines that lie side by side.
    #[inline]
    pub fn take_run(&mut self) -> Option<Range<usize>> {
        let first = self.first()?;
        let mut end = first;
        for word in first / 64..WORDS {
            let from = end % 64;
            let run = (self.0[word] >> from).trailing_ones().min(64 - from as u32) as usize;
            if run != 0 {
                self.0[word] &= !(u64::MAX >> (64 - run) << from);
            }
            end += run;
            if from + run < 64 {
                break;
            }
        }
        Some(first..end)
    }
}

/// Which of the bytes of a word in memory are other than `byte`, a bit for each, the first byte's first. (Hacker's Delight, 6-1.)
#[inline(always)]
pub fn bytes_other_than(word: u64, byte: u8) -> u8 {
    const LOW: u64 = u64::from_ne_bytes([0x7f; 8]);
    let differs = word.to_le() ^ u64::from_ne_bytes([byte; 8]);
    // The highest bit of each byte that is not zero: no sum carries into the next byte.
    let high = (((differs & LOW) + LOW) | differs) & !LOW;
    // They come together in the last byte: no two of the sums fall on one bit.
    ((high >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8
}

impl fmt::Debug for LineSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = *self;
        f.debug_set().entries(std::iter::from_fn(|| rest.take_run())).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::block::{BLOCK, LINE};

    fn of(runs: &[(usize, usize)]) -> LineSet {
        let mut set = LineSet::NONE;
        runs.iter().flat_map(|&(from, to)| from..to).for_each(|line| set.insert(line));
        set
    }

    #[test]
    fn runs_come_in_order_and_whole() {
        let cases: [&[(usize, usize)]; 8] = [
            &[],
            &[(0, 1)],
            &[(0, LINES)],
            &[(LINES - 1, LINES)],
            &[(0, 64), (65, 128)],
            &[(3, 5), (63, 65), (100, LINES)],
            &[(60, 200), (201, 202)],
            &[(1, 64), (128, 129)],
        ];
        for runs in cases {
            let mut set = of(runs);
            assert_eq!(set.first(), runs.first().map(|&(from, _)| from));
            assert_eq!(set.len(), runs.iter().map(|(from, to)| to - from).sum::<usize>());
            assert_eq!(set.others().len(), LINES - set.len());
            assert!(
                (0..LINES).all(|line| set.contains(line) == runs.iter().any(|&(from, to)| (from..to).contains(&line)))
            );
            assert_eq!(format!("{set:?}").matches("..").count(), runs.len());
            let taken: Vec<_> = std::iter::from_fn(|| set.take_run()).map(|run| (run.start, run.end)).collect();
            assert_eq!(taken, runs);
            assert!(set.is_empty());
        }
        assert_eq!(of(&[(0, LINES)]), LineSet::ALL);
    }

    #[test]
    fn bytes_are_told_from_one() {
        let bytes = [0, 1, 3, 0x7e, 0x7f, 0x80, 0x81, 0xfe, 0xff];
        for of in bytes {
            for other in bytes {
                for pattern in 0..=u8::MAX {
                    let word =
                        u64::from_ne_bytes(std::array::from_fn(|i| if pattern >> i & 1 == 0 { of } else { other }));
                    let expected = if of == other { 0 } else { pattern };
                    assert_eq!(bytes_other_than(word, of), expected, "{of} and {other} in {word:#x}");
                }
            }
        }
    }

    #[test]
    fn the_words_of_some_bytes_have_their_lines_and_no_other() {
        for (offset, bytes) in
            [(0, 1), (0, LINE), (LINE - 1, 2), (0, BLOCK), (63 * LINE, 2 * LINE), (5 * LINE, 130 * LINE)]
        {
            let mut set = LineSet::NONE;
            set.cover(offset, bytes);
            assert_eq!(set, of(&[(offset / LINE, (offset + bytes - 1) / LINE + 1)]), "{bytes} bytes at {offset}");
        }
    }
}
