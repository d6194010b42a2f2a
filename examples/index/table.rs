//! [`Table`]: a hash table of words that all threads share, without a lock.
//!
//! A split-ordered list (Shalev and Shavit, JACM 2006), here without deletion. All entries are in one list, ordered by
//! their *reversed* hashes. A bucket is a reference to a marker in that list, in front of the bucket's entries: when the
//! number of buckets doubles, an entry's new bucket is a part of its old one, so the table grows by new markers and no entry
//! moves. Buckets are in segments, each as large as all before it, which are made when they are first needed.
//!
//! An insertion is one compare-exchange on the `next` field of the predecessor ([`Scope::compare_set`]), which publishes
//! the entry. Whoever loses looks again from the same place. A collector makes the rest easy: an entry that somebody looks
//! at is not freed, so an address that is seen twice is the same entry.

use crate::posting::Word;
use handfast::{Array, Error, Field, Local, Ref, Scope, Trace};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Buckets of the first segment.
const FIRST: usize = 256;
/// Segments, at most.
const SEGMENTS: usize = 32;
/// Entries for each bucket, on average, before their number doubles.
const LOAD: usize = 2;

/// The table: one object, which a global root keeps.
#[derive(Trace)]
pub struct Table {
    segments: Field<Array<Array<Entry>>>,
    buckets: AtomicUsize,
    len: AtomicUsize,
}

/// An element of the list.
#[derive(Trace)]
pub struct Entry {
    /// The reversed hash. An entry's lowest bit is 1, a marker's 0: a marker comes before all entries of its bucket.
    key: u64,
    next: Field<Entry>,
    /// Null in a marker.
    word: Field<Word>,
}

/// Where the list has the key and the text that were looked for, or would have them.
struct Place<'a> {
    before: Ref<'a, Entry>,
    after: Option<Ref<'a, Entry>>,
    /// The entry with that key and text, if there is one.
    found: Option<Ref<'a, Entry>>,
}

impl Table {
    /// An empty table.
    pub fn new<'s>(s: &mut Scope<'s>) -> Result<Local<'s, Table>, Error> {
        s.escape(|t| {
            let table =
                t.alloc(Table { segments: Field::null(), buckets: AtomicUsize::new(FIRST), len: AtomicUsize::new(0) })?;
            let segments = t.alloc_array(SEGMENTS)?;
            let first = t.alloc_array(FIRST)?;
            let head = t.alloc(Entry { key: 0, next: Field::null(), word: Field::null() })?;
            t.set_item(first, 0, head);
            t.set_item(segments, 0, first);
            t.set(table, |table| &table.segments, segments);
            Ok(table)
        })
    }

    /// The number of words.
    pub fn len(&self) -> usize {
        self.len.load(Relaxed)
    }
}

/// The word of this text, made if there is none yet.
pub fn find_or_insert<'s>(
    s: &mut Scope<'s>,
    table: Local<'s, Table>,
    hash: u64,
    text: &[u8],
) -> Result<Local<'s, Word>, Error> {
    let marker = bucket(s, table, hash as usize & (table.get(s).buckets.load(Relaxed) - 1))?;
    let key = hash.reverse_bits() | 1;
    let place = find(marker.get(s), key, Some(text));
    if let Some(word) = place.found.and_then(|entry| entry.get(|e| &e.word)) {
        return Ok(s.root(word));
    }
    let word = Word::new(s, text)?;
    let entry = s.alloc(Entry { key, next: Field::null(), word: Field::null() })?;
    s.set(entry, |e| &e.word, word);
    if let Some(other) = insert(s, marker, entry, Some(text)) {
        let word = other.get(|e| &e.word).expect("an entry has a word");
        return Ok(s.root(word));
    }
    let table = table.get(s);
    let (len, buckets) = (table.len.fetch_add(1, Relaxed) + 1, table.buckets.load(Relaxed));
    if len > LOAD * buckets && segment(2 * buckets - 1).0 < SEGMENTS {
        // One of the threads that see this doubles it; relaxed, since any number that a thread reads is one that works.
        let _ = table.buckets.compare_exchange(buckets, 2 * buckets, Relaxed, Relaxed);
    }
    Ok(word)
}

