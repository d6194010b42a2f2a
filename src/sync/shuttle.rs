//! The platform under shuttle: threads are coroutines of one thread, and a scheduler decides at each operation below which
//! of them goes on.
//!
//! Atomics are the standard ones behind a *scheduling point*, since headers, slots, side tables and `PyObject`s are atomics
//! in memory of a fixed layout, where shuttle's own, which carry clocks, have no room. So every execution is sequentially
//! consistent: orderings are loom's business. A weak compare-exchange fails spuriously now and then.
//!
//! Mutexes and threads are shuttle's, which knows who waits for whom and reports a deadlock. A wait with a time limit ends
//! at once, as if the time were over: whoever relies on being woken in time is not helped. Queues and maps of other crates
//! (`crossbeam-queue`, `papaya`) have no scheduling points inside, so none of them is ever met half done; a queue has one
//! before each operation.
//!
//! Outside of an execution (constants, a panic's way out) nothing is scheduled.

use std::ops::{Deref, DerefMut};
use std::sync::{LockResult, PoisonError};
use std::time::Duration;

pub use shuttle::thread;
pub use std::sync::Arc;

/// Another thread may go on here.
#[inline]
fn point() {
    if scheduled() {
        // Shuttle has no time: a sleep is a scheduling point, and no hint that this thread waits.
        thread::sleep(Duration::ZERO);
    }
}

fn scheduled() -> bool {
    !std::thread::panicking() && shuttle::current::try_get_current_task().is_some()
}

/// One step of a spin loop: somebody else has to go on.
pub fn spin_loop() {
    if scheduled() {
        thread::yield_now();
    }
}

/// A number for the calling thread that no other thread of the execution has or had.
pub fn thread_number() -> u64 {
    shuttle::current::try_get_current_task().map_or(u64::MAX, |task| usize::from(task) as u64 + 1)
}

/// The same, for this purpose.
pub fn thread_address() -> usize {
    thread_number() as usize
}

/// Atomics, as described above.
pub mod atomic {
    use super::point;
    use shuttle::rand::RngCore;
    use std::sync::atomic as inner;
    pub use std::sync::atomic::Ordering;

    /// Executions are sequentially consistent.
    pub fn fence(_: Ordering) {
        point();
    }

    /// Whether a weak compare-exchange is to fail this time.
    fn fails_spuriously() -> bool {
        super::scheduled() && shuttle::rand::thread_rng().next_u32().is_multiple_of(16)
    }

    macro_rules! atomic {
        ($name:ident $(<$p:ident>)?, $value:ty, [$($rmw:ident),*]) => {
            /// The standard one behind scheduling points, with the same layout.
            #[derive(Debug, Default)]
            #[repr(transparent)]
            #[allow(dead_code, reason = "a full set, as of `std`")]
            pub struct $name $(<$p>)? (inner::$name $(<$p>)?);

            #[allow(dead_code, reason = "a full set, as of `std`")]
            impl $(<$p>)? $name $(<$p>)? {
                /// A new one.
                #[inline]
                pub const fn new(value: $value) -> Self {
                    Self(inner::$name::new(value))
                }

                /// One in memory that is there already.
                ///
                /// # Safety
                /// As of `std`.
                #[inline]
                pub unsafe fn from_ptr<'a>(at: *mut $value) -> &'a Self {
                    // SAFETY: [S3] the layout is that of the standard one, and the rest is the caller's promise.
                    unsafe { &*at.cast::<Self>() }
                }

                /// As of `std`.
                #[inline]
                pub fn load(&self, order: Ordering) -> $value {
                    point();
                    self.0.load(order)
                }

                /// As of `std`.
                #[inline]
                pub fn store(&self, value: $value, order: Ordering) {
                    point();
                    self.0.store(value, order);
                }

                /// As of `std`.
                #[inline]
                pub fn compare_exchange(
                    &self, current: $value, new: $value, success: Ordering, failure: Ordering,
                ) -> Result<$value, $value> {
                    point();
                    self.0.compare_exchange(current, new, success, failure)
                }

                /// As of `std`: one time in sixteen it fails although it need not.
                #[inline]
                pub fn compare_exchange_weak(
                    &self, current: $value, new: $value, success: Ordering, failure: Ordering,
                ) -> Result<$value, $value> {
                    point();
                    if fails_spuriously() {
                        return Err(self.0.load(failure));
                    }
                    self.0.compare_exchange(current, new, success, failure)
                }

                /// As of `std`.
                #[inline]
                pub fn fetch_update(
                    &self, set: Ordering, fetch: Ordering, mut f: impl FnMut($value) -> Option<$value>,
                ) -> Result<$value, $value> {
                    let mut before = self.load(fetch);
                    while let Some(next) = f(before) {
                        match self.compare_exchange_weak(before, next, set, fetch) {
                            Err(now) => before = now,
                            found => return found,
                        }
                    }
                    Err(before)
                }

                $(
                    /// As of `std`.
                    #[inline]
                    pub fn $rmw(&self, value: $value, order: Ordering) -> $value {
                        point();
                        self.0.$rmw(value, order)
                    }
                )*
            }
        };
    }

