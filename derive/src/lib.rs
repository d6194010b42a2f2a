//! `#[derive(Trace)]` for handfast.
