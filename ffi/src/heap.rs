//! Heaps: `hf_config`, `hf_heap`, and what concerns a heap as a whole.
//!
//! An `hf_heap` is a box around a handle on the core's heap. The box lives from `hf_heap_new` to the `hf_heap_free` that
//! succeeds; that it is not used afterwards is the program's part.

use crate::boundary;
use crate::checks;
use crate::ctypes::{CBool, HfMutator, HfPyobject, ptrdiff_t, size_t};
use crate::status::{Failure, HfStatus};
use crate::structs::{self, Growing};
use crate::threads;
use handfast_core::raw::{DeadNotifier, Dealloc, LeakReport};
use handfast_core::{Config, raw};
use std::ffi::c_void;
use std::mem::{offset_of, transmute};
use std::ptr;
use std::time::Duration;

/// A heap: objects, the threads attached to it, and its collector threads. Several may exist in a process.
#[derive(Debug)]
pub struct HfHeap {
    raw: raw::Heap,
}

/// What a heap is made with. Fill it with `hf_config_init`, then change what should differ.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct HfConfig {
    /// `sizeof(hf_config)`; `hf_config_init` sets it.
    pub struct_size: size_t,
    /// Bytes of each thread's nursery, 128 KiB to 256 MiB.
    pub nursery_bytes: size_t,
    /// The most bytes that objects may occupy. 0: three quarters of the machine's memory.
    pub max_heap_bytes: size_t,
    /// Collector threads; 0: cycles run only on demand, by the calling mutator.
    pub gc_threads: u32,
    /// How much a heap grows over what the last cycle left alive, in percent of that: so much is promoted from the start of one
    /// cycle to the end of the next. Default 20.
    pub growth_percent: u32,
    /// The least growth, whatever lives.
    pub min_trigger_bytes: size_t,
    /// Free memory kept before more goes back to the operating system.
    pub reserve_bytes: size_t,
    /// Ask the operating system for huge pages.
    pub huge_pages: CBool,
    /// The most bytes to which a nursery grows while part of what is allocated survives. 0: 64 times `nursery_bytes`, but
    /// at most a quarter of the heap's; the same as `nursery_bytes`: it does not grow.
    pub max_nursery_bytes: size_t,
    /// What a minor collection should take at most, in microseconds of processor time: it bounds the size of nurseries, and
    /// what survives beyond it is not copied but kept where it is. Roots, remembered fields and handles are visited in any
    /// case. 0: the default, 15 ms.
    pub pause_target_us: u64,
    /// Minor collections that a young object which C alone holds stays young for, 0 to 7: so many chances that its pair dies
    /// at a minor of its thread instead of the next cycle. 0, the default: the first minor promotes it.
    pub link_patience: u32,
    /// Touch all of `max_heap_bytes`, which must not be 0 then, when the heap is made, and keep it: no thread waits later for
    /// pages of objects to be cleared. `hf_heap_new` takes 0.1 to 4 nanoseconds a byte for it. False, the default: pages come
    /// as they are needed, and go back to the operating system.
    pub touch_memory: CBool,
}

// SAFETY: [E3] integers and a byte, the size first.
unsafe impl Growing for HfConfig {
    const NAME: &'static str = "hf_config";
    const FIRST: usize = offset_of!(HfConfig, min_trigger_bytes);
}

impl HfConfig {
    /// The core's defaults.
    fn defaults() -> HfConfig {
        let config = Config::default();
        HfConfig {
            struct_size: size_of::<HfConfig>(),
            nursery_bytes: config.nursery_bytes,
            max_heap_bytes: config.max_heap_bytes,
            gc_threads: config.gc_threads,
            growth_percent: config.growth_percent,
            min_trigger_bytes: config.min_trigger_bytes,
            reserve_bytes: config.reserve_bytes,
            huge_pages: CBool(u8::from(config.huge_pages)),
            max_nursery_bytes: config.max_nursery_bytes,
            pause_target_us: config.pause_target.as_micros() as u64,
            link_patience: config.link_patience,
            touch_memory: CBool(u8::from(config.touch_memory)),
        }
    }

    /// As the core wants it.
    fn config(&self) -> Config {
        Config {
            nursery_bytes: self.nursery_bytes,
            max_heap_bytes: self.max_heap_bytes,
            gc_threads: self.gc_threads,
            growth_percent: self.growth_percent,
            min_trigger_bytes: self.min_trigger_bytes,
            reserve_bytes: self.reserve_bytes,
            huge_pages: self.huge_pages.get(),
            max_nursery_bytes: self.max_nursery_bytes,
            link_patience: self.link_patience,
            touch_memory: self.touch_memory.get(),
            pause_target: match self.pause_target_us {
                0 => Config::default().pause_target,
                us => Duration::from_micros(us),
            },
        }
    }
}

