//! Zeroing ahead, for objects that must be zero and whose size no compiler knows: those that C allocates, but the smallest.
//!
//! To zero each object by itself takes more instructions than the rest of its allocation. So the record has, beside its
//! limit, the end of what is zeroed ([`Record::zeroed`]): C's inlined allocation compares with that alone, bumps the cursor
//! and writes the header. (Objects of up to 32 bytes it zeroes in two stores, and compares with the limit.) Where it finds no
//! room, [`Mutator::alloc_quick`] zeroes the next piece, as far as the limit goes. A piece is small enough to stay in the
//! first-level cache until it is used. (OpenJDK can zero its thread-local buffers likewise, but each as a whole.)
//!
//! Who moves the cursor need not know of this: below the cursor the word means nothing. Only who takes another block, hides
//! the cursor in a register, or gives the nursery away sets it to 0. An interrupt does not: it takes the limit away, which
//! is noticed a piece later. In checked builds nothing is zeroed ahead, and what is not allocated stays poison.
//!
//! [`Record::zeroed`]: super::Record

use super::mutator::Mutator;
use crate::mutator::Record;
use crate::object::header::HEADER;
use crate::object::type_info::LARGE;
use crate::object::{Object, TypeInfo};
use std::ptr::null_mut;

/// A piece. Half of this takes 0.1 ns an object of 32 bytes longer, for the call; from twice this on the C library zeroes by an
/// instruction that is slow to begin.
const AHEAD: usize = 2 << 10;

#[allow(clippy::missing_safety_doc, reason = "the same for all: the rules of the module `raw`, numbers 1 to 3")]
impl Mutator {
    /// [`Mutator::alloc`] in its simplest case, else null: no panic, no call. For the C interface.
    #[doc(hidden)]
    #[inline(always)]
    pub unsafe fn alloc_quick(self, ty: *const TypeInfo) -> *mut Object {
        // SAFETY: [T2] the caller's type outlives the heap.
        let Some(at) = take(self.record(), unsafe { (*ty).fast_bytes }) else { return null_mut() };
        let object = at as *mut Object;
        // SAFETY: [N4] fresh memory of this nursery; [N6] zero by now.
        unsafe { Object::init(object, ty, 0, 0) };
        object
    }

    /// Lets C's inlined allocation know this type of the heap.
    #[doc(hidden)]
    #[inline(always)]
    pub unsafe fn learn_type(self, ty: *const TypeInfo) {
        // SAFETY: [T2] a type of this heap.
        self.record().known_types.learn(unsafe { &*ty });
    }

    /// [`Mutator::alloc_items`] likewise.
    #[doc(hidden)]
    #[inline(always)]
    pub unsafe fn alloc_items_quick(self, ty: *const TypeInfo, items: usize) -> *mut Object {
        // SAFETY: [T2] the caller's type outlives the heap.
        let info = unsafe { &*ty };
        if info.item_size == 0 || items > LARGE || info.finalize.is_some() {
            return null_mut();
        }
        let bytes = info.bytes_with(items);
        if bytes > LARGE {
            return null_mut();
        }
        let Some(at) = take(self.record(), bytes) else { return null_mut() };
        // SAFETY: [N4] fresh memory of this nursery.
        unsafe { (at as *mut usize).write(items) };
        let object = (at + HEADER) as *mut Object;
        // SAFETY: [N4] as above; [N6] zero but for the number.
        unsafe { Object::init(object, ty, 0, 0) };
        object
    }
}

/// Moves the cursor over so many bytes, which are zero; `None` if there is no room.
#[inline(always)]
fn take(record: &Record, bytes: usize) -> Option<usize> {
    let at = record.cursor.get();
    let (end, limit) = (at + bytes, record.limit.get());
    if end > limit {
        return None;
    }
    let zeroed = record.zeroed.get().max(at);
    if end > zeroed {
        let ahead = (at + AHEAD).max(end).min(limit);
        // SAFETY: [N4] between cursor and limit.
        unsafe { std::ptr::write_bytes(zeroed as *mut u8, 0, ahead - zeroed) };
        record.zeroed.set(ahead);
    }
    record.cursor.set(end);
    Some(at)
}

