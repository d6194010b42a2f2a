//! `hf_stats`: a heap's counters, in the order in which they came into the interface. New ones are appended.

use crate::boundary;
use crate::ctypes::size_t;
use crate::heap::HfHeap;
use crate::status::HfStatus;
use crate::structs::{self, Growing};
use std::mem::offset_of;

/// A heap's counters. Set `struct_size` before `hf_stats_get`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct HfStats {
    /// `sizeof(hf_stats)`.
    pub struct_size: size_t,
    /// Minor collections of all threads.
    pub minor_collections: u64,
    /// Global cycles completed.
    pub cycles: u64,
    /// Bytes allocated since the start, as of the last minor of each thread.
    pub allocated_bytes: u64,
    /// Bytes alive after the last cycle.
    pub live_bytes: u64,
    /// Bytes of memory in use by the heap.
    pub committed_bytes: u64,
    /// Pairs that are linked now.
    pub links: u64,
    /// Links that died in minor collections.
    pub links_freed_by_minor: u64,
    /// Links that died in cycles.
    pub links_freed_by_cycle: u64,
    /// Handles that went to the dead queue.
    pub dead_queued: u64,
    /// The longest interruption of a thread, in nanoseconds.
    pub longest_pause_ns: u64,
    /// Objects alive after the last cycle.
    pub live_objects: u64,
    /// Bytes that minors moved or promoted in place.
    pub promoted_bytes: u64,
    /// Objects that minors moved or promoted in place.
    pub promoted_objects: u64,
    /// Bytes of blocks that are not free and of large objects.
    pub used_bytes: u64,
    /// Links ever made.
    pub links_made: u64,
    /// What `hf_external_memory` has added up to.
    pub external_bytes: u64,
    /// Half of the interruptions were no longer than this, in nanoseconds.
    pub p50_pause_ns: u64,
    /// 99 of 100 interruptions were no longer than this, in nanoseconds.
    pub p99_pause_ns: u64,
    /// Interruptions of threads: minor collections, handshakes, and waits for a cycle because memory was out.
    pub pauses: u64,
    /// Threads that are attached now.
    pub attached_mutators: u64,
    /// Finalizers that ran.
    pub finalized: u64,
    /// Objects that were published.
    pub published_objects: u64,
    /// Handles that exist now and are not linked: those that C alone holds, adopted memory, and the dead until they are
    /// freed. With `links` it is all handles that there are. Exact when no thread is making or freeing any.
    pub c_only: u64,
    /// 999 of 1000 interruptions were no longer than this, in nanoseconds.
    pub p999_pause_ns: u64,
}

// SAFETY: [E3] words only, the size first.
unsafe impl Growing for HfStats {
    const NAME: &'static str = "hf_stats";
    const FIRST: usize = offset_of!(HfStats, live_objects);
}

/// Reads a heap's counters. They are exact for what has stopped changing, and each by itself otherwise.
///
/// # Safety
/// Owner: the caller; only `out->struct_size` bytes are written. Thread: any. Collects: no.
/// Errors: `HF_ERR_INVALID_ARGUMENT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_stats_get(heap: *mut HfHeap, out: *mut HfStats) -> HfStatus {
    boundary::status("hf_stats_get", || {
        // SAFETY: [E1] NULL or alive.
        let stats = unsafe { HfHeap::from_c(heap) }?.raw().stats();
        let value = HfStats {
            struct_size: 0,
            minor_collections: stats.minor_collections,
            cycles: stats.cycles,
            allocated_bytes: stats.allocated_bytes,
            live_bytes: stats.live_bytes,
            committed_bytes: stats.committed_bytes,
            links: stats.links,
            links_freed_by_minor: stats.links_freed_by_minor,
            links_freed_by_cycle: stats.links_freed_by_cycle,
            dead_queued: stats.dead_queued,
            longest_pause_ns: stats.longest_pause_ns,
            live_objects: stats.live_objects,
            promoted_bytes: stats.promoted_bytes,
            promoted_objects: stats.promoted_objects,
            used_bytes: stats.used_bytes,
            links_made: stats.links_made,
            external_bytes: stats.external_bytes,
            p50_pause_ns: stats.p50_pause_ns,
            p99_pause_ns: stats.p99_pause_ns,
            pauses: stats.pauses,
            attached_mutators: stats.attached_mutators,
            finalized: stats.finalized,
            published_objects: stats.published_objects,
            c_only: stats.c_only,
            p999_pause_ns: stats.p999_pause_ns,
        };
        // SAFETY: [E3] NULL or writable as far as its struct_size says.
        unsafe { structs::write(out, &value) }
    })
}
