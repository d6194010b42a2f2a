//! What a word is, and how a file's bytes become words.
//!
//! A word is a longest run of ASCII letters, digits, `_` and bytes from 128 up, with its ASCII letters made lower case, if
//! it is 2 to 64 bytes long. Bytes, not characters: a file need not be UTF-8.

/// The shortest word.
const SHORTEST: usize = 2;
/// The longest word.
pub const LONGEST: usize = 64;

/// Cuts bytes, which may come in pieces, into words.
#[derive(Debug)]
pub struct Splitter {
    run: [u8; LONGEST],
    /// The length of the run so far, of which the first `LONGEST` bytes are kept.
    len: usize,
}

impl Splitter {
    /// At the start of a file.
    pub fn new() -> Splitter {
        Splitter { run: [0; LONGEST], len: 0 }
    }

    /// Calls `word` with each word that ends in `piece`.
    ///
    /// # Errors
    /// The first that `word` returns.
    pub fn feed<E>(&mut self, piece: &[u8], mut word: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        for &byte in piece {
            if byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 128 {
                if let Some(place) = self.run.get_mut(self.len) {
                    *place = byte.to_ascii_lowercase();
                }
                self.len += 1;
            } else if self.len > 0 {
                self.end(&mut word)?;
            }
        }
        Ok(())
    }

    /// The end of the file: it ends the last run.
    ///
    /// # Errors
    /// What `word` returns.
    pub fn finish<E>(&mut self, mut word: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        self.end(&mut word)
    }

    fn end<E>(&mut self, word: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let len = std::mem::take(&mut self.len);
        if (SHORTEST..=LONGEST).contains(&len) { word(&self.run[..len]) } else { Ok(()) }
    }
}

/// A hash of a word whose bits all depend on all of its bytes (FNV-1a, finished as in MurmurHash3).
pub fn hash(word: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for &byte in word {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}
