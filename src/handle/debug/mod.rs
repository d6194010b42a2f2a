//! Checked builds (feature `debug`): misuse of plain `PyObject *`, found where it happens, told with the object's history.
//!
//! Handle-based interfaces have debug modes that give out wrapped handles; with real pointers the memory itself must tell.
//! Each object of our slabs carries a [`Trailer`] at the end of its slot: state, size, and what has happened to it, on
//! which thread and from which call stack. What is freed stays in [quarantine](Quarantine) for a while, poisoned:
//!
//! - the count is negative with the immortal bit clear, which sends the inline count functions of C to the exported ones;
//! - the link is 0, so that a scan that still has the address passes by (`slab.rs`, *What a scan may meet*);
//! - the rest is a pattern, which is looked at again when the memory leaves the quarantine: a write after free is found.
//!
//! Every function that takes a `PyObject` asks here first. What is found is written to standard error, and the process
//! aborts: nothing is unwound over C frames, and a core file shows the place.
//!
//! ```text
//! handfast: hf_decref: it has been freed (use after free)
//!   PyObject 0x7f0e2c0100c0: ob_type 0x55d0c8a010, 64 bytes, count unknown, not linked
//!   allocated by thread 1 in hf_pyobject_new < main (misuse.c:12)
//!   freed by thread 1 in hf_pyobject_free < main (misuse.c:14)
//! ```
//!
//! Inline functions of C leave no trace: compile with `HF_NO_INLINE` for a history with the first incref, and for checks of
//! each access. Memory that was adopted has no trailer: its checks are those of release builds, but they abort.
//!
//! Without the feature `off.rs` stands in for this module, and nothing of it is left.

mod object;
mod quarantine;
mod stacks;
mod trailer;

pub(crate) use object::check_object;

use super::heaps;
use super::links::Links;
use super::pyobject::PyObject;
use super::slab::{Place, SlabLocal};
use crate::sync::thread_number;
use quarantine::Quarantine;
use stacks::Stacks;
use std::cell::Cell;
use std::fmt::Write;
use trailer::{State, Trailer, What};

thread_local! {
    /// The exported function that the thread is in; empty outside.
    static FUNCTION: Cell<&'static str> = const { Cell::new("") };
}

/// What a heap keeps for its checks.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    quarantine: Quarantine,
    stacks: Stacks,
}

impl Watch {
    pub(super) fn new() -> Watch {
        Watch::default()
    }
}

/// What happens to a `PyObject`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Linked,
    Queued,
    Delivered,
}

