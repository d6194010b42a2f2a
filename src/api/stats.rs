//! Statistics.
/// A heap's counters.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Stats {
    pub minor_collections: u64, pub cycles: u64,
    /// Bytes allocated since the start (by the last minor of each mutator).
    pub allocated_bytes: u64,
    pub allocated_objects: u64,
    /// Bytes live after the last cycle.
    pub live_bytes: u64, pub live_objects: u64, pub promoted_bytes: u64,
    pub committed_bytes: u64, pub external_bytes: u64,
    pub links: u64, pub links_freed_by_minor: u64, pub links_freed_by_cycle: u64, pub dead_queued: u64,
    pub longest_pause_ns: u64, pub p50_pause_ns: u64, pub p99_pause_ns: u64, pub pauses: u64,
    pub attached_mutators: u64, pub finalized: u64, pub published_objects: u64,
}
