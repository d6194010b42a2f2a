//! From an address to its heap, for functions that get no context: `decref` to zero, and `free`.
//!
//! A thread asks the heaps to which it is attached first; a thread that is attached to none asks the table of all heaps
//! of the process, the one piece of process-wide state that the C interface forces upon us. Neither is on a fast path:
//! a decref that leaves references touches nothing but the count.

use super::links::Links;
use super::pyobject::PyObject;
use crate::mutator::Record;
use crate::sync::{Arc, Mutex};
use std::cell::RefCell;
use std::sync::Weak;

/// A heap to which this thread is attached.
pub(crate) struct Attachment {
    pub(crate) record: *const Record,
    pub(crate) links: Arc<Links>,
}

thread_local! {
    static ATTACHED: RefCell<Vec<Attachment>> = const { RefCell::new(Vec::new()) };
}

static HEAPS: Mutex<Vec<Weak<Links>>> = Mutex::new(Vec::new());

/// Registers a heap for look-ups by threads that are attached to none.
pub(crate) fn register(links: &Arc<Links>) {
    let mut heaps = HEAPS.lock().unwrap_or_else(|e| e.into_inner());
    heaps.retain(|heap| heap.strong_count() > 0);
    heaps.push(Arc::downgrade(links));
}

/// This thread is attached from now on.
pub(crate) fn attach(attachment: Attachment) {
    ATTACHED.with_borrow_mut(|all| all.push(attachment));
}

/// This thread leaves.
pub(crate) fn detach(record: *const Record) {
    // During the thread's end the list may be gone already.
    let _ = ATTACHED.try_with(|all| all.borrow_mut().retain(|a| a.record != record));
}

/// This thread's record in the heap of these links.
pub(crate) fn current(links: &Links) -> Option<*const Record> {
    ATTACHED
        .try_with(|all| all.borrow().iter().find(|a| std::ptr::eq(&*a.links, links)).map(|a| a.record))
        .ok()
        .flatten()
}

/// The heap that an object belongs to.
pub(crate) fn of(ob: *const PyObject) -> Option<Arc<Links>> {
    let own = ATTACHED
        .try_with(|all| all.borrow().iter().find(|a| a.links.owns(ob)).map(|a| a.links.clone()))
        .ok()
        .flatten();
    own.or_else(|| {
        let heaps = HEAPS.lock().unwrap_or_else(|e| e.into_inner());
        heaps.iter().filter_map(Weak::upgrade).find(|links| links.owns(ob))
    })
}
