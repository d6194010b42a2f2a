//! Any configuration, through the C interface: a heap is made, or refused with a clear error; which of the two, a plain
//! restatement of the documented ranges decides. A heap that was made does a small job, up to the end of its memory.
//!
//! Used by `tests/config_corpus.rs` and by the fuzz target `config`.

use crate::c::*;
use arbitrary::{Arbitrary, Unstructured};
use std::ffi::{CStr, c_char};
use std::mem::offset_of;
use std::ptr::null_mut;

const INVALID_ARGUMENT: i32 = 1;
const INVALID_CONFIG: i32 = 2;
const OUT_OF_MEMORY: i32 = 4;
const OS: i32 = 11;

unsafe extern "C" {
    safe fn hf_last_error() -> *const c_char;
    safe fn hf_alloc_items(m: Mutator, ty: u32, items: usize) -> Object;
}

/// `hf_config`, whole.
#[repr(C)]
#[derive(Clone, Copy)]
struct Whole {
    struct_size: usize,
    nursery_bytes: usize,
    max_heap_bytes: usize,
    gc_threads: u32,
    growth_percent: u32,
    min_trigger_bytes: usize,
    reserve_bytes: usize,
    huge_pages: u8,
    max_nursery_bytes: usize,
    pause_target_us: u64,
    link_patience: u32,
    touch_memory: u8,
    /// Alignment; zero in what programs pass.
    rest: [u8; 3],
}

/// A number near a power of two, or any.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Number {
    Default,
    Near { bits: u8, plus: i8 },
    Any(usize),
}

impl Number {
    fn or(self, default: usize) -> usize {
        match self {
            Number::Default => default,
            Number::Near { bits, plus } => (1usize << (bits % 64)).wrapping_add_signed(plus as isize),
            Number::Any(n) => n,
        }
    }
}

#[derive(Arbitrary, Debug)]
struct Input {
    /// Of the struct: which of its versions, or any.
    size: Number,
    nursery: Number,
    max: Number,
    threads: Number,
    growth: Number,
    trigger: Number,
    reserve: Number,
    most: Number,
    pause: Number,
    patience: u8,
    huge: u8,
    /// What stands behind the struct as this library knows it.
    behind: u8,
}

/// What the library reads of a struct that says this size: fields behind it have their defaults.
fn read(whole: &Whole, defaults: &Whole, size: usize) -> Whole {
    let mut read = *defaults;
    let known = size.min(size_of::<Whole>());
    // SAFETY: as many bytes as both have; any bits are a value of the struct.
    unsafe { std::ptr::from_ref(whole).cast::<u8>().copy_to((&raw mut read).cast(), known) };
    read
}

/// What the documentation says of these fields.
fn is_valid(c: &Whole) -> bool {
    let nursery = c.nursery_bytes.checked_next_multiple_of(32 << 10).unwrap_or(usize::MAX);
    (128 << 10..=256 << 20).contains(&c.nursery_bytes)
        && (c.max_heap_bytes == 0
            || (4 << 20..=16 << 40).contains(&c.max_heap_bytes) && nursery <= c.max_heap_bytes / 4)
        && (c.max_nursery_bytes == 0
            || c.max_nursery_bytes >= c.nursery_bytes
                && c.max_nursery_bytes <= if c.max_heap_bytes == 0 { machine() / 4 * 3 } else { c.max_heap_bytes } / 4)
        && (c.touch_memory == 0 || c.max_heap_bytes != 0 && c.max_heap_bytes <= machine())
        && c.pause_target_us <= 60_000_000
        && c.link_patience <= 7
        && c.gc_threads <= 64
        && (10..=10_000).contains(&c.growth_percent)
}

/// The machine's memory, of which three quarters are what a limit of 0 stands for.
fn machine() -> usize {
    let text = std::fs::read_to_string("/proc/meminfo").expect("/proc/meminfo");
    let words: Vec<&str> = text.split_whitespace().collect();
    assert_eq!((words[0], words[2]), ("MemTotal:", "kB"));
    words[1].parse::<usize>().expect("a number") * 1024
}

