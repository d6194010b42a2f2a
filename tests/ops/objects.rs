//! The objects of op lists: types of every layout, what is written into them, and how that is checked again.
//!
//! Every object carries its number, and where there is room also a word made of number and shape and a pattern in the
//! rest, so that memory that was reused, moved wrongly or not zeroed is noticed.
//!
//! Why the unsafe blocks are sound: a mutator is used by the thread that attached it, and while it runs; an object is in a
//! root slot, or was made or read since the last call that may collect. "The rule above" means this.

use handfast::raw::{self, Object, TypeInfo, Visit};
use std::ffi::c_void;

static TINY: TypeInfo = TypeInfo::new("Tiny", 8);
static PAIR: TypeInfo = TypeInfo::new("Pair", 32).with_refs(&[16, 24]);
static SLOTTED: TypeInfo = TypeInfo::new("Slotted", 40).with_refs(&[16, 24]).with_handle_slot(32);
static FINAL: TypeInfo = TypeInfo::new("Final", 32).with_refs(&[16, 24]).with_finalizer(super::finalizers::finalize);
static REFS: TypeInfo = TypeInfo::new("Refs", 16).with_ref_items();
static BYTES: TypeInfo = TypeInfo::new("Bytes", 16).with_items(1);
static TRACED: TypeInfo = TypeInfo::new("Traced", 16).with_items(8).with_trace(trace);
static LINE: TypeInfo = TypeInfo::new("Line", 248).with_refs(&[16, 240]);
static OVER: TypeInfo = TypeInfo::new("OverALine", 256).with_refs(&[16, 248]);
static MEDIUM: TypeInfo = TypeInfo::new("Medium", 8184).with_refs(&[16, 8176]);
static LARGE: TypeInfo = TypeInfo::new("Large", 9000).with_refs(&[16, 8992]);

static TYPES: [&TypeInfo; 11] = [&TINY, &PAIR, &SLOTTED, &FINAL, &REFS, &BYTES, &TRACED, &LINE, &OVER, &MEDIUM, &LARGE];

/// Sizes in memory around the boundaries of granules, lines, the large-object limit, pages and blocks.
const SIZES: [usize; 12] = [32, 40, 64, 256, 512, 1024, 4096, 8192, 8200, 12288, 32768, 65536];

/// Visits every other item: the ones between are numbers.
unsafe extern "C" fn trace(object: *mut Object, visit: Visit, arg: *mut c_void) {
    // SAFETY: called with a live object of this type and its own `visit`; items are words behind the 16 fixed bytes.
    unsafe {
        let first = raw::payload(object).cast::<*mut Object>().add(2);
        for i in (0..raw::items(object)).step_by(2) {
            visit(first.add(i), arg);
        }
    }
}

/// Type and number of items: what is needed to make an object and to know where its references are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    kind: u8,
    items: u32,
}

impl Shape {
    /// Any two bytes name a shape.
    pub fn of(kind: u8, size: u8) -> Shape {
        let kind = kind % TYPES.len() as u8;
        let ty = TYPES[kind as usize];
        let items = if ty.item_size() == 0 {
            0
        } else {
            let bytes = SIZES[size as usize % SIZES.len()] + size as usize / SIZES.len() - 10;
            bytes.saturating_sub(16 + ty.size()) / ty.item_size()
        };
        Shape { kind, items: items as u32 }
    }

    pub fn pair() -> Shape {
        Shape { kind: 1, items: 0 }
    }

    pub fn is_finalizable(self) -> bool {
        std::ptr::eq(self.ty(), &FINAL)
    }

    pub fn ty(self) -> &'static TypeInfo {
        TYPES[self.kind as usize]
    }

    pub fn items(self) -> usize {
        self.items as usize
    }

    /// How many references an object of this shape has.
    pub fn fields(self) -> usize {
        match self.kind {
            0 | 5 => 0,
            4 => self.items(),
            6 => self.items().div_ceil(2),
            _ => 2,
        }
    }

    /// Where in the payload.
    pub fn offset(self, field: usize) -> usize {
        match (self.kind, field) {
            (4, i) => 16 + 8 * i,
            (6, i) => 16 + 16 * i,
            (1..=3, 1) => 24,
            (_, 1) => self.ty().size() - 8,
            _ => 16,
        }
    }

    /// Bytes of payload that are neither number, check word nor reference: first and last offset.
    fn filler(self) -> (usize, usize) {
        let size = self.ty().size();
        match self.kind {
            5 => (16, 16 + self.items()),
            7..=10 => (24, size - 8),
            _ => (0, 0),
        }
    }

    fn check_word(self, id: u32) -> u64 {
        (id as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ self.kind as u64 ^ (self.items as u64) << 32
    }

    /// Writes number, check word and pattern into a fresh object, which must be zero.
    pub unsafe fn fill(self, object: *mut Object, id: u32) {
        // SAFETY: the rule above.
        unsafe {
            let payload = raw::payload(object).cast::<u8>();
            let bytes = self.ty().size() + self.items() * self.ty().item_size();
            let all = std::slice::from_raw_parts(payload, bytes);
            assert!(all.iter().all(|&b| b == 0), "a fresh {self:?} is not zero");
            payload.cast::<u64>().write(id as u64);
            if self.kind != 0 {
                payload.cast::<u64>().add(1).write(self.check_word(id));
            }
            let (from, to) = self.filler();
            for i in from..to {
                payload.add(i).write((id as usize + 31 * i) as u8);
            }
            if self.kind == 6 {
                for i in (1..self.items()).step_by(2) {
                    payload.cast::<u64>().add(2 + i).write(id as u64 | 1);
                }
            }
        }
    }

    /// Checks all that [`Shape::fill`] wrote.
    pub unsafe fn check(self, object: *mut Object, id: u32) {
        // SAFETY: the rule above.
        unsafe {
            assert!(std::ptr::eq(raw::type_of(object), self.ty()), "object {id} has lost its type");
            assert_eq!(raw::items(object), self.items(), "object {id} has lost its length");
            let payload = raw::payload(object).cast::<u8>();
            assert_eq!(payload.cast::<u64>().read(), id as u64, "{self:?} {id} at {object:p}");
            if self.kind != 0 {
                assert_eq!(payload.cast::<u64>().add(1).read(), self.check_word(id), "{self:?} {id} at {object:p}");
            }
            let (from, to) = self.filler();
            for i in from..to {
                assert_eq!(
                    payload.add(i).read(),
                    (id as usize + 31 * i) as u8,
                    "{self:?} {id} at {object:p}, byte {i}"
                );
            }
            if self.kind == 6 {
                for i in (1..self.items()).step_by(2) {
                    assert_eq!(payload.cast::<u64>().add(2 + i).read(), id as u64 | 1, "{self:?} {id}, item {i}");
                }
            }
        }
    }
}

/// The number of any object.
pub unsafe fn id_of(object: *mut Object) -> u32 {
    // SAFETY: the rule above.
    unsafe { raw::payload(object).cast::<u64>().read() as u32 }
}
