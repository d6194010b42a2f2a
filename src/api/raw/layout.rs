//! Layouts that C code inlines: constants that `handfast_inline.h` repeats and that the C interface's package compares with
//! its own when it is compiled.

use crate::handle::link_word;
use crate::handle::slab;
use crate::object::header;

/// The link word's tag of a link that only the owner of the object's page may cross without asking.
pub const LINK_PRIVATE: usize = link_word::PRIVATE;
/// The link word's address bits.
pub const LINK_ADDRESS: usize = link_word::ADDRESS;
/// A mutator's barrier mask while no cycle runs: then a crossing shades nothing.
pub const BARRIER_IDLE: u8 = header::BARRIER_IDLE;
/// The mask's bit in checked builds, 0 in others.
pub const CHECKED: u8 = header::CHECKED;
/// Slab pages are aligned to this, and privately linked objects start in the page of their header.
pub const PAGE_BYTES: usize = slab::PAGE_BYTES;
/// Where a page's header names its owner.
pub const PAGE_OWNER: usize = slab::PAGE_OWNER;