/// Runs one input.
pub fn run(bytes: &[u8]) {
    let Ok(input) = Unstructured::new(bytes).arbitrary::<Input>() else { return };
    if std::env::var_os("HANDFAST_OPS_TRACE").is_some() {
        eprintln!("{input:?}");
    }
    // As large as any struct that the library would read.
    let mut memory = [0usize; 513];
    let config: *mut Whole = memory.as_mut_ptr().cast();
    hf_config_init_sized(config.cast(), size_of::<Whole>());
    // SAFETY: the buffer is larger than the struct, and any bits are a value of it.
    let c = unsafe { &mut *config };
    let defaults = *c;
    c.struct_size = input.size.or(size_of::<Whole>());
    (c.nursery_bytes, c.max_heap_bytes) = (input.nursery.or(c.nursery_bytes), input.max.or(c.max_heap_bytes));
    c.gc_threads = input.threads.or(c.gc_threads as usize) as u32;
    c.growth_percent = input.growth.or(c.growth_percent as usize) as u32;
    (c.min_trigger_bytes, c.reserve_bytes) = (input.trigger.or(c.min_trigger_bytes), input.reserve.or(c.reserve_bytes));
    c.huge_pages = input.huge;
    c.max_nursery_bytes = input.most.or(0);
    c.pause_target_us = input.pause.or(0) as u64;
    c.link_patience = input.patience as u32 / 16;
    // Gibibytes are not touched to find out that they can be.
    let soon_touched = c.max_heap_bytes <= 64 << 20 || c.max_heap_bytes > machine();
    c.touch_memory = if soon_touched { input.patience % 2 } else { 0 };
    let size = c.struct_size;
    let whole = read(c, &defaults, size);
    let behind = size_of::<Whole>() / 8;
    // SAFETY: in the buffer.
    unsafe { config.cast::<usize>().add(behind).write(input.behind as usize) };
    let readable = (offset_of!(Whole, min_trigger_bytes)..=4096).contains(&size);
    let newer = input.behind != 0 && size > size_of::<Whole>();
    let mut heap: Heap = 1 as Heap;
    let status = hf_heap_new(config.cast_const().cast(), &mut heap);
    let expected = match (readable && !newer, is_valid(&whole)) {
        (false, _) => INVALID_ARGUMENT,
        (true, false) => INVALID_CONFIG,
        (true, true) => 0,
    };
    if status != 0 {
        // SAFETY: a string of the library's.
        let why = unsafe { CStr::from_ptr(hf_last_error()) };
        assert!(heap.is_null() && !why.is_empty());
        // Address space for more than a tebibyte may not be had.
        let system = [OS, OUT_OF_MEMORY].contains(&status) && expected == 0 && whole.max_heap_bytes > 1 << 40;
        assert!(status == expected || system, "{status}, not {expected}: {why:?}");
        return;
    }
    assert_eq!(expected, 0, "a configuration out of range was taken");
    work(heap, &whole);
    assert_eq!(hf_heap_free(heap, null_mut()), 0);
}

/// A list that survives minors and a full collection, with a handle at its end; then, in a small heap, to the end of
/// memory and back.
fn work(heap: Heap, config: &Whole) {
    let mut m = null_mut();
    assert_eq!(hf_attach(heap, &mut m), 0);
    let (node, row) = (new_type(heap, 0), new_type(heap, 8));
    let scope = hf_scope_open(m);
    let list = hf_root(m, null_mut());
    let cons = |value: usize| {
        let object = hf_alloc(m, node);
        if object.is_null() {
            return false;
        }
        // SAFETY: a fresh object of two words; the root is open.
        unsafe {
            hf_payload(object).cast::<usize>().add(1).write(value);
            hf_store(m, object, 0, *list);
            *list = object;
        }
        true
    };
    let length = if cfg!(gc_zeal) { 60 } else { 3000 };
    for value in 0..length {
        assert!(cons(value), "out of memory in an empty heap");
        if value % 1000 == 999 {
            assert_eq!(hf_collect_minor(m), 0);
        }
    }
    // SAFETY: the root holds an object.
    let ob = hf_handle(m, unsafe { *list }, 24, null_mut(), 1);
    assert!(!ob.is_null() && hf_collect_full(m) == 0);
    if config.max_heap_bytes != 0 && config.max_heap_bytes <= 8 << 20 {
        let mut rows = 0;
        loop {
            let object = hf_alloc_items(m, row, 20_000);
            if object.is_null() {
                break;
            }
            hf_root(m, object);
            rows += 1;
            assert!(rows * 160_000 <= config.max_heap_bytes, "more than the limit");
        }
    }
    // SAFETY: what the list reaches is alive.
    unsafe {
        assert_eq!(hf_to_obj(m, ob), *list);
        let (mut at, mut expected) = (*list, length);
        while !at.is_null() {
            expected -= 1;
            assert_eq!(hf_payload(at).cast::<usize>().add(1).read(), expected);
            at = hf_load(m, at, 0);
        }
        assert_eq!(expected, 0);
        *list = null_mut();
    }
    hf_scope_close(m, scope);
    hf_decref(ob);
    assert_eq!(hf_collect_full(m), 0);
    assert_eq!(hf_heap_verify(heap), 0);
    // All is free again.
    assert!(!hf_alloc_items(m, row, 20_000).is_null());
    assert_eq!(hf_detach(m), 0);
}

/// A type of one reference and one word, or of items.
fn new_type(heap: Heap, item_size: usize) -> u32 {
    // SAFETY: a struct of words, of which zero is a value.
    let mut info: TypeInfo = unsafe { std::mem::zeroed() };
    let (offsets, mut ty) = ([0usize], 0);
    hf_type_info_init_sized(&mut info, size_of::<TypeInfo>());
    (info.name, info.size, info.item_size) = (c"node".as_ptr(), 16, item_size);
    (info.ref_offsets, info.ref_offsets_len) = (offsets.as_ptr(), 1);
    assert_eq!(hf_type_new(heap, &info, &mut ty), 0);
    ty
}