    macro_rules! integer {
        ($($name:ident: $value:ty),*) => {
            $(atomic!($name, $value, [
                swap, fetch_add, fetch_sub, fetch_and, fetch_or, fetch_xor, fetch_max, fetch_min
            ]);)*
        };
    }

    integer!(AtomicU8: u8, AtomicU16: u16, AtomicU32: u32, AtomicU64: u64, AtomicUsize: usize);
    integer!(AtomicI8: i8, AtomicI16: i16, AtomicI32: i32, AtomicI64: i64, AtomicIsize: isize);
    atomic!(AtomicBool, bool, [swap, fetch_and, fetch_or, fetch_xor]);
    atomic!(AtomicPtr<T>, *mut T, [swap]);

    const _: () = {
        assert!(align_of::<AtomicU8>() == 1 && size_of::<AtomicU8>() == 1);
        assert!(align_of::<AtomicU64>() == align_of::<inner::AtomicU64>() && size_of::<AtomicU64>() == 8);
        assert!(align_of::<AtomicPtr<u8>>() == align_of::<*mut u8>() && size_of::<AtomicPtr<u8>>() == 8);
    };
}

/// As of `std`. Never poisoned: an execution ends with its first panic.
#[derive(Debug, Default)]
pub struct Mutex<T: ?Sized>(shuttle::sync::Mutex<T>);

/// As of `std`.
#[derive(Debug)]
pub struct MutexGuard<'a, T: ?Sized> {
    guard: shuttle::sync::MutexGuard<'a, T>,
    mutex: &'a Mutex<T>,
}

impl<T> Mutex<T> {
    /// A new one.
    pub const fn new(value: T) -> Self {
        Mutex(shuttle::sync::Mutex::new(value))
    }
}

impl<T: ?Sized> Mutex<T> {
    /// As of `std`.
    ///
    /// # Errors
    /// Never.
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        Ok(MutexGuard { guard: self.0.lock().unwrap_or_else(PoisonError::into_inner), mutex: self })
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

/// As of `std`.
#[derive(Debug, Default)]
pub struct Condvar(shuttle::sync::Condvar);

impl Condvar {
    /// A new one.
    pub const fn new() -> Self {
        Condvar(shuttle::sync::Condvar::new())
    }

    /// As of `std`.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }

    /// As of `std`.
    ///
    /// # Errors
    /// Never.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let MutexGuard { guard, mutex } = guard;
        Ok(MutexGuard { guard: self.0.wait(guard).unwrap_or_else(PoisonError::into_inner), mutex })
    }

    /// As of `std`, but the time is over at once: others go on.
    ///
    /// # Errors
    /// Never.
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        _: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, TimedOut)> {
        let mutex = guard.mutex;
        drop(guard);
        spin_loop();
        mutex.lock().map(|guard| (guard, TimedOut)).map_err(|e| PoisonError::new((e.into_inner(), TimedOut)))
    }
}

/// What became of a wait with a time limit.
#[derive(Debug)]
pub struct TimedOut;

impl TimedOut {
    /// Always.
    pub fn timed_out(&self) -> bool {
        true
    }
}

/// The queue of `crossbeam-queue` behind scheduling points.
#[derive(Debug, Default)]
pub struct SegQueue<T>(crossbeam_queue::SegQueue<T>);

impl<T> SegQueue<T> {
    /// An empty one.
    pub const fn new() -> Self {
        SegQueue(crossbeam_queue::SegQueue::new())
    }

    /// Puts a value at its end.
    pub fn push(&self, value: T) {
        point();
        self.0.push(value);
    }

    /// Takes the value at its beginning.
    pub fn pop(&self) -> Option<T> {
        point();
        self.0.pop()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        point();
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// What a thread does while it waits for others to go on.
#[derive(Debug)]
pub struct Backoff;

impl Backoff {
    /// A new one.
    pub fn new() -> Self {
        Backoff
    }

    /// Lets others go on.
    pub fn snooze(&self) {
        spin_loop();
    }
}
