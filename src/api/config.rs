//! What a heap is made with.
/// Parameters of a heap; validated by `Heap::new`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Bytes of each mutator's nursery (rounded up to blocks of 32 KiB; 128 KiB to 256 MiB). Default 1 MiB.
    pub nursery_bytes: usize,
    /// The most bytes that objects may occupy; default: three quarters of the machine's memory.
    pub max_heap_bytes: usize,
    /// Collector threads; 0: cycles run only on demand, by the calling mutator. Default 1.
    pub gc_threads: u32,
    /// A cycle starts when the old generation has grown by this many percent of what the last cycle left. Default 100.
    pub growth_percent: u32,
    /// No cycle starts below this many bytes. Default 32 MiB
    pub min_trigger_bytes: usize,
    /// Free memory kept before more goes back to the operating system. Default 32 MiB.
    pub reserve_bytes: usize,
    /// Ask for huge pages (`madvise`). Default true.
    pub huge_pages: bool,
}
impl Default for Config { fn default() -> Config { Config { nursery_bytes: 1 << 20, max_heap_bytes: 8 << 30, gc_threads: 1, growth_percent: 100, min_trigger_bytes: 32 << 20, reserve_bytes: 32 << 20, huge_pages: true } } }
