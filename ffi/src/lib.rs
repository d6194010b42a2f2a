//! The C interface of handfast.
