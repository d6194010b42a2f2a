//! Allocation and collection, as a mutator sees them.
//!
//! The fast path is a pointer add, one compare and the header store; everything that it touches belongs to the mutator.
//! The slow path serves requests, runs callbacks, takes the next nursery block, collects, and in the end says that memory
//! is out: after a minor and a full collection, with the heap intact.

use super::mutator::Mutator;
use crate::collector::Driver;
use crate::heap::block::BLOCK;
use crate::mutator::record::Phase;
use crate::object::header::{HEADER, OLD, UNLOGGED};
use crate::object::type_info::{LARGE, SLOW};
use crate::object::{MAX_PAYLOAD, Object, TypeInfo};
use std::ops::Range;
use std::ptr::null_mut;
use std::time::{Duration, Instant};

/// Large young bytes that cause a minor collection, at least.
const LARGE_BUDGET: usize = 16 << 20;

/// The most that a mutator waits at a time for a collector's thread that is late: whom that waits for may be waiting for this
/// mutator.
const PATIENCE: Duration = Duration::from_millis(100);

#[allow(clippy::missing_safety_doc, reason = "the same for all: the rules of the module `raw`, numbers 1 to 3")]
impl Mutator {
    /// A zeroed object; null when memory is out. May collect.
    ///
    /// ```
    /// use handfast::raw::{self, Heap, TypeInfo};
    /// use handfast::Config;
    ///
    /// static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     let node = m.alloc(&NODE);
    ///     assert!(!node.is_null(), "out of memory");
    ///     assert_eq!(raw::payload(node).cast::<[u64; 2]>().read(), [0, 0]);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline(always)]
    pub unsafe fn alloc(self, ty: *const TypeInfo) -> *mut Object {
        // SAFETY: [A1] the caller's promises; the payload is written at once.
        unsafe {
            let object = self.alloc_uninit(ty);
            if !object.is_null() {
                std::ptr::write_bytes(Object::payload(object), 0, (*ty).size);
            }
            object
        }
    }

