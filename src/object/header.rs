//! The header: one 64-bit word in front of every payload.
//!
//! ```text
//!   bits  0..48   address of the object's TypeInfo (never changes), or the forwarding address | 1
//!   byte  6       flags: PUBLIC, OLD, UNLOGGED, PINNED, LINKED, HASHED
//!   byte  7       mark: the number of the cycle that last found the object alive
//! ```
//!
//! A reference is the address of the header; the payload follows it. An object of variable size keeps its item count
//! in the word *before* the header, so that the payload is always at the same distance.
//!
//! The parts are separate atomics of their own sizes, because they have different writers: the mark byte belongs to
//! whoever marks, the flags to the owner while the object is private and to everybody (read-modify-write) once it is
//! public. The whole word is written at once only where no other thread can look: at allocation, when an evacuated
//! copy is made, and when a nursery object becomes a forwarding pointer.
//!
//! The mark is the number of a cycle: see [`next_epoch`].

use super::TypeInfo;
pub use super::epoch::{next_epoch, previous_epoch};
use super::flags::Flags;
pub use super::flags::{HASHED, LINKED, OLD, PINNED, PUBLIC, UNLOGGED};
use crate::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

/// In checked builds each mask has this bit, which no object has: C's inlined crossings leave to the library then.
pub const CHECKED: u8 = if cfg!(feature = "debug") { 128 } else { 0 };
/// Sources whose stores take the slow path while no cycle runs.
pub const BARRIER_IDLE: u8 = PUBLIC | UNLOGGED | CHECKED;
/// The same during a cycle.
pub const BARRIER_CYCLE: u8 = PUBLIC | OLD | CHECKED;

/// Bytes of a header.
pub const HEADER: usize = 8;

const FORWARDED: u64 = 1;
/// The bits of a header that are the address of the type.
const TYPE: u64 = (1 << 48) - 1;

/// A heap object, seen through its header. Payload and item count are reached by address only.
#[repr(C, align(8))]
#[derive(Debug)]
pub struct Object {
    type_lo: AtomicU32,
    type_hi: AtomicU16,
    flags: Flags,
    mark: AtomicU8,
}

impl Object {
    /// Writes the whole header.
    ///
    /// # Safety
    /// `at` is 8-aligned memory of this heap that no other thread looks at.
    #[inline(always)]
    pub unsafe fn init(at: *mut Object, ty: *const TypeInfo, flags: u8, mark: u8) {
        let word = ty as u64 | (flags as u64) << 48 | (mark as u64) << 56;
        // SAFETY: [H1] the caller owns the memory, which is large and aligned enough for a header.
        unsafe { (*at.cast::<AtomicU64>()).store(word, Ordering::Relaxed) };
    }

