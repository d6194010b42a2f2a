//! Unmodified C extensions on handfast: a `Python.h`, the functions behind it, and a loader.
//!
//! The object model is a small Python's: types with slots, ints, floats, strings, bytes, tuples, lists, dicts,
//! modules, functions, exceptions, buffers. It runs no Python code. What it is for is the boundary: C's objects and the
//! heap's, the references between them, and who dies when; `cross.rs` has the rules, the README the table.
//!
//! | layer | files |
//! |---|---|
//! | the runtime of the process, its lock, threads | `runtime`, `thread` |
//! | crossing between C and the heap | `cross`, `native`, `instance` |
//! | what C and Rust share | `layout`, `answer`, `own`, `spare`, `../include/`, `../c/` |
//! | types | `types`, `type_*`, `descr`, `member`, `wrapper`, `attr` |
//! | kinds of objects | `long*`, `float`, `unicode*`, `writer`, `codec`, `bytes`, `bytearray`, `row`, `tuple`, `list`, `dict*`, `set`, `slice`, `iter`, `module`, `method`, `exc`, `buffer*`, `capsule`, `weakref`, `alias`, `wrapped` |
//! | protocols | `object`, `depth`, `number`, `sequence`, `call`, `err`, `warn`, `mem`, `import`, `clinic`, `system` |
//! | extensions | `loader` |
//! | for hosts | `eval`, `caller` |
//!
//! **How a function of the API is written.** As a Rust function that answers `Result`s and owned references
//! ([`Own`]), under `#[capi]`, which exports it to C and turns what it answers into what C expects; see the crate
//! `handfast-cpyext-macros`, also for why its body is one unsafe block.
//!
//! ```
//! use handfast_cpyext::{Runtime, eval};
//!
//! let entered = Runtime::start(&handfast::Config::default())?;
//! assert_eq!(eval::str_of(&eval::list_of_ints(&[1, 2, 3])), "[1, 2, 3]");
//! drop(entered);
//! # Ok::<(), handfast::Error>(())
//! ```

#[macro_use]
mod zeroed;

mod alias;
mod answer;
mod attr;
mod buffer;
mod buffer_copy;
mod builtins;
mod bytearray;
mod bytes;
mod call;
pub mod caller;
mod capsule;
mod clinic;
mod codec;
mod cross;
mod depth;
mod descr;
mod dict;
mod dict_api;
mod dict_ops;
mod dict_parts;
mod err;
pub mod eval;
mod exc;
mod float;
mod import;
mod instance;
mod iter;
mod layout;
mod list;
mod loader;
mod long;
mod long_number;
mod mem;
mod member;
mod method;
mod module;
mod names;
mod native;
mod number;
mod object;
mod own;
mod row;
mod runtime;
mod sequence;
mod set;
mod slice;
mod spare;
mod system;
mod text;
mod thread;
mod tuple;
mod type_alloc;
mod type_cache;
mod type_names;
mod type_object;
mod type_ready;
mod type_spec;
mod types;
mod unicode;
mod unicode_copy;
mod unicode_ops;
mod variadic;
mod warn;
mod weakref;
mod wrapped;
mod wrapper;
mod writer;

pub use loader::{LoadError, load};
pub use own::Own;
pub use runtime::{Entered, Runtime, turn};
pub use warn::{Filter, set_filter};