/// The handles of one `ob_type` that C still held when a heap was freed.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct HfLeakType {
    /// Their `ob_type`: the embedder's own address.
    pub ob_type: *mut c_void,
    /// Handles with C references.
    pub objects: u64,
    /// Those references together.
    pub references: u64,
}

/// What C still held when a heap was freed. Set `struct_size` to get what is behind `references`, and give that back with
/// `hf_leak_report_free`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct HfLeakReport {
    /// `sizeof(hf_leak_report)`. 0 stands for the first version's size, which ends with `references`, and so does whatever is
    /// no size of a later version: a program for the first need not have set it.
    pub struct_size: size_t,
    /// Handles with C references.
    pub objects: u64,
    /// Those references together.
    pub references: u64,
    /// The same by `ob_type`, in the order of its addresses; NULL when nothing is held. The caller frees it with
    /// `hf_leak_report_free`.
    pub by_type: *mut HfLeakType,
    /// Entries of `by_type`.
    pub by_type_len: size_t,
    /// Those of `objects` that are immortal, which were meant to stay: `objects` without them is what was forgotten.
    pub immortal_objects: u64,
    /// What their counts say, which is part of `references`.
    pub immortal_references: u64,
}

// SAFETY: [E3] seven words, the size first.
unsafe impl Growing for HfLeakReport {
    const NAME: &'static str = "hf_leak_report";
    const FIRST: usize = offset_of!(HfLeakReport, by_type);
}

impl HfLeakReport {
    /// The least size of a report that has room for the array.
    const WITH_TYPES: usize = offset_of!(HfLeakReport, immortal_objects);

    /// Whether a program that states this size has the array; one that states no plausible size has a first version's report.
    fn has_types(stated: usize) -> bool {
        (HfLeakReport::WITH_TYPES..=structs::MAX_STRUCT).contains(&stated)
    }
}

impl HfHeap {
    /// The core's heap.
    pub(crate) fn raw(&self) -> &raw::Heap {
        &self.raw
    }

    /// The heap that a C pointer names.
    ///
    /// # Safety
    /// `heap` is NULL or came from `hf_heap_new` and is not freed before the end of `'a`.
    pub(crate) unsafe fn from_c<'a>(heap: *const HfHeap) -> Result<&'a HfHeap, Failure> {
        if !heap.is_aligned() {
            return Err(Failure::argument("heap is not the address of an hf_heap"));
        }
        checks::heap(heap.cast());
        // SAFETY: [E1] the caller's promise; NULL answers None.
        unsafe { heap.as_ref() }.ok_or_else(|| Failure::null("heap"))
    }
}

/// Fills a configuration of `size` bytes (`sizeof(hf_config)` of the program) with the defaults, and sets its
/// `struct_size`. `hf_config_init(config)` is a macro for it.
///
/// # Safety
/// Owner: the caller. Thread: any. Collects: no. NULL or an impossible size: does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_config_init_sized(config: *mut HfConfig, size: size_t) {
    boundary::nothing("hf_config_init", || {
        // SAFETY: [E3] `size` bytes at `config` are the caller's to fill.
        unsafe { structs::init(config, &HfConfig::defaults(), size) }
    });
}

/// Fills the fields of the first version of `hf_config` with the defaults, and sets its `struct_size` to that version's.
/// In C, a macro of this name fills the whole struct.
///
/// # Safety
/// Owner: the caller. Thread: any. Collects: no. NULL: does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_config_init(config: *mut HfConfig) {
    // SAFETY: [E3] every program's hf_config has the first version's fields.
    unsafe { hf_config_init_sized(config, HfConfig::FIRST) };
}

/// Makes a heap, with the defaults when `config` is NULL. No thread is attached to it yet.
///
/// # Safety
/// Owner: `*out` is the caller's until `hf_heap_free`; NULL is written there on failure. Thread: any. Collects: no.
/// Errors: `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_INVALID_CONFIG`, `HF_ERR_OUT_OF_MEMORY`, `HF_ERR_OS`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_heap_new(config: *const HfConfig, out: *mut *mut HfHeap) -> HfStatus {
    boundary::status("hf_heap_new", || {
        if out.is_null() {
            return Err(Failure::null("out"));
        }
        // SAFETY: [E3] not NULL, so it is a pointer that the caller lets us write.
        unsafe { out.write(ptr::null_mut()) };
        let config = if config.is_null() {
            Config::default()
        } else {
            // SAFETY: [E3] readable as far as its struct_size says.
            unsafe { structs::read(config, HfConfig::defaults()) }?.config()
        };
        let heap = Box::into_raw(Box::new(HfHeap { raw: raw::Heap::new(&config)? }));
        checks::heap_made(heap.cast());
        // SAFETY: [E3] as above.
        unsafe { out.write(heap) };
        Ok(())
    })
}

