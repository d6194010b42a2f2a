//! The C interface of handfast: every `hf_*` function of `include/handfast.h`, and nothing else.
//!
//! **How it works.** One file per noun; every function is a thin, checked shell over [`handfast_core::raw`]. A shell does
//! three things and no more: it turns C values into Rust ones ([`ctypes`], [`structs`]), refuses what it can recognise as
//! wrong (NULL, a foreign thread's mutator, an offset outside of the object…), and keeps panics on this side
//! ([`boundary`]). `cbindgen` makes the header from these files; the functions that C inlines
//! (`include/handfast_inline.h`) exist here too under the same names, for callers that cannot inline and for the slow
//! paths.
//!
//! **Pointers.** `hf_heap *` is a box of this crate. `hf_mutator *` is the address of the core's record of an attached
//! thread, `hf_object *` that of an object header, `hf_global *` and `hf_weak *` those of the core's cells,
//! `hf_pyobject *` that of a `PyObject`: no translation either way.
//!
//! **Threads.** Functions with a mutator argument belong to the thread that attached it, and say so when another calls
//! them; `hf_incref`, `hf_decref` and the other functions on an `hf_pyobject` alone belong to any attached thread;
//! functions with a heap argument to any thread. State of this crate itself is thread-local: the text of the last error
//! and how deep the thread is in calls that may collect.
//!
//! **Limits.** What cannot be recognised from the value alone (a stale `hf_object *`, a freed `hf_pyobject *`) is checked
//! in builds with the `debug` feature only ([`checks`]). C code must not `longjmp` or throw through a callback.

pub mod alloc;
pub mod boundary;
#[cfg_attr(not(feature = "debug"), path = "checks_off.rs")]
mod checks;
pub mod ctypes;
pub mod handles;
pub mod heap;
pub mod objects;
pub mod roots;
pub mod stats;
pub mod status;
pub mod structs;
pub mod threads;
pub mod types;
pub mod version;
pub mod walk;
