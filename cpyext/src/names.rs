//! Interned strings: one immortal str for each name of an attribute.

use crate::layout::Ob;
use crate::own::Own;
use crate::own::immortal;
use crate::unicode;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// An address, for the table. The extension lock is held by whoever uses it.
struct Name(Ob);

// SAFETY: [X6] immortal objects, which any thread that holds the extension lock may use.
unsafe impl Send for Name {}

static NAMES: Mutex<Option<HashMap<String, Name>>> = Mutex::new(None);

/// The interned str of a text, made of `ob` if there is none yet.
pub fn intern(ob: Own) -> Own {
    // SAFETY: [X1] a str.
    let text = unsafe { unicode::to_text(ob.ob()) };
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let names = names.get_or_insert_with(HashMap::new);
    if let Some(Name(known)) = names.get(&text) {
        return Own::share(*known);
    }
    immortal(ob.ob());
    names.insert(text, Name(ob.ob()));
    ob
}

/// The interned str of a name.
///
/// # Panics
/// When memory is out.
pub fn get(name: &str) -> Own {
    {
        let names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Name(known)) = names.as_ref().and_then(|names| names.get(name)) {
            return Own::share(*known);
        }
    }
    // SAFETY: [X1] on an entered thread.
    intern(unsafe { unicode::from_str(name) }.expect("memory for a name"))
}