#[cfg(all(test, not(any(gc_zeal, feature = "debug"))))]
mod tests {
    use super::AHEAD;
    use crate::Config;
    use crate::api::raw::{Heap, Mutator, TypeInfo, payload};
    use crate::heap::block::BLOCK;

    static SMALL: TypeInfo = TypeInfo::new("small", 24);
    static MIDDLE: TypeInfo = TypeInfo::new("middle", 400);
    static BIG: TypeInfo = TypeInfo::new("big", 3000);

    fn with_mutator(test: impl FnOnce(Mutator)) {
        let config = Config { nursery_bytes: 128 << 10, max_heap_bytes: 16 << 20, gc_threads: 0, ..Config::default() };
        let heap = Heap::new(&config).unwrap();
        let m = heap.attach().unwrap();
        test(m);
        // SAFETY: this thread's mutator, not used again.
        unsafe { m.detach() };
    }

    /// Allocates as the C interface does, checks that all is zero and makes it something else.
    fn use_one(m: Mutator, ty: &'static TypeInfo) {
        // SAFETY: this thread's mutator; the object is not used any more when something collects.
        let bytes: &mut [u8] = unsafe {
            let mut object = m.alloc_quick(ty);
            if object.is_null() {
                object = m.alloc(ty);
            }
            assert!(!object.is_null());
            std::slice::from_raw_parts_mut(payload(object).cast(), ty.size())
        };
        assert!(bytes.iter().all(|&byte| byte == 0), "an object of {} bytes is not zero", ty.size());
        bytes.fill(0xff);
    }

    /// More than a nursery's worth of each order of sizes.
    fn use_many(m: Mutator) {
        for i in 0..2000_u32 {
            use_one(
                m,
                if i % 97 == 0 {
                    &BIG
                } else if i % 7 == 0 {
                    &MIDDLE
                } else {
                    &SMALL
                },
            );
        }
    }

    #[test]
    fn zeroed_ahead_is_zero_over_collections_and_blocks() {
        with_mutator(|m| {
            for _ in 0..20 {
                use_many(m);
                // SAFETY: this thread's mutator.
                unsafe { m.collect_minor() };
                use_one(m, &SMALL);
            }
        });
    }

    #[test]
    fn zeroed_ahead_is_zero_beside_other_ways_to_allocate() {
        with_mutator(|m| {
            for i in 0..20_000_u32 {
                use_one(m, if i % 5 == 0 { &MIDDLE } else { &SMALL });
                // SAFETY: this thread's mutator; the objects are not used any more when something collects.
                unsafe {
                    let object = m.alloc_uninit(&SMALL);
                    payload(object).cast::<[u64; 3]>().write([!0; 3]);
                    if i % 3 == 0 {
                        let mut batch = m.batch();
                        for _ in 0..i % 11 {
                            payload(batch.alloc_uninit(&SMALL)).cast::<[u64; 3]>().write([!0; 3]);
                        }
                        // Leaked: what it allocated is overwritten.
                        std::mem::forget(batch);
                    }
                    if i % 1001 == 0 {
                        m.native_enter();
                        m.native_leave();
                    }
                }
            }
        });
    }

    #[test]
    fn zeroed_ahead_goes_no_further_than_a_piece_and_the_block() {
        with_mutator(|m| {
            let record = m.record();
            use_one(m, &SMALL);
            for _ in 0..BLOCK / SMALL.size() {
                use_one(m, &SMALL);
                let (cursor, zeroed, limit) = (record.cursor.get(), record.zeroed.get(), record.limit.get());
                assert!(zeroed == 0 || (cursor..=cursor + AHEAD).contains(&zeroed) && zeroed <= limit);
            }
            // SAFETY: this thread's mutator.
            unsafe { m.native_enter() };
            assert_eq!((record.zeroed.get(), record.limit.get()), (0, 0), "no room in native code");
            // SAFETY: as above.
            unsafe { m.native_leave() };
            use_one(m, &SMALL);
            record.limit.interrupt();
            let mut before_it_is_noticed = 0;
            // SAFETY: this thread's mutator, and its objects.
            while !unsafe { m.alloc_quick(&SMALL) }.is_null() {
                before_it_is_noticed += 1;
            }
            assert_eq!(before_it_is_noticed, 0, "the library looks at the limit");
            // SAFETY: as above.
            unsafe { m.safepoint() };
        });
    }
}
