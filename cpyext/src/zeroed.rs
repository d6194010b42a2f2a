//! Structs of C whose empty state is all bits zero, as constants.

/// A value of this type with all bits zero: for structs of integers, pointers and optional functions.
macro_rules! unsafe_zeroed {
    ($ty:ty) => {
        // SAFETY: [X3] integers, pointers and optional functions only.
        unsafe { std::mem::MaybeUninit::<$ty>::zeroed().assume_init() }
    };
}

/// A static type of this crate, exported under its name. Fields that are not told are empty.
macro_rules! builtin_type {
    ($name:ident, $text:literal, $size:expr, $flags:expr, { $($field:ident: $value:expr),* $(,)? }) => {
        #[doc = concat!("The type `", stringify!($name), "`.")]
        #[used]
        #[unsafe(no_mangle)]
        pub static mut $name: crate::layout::PyTypeObject = {
            #[allow(unused_mut, reason = "of a type without fields to set")]
            let mut ty = crate::layout::PyTypeObject::new($text, $size, $flags);
            $(ty.$field = $value;)*
            ty
        };
    };
}
