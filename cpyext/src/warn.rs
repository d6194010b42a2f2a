//! Warnings: on standard error, each once; or what a program sets.

use crate::answer::Res;
use crate::err;
use crate::layout::{NULL, Ob};
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// What becomes of a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// It is printed, once for each text.
    Once,
    /// It is raised.
    Error,
    /// Nothing.
    Ignore,
}

struct State {
    filter: Filter,
    seen: Option<HashSet<String>>,
}

static STATE: Mutex<State> = Mutex::new(State { filter: Filter::Once, seen: None });

/// Says what becomes of warnings from now on.
pub fn set_filter(filter: Filter) {
    STATE.lock().unwrap_or_else(PoisonError::into_inner).filter = filter;
}

/// Warns.
pub fn warn(category: Ob, text: &str) -> Res<()> {
    // SAFETY: [X5] set once, when the runtime starts.
    let category = if category.is_null() { unsafe { crate::exc::PyExc_RuntimeWarning } } else { category };
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    match state.filter {
        Filter::Ignore => Ok(()),
        Filter::Error => {
            drop(state);
            err::raise(category, text)
        }
        Filter::Once => {
            if state.seen.get_or_insert_with(HashSet::new).insert(text.to_owned()) {
                debug_assert!(category != NULL);
                eprintln!("{}: {text}", crate::types::name_of(category.cast()));
            }
            Ok(())
        }
    }
}
