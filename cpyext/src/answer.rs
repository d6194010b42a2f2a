//! What C gets of a Rust answer: NULL or -1 for an error, an owned reference as its address.

use crate::layout::Ob;
use crate::own::Own;

/// The exception of this thread is set (see [`crate::err`]).
#[derive(Debug)]
pub struct Raised;

/// An answer that may be an exception.
pub type Res<T> = Result<T, Raised>;

/// How a Rust value is handed to C.
pub trait Answer {
    /// Its type in C.
    type C;
    /// Hands it over.
    fn to_c(self) -> Self::C;
}

macro_rules! itself {
    ($($ty:ty),*) => { $(impl Answer for $ty {
        type C = $ty;
        fn to_c(self) -> $ty {
            self
        }
    })* };
}
itself!((), i32, u32, i64, u64, isize, usize, f64, i8);

macro_rules! or {
    ($($ty:ty => $c:ty, $ok:expr, $error:expr;)*) => { $(impl Answer for Res<$ty> {
        type C = $c;
        #[allow(clippy::redundant_closure_call)]
        fn to_c(self) -> $c {
            match self {
                Ok(value) => ($ok)(value),
                Err(Raised) => $error,
            }
        }
    })* };
}
or! {
    () => i32, |()| 0, -1;
    bool => i32, i32::from, -1;
    i32 => i32, |v| v, -1;
    u32 => u32, |v| v, u32::MAX;
    i64 => i64, |v| v, -1;
    u64 => u64, |v| v, u64::MAX;
    isize => isize, |v| v, -1;
    usize => usize, |v| v, usize::MAX;
    f64 => f64, |v| v, -1.0;
}

impl Answer for bool {
    type C = i32;
    fn to_c(self) -> i32 {
        i32::from(self)
    }
}

impl<T> Answer for *mut T {
    type C = *mut T;
    fn to_c(self) -> *mut T {
        self
    }
}

impl<T> Answer for *const T {
    type C = *const T;
    fn to_c(self) -> *const T {
        self
    }
}

impl<T> Answer for Res<*mut T> {
    type C = *mut T;
    fn to_c(self) -> *mut T {
        self.unwrap_or(std::ptr::null_mut())
    }
}

impl<T> Answer for Res<*const T> {
    type C = *const T;
    fn to_c(self) -> *const T {
        self.unwrap_or(std::ptr::null())
    }
}

impl Answer for Own {
    type C = Ob;
    fn to_c(self) -> Ob {
        self.into_raw()
    }
}

impl Answer for Res<Own> {
    type C = Ob;
    fn to_c(self) -> Ob {
        self.map_or(std::ptr::null_mut(), Own::into_raw)
    }
}

/// NULL without an exception is an answer of its own.
impl Answer for Res<Option<Own>> {
    type C = Ob;
    fn to_c(self) -> Ob {
        self.ok().flatten().map_or(std::ptr::null_mut(), Own::into_raw)
    }
}

/// A function of C that answers a new reference or NULL with an exception set.
pub fn owned(ob: Ob) -> Res<Own> {
    Own::new(ob).ok_or(Raised)
}

/// A function of C that answers a negative number with an exception set.
pub fn status(code: i32) -> Res<()> {
    if code < 0 { Err(Raised) } else { Ok(()) }
}
