//! Finalizers of the typed layer: [`Finalize`], and the function that the collector calls.
//!
//! A finalizer runs once, on some attached thread, at a point that may collect; there every caller has given up its
//! scope for the time (`&mut Scope`), so the finalizer may have a scope of its own on the same mutator and do anything,
//! resurrect its object included. A panic stops at this boundary: it is reported by the panic hook and goes no further,
//! because the thread that happens to run a finalizer is not to blame for it.

use crate::api::local::Local;
use crate::api::raw;
use crate::api::scope::{self, Scope};
use crate::api::trace::Trace;
use crate::object::Object;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

/// The type of [`Finalize::finalize`].
pub type FinalizeFn<T> = for<'s> fn(&mut Scope<'s>, Local<'s, T>);

/// What to do once after an object was found unreachable. Active for types with `#[handfast(finalize)]` on their
/// `#[derive(Trace)]`.
///
/// It runs at most once per object, on any attached thread, at some later point that may collect; objects it refers to
/// are intact. The object may be stored somewhere and live on; it is not finalized again.
///
/// ```
/// use handfast::{Finalize, Local, Scope, Trace};
///
/// #[derive(Trace)]
/// #[handfast(finalize)]
/// struct File {
///     descriptor: i32,
/// }
///
/// impl Finalize for File {
///     fn finalize<'s>(scope: &mut Scope<'s>, this: Local<'s, File>) {
///         println!("closing {}", this.get(scope).descriptor);
///     }
/// }
/// ```
pub trait Finalize: Trace {
    /// Runs once, after `this` died. A panic in it is reported and otherwise ignored.
    fn finalize<'s>(scope: &mut Scope<'s>, this: Local<'s, Self>);
}

/// The finalizer in the description of `T`.
///
/// # Safety
/// `mutator` is an attached mutator of the calling thread at a point that may collect; `object` is a valid `T`.
pub(crate) unsafe extern "C" fn run<T: Trace>(mutator: *mut c_void, object: *mut Object) {
    // SAFETY: [Y1] a mutator, by the contract of this function.
    let mutator = unsafe { raw::Mutator::from_ptr(mutator.cast()) };
    let (Some(mutator), Some(finalize)) = (mutator, T::FINALIZE) else { return };
    // SAFETY: [Y1] the mutator is attached to this thread.
    let heap = Rc::new(unsafe { mutator.heap() }.clone());
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: [Y1] this thread's mutator; whoever called into the collector holds its `&mut Scope` until we return.
        unsafe {
            scope::enter(mutator, &heap, |scope| {
                let this = scope.root_raw(object);
                finalize(scope, this);
            });
        }
    }));
    if let Err(payload) = outcome {
        // Dropping what was thrown could panic again.
        std::mem::forget(payload);
    }
}
