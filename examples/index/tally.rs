//! [`Tally`]: the words of one file, counted.
//!
//! A hash table of *private* objects: only the thread that reads the file can reach them, so stores take no barrier while
//! they are young, and all of them die in a minor collection when the file is done. What goes to the index is copied: a
//! published object stays where it is, and would keep the block of memory around it from being used again.

use crate::words;
use handfast::{Array, Data, Error, Field, Scope, Trace, Var};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Buckets of a new table; most files are small.
const BUCKETS: usize = 64;

/// One word of the file.
#[derive(Trace)]
pub struct Counted {
    /// Of the text.
    pub hash: u64,
    /// How often it occurs. Atomic, as everything in an object that changes.
    count: AtomicU64,
    text: Field<Data<u8>>,
    next: Field<Counted>,
}

/// The words of a file. Its roots live in the scope `'s`.
#[derive(Debug)]
pub struct Tally<'s> {
    buckets: Var<'s, Array<Counted>>,
    /// Different words.
    len: usize,
    /// All words.
    total: u64,
}

impl<'s> Tally<'s> {
    /// An empty one.
    pub fn new(s: &mut Scope<'s>) -> Result<Tally<'s>, Error> {
        let buckets = s.var();
        let array = s.alloc_array::<Counted>(BUCKETS)?;
        buckets.set(s, array);
        Ok(Tally { buckets, len: 0, total: 0 })
    }

    /// All words counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Counts one word.
    pub fn count(&mut self, s: &mut Scope<'_>, word: &[u8]) -> Result<(), Error> {
        self.total += 1;
        let hash = words::hash(word);
        let buckets = self.buckets.get(s).expect("set when it was made");
        let mut at = buckets.item(index(hash, buckets.len()));
        while let Some(counted) = at {
            if counted.hash == hash && counted.get(|c| &c.text).is_some_and(|text| text.as_slice() == word) {
                // No read-modify-write: nobody else can reach it.
                counted.count.store(counted.count.load(Relaxed) + 1, Relaxed);
                return Ok(());
            }
            at = counted.get(|c| &c.next);
        }
        if self.len >= 2 * buckets.len() {
            self.grow(s)?;
        }
        self.len += 1;
        // The inner scope takes its roots with it; the table keeps what is put into it.
        s.scope(|t| {
            let text = t.alloc_bytes(word)?;
            let counted =
                t.alloc(Counted { hash, count: AtomicU64::new(1), text: Field::null(), next: Field::null() })?;
            t.set(counted, |c| &c.text, text);
            let buckets = self.buckets.get(t).expect("set when it was made");
            let index = index(hash, buckets.len());
            t.set(counted, |c| &c.next, buckets.item(index));
            t.set_item(buckets, index, counted);
            Ok(())
        })
    }

    /// Moves the words into a table of four times as many buckets.
    fn grow(&mut self, s: &mut Scope<'_>) -> Result<(), Error> {
        s.scope(|t| {
            let len = self.buckets.get(t).expect("set when it was made").len();
            let larger = t.alloc_array::<Counted>(4 * len)?;
            let buckets = self.buckets.get(t).expect("set when it was made");
            for first in buckets.iter() {
                let mut at = first;
                while let Some(counted) = at {
                    at = counted.get(|c| &c.next);
                    let index = index(counted.hash, 4 * len);
                    t.set(counted, |c| &c.next, t.item(larger, index));
                    t.set_item(larger, index, counted);
                }
            }
            self.buckets.set(t, larger);
            Ok(())
        })
    }

    /// Calls `visit` with hash, text and count of each word; each call has a scope of its own.
    pub fn for_each(
        &self,
        s: &mut Scope<'_>,
        mut visit: impl for<'t> FnMut(&mut Scope<'t>, u64, &[u8], u64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut copy = Vec::with_capacity(words::LONGEST);
        let at = s.var::<Counted>();
        for index in 0..self.buckets.get(s).map_or(0, |buckets| buckets.len()) {
            at.set(s, self.buckets.get(s).and_then(|buckets| buckets.item(index)));
            while let Some(counted) = at.get(s) {
                let (hash, count) = (counted.hash, counted.count.load(Relaxed));
                copy.clear();
                copy.extend_from_slice(counted.get(|c| &c.text).map_or(&[], |text| text.as_slice()));
                s.scope(|t| visit(t, hash, &copy, count))?;
                at.set(s, at.get(s).and_then(|counted| counted.get(|c| &c.next)));
            }
        }
        Ok(())
    }
}

fn index(hash: u64, buckets: usize) -> usize {
    hash as usize & (buckets - 1)
}