/// Frees a heap that no thread is attached to any more. Ends its collector threads, drops everything that lives, runs
/// the dealloc callback until nothing more is released, and reports what C still holds; memory of handles that C
/// still holds is gone too. `out_or_null->struct_size` may be left unset; if it is set, `hf_leak_report_free` is due. The report of
/// a NULL heap says that nothing is held; a call that fails writes none.
///
/// # Safety
/// Owner: on success the heap and everything of it is gone, on failure it is as before. Thread: any, and no other
/// thread may use the heap during the call. Collects: no mutator is left that could. A NULL heap is `HF_OK`.
/// Errors: `HF_ERR_STILL_ATTACHED`, `HF_ERR_FORKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_heap_free(heap: *mut HfHeap, out_or_null: *mut HfLeakReport) -> HfStatus {
    boundary::status("hf_heap_free", || {
        if heap.is_null() {
            // SAFETY: [E3] NULL or a report of the program.
            unsafe { report_leaks(&LeakReport::default(), out_or_null) };
            return Ok(());
        }
        // SAFETY: [E1] not freed yet, says the caller.
        let raw = &unsafe { HfHeap::from_c(heap) }?.raw;
        // Callbacks run in there, on a mutator that is not theirs to detach.
        let report = threads::collecting(|| raw.close())?;
        checks::heap_freed(heap.cast());
        // SAFETY: [E1] it came from Box::into_raw in hf_heap_new, and this is the only call that takes it back.
        drop(unsafe { Box::from_raw(heap) });
        checks::leaks(&report);
        // SAFETY: [E3] NULL or a report of the program.
        unsafe { report_leaks(&report, out_or_null) };
        Ok(())
    })
}

/// Writes a leak report for the program.
///
/// # Safety
/// `out` is NULL or points at an `hf_leak_report`.
unsafe fn report_leaks(report: &LeakReport, out: *mut HfLeakReport) {
    if out.is_null() {
        return;
    }
    // The first version's fields are in every program's struct, whatever its size says. The array is for those that say
    // that they have room for it: the others could not free it.
    // SAFETY: [E3] the first field of the program's struct.
    let stated = unsafe { out.cast::<usize>().read_unaligned() };
    let whole = HfLeakReport::has_types(stated);
    let types: Box<[HfLeakType]> = match whole {
        true => report
            .by_type
            .iter()
            .map(|&(ob_type, objects, references)| HfLeakType { ob_type: ob_type as *mut c_void, objects, references })
            .collect(),
        false => Box::default(),
    };
    let by_type_len = types.len();
    let by_type = if types.is_empty() { ptr::null_mut() } else { Box::into_raw(types).cast() };
    let (objects, references) = (report.objects, report.references);
    let (immortal_objects, immortal_references) = (report.immortal_objects, report.immortal_references);
    let value = HfLeakReport {
        struct_size: 0,
        objects,
        references,
        by_type,
        by_type_len,
        immortal_objects,
        immortal_references,
    };
    // SAFETY: [E3] as said.
    unsafe { structs::fill(out, &value, if whole { stated } else { HfLeakReport::FIRST }) };
}

/// Frees what `hf_heap_free` allocated for a report, and clears it there; the numbers stay.
///
/// # Safety
/// Owner: `by_type` is gone. Thread: any. Collects: no. NULL, a report without entries, a first version's report, or one
/// that was freed before: does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_leak_report_free(report: *mut HfLeakReport) {
    boundary::nothing("hf_leak_report_free", || {
        if report.is_null() {
            return Ok(());
        }
        // SAFETY: [E3] the first field of the program's struct.
        if !HfLeakReport::has_types(unsafe { report.cast::<usize>().read_unaligned() }) {
            return Ok(());
        }
        // Not as a whole: an older program's struct is shorter.
        // SAFETY: [E3] the program's struct has these two, says its size.
        let (by_type, by_type_len) = unsafe { (&mut (*report).by_type, &mut (*report).by_type_len) };
        let types = std::mem::replace(by_type, ptr::null_mut());
        let len = std::mem::take(by_type_len);
        if !types.is_null() {
            // SAFETY: [E3] both came from `report_leaks`, and were cleared when they were freed.
            drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(types, len)) });
        }
        Ok(())
    });
}

