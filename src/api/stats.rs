//! Statistics.

/// A heap's counters since it was made, in objects, bytes and nanoseconds.
///
/// ```
/// let heap = handfast::Heap::new(handfast::Config::default())?;
/// assert_eq!(heap.stats().cycles, 0);
/// # Ok::<(), handfast::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Minor collections of all mutators.
    pub minor_collections: u64,
    /// Completed global cycles.
    pub cycles: u64,
    /// Bytes allocated, up to the last minor collection of each mutator.
    pub allocated_bytes: u64,
    /// Bytes of objects that the last cycle found alive in the old generation.
    pub live_bytes: u64,
    /// Number of these objects.
    pub live_objects: u64,
    /// Bytes that minor collections promoted.
    pub promoted_bytes: u64,
    /// Number of objects that minor collections promoted.
    pub promoted_objects: u64,
    /// Bytes of blocks that are not free, nurseries among them, and of large objects.
    pub used_bytes: u64,
    /// Bytes held from the operating system for objects and `PyObject`s.
    pub committed_bytes: u64,
    /// External memory reported.
    pub external_bytes: u64,
    /// Pairs that exist now.
    pub links: u64,
    /// Pairs ever made.
    pub links_made: u64,
    /// Pairs that a minor collection freed.
    pub links_freed_by_minor: u64,
    /// Pairs that a global cycle freed.
    pub links_freed_by_cycle: u64,
    /// `PyObject`s ever put into the dead queue.
    pub dead_queued: u64,
    /// Finalizers run.
    pub finalized: u64,
    /// Objects published.
    pub published_objects: u64,
    /// Mutators attached now.
    pub attached_mutators: u64,
    /// Pauses of mutators: minor collections, answered handshakes, and waits for a cycle because memory was out.
    pub pauses: u64,
    /// The longest pause of any mutator.
    pub longest_pause_ns: u64,
    /// Half of all pauses were no longer.
    pub p50_pause_ns: u64,
    /// 99 percent of all pauses were no longer.
    pub p99_pause_ns: u64,
    /// `PyObject`s that exist now without a link: those that C alone holds, adopted memory, and the dead until they are
    /// freed. With `links` it is all `PyObject`s that there are. Exact when no thread is making or freeing any.
    pub c_only: u64,
    /// 999 of 1000 pauses were no longer.
    pub p999_pause_ns: u64,
}