/// The first word of the list that follows `entry`, and its entry; from the head of the list if that is `None`.
pub fn next_word<'a>(table: Ref<'a, Table>, entry: Option<Ref<'a, Entry>>) -> Option<(Ref<'a, Entry>, Ref<'a, Word>)> {
    let head = || table.get(|t| &t.segments).and_then(|s| s.item(0)).and_then(|first| first.item(0));
    let mut at = entry.or_else(head)?.get(|e| &e.next);
    while let Some(entry) = at {
        if let Some(word) = entry.get(|e| &e.word) {
            return Some((entry, word));
        }
        at = entry.get(|e| &e.next);
    }
    None
}

/// Looks for a key, from `start`, which is before its place. Without a text: for a marker.
fn find<'a>(start: Ref<'a, Entry>, key: u64, text: Option<&[u8]>) -> Place<'a> {
    let mut before = start;
    loop {
        let after = before.get(|e| &e.next);
        match after {
            Some(entry) if entry.key <= key => {
                if entry.key == key && entry.get(|e| &e.word).map(Word::bytes) == text {
                    return Place { before, after, found: Some(entry) };
                }
                before = entry;
            }
            _ => return Place { before, after, found: None },
        }
    }
}

/// Inserts `entry`, or answers the equal one that another thread has inserted meanwhile.
fn insert<'a>(
    s: &'a Scope<'_>,
    marker: Local<'_, Entry>,
    entry: Local<'_, Entry>,
    text: Option<&[u8]>,
) -> Option<Ref<'a, Entry>> {
    let key = entry.get(s).key;
    loop {
        let place = find(marker.get(s), key, text);
        if place.found.is_some() {
            return place.found;
        }
        s.set(entry, |e| &e.next, place.after);
        if s.compare_set(place.before, |e| &e.next, place.after, entry) {
            return None;
        }
    }
}

/// The segment of a bucket, the index in it, and the segment's length.
fn segment(bucket: usize) -> (usize, usize, usize) {
    if bucket < FIRST {
        return (0, bucket, FIRST);
    }
    let half = 1 << bucket.ilog2();
    ((half / FIRST).ilog2() as usize + 1, bucket - half, half)
}

/// The marker of a bucket, if it has been made.
fn marker(table: Ref<'_, Table>, bucket: usize) -> Option<Ref<'_, Entry>> {
    let (number, index, _) = segment(bucket);
    table.get(|t| &t.segments)?.item(number)?.item(index)
}

/// The marker of a bucket, made and inserted if need be.
fn bucket<'s>(s: &mut Scope<'s>, table: Local<'s, Table>, bucket: usize) -> Result<Local<'s, Entry>, Error> {
    if let Some(marker) = marker(table.get(s), bucket) {
        return Ok(s.root(marker));
    }
    s.escape(|t| {
        let (number, index, len) = segment(bucket);
        if table.get(t).get(|t| &t.segments).and_then(|segments| segments.item(number)).is_none() {
            let new = t.alloc_array::<Entry>(len)?;
            let segments = table.get(t).get(|t| &t.segments).expect("set when the table was made");
            // If another thread was first, ours dies.
            let _ = t.compare_set_item(segments, number, None::<Ref<'_, Array<Entry>>>, new);
        }
        let new = t.alloc(Entry { key: (bucket as u64).reverse_bits(), next: Field::null(), word: Field::null() })?;
        // Any marker before its place will do to start from: that of the bucket which this one is a part of, or the bucket
        // that that one is a part of, and so on to bucket 0, which always has one.
        let mut parent = bucket;
        let start = loop {
            parent &= !(1 << parent.ilog2());
            if let Some(marker) = marker(table.get(t), parent) {
                break t.root(marker);
            }
        };
        let marker = insert(t, start, new, None).map_or(new, |other| t.root(other));
        let segments = table.get(t).get(|t| &t.segments).expect("set when the table was made");
        let array = segments.item(number).expect("set above");
        t.set_item(array, index, marker); // whoever stores here stores the same
        Ok(marker)
    })
}