    /// An object whose payload is not initialised: the caller writes all of it before the next point that may collect.
    /// Types with items are zeroed. Null when memory is out. May collect.
    ///
    /// ```
    /// use handfast::raw::{self, Heap, TypeInfo};
    /// use handfast::Config;
    ///
    /// static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     let node = m.alloc_uninit(&NODE);
    ///     assert!(!node.is_null(), "out of memory");
    ///     raw::payload(node).cast::<[u64; 2]>().write([0, 7]); // all of it, and the reference is null
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline(always)]
    pub unsafe fn alloc_uninit(self, ty: *const TypeInfo) -> *mut Object {
        // SAFETY: [A1] the caller's promises.
        match unsafe { self.alloc_here(ty) } {
            Some(object) => object,
            // SAFETY: [A1] the caller's promises.
            None => unsafe { self.alloc_slow(ty, 0) },
        }
    }

    /// The same where the block that the nursery is filling has room; else `None`. Does not collect.
    #[inline(always)]
    pub(crate) unsafe fn alloc_here(self, ty: *const TypeInfo) -> Option<*mut Object> {
        let record = self.record();
        let at = record.cursor.get();
        // SAFETY: [T2] the caller's type outlives the heap.
        let end = at + unsafe { (*ty).fast_bytes };
        if end > record.limit.get() {
            return None;
        }
        record.cursor.set(end);
        let object = at as *mut Object;
        // SAFETY: [N4] fresh memory of this nursery.
        unsafe { Object::init(object, ty, 0, 0) };
        Some(object)
    }

    /// A zeroed object with this many items; null when memory is out or the size is over the limit. May collect.
    ///
    /// ```
    /// use handfast::raw::{self, Heap, TypeInfo};
    /// use handfast::Config;
    ///
    /// static TEXT: TypeInfo = TypeInfo::new("Text", 0).with_items(1);
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     let text = m.alloc_items(&TEXT, 5);
    ///     assert_eq!(raw::items(text), 5);
    ///     assert!(m.alloc_items(&TEXT, usize::MAX).is_null());
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    #[inline]
    pub unsafe fn alloc_items(self, ty: *const TypeInfo, items: usize) -> *mut Object {
        // SAFETY: [T2] the caller's type outlives the heap.
        let info = unsafe { &*ty };
        if info.item_size == 0 {
            // SAFETY: [A1] the caller's promises.
            return if items == 0 { unsafe { self.alloc(ty) } } else { null_mut() };
        }
        if items > (MAX_PAYLOAD - info.size.min(MAX_PAYLOAD)) / info.item_size {
            return null_mut();
        }
        let bytes = info.bytes_with(items);
        let record = self.record();
        let at = record.cursor.get();
        if bytes <= LARGE && at + bytes <= record.limit.get() && info.finalize.is_none() {
            record.cursor.set(at + bytes);
            // SAFETY: [N4] fresh memory of this nursery.
            return unsafe { place(at as *mut u8, ty, items, bytes, true) };
        }
        // SAFETY: [A1] the caller's promises.
        unsafe { self.alloc_slow(ty, items) }
    }

    #[cold]
    #[inline(never)]
    pub(crate) unsafe fn alloc_slow(self, ty: *const TypeInfo, items: usize) -> *mut Object {
        let record = self.record();
        // SAFETY: [A1] a point that may collect.
        unsafe {
            // What follows may need a lock, or an answer, of a thread that exists in the parent only.
            if self.heap().is_forked() {
                return null_mut();
            }
            record.serve();
            self.run_callbacks();
        }
        // SAFETY: [T2] the caller's type outlives the heap.
        let info = unsafe { &*ty };
        if info.size > MAX_PAYLOAD {
            return null_mut();
        }
        let bytes = info.bytes_with(items);
        if cfg!(gc_zeal) {
            // SAFETY: [A1] as above.
            unsafe { self.zeal() };
        }
        // SAFETY: [A1] as above.
        let object =
            unsafe { if bytes > LARGE { self.alloc_large(ty, items) } else { self.alloc_small(ty, items, bytes) } };
        if !object.is_null() && info.finalize.is_some() {
            // SAFETY: [L1] the owner.
            unsafe { record.local() }.finalizable.push(object);
        }
        object
    }

    unsafe fn alloc_small(self, ty: *const TypeInfo, items: usize, bytes: usize) -> *mut Object {
        let mut tenured = false;
        let take = |collected: bool| {
            // Where there was no free block since the last minor, threads would only get in each other's way asking again.
            // SAFETY: [A1] the caller's promises; [L1] the owner, and the reference to its state is not kept.
            let at = unsafe { if self.record().local().tenured != 0 { None } else { self.bump(bytes) } };
            // SAFETY: [L1] the owner.
            let local = unsafe { self.record().local() };
            // No block is free for the nursery, but old blocks may have holes. A minor would gain nothing, unless it is time
            // for one: it forgets what is remembered because of these objects, and tells pacing of them.
            let due = local.nursery.in_use() || local.tenured + bytes > self.nursery_bytes();
            if at.is_none() && (collected || !due) {
                let hole = local.evacuation.alloc(&self.record().shared().memory, bytes, local.parity);
                tenured = !hole.is_null();
                return if tenured { Some(hole as usize) } else { None };
            }
            at
        };
        // SAFETY: [A1] the caller's promises.
        let Some(at) = (unsafe { self.with_memory(take) }) else { return null_mut() };
        if tenured {
            // SAFETY: [N4] fresh memory in a block that this mutator fills.
            return unsafe { self.place_tenured(at as *mut u8, ty, items, bytes) };
        }
        // Types without items are the caller's to initialise; finalizable ones come from here as well, and `alloc` zeroes them.
        // SAFETY: [N4] fresh memory of this nursery.
        unsafe { place(at as *mut u8, ty, items, bytes, (*ty).item_size != 0) }
    }

    /// Makes an object that is old from the start, as if a minor collection had just promoted it. Its initial stores know no
    /// barrier, so it is remembered, unless there is nothing young that they could store.
    unsafe fn place_tenured(self, at: *mut u8, ty: *const TypeInfo, items: usize, bytes: usize) -> *mut Object {
        let record = self.record();
        // SAFETY: [L1] the owner.
        let local = unsafe { record.local() };
        // SAFETY: [N4] the caller's memory. Zeroed: slots may be visited before they are written.
        unsafe {
            std::ptr::write_bytes(at, 0, bytes);
            let object = place(at, ty, items, bytes, true);
            let alone = local.nursery.is_empty() && local.large.is_empty();
            Object::init(object, ty, if alone { OLD | UNLOGGED } else { OLD }, local.parity);
            record.shared().memory.blocks.set_start(object as usize);
            if !alone {
                local.remembered.objects.push(object);
            }
            local.tenured += bytes;
            object
        }
    }

    /// Takes memory from the nursery, and the next block if need be.
    unsafe fn bump(self, bytes: usize) -> Option<usize> {
        let record = self.record();
        loop {
            // SAFETY: [L1] the owner.
            let local = unsafe { record.local() };
            let at = record.cursor.get();
            if at != 0 && at + bytes <= local.block_end {
                record.cursor.set(at + bytes);
                return Some(at);
            }
            let memory = &record.shared().memory;
            let before = local.nursery.bytes(at) / BLOCK;
            let Range { start, end } = local.nursery.next_region(memory, bytes)?;
            let filled = local.nursery.bytes(end);
            memory.prepare_block(local.sizing.blocks_expected(filled));
            record.move_cursor(start);
            local.block_end = end;
            // A request that comes now zeroes the limit again, or is seen here and served at the next safepoint.
            if !record.open(end).is_empty() {
                record.limit.interrupt();
            }
            // Once for each block's worth.
            if local.phase == Phase::Scanned && filled / BLOCK != before {
                // SAFETY: [A1] attached.
                unsafe { self.inner() }.driver.assist();
            }
        }
    }

    unsafe fn alloc_large(self, ty: *const TypeInfo, items: usize) -> *mut Object {
        let record = self.record();
        let memory = &record.shared().memory;
        // SAFETY: [T2] the caller's type outlives the heap.
        let info = unsafe { &*ty };
        let bytes = if info.item_size == 0 { 2 * HEADER + info.size } else { info.bytes_with(items) };
        // SAFETY: [L1] the owner; the reference ends with the statement.
        let young = unsafe { record.local() }.large_bytes;
        if young != 0 && young + bytes > LARGE_BUDGET.max(4 * self.nursery_bytes()) {
            // SAFETY: [A1] a point that may collect.
            unsafe { self.collect_minor() };
        }
        // SAFETY: [A1] as above.
        let Some(start) = (unsafe { self.with_memory(|_| memory.alloc_large(bytes)) }) else { return null_mut() };
        let object = (start + HEADER) as *mut Object;
        // SAFETY: [N4] fresh zeroed pages.
        unsafe {
            (start as *mut usize).write(items);
            Object::init(object, ty, 0, 0);
            let local = record.local();
            local.large.push(object);
            local.large_bytes += bytes;
        }
        object
    }

    fn nursery_bytes(self) -> usize {
        self.record().shared().nurseries.first * BLOCK
    }

    /// Calls `take` until it succeeds: first as it is, then after a minor, then after full collections (its argument says
    /// whether there was a collection). `None`: memory is out.
    unsafe fn with_memory(self, mut take: impl FnMut(bool) -> Option<usize>) -> Option<usize> {
        if let Some(at) = take(false) {
            return Some(at);
        }
        // SAFETY: [A1] a point that may collect.
        unsafe {
            self.await_room();
            self.collect_minor();
            // Three: what finalizers and deallocs let go of after one dies in the next.
            for _ in 0..3 {
                if let Some(at) = take(true) {
                    return Some(at);
                }
                self.run_callbacks();
                let start = Instant::now();
                self.complete_cycle(true);
                self.record().pause(start);
            }
        }
        take(true)
    }

    /// Before a minor collection: when what will survive would not find room, waits for the cycle that makes some. Without
    /// room a minor promotes in place, and the nursery would lose whole blocks, which a heap of many small holes does not
    /// get back.
    unsafe fn await_room(self) {
        let record = self.record();
        // SAFETY: [A1] attached.
        let driver = &unsafe { self.inner() }.driver;
        let memory = &record.shared().memory;
        // SAFETY: [L1] the owner; the reference ends with the statement.
        let local = unsafe { record.local() };
        let young = local.nursery.bytes(record.cursor.get());
        // The ends of holes are lost.
        let need = local.sizing.expected(young) / 3 * 4;
        if need > memory.room() && driver.in_background() {
            let start = Instant::now();
            driver.collector().pacing.waits_for_room();
            // SAFETY: [A1] a point that may collect.
            unsafe { self.in_native(|driver| driver.complete(driver.current())) };
            record.pause(start);
        }
    }

    /// Collects this mutator's nursery. May collect.
    ///
    /// ```
    /// use handfast::raw::{Heap, TypeInfo};
    /// use handfast::Config;
    ///
    /// static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     let node = m.root(m.alloc(&NODE));
    ///     assert!(m.is_young(*node));
    ///     m.collect_minor();
    ///     assert!(!m.is_young(*node));
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub unsafe fn collect_minor(self) {
        let record = self.record();
        let start = Instant::now();
        // SAFETY: [A1] a point that may collect.
        unsafe {
            if self.heap().is_forked() {
                return;
            }
            record.serve();
            record.collect(false);
            self.pace();
        }
        record.pause(start);
        // SAFETY: [A1] as above.
        unsafe { self.run_callbacks() };
    }

    /// After a minor collection: counts what it promoted, asks for a cycle that is due, helps one that falls behind, and
    /// waits for one that does not come.
    unsafe fn pace(self) {
        let record = self.record();
        // SAFETY: [L1] the owner; nothing else takes one until the reference has ended, two lines below.
        let local = unsafe { record.local() };
        let promoted = std::mem::take(&mut local.promoted);
        let patience = local.sizing.pause_target().min(PATIENCE);
        // SAFETY: [A1] attached.
        let driver = &unsafe { self.inner() }.driver;
        let due = driver.collector().pacing.promote(promoted);
        if driver.in_background() {
            if due {
                let _ = driver.request(false);
            }
            driver.assist();
            driver.provide_memory();
            if driver.collector().pacing.is_overdrawn() {
                // SAFETY: [A1] a point that may collect.
                unsafe { self.in_native(|driver| driver.complete_within(driver.current(), patience)) };
            }
        }
    }

    /// A full collection: when it returns, everything unreachable before the call has died and the dead queue holds its
    /// share; finalizers that became due have run. May collect. The thread runs on in other heaps to which it is attached, and their
    /// cycles wait for it: go to native state there first.
    ///
    /// ```
    /// use handfast::raw::{Heap, TypeInfo};
    /// use handfast::Config;
    ///
    /// static NODE: TypeInfo = TypeInfo::new("Node", 16).with_refs(&[0]);
    ///
    /// # let heap = Heap::new(&Config::default())?;
    /// # let m = heap.attach()?;
    /// // SAFETY: this thread's mutator; what is used after a collection is rooted.
    /// unsafe {
    ///     let weak = m.weak_new(m.alloc(&NODE));
    ///     m.collect_full();
    ///     assert!(m.weak_get(weak).is_null());
    ///     m.weak_free(weak);
    /// # m.detach();
    /// }
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub unsafe fn collect_full(self) {
        // SAFETY: [A1] a point that may collect.
        unsafe {
            if self.heap().is_forked() {
                return;
            }
            // What detached threads have dropped before is nobody's any more.
            self.run_callbacks();
            self.complete_cycle(true);
            self.run_callbacks();
        }
    }

    /// Has a cycle run that begins after now, and waits for it in the native state.
    pub(super) unsafe fn complete_cycle(self, full: bool) {
        // SAFETY: [A1] a point that may collect.
        unsafe { self.in_native(|driver| driver.complete(driver.request(full))) }
    }

    /// Waits for the collector in the native state.
    unsafe fn in_native(self, wait: impl FnOnce(&Driver)) {
        let record = self.record();
        // SAFETY: [A1] a point that may collect.
        unsafe {
            record.native_enter();
            wait(&self.inner().driver);
            record.native_leave();
        }
    }

    /// Under `gc_zeal`: a minor collection at every allocation, a cycle now and then.
    unsafe fn zeal(self) {
        // SAFETY: [A1] a point that may collect.
        unsafe {
            self.collect_minor();
            let count = self.record().shared().counters.minors.load(crate::sync::atomic::Ordering::Relaxed);
            if count.is_multiple_of(64) {
                self.complete_cycle(count.is_multiple_of(128));
            }
        }
    }
}

/// Makes an object of fresh memory.
#[inline(always)]
unsafe fn place(at: *mut u8, ty: *const TypeInfo, items: usize, bytes: usize, zero: bool) -> *mut Object {
    // SAFETY: [N4] `bytes` fresh bytes at `at`, which is aligned to 8.
    unsafe {
        if (*ty).item_size == 0 {
            Object::init(at.cast(), ty, 0, 0);
            return at.cast();
        }
        at.cast::<usize>().write(items);
        let object: *mut Object = at.add(8).cast();
        Object::init(object, ty, 0, 0);
        if zero {
            std::ptr::write_bytes(Object::payload(object), 0, bytes - 8 - HEADER);
        }
        object
    }
}

const _: () = assert!(SLOW > LARGE);