/// Tells the heap that its objects keep `delta` more (or, negative, fewer) bytes alive outside of it. They count when
/// it decides to start a cycle.
///
/// # Safety
/// Thread: any. Collects: no. A NULL heap: does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_external_memory(heap: *mut HfHeap, delta: ptrdiff_t) {
    boundary::nothing("hf_external_memory", || {
        // SAFETY: [E1] NULL or alive.
        unsafe { HfHeap::from_c(heap) }?.raw.external_memory(delta);
        Ok(())
    });
}

/// Checks the heap's invariants, in any build: everything old, and what each thread reaches, remembers and has linked. Waits
/// until every other attached thread has come to a safepoint, unless it is native. For tests: it takes longer than a full
/// collection.
///
/// # Safety
/// Thread: any that is attached and running. **May collect.** Errors: `HF_ERR_INVALID_ARGUMENT`, `HF_ERR_NOT_ATTACHED`,
/// `HF_ERR_FORKED`, and `HF_ERR_CORRUPT` when something is wrong: `hf_last_error` says what, where and when.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_heap_verify(heap: *mut HfHeap) -> HfStatus {
    boundary::status("hf_heap_verify", || {
        // SAFETY: [E1] NULL or alive.
        let heap = unsafe { HfHeap::from_c(heap) }?.raw();
        let current = heap.current().ok_or(handfast_core::Error::NotAttached)?;
        threads::running("hf_heap_verify", threads::name(current))?;
        // SAFETY: [A1] the caller's promise, checked above.
        threads::collecting(|| unsafe { heap.verify() })?;
        Ok(())
    })
}

/// The calling thread's mutator of this heap; NULL when it is not attached.
///
/// # Safety
/// Owner: the thread, until `hf_detach`. Thread: any. Collects: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_current(heap: *mut HfHeap) -> *mut HfMutator {
    boundary::value("hf_current", ptr::null_mut(), || {
        // SAFETY: [E1] NULL or alive.
        let current = unsafe { HfHeap::from_c(heap) }?.raw.current();
        Ok(current.map_or(ptr::null_mut(), threads::name))
    })
}

/// Sets what happens to an unlinked handle whose last reference is dropped: `dealloc(ob, arg)` runs at once, on that
/// thread, inside `hf_decref`; it ends with `hf_pyobject_free(ob)` (or `hf_pyobject_disown`, for adopted memory), and
/// may call anything but `hf_detach` and `hf_heap_free`. NULL, the default: the memory is freed.
///
/// # Safety
/// Owner: `arg` stays the caller's and must outlive the heap. Thread: any, before handles exist. Collects: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_set_dealloc(
    heap: *mut HfHeap,
    dealloc: Option<unsafe extern "C" fn(ob: *mut HfPyobject, arg: *mut c_void)>,
    arg: *mut c_void,
) {
    boundary::nothing("hf_set_dealloc", || {
        // SAFETY: [E5] both types take two pointers, and hf_pyobject has the layout of the core's PyObject.
        let dealloc = unsafe {
            transmute::<Option<unsafe extern "C" fn(*mut HfPyobject, *mut c_void)>, Option<Dealloc>>(dealloc)
        };
        // SAFETY: [E1] NULL or alive.
        let heap = unsafe { HfHeap::from_c(heap) }?;
        // SAFETY: [K7] the caller's callback.
        unsafe { heap.raw.set_dealloc(dealloc, arg) };
        Ok(())
    });
}

/// Sets what is told that `hf_next_dead` has something to give: `notify(arg)` runs once after a collection that queued
/// something, never inside one, on a thread that is at a point that may collect. It may call anything that its thread
/// may call there. NULL, the default: nobody is told.
///
/// # Safety
/// Owner: `arg` stays the caller's and must outlive the heap. Thread: any. Collects: no.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hf_set_dead_notifier(
    heap: *mut HfHeap,
    notify: Option<unsafe extern "C" fn(arg: *mut c_void)>,
    arg: *mut c_void,
) {
    boundary::nothing("hf_set_dead_notifier", || {
        let notify: Option<DeadNotifier> = notify;
        // SAFETY: [E1] NULL or alive.
        let heap = unsafe { HfHeap::from_c(heap) }?;
        // SAFETY: [K7] the caller's callback.
        unsafe { heap.raw.set_dead_notifier(notify, arg) };
        Ok(())
    });
}
