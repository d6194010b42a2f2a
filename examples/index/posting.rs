//! [`Word`] and its postings: which files it is in, how often.
//!
//! Any thread may add a posting to any word. The newest chunk has a counter that hands out its places; when they are
//! used up, a new chunk is put in front of it by a compare-exchange.

use handfast::{Data, Error, Field, HandleSlot, Local, Ref, Scope, Trace};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Postings of a chunk.
const PLACES: usize = 6;

/// A file and how often the word is in it; never zero, which is an empty place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The file's number.
    pub file: u32,
    /// How often the word is in it; at least 1.
    pub count: u32,
}

impl Posting {
    fn pack(self) -> u64 {
        u64::from(self.file) << 32 | u64::from(self.count)
    }

    fn unpack(word: u64) -> Option<Posting> {
        (word != 0).then_some(Posting { file: (word >> 32) as u32, count: word as u32 })
    }
}

/// A word of the index.
#[derive(Trace)]
pub struct Word {
    text: Field<Data<u8>>,
    /// How often it is in all files.
    count: AtomicU64,
    /// The first posting has a place here: most words are in one file.
    first: AtomicU64,
    postings: Field<Chunk>,
    /// Its `PyObject`, if C has seen the word.
    handle: HandleSlot,
}

/// Some postings.
#[derive(Trace)]
pub struct Chunk {
    older: Field<Chunk>,
    /// Places handed out; may exceed their number, by threads that came too late.
    used: AtomicUsize,
    places: [AtomicU64; PLACES],
}

impl Word {
    /// A word that is nowhere yet.
    pub fn new<'s>(s: &mut Scope<'s>, text: &[u8]) -> Result<Local<'s, Word>, Error> {
        let text = s.alloc_bytes(text)?;
        let word = s.alloc(Word {
            text: Field::null(),
            count: AtomicU64::new(0),
            first: AtomicU64::new(0),
            postings: Field::null(),
            handle: HandleSlot::new(),
        })?;
        s.set(word, |w| &w.text, text);
        Ok(word)
    }

    /// Adds to the count; what it is then.
    pub fn add(&self, count: u64) -> u64 {
        self.count.fetch_add(count, Relaxed) + count
    }

    /// How often it is in all files.
    pub fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }

    /// Its text.
    pub fn bytes(this: Ref<'_, Word>) -> &[u8] {
        this.get(|w| &w.text).map_or(&[], Ref::as_slice)
    }

    /// Its postings, in no order. Those that other threads are adding may be missing.
    pub fn postings(this: Ref<'_, Word>) -> impl Iterator<Item = Posting> {
        let chunks = std::iter::successors(this.get(|w| &w.postings), |chunk| chunk.get(|c| &c.older));
        let places = chunks.flat_map(|chunk| chunk.contents().places.iter());
        std::iter::once(&this.contents().first).chain(places).filter_map(|place| Posting::unpack(place.load(Relaxed)))
    }
}

/// Adds a posting to a word. The word is rooted in a scope around this one.
pub fn add_posting(s: &mut Scope<'_>, word: Local<'_, Word>, posting: Posting) -> Result<(), Error> {
    let posting = posting.pack();
    let first = &word.get(s).contents().first;
    if first.load(Relaxed) == 0 && first.compare_exchange(0, posting, Relaxed, Relaxed).is_ok() {
        return Ok(());
    }
    s.scope(|t| {
        loop {
            let newest = word.get(t).get(|w| &w.postings);
            if let Some(chunk) = newest.map(Ref::contents).filter(|chunk| chunk.used.load(Relaxed) < PLACES)
                && let Some(place) = chunk.places.get(chunk.used.fetch_add(1, Relaxed))
            {
                place.store(posting, Relaxed);
                return Ok(());
            }
            let newest = newest.map(|chunk| t.root(chunk));
            let chunk = t.alloc(Chunk {
                older: Field::null(),
                used: AtomicUsize::new(1),
                places: std::array::from_fn(|i| AtomicU64::new(if i == 0 { posting } else { 0 })),
            })?;
            t.set(chunk, |c| &c.older, newest);
            if t.compare_set(word, |w| &w.postings, newest, chunk) {
                return Ok(());
            }
            // Another thread has put a chunk there meanwhile; ours dies.
        }
    })
}

/// Checks a finished word: its postings add up to its count. Answers in how many files it is.
///
/// # Errors
/// What is wrong.
pub fn check(word: Ref<'_, Word>) -> Result<u64, String> {
    let (mut files, mut sum) = (0, 0);
    for posting in Word::postings(word) {
        files += 1;
        sum += u64::from(posting.count);
    }
    if sum == word.count() && files > 0 {
        return Ok(files);
    }
    let text = String::from_utf8_lossy(Word::bytes(word));
    Err(format!("the {files} postings of \"{text}\" add up to {sum}, not to {}", word.count()))
}
