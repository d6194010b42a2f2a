//! The crate's `sync` under loom, with atomics whose loads loom cannot overlook.
//!
//! To decide which interleavings to try, loom 0.7 remembers only the *last* access of an atomic. When a thread first loads
//! and then exchanges (every CAS loop does), its own load hides the earlier load of another thread, and the order in which
//! the other one would see the exchange is never tried: a scenario of a poll against `HandshakeWord::request` had *one*
//! execution, and passed. The atomics here carry a second word that each load increments (relaxed: it orders nothing) right
//! before it. Two loads of one atomic then conflict as two writes do, and both orders are tried.
//! (Open issues of loom: tokio-rs/loom#166 and #392.)
//!
//! Everything else is the crate's own `src/sync/mod.rs`.

#[path = "../../src/sync/mod.rs"]
#[allow(unused_imports)] // `Arc`: see below
mod base;

pub use base::{Condvar, Mutex, MutexGuard, seen, spin_loop, thread};
/// Shared ownership that is not part of any protocol: the standard one, which adds no executions.
pub use std::sync::Arc;

/// Atomics, as described above.
pub mod atomic {
    use super::base::atomic as inner;
    use Ordering::Relaxed;
    pub use inner::{Ordering, fence};

    macro_rules! atomic {
        ($(#[$doc:meta])* $name:ident $(<$p:ident>)?, $value:ty, [$($rmw:ident($arg:ty)),*]) => {
            $(#[$doc])*
            #[derive(Debug)]
            pub struct $name $(<$p>)? {
                value: inner::$name $(<$p>)?,
                loads: inner::AtomicU8,
            }

            impl $(<$p>)? $name $(<$p>)? {
                /// A new one.
                pub fn new(value: $value) -> Self {
                    Self { value: inner::$name::new(value), loads: inner::AtomicU8::new(0) }
                }

                /// As of `std`.
                #[track_caller]
                pub fn load(&self, order: Ordering) -> $value {
                    self.loads.fetch_add(1, Relaxed);
                    self.value.load(order)
                }

                /// As of `std`.
                #[track_caller]
                pub fn store(&self, value: $value, order: Ordering) {
                    self.value.store(value, order);
                }

                /// As of `std`.
                #[track_caller]
                pub fn compare_exchange(
                    &self, current: $value, new: $value, success: Ordering, failure: Ordering,
                ) -> Result<$value, $value> {
                    self.value.compare_exchange(current, new, success, failure)
                }

                /// As of `std`, but never fails spuriously.
                #[track_caller]
                pub fn compare_exchange_weak(
                    &self, current: $value, new: $value, success: Ordering, failure: Ordering,
                ) -> Result<$value, $value> {
                    self.value.compare_exchange(current, new, success, failure)
                }

                $(
                    /// As of `std`.
                    #[track_caller]
                    pub fn $rmw(&self, value: $arg, order: Ordering) -> $value {
                        self.value.$rmw(value, order)
                    }
                )*
            }
        };
    }

    macro_rules! integer {
        ($($name:ident: $value:ty),*) => {
            $(atomic!(
                /// An integer.
                $name, $value, [
                    swap($value), fetch_add($value), fetch_sub($value), fetch_and($value), fetch_or($value),
                    fetch_xor($value)
                ]
            );)*
        };
    }

    integer!(AtomicU8: u8, AtomicU16: u16, AtomicU32: u32, AtomicU64: u64, AtomicUsize: usize, AtomicIsize: isize);
    atomic!(
        /// A flag.
        AtomicBool, bool, [swap(bool), fetch_and(bool), fetch_or(bool), fetch_xor(bool)]
    );
    atomic!(
        /// A pointer.
        AtomicPtr<T>, *mut T, [swap(*mut T)]
    );
}