    /// The type of a live, unforwarded object.
    #[inline(always)]
    pub fn type_info(&self) -> &'static TypeInfo {
        let address =
            self.type_lo.load(Ordering::Relaxed) as usize | (self.type_hi.load(Ordering::Relaxed) as usize) << 32;
        // SAFETY: [H2] the header of a live object names a TypeInfo that outlives the heap.
        unsafe { &*(address as *const TypeInfo) }
    }

    /// The flags, relaxed: enough for the owner, and for tests of PUBLIC by whoever already holds a reference.
    #[inline(always)]
    pub fn flags(&self) -> u8 {
        self.flags.get()
    }

    /// The flags, acquire: whoever sees OLD sees the mark that the promotion gave.
    #[inline(always)]
    pub fn flags_acquire(&self) -> u8 {
        self.flags.get_acquire()
    }

    /// Adds and removes flags of an object that only this thread can reach.
    #[inline(always)]
    pub fn set_flags_private(&self, add: u8, remove: u8) {
        self.flags.set_private(add, remove);
    }

    /// Adds flags to an object that other threads may reach; release, see [`Object::flags_acquire`].
    #[inline]
    pub fn set_flags_shared(&self, add: u8) {
        self.flags.set_shared(add);
    }

    /// The number of the cycle that last marked it.
    #[inline(always)]
    pub fn mark(&self) -> u8 {
        self.mark.load(Ordering::Relaxed)
    }

    /// Marks. Two threads may do so at once: each then traces it, which is harmless.
    #[inline(always)]
    pub fn set_mark(&self, epoch: u8) {
        self.mark.store(epoch, Ordering::Relaxed);
    }

    /// The forwarding address of a private object in its owner's nursery, null if it has not been evacuated.
    ///
    /// # Safety
    /// Only the owner may ask, during its minor collection.
    #[inline(always)]
    pub unsafe fn forwarded(this: *mut Object) -> *mut Object {
        // SAFETY: [H1] only the owner reads or writes the header of a private young object.
        let word = unsafe { (*this.cast::<AtomicU64>()).load(Ordering::Relaxed) };
        if word & FORWARDED != 0 { (word & !FORWARDED) as *mut Object } else { std::ptr::null_mut() }
    }

    /// The type of a private object in its owner's nursery, or its forwarding address if it has been evacuated: one look at
    /// the header instead of two.
    ///
    /// # Safety
    /// As [`Object::forwarded`].
    #[inline(always)]
    pub unsafe fn type_or_forwarded(this: *mut Object) -> Result<&'static TypeInfo, *mut Object> {
        // SAFETY: [H1] as above.
        let word = unsafe { (*this.cast::<AtomicU64>()).load(Ordering::Relaxed) };
        if word & FORWARDED != 0 {
            return Err((word & !FORWARDED) as *mut Object);
        }
        // SAFETY: [H2] not forwarded, so the header names a TypeInfo that outlives the heap.
        Ok(unsafe { &*((word & TYPE) as *const TypeInfo) })
    }

    /// Replaces the header by a forwarding address.
    ///
    /// # Safety
    /// As [`Object::forwarded`].
    #[inline(always)]
    pub unsafe fn forward(this: *mut Object, to: *mut Object) {
        // SAFETY: [H1] as above.
        unsafe { (*this.cast::<AtomicU64>()).store(to as u64 | FORWARDED, Ordering::Relaxed) };
    }

    /// The payload's address.
    #[inline(always)]
    pub fn payload(this: *mut Object) -> *mut u8 {
        this.cast::<u8>().wrapping_add(HEADER)
    }

    /// How many items it has; 0 for types of fixed size.
    ///
    /// # Safety
    /// `this` is a live, unforwarded object.
    #[inline]
    pub unsafe fn items(this: *mut Object) -> usize {
        // SAFETY: [H2] the caller says that it is live.
        let ty = unsafe { (*this).type_info() };
        if ty.item_size == 0 {
            return 0;
        }
        // SAFETY: [H3] it is of variable size.
        unsafe { Object::item_count(this) }
    }

    /// How many items it has, where the type is known to have some: without a look at the header.
    ///
    /// # Safety
    /// `this` is a live object of a type with items.
    #[inline(always)]
    pub unsafe fn item_count(this: *mut Object) -> usize {
        // SAFETY: [H3] objects of variable size have their item count in front of the header.
        unsafe { *this.cast::<usize>().sub(1) }
    }

    /// Bytes that it occupies, with header and item count.
    ///
    /// # Safety
    /// `this` is a live, unforwarded object.
    #[inline]
    pub unsafe fn extent(this: *mut Object) -> Extent {
        // SAFETY: [H2] the caller says that it is live.
        unsafe { Object::extent_as(this, (*this).type_info()) }
    }

    /// The same of an object whose type the caller has looked up.
    ///
    /// # Safety
    /// As [`Object::extent`], and `ty` is its type.
    #[inline(always)]
    pub unsafe fn extent_as(this: *mut Object, ty: &TypeInfo) -> Extent {
        if ty.item_size == 0 {
            return Extent { start: this as usize, bytes: HEADER + ty.size };
        }
        // SAFETY: [H3] as above.
        let items = unsafe { *this.cast::<usize>().sub(1) };
        Extent { start: this as usize - 8, bytes: ty.bytes_with(items) }
    }
}

impl Object {
    /// The memory of an object in the large-object space, where the header always comes second: the word before it is
    /// the item count, or unused.
    ///
    /// # Safety
    /// `this` is a live object of that space.
    pub unsafe fn large_extent(this: *mut Object) -> Extent {
        // SAFETY: [H2] the caller says that it is live.
        let extent = unsafe { Object::extent(this) };
        let start = this as usize - 8;
        Extent { start, bytes: extent.start + extent.bytes - start }
    }
}

/// The memory that an object occupies.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Address of the first byte.
    pub start: usize,
    /// Number of bytes, a multiple of 8.
    pub bytes: usize,
}