/// Names the exported function that the thread is in from now on, for messages; answers the one before.
pub(crate) fn enter(function: &'static str) -> &'static str {
    FUNCTION.try_with(|f| f.replace(function)).unwrap_or("")
}

/// The exported function that the thread is in, else `otherwise`.
fn function(otherwise: &'static str) -> &'static str {
    match FUNCTION.try_with(Cell::get).unwrap_or("") {
        "" => otherwise,
        function => function,
    }
}

/// Bytes to take for an object of `size` bytes and its trailer.
pub(super) fn room(size: usize) -> usize {
    size.saturating_add(7 + trailer::BYTES)
}

/// The trailer of an object of a heap, or what is wrong with the address. `None`: adopted, or not this heap's.
fn trailer(links: &Links, ob: *const PyObject) -> Option<Result<&Trailer, &'static str>> {
    if !links.slabs.contains(ob as usize) {
        return None;
    }
    Some(match links.slabs.locate(ob as usize) {
        // SAFETY: [K5] a slot of a page in use; slabs are asked for objects with room for a trailer only.
        Place::Slot(size) => Ok(unsafe { Trailer::of(ob as usize, size) }),
        Place::Inside => Err("it points into the middle of slab memory, not at a PyObject"),
        Place::Unused => Err("no PyObject is there: its memory was given back, or never used"),
    })
}

fn live_trailer(links: &Links, ob: *const PyObject) -> Option<&Trailer> {
    trailer(links, ob).and_then(Result::ok).filter(|t| t.state() != State::Empty)
}

fn event(links: &Links, what: What) -> trailer::Event {
    // Stacks cost a microsecond or two: they are taken where a program usually goes wrong.
    let stack = match what {
        What::Allocated | What::Incref | What::Zero | What::Freed => links.watch.stacks.here(),
        What::Linked | What::Queued | What::Delivered => 0,
    };
    trailer::Event { what, stack, thread: thread_number() as u32 }
}

/// An object was allocated: count 1, of `size` bytes.
pub(super) fn allocated(links: &Links, ob: &PyObject, size: usize) {
    if let Some(Ok(trailer)) = trailer(links, ob) {
        trailer.begin(size, ob.ob_type as usize, event(links, What::Allocated));
    }
}

/// Something has happened to a live object.
pub(super) fn note(links: &Links, ob: &PyObject, happened: Event) {
    let Some(trailer) = live_trailer(links, ob) else { return };
    let what = match happened {
        Event::Linked => What::Linked,
        Event::Queued => {
            trailer.set_state(State::Queued);
            What::Queued
        }
        Event::Delivered => {
            trailer.set_state(State::Delivered);
            What::Delivered
        }
    };
    trailer.add(event(links, what));
}

/// Why an address must not be used as a `PyObject`.
fn why_not(links: &Links, ob: *const PyObject, freed: &'static str) -> Option<&'static str> {
    match trailer(links, ob)? {
        Err(why) => Some(why),
        Ok(trailer) => match trailer.state() {
            State::Freed => Some(freed),
            State::Empty => Some("no PyObject is there: it was freed long ago, or never allocated"),
            _ => None,
        },
    }
}

/// Stops unless `ob` can be used.
pub(crate) fn check_use(function: &'static str, ob: *const PyObject) {
    if let Some(links) = heaps::of(ob)
        && let Some(why) = why_not(&links, ob, "it has been freed (use after free)")
    {
        stop(function, Some(&links), ob, why);
    }
}

/// Stops unless `ob` can be used; remembers who took the first reference to it.
pub(super) fn check_incref(ob: *const PyObject) {
    check_use("incref", ob);
    if let Some(links) = heaps::of(ob)
        && let Some(trailer) = live_trailer(&links, ob)
        && trailer.never_increfed()
        // The inline decref of C takes the last reference first, and lets the library put it back.
        && function("") != "hf_decref"
    {
        trailer.first_incref(event(&links, What::Incref));
    }
}

/// Stops unless `ob` is this heap's and can be used.
pub(crate) fn check_of(function: &'static str, own: &Links, ob: *const PyObject) {
    if own.owns(ob) {
        return check_use(function, ob);
    }
    let links = heaps::of(ob);
    let why = match links {
        Some(_) => "it belongs to another heap",
        None => "its memory is neither this heap's nor adopted (pyobject_adopt)",
    };
    stop(function, links.as_deref(), ob, why);
}

/// Stops unless `ob` may be freed.
pub(super) fn check_free(ob: *const PyObject) {
    let function = "free";
    let Some(links) = heaps::of(ob) else { return };
    if let Some(why) = why_not(&links, ob, "it has been freed already (double free)") {
        stop(function, Some(&links), ob, why);
    }
    // SAFETY: [K2] as checked: an object that is not freed.
    let this = unsafe { &*ob };
    if live_trailer(&links, ob).is_some_and(|t| t.state() == State::Queued) {
        stop(function, Some(&links), ob, "it is in the dead queue still: take it out with hf_next_dead");
    }
    if this.link().is_linked() {
        stop(function, Some(&links), ob, "it is linked still");
    }
    if this.ob_refcnt.is_immortal() {
        stop(function, Some(&links), ob, "it is immortal");
    }
    if this.ob_refcnt.count() > 1 {
        stop(function, Some(&links), ob, "C still counts references to it");
    }
}

/// The count of an unlinked object has reached zero: its dealloc is due.
pub(super) fn check_zero(links: &Links, ob: &PyObject) {
    let Some(trailer) = live_trailer(links, ob) else { return };
    if trailer.state() == State::Queued {
        stop("decref", Some(links), ob, "the last reference to a dead object was dropped, which is the dead queue's");
    }
    trailer.set_state(State::Dying);
    trailer.add(event(links, What::Zero));
}

/// Whether the memory of a slot in use is in quarantine.
pub(super) fn is_freed(links: &Links, ob: *const PyObject) -> bool {
    matches!(trailer(links, ob), Some(Ok(trailer)) if matches!(trailer.state(), State::Freed | State::Empty))
}

/// Frees an object of our slabs: poisons it and puts it into quarantine; what leaves the quarantine goes to its slab.
///
/// # Safety
/// As [`SlabHeap::free`](super::slab::SlabHeap::free).
pub(super) unsafe fn give_back(links: &Links, mut local: Option<&mut SlabLocal>, ob: *mut PyObject) {
    let Some(Ok(trailer)) = trailer(links, ob) else {
        stop("free", Some(links), ob, "it is no PyObject of this heap");
    };
    // SAFETY: [K6] the caller's, for the last time.
    if !trailer.is_sealed() || !unsafe { quarantine::is_clean_behind(ob, trailer) } {
        stop("free", Some(links), ob, "something was written past its end");
    }
    if trailer.end() == State::Freed {
        stop("free", Some(links), ob, "two threads free it at once (double free)");
    }
    // SAFETY: [K6] as above.
    trailer.keep_type(unsafe { &*ob });
    trailer.add(event(links, What::Freed));
    // SAFETY: [K6] as above.
    unsafe { quarantine::poison(ob, trailer) };
    links.watch.quarantine.put(ob, trailer.size());
    while let Some(ob) = links.watch.quarantine.take() {
        check_poison(links, ob);
        if let Some(Ok(trailer)) = self::trailer(links, ob) {
            trailer.set_state(State::Empty);
        }
        // SAFETY: [K6] freed before, and taken out of the quarantine once.
        unsafe { links.slabs.free(local.as_deref_mut(), ob.cast()) };
    }
}

/// Stops if somebody wrote to a freed object.
fn check_poison(links: &Links, ob: *mut PyObject) {
    let Some(Ok(trailer)) = trailer(links, ob) else { return };
    // SAFETY: [K6] in quarantine: memory of its slot, which nobody else may use.
    if let Some(offset) = unsafe { quarantine::find_write(ob, trailer) } {
        let what = format!(
            "it was written to after it had been freed, at offset {offset}; found later, not where it happened"
        );
        stop("quarantine", Some(links), ob, &what);
    }
}

/// The heap closes: the last look at what is in quarantine.
pub(crate) fn close(links: &Links) {
    links.watch.quarantine.for_each(|ob| check_poison(links, ob));
}

/// What is known of an object, for the leak report.
pub(crate) fn history(links: &Links, ob: &PyObject) -> Option<String> {
    let mut text = describe(Some(links), ob);
    if let Some(trailer) = live_trailer(links, ob) {
        for event in trailer.history() {
            let _ = write!(text, "; {}", tell(links, event));
        }
    }
    Some(text)
}

fn tell(links: &Links, event: trailer::Event) -> String {
    let mut text = format!("{} by thread {}", event.what.text(), event.thread);
    if event.stack != 0 {
        let _ = write!(text, " in {}", links.watch.stacks.text(event.stack));
    }
    text
}

fn describe(links: Option<&Links>, ob: *const PyObject) -> String {
    let mut text = format!("PyObject {ob:p}");
    let Some(links) = links else { return text };
    let trailer = live_trailer(links, ob);
    if let Some(trailer) = trailer.filter(|t| t.state() == State::Freed) {
        let _ = write!(text, ": ob_type {:#x}, {} bytes, freed", trailer.ob_type(), trailer.size());
    } else if trailer.is_some() || !links.slabs.contains(ob as usize) {
        // SAFETY: [K2] in use, or adopted and so valid memory.
        let this = unsafe { &*ob };
        let immortal = if this.ob_refcnt.is_immortal() { " (immortal)" } else { "" };
        let link = if this.link().is_linked() { "linked" } else { "not linked" };
        let _ = write!(text, ": ob_type {:p}, count {}{immortal}, {link}", this.ob_type, this.ob_refcnt.count());
        match trailer {
            Some(trailer) => {
                let _ = write!(text, ", {} bytes", trailer.size());
            }
            None => text.push_str(", adopted"),
        }
    }
    text
}

/// Somebody broke a rule: says so and aborts.
pub(super) fn misuse(function: &'static str, ob: *const PyObject, what: &str) {
    let links = heaps::of(ob);
    stop(function, links.as_deref(), ob, what);
}

#[cold]
#[inline(never)]
fn stop(otherwise: &'static str, links: Option<&Links>, ob: *const PyObject, what: &str) -> ! {
    let mut text = format!("handfast: {}: {what}\n  {}\n", function(otherwise), describe(links, ob));
    if let Some(links) = links
        && let Some(trailer) = live_trailer(links, ob)
    {
        for event in trailer.history() {
            let _ = writeln!(text, "  {}", tell(links, event));
        }
    }
    eprint!("{text}");
    std::process::abort();
}
