//! From an address to its heap, for functions that get no context: `decref` to zero, and `free`.
//!
//! A thread asks the heaps to which it is attached first; a thread that is attached to none asks the table of all heaps
//! of the process, the one piece of process-wide state that the C interface forces upon us. Neither is on a fast path:
//! a decref that leaves references touches nothing but the count. Nearly all threads are attached to one heap, and what
//! they free is in its slabs: so a thread remembers where it found what it last asked for, and looks there first
//! ([`Latest`]).

use super::links::Links;
use super::pyobject::PyObject;
use crate::mutator::Record;
use crate::mutator::handshake::Target;
use crate::sync::{Arc, Mutex, process_static, thread_local};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Weak;

/// A heap to which this thread is attached.
pub(crate) struct Attachment {
    pub(crate) record: *const Record,
    pub(crate) links: Arc<Links>,
    /// Detaches the record of a thread that ends; it runs no callbacks.
    pub(crate) leave: unsafe fn(*const Record),
}

/// What a thread is attached to; when the thread ends, what it has not detached by then is.
struct Attachments(RefCell<Vec<Attachment>>);

impl Attachments {
    /// The tables of links have thread-locals, which must outlive this: a thread that ends detaches, and may close a heap.
    /// Thread-locals are destroyed in the opposite order of their first use, so here is theirs.
    fn new() -> Attachments {
        drop(papaya::HashMap::<usize, ()>::new().pin());
        Attachments(RefCell::new(Vec::new()))
    }
}

impl Drop for Attachments {
    fn drop(&mut self) {
        for attachment in std::mem::take(self.0.get_mut()) {
            // SAFETY: [A1] attached by this thread, which does nothing with it any more.
            let left = catch_unwind(AssertUnwindSafe(|| unsafe { (attachment.leave)(attachment.record) }));
            // The hook has reported a panic, which must not leave the end of a thread.
            drop(left);
        }
    }
}

/// Where a thread's last look-up ended: links of a heap to which it is attached, and its record there; null: nowhere.
pub(crate) type Latest = (*const Links, *const Record);
const NOWHERE: Latest = (std::ptr::null(), std::ptr::null());

thread_local! {
    static ATTACHED: Attachments = Attachments::new();
    static LATEST: Cell<Latest> = const { Cell::new(NOWHERE) };
}

process_static! {
    static HEAPS: Mutex<Vec<Weak<Links>>> = Mutex::new(Vec::new());
}

/// Registers a heap for look-ups by threads that are attached to none.
pub(crate) fn register(links: &Arc<Links>) {
    let mut heaps = HEAPS.lock().unwrap_or_else(|e| e.into_inner());
    heaps.retain(|heap| heap.strong_count() > 0);
    heaps.push(Arc::downgrade(links));
}

/// This thread is attached from now on. In the last steps of a thread's end nobody remembers it: see [`can_attach`].
pub(crate) fn attach(attachment: Attachment) {
    let _ = ATTACHED.try_with(|all| all.0.borrow_mut().push(attachment));
}

/// Whether this thread is not so near its end that nothing would detach it any more.
pub(crate) fn can_attach() -> bool {
    ATTACHED.try_with(|_| ()).is_ok()
}

/// This thread leaves.
pub(crate) fn detach(record: *const Record) {
    let _ = LATEST.try_with(|latest| latest.set(NOWHERE));
    // During the thread's end the list may be gone already.
    let _ = ATTACHED.try_with(|all| all.0.borrow_mut().retain(|a| a.record != record));
}

/// Serves publish requests to this thread's running mutators, of whatever heap. It moves nothing.
pub(crate) fn serve_publish() {
    let _ = ATTACHED.try_with(|all| {
        for attachment in all.0.borrow().iter() {
            // SAFETY: [L2] records live as long as their heap, which an attached mutator keeps.
            let record = unsafe { &*attachment.record };
            if record.word.target() == Target::Running {
                // SAFETY: [L1] this thread's, running; whoever waits is inside no other use of it.
                unsafe { record.serve_publish_if_asked() };
            }
        }
    });
}

/// This thread's record in the heap of these links.
pub(crate) fn current(links: &Links) -> Option<*const Record> {
    ATTACHED
        .try_with(|all| all.0.borrow().iter().find(|a| std::ptr::eq(&*a.links, links)).map(|a| a.record))
        .ok()
        .flatten()
}

/// This thread's record of this address, or the one in whose heap it is attached and an object's address lies.
#[cfg(feature = "debug")]
pub(crate) fn find(wanted: impl Fn(*const Record) -> bool) -> Option<*const Record> {
    ATTACHED.try_with(|all| all.0.borrow().iter().map(|a| a.record).find(|&record| wanted(record))).ok().flatten()
}

/// The links that an object belongs to and this thread's record there, if this thread is attached to that heap: then both
/// stay until it detaches.
#[inline]
pub(crate) fn own(ob: *const PyObject) -> Option<Latest> {
    latest(ob).or_else(|| own_slow(ob))
}

/// The same, if the object is in the slabs of the heap where the last one was found.
#[inline(always)]
pub(crate) fn latest(ob: *const PyObject) -> Option<Latest> {
    let latest = LATEST.try_with(Cell::get).unwrap_or(NOWHERE);
    // SAFETY: [L2] it was found by this thread, which has not detached since: the links stay.
    let ours = unsafe { latest.0.as_ref() }.is_some_and(|links| links.slabs.contains(ob as usize));
    ours.then_some(latest)
}

#[inline(never)]
fn own_slow(ob: *const PyObject) -> Option<Latest> {
    let found = ATTACHED
        .try_with(|all| {
            let all = all.0.borrow();
            all.iter().find(|a| a.links.owns(ob)).map(|a| (Arc::as_ptr(&a.links), a.record))
        })
        .ok()
        .flatten()?;
    let _ = LATEST.try_with(|latest| latest.set(found));
    Some(found)
}

/// The heap that an object belongs to.
pub(crate) fn of(ob: *const PyObject) -> Option<Arc<Links>> {
    let own = ATTACHED
        .try_with(|all| all.0.borrow().iter().find(|a| a.links.owns(ob)).map(|a| a.links.clone()))
        .ok()
        .flatten();
    own.or_else(|| {
        let heaps = HEAPS.lock().unwrap_or_else(|e| e.into_inner());
        heaps.iter().filter_map(Weak::upgrade).find(|links| links.owns(ob))
    })
}
