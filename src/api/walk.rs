//! The heap walk of the typed layer: every live object, for statistics and for looking for leaks.

use crate::api::scope::Scope;

/// One live object, as [`Scope::walk`] sees it.
///
/// ```
/// # use handfast::{Config, Heap};
/// # let heap = Heap::new(Config::default())?;
/// heap.attach()?.scope(|s| {
///     let kept = s.alloc_bytes(b"kept")?;
///     let mut found = vec![];
///     s.walk(|object| found.push((object.items, object.bytes)));
///     assert_eq!(found.len(), 1);
///     assert_eq!(found[0].0, kept.get(s).len());
///     Ok::<(), handfast::Error>(())
/// })?;
/// # Ok::<(), handfast::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Walked {
    /// The name of its type.
    pub type_name: &'static str,
    /// Bytes that it occupies, with its header.
    pub bytes: usize,
    /// Number of items; 0 for types of fixed size.
    pub items: usize,
}

impl Scope<'_> {
    /// Runs a full collection and calls `visit` with every object that lives after it, in the order of addresses, except
    /// what other threads allocate meanwhile. Other threads go on. May collect, before the first call.
    ///
    /// ```
    /// # use handfast::{Config, Heap};
    /// let heap = Heap::new(Config::default())?;
    /// let mut mutator = heap.attach()?;
    /// let bytes = mutator.scope(|s| {
    ///     let _kept = s.alloc(7_u64)?;
    ///     let mut bytes = 0;
    ///     s.walk(|object| bytes += object.bytes);
    ///     Ok::<usize, handfast::Error>(bytes)
    /// })?;
    /// assert_eq!(bytes, 16);
    /// # Ok::<(), handfast::Error>(())
    /// ```
    pub fn walk(&mut self, mut visit: impl FnMut(Walked)) {
        // SAFETY: [Y2] attached, running, and rule 1: no unrooted reference is alive.
        unsafe {
            self.raw().walk(&mut |object| {
                // The description of a live object is alive.
                let type_name = (*object.type_info).name();
                visit(Walked { type_name, bytes: object.bytes, items: object.items });
            });
        }
    }
}
