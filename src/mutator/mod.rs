//! Mutators: attached threads, each with its record, its nursery and its own minor collections.
//!
//! Everything here is done by one mutator for itself, or by a requester that holds its record while it is in native
//! code. What drives all mutators together is the collector, one layer up.

pub mod ahead;
pub mod ask;
pub mod barrier;
pub mod bell;
pub mod budget;
pub mod cells;
pub mod crossing;
pub mod evacuation;
pub mod finalize;
pub mod gate;
pub mod globals;
pub mod handshake;
pub mod inspect;
pub mod known_types;
pub mod minor;
pub mod nursery;
pub mod publish;
pub mod publish_wait;
pub mod record;
pub mod registry;
pub mod remembered;
pub mod request;
pub mod roots;
pub mod safepoint;
pub mod shared;
pub mod sizing;
pub mod waiting;
pub mod weak;

pub use record::Record;
pub use shared::Shared;
