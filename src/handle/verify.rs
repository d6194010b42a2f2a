//! The verifier's look at links: from the object to the `PyObject` and back, tags, bits, counts.
//!
//! Private links are their owner's: [`LinkAudit::check_own`] looks at them at a safepoint of it. Public ones are made and
//! published while the verifier looks, in several steps; what does not fit is looked at again after a handshake, when
//! every step that was under way is done. A link that does not change in between is exact: only a cycle ends it, and none
//! runs. In the middle of a cycle, after its links were reaped, only those of the dead are looked for.

use super::link_word::LinkWord;
use super::links::Links;
use super::local_links::LocalLinks;
use super::pyobject::PyObject;
use super::slab::SlabHeap;
use crate::collector::verify::{self, Invariant, LinkAudit, LinkSuspect, Own, Violation};
use crate::mutator::Record;
use crate::mutator::inspect::Moment;
use crate::mutator::record::Phase;
use crate::object::Object;
use crate::object::header::{LINKED, OLD, PUBLIC};
use std::collections::HashSet;
use std::ptr;

/// What is wrong with a pair.
type Wrong = Option<(Invariant, String)>;

fn wrong(ok: bool, invariant: Invariant, detail: impl FnOnce() -> String) -> Wrong {
    (!ok).then(|| (invariant, detail()))
}

/// How a scan finds the link of an object of ours: by the bit of its page, or by the table of adopted memory.
fn is_recorded(links: &Links, ob: *mut PyObject) -> bool {
    if links.slabs.contains(ob as usize) {
        // SAFETY: [K5] a slot of our slabs.
        return unsafe { SlabHeap::page(ob.cast()) }.is_linked(ob);
    }
    links.adopted_linked.pin().contains_key(&(ob as usize))
}

/// What holds of every linked pair, whoever looks: the address is an object of the heap, and the count has the link's.
fn check_word(links: &Links, moment: Moment, ob: *mut PyObject, word: LinkWord) -> Wrong {
    if let Some(violation) = verify::sound(&links.shared, moment, word.object(), ob as usize) {
        return Some((Invariant::Link, format!("its link word {:#x}: {}", word.0, violation.detail)));
    }
    // SAFETY: [K5] linked, so alive.
    let count = unsafe { &*ob }.ob_refcnt.count();
    wrong(count >= 1, Invariant::LinkCount, || format!("linked, and its count is {count}"))
}

/// What holds of a pair that no other thread may change at the moment.
unsafe fn check_pair(links: &Links, ob: *mut PyObject, word: LinkWord, found: *mut PyObject) -> Wrong {
    let object = word.object();
    // SAFETY: [H2] found sound by the caller.
    let flags = unsafe { (*object).flags_acquire() };
    let (public, young) = (flags & PUBLIC != 0, flags & OLD == 0);
    let tags = || format!("its link word is {:#x}; {}", word.0, verify::describe(&links.shared, object as usize));
    wrong(public != word.is_private(), Invariant::Link, tags)
        .or_else(|| wrong(public || young == word.is_young(), Invariant::Link, tags))
        .or_else(|| {
            wrong(found == ob, Invariant::LinkBack, || format!("{object:p}, to which it is linked, leads to {found:p}"))
        })
        .or_else(|| {
            wrong(flags & LINKED != 0, Invariant::LinkBack, || format!("{object:p} does not know that it is linked"))
        })
        .or_else(|| {
            wrong(is_recorded(links, ob) != word.is_young(), Invariant::LinkBit, || {
                format!(
                    "its link word is {:#x}, and scans {} it",
                    word.0,
                    if word.is_young() { "find" } else { "do not find" }
                )
            })
        })
}

impl Links {
    fn violation(&self, moment: Moment, ob: *mut PyObject, (invariant, detail): (Invariant, String)) -> Violation {
        Violation::new(invariant, moment, ob as usize, detail)
    }

    /// The handle of an object that is public, or old and private.
    unsafe fn handle_of(&self, object: *mut Object) -> *mut PyObject {
        // SAFETY: [K4] the caller says that it is live.
        match unsafe { self.slot(object) } {
            Some(slot) => slot.get() as *mut PyObject,
            None => self.handles.pin().get(&(object as usize)).map_or(ptr::null_mut(), |address| address.0),
        }
    }

    /// What is wrong with a recorded link at this moment, though it may be right at the next; `None` also when the link
    /// has ended, or is its owner's business.
    fn suspicion(&self, moment: Moment, ob: *mut PyObject) -> Wrong {
        // SAFETY: [K5] slab memory stays mapped, and its first two words always are a count and a link word; adopted
        // memory is linked as long as it is in the table.
        let word = unsafe { &*ob }.link();
        if !word.is_linked() || word.is_young() {
            return wrong(!is_recorded(self, ob), Invariant::LinkBit, || {
                format!("scans find it, its link word is {:#x}", word.0)
            });
        }
        if let Some(what) = check_word(self, moment, ob, word) {
            return Some(what);
        }
        if word.is_private() {
            return None;
        }
        // SAFETY: [K4] linked to what is public by its tags and sound; no sweep is on.
        unsafe { check_pair(self, ob, word, self.handle_of(word.object())) }
    }

    /// The same of a public old object that is linked.
    fn object_suspicion(&self, object: *mut Object) -> Wrong {
        // SAFETY: [G1] marked, and no sweep is on.
        let ob = unsafe { self.handle_of(object) };
        if ob.is_null() {
            return Some((Invariant::LinkBack, "linked, and no PyObject is found".into()));
        }
        // SAFETY: [K2] linked to a live object, so alive.
        let word = unsafe { &*ob }.link();
        wrong(word.object() == object, Invariant::LinkBack, || {
            format!("leads to {ob:p}, whose link word is {:#x}", word.0)
        })
        .or_else(|| wrong(is_recorded(self, ob), Invariant::LinkBit, || format!("leads to {ob:p}, which scans miss")))
    }
}

#[cfg(test)]
impl Links {
    /// Damages the table of handles.
    pub(crate) fn set_table_entry(&self, object: *mut Object, ob: *mut PyObject) {
        self.handles.pin().insert(object as usize, super::links::Address(ob));
    }
}

impl LinkAudit for Links {
    unsafe fn check_own(&self, record: &Record, own: &Own) -> Result<(), Violation> {
        // SAFETY: [L1] the owner or the holder; nothing else of its state is used below.
        let Some(local) = (unsafe { LocalLinks::of(record) }) else { return Ok(()) };
        let Some((moment, phase)) = own.state else { return Ok(()) };
        // Where its next minor collection will look for young links.
        let mut young: HashSet<_> = local.young.iter().copied().collect();
        for span in local.slab.look_at_young_spans() {
            if span.page(local.slab.owner()).is_some() {
                young.extend(span.slots());
            }
        }
        let mut found = None;
        let mut look = |ob: *mut PyObject, listed: bool| {
            // SAFETY: [K5] a slot of an own page, or a pair made since the last minor collection.
            let word = unsafe { &*ob }.link();
            if found.is_some() || !word.is_private() || word.is_young() != listed {
                return;
            }
            // SAFETY: [K4] private and its own, since the page is; sound before it is read.
            found = check_word(self, moment, ob, word)
                .or_else(|| unsafe { check_pair(self, ob, word, local.find(word.object())) })
                .map(|what| self.violation(moment, ob, what));
        };
        for &ob in &young {
            look(ob, true);
        }
        // While a cycle clears, pairs end one by one.
        if phase != Phase::Scanned {
            local.slab.for_each_linked(&mut |ob| look(ob, false));
        }
        for &object in &own.linked {
            // SAFETY: [K4] private, reached by this mutator.
            let ob = unsafe { local.find(object) };
            let led = if ob.is_null() {
                wrong(false, Invariant::LinkBack, || "linked, and no PyObject is found".into())
            } else {
                // SAFETY: [K2] linked to a live object, so alive.
                let word = unsafe { &*ob }.link();
                wrong(word.object() == object, Invariant::LinkBack, || {
                    format!("leads to {ob:p}, whose link word is {:#x}", word.0)
                })
                .or_else(|| {
                    wrong(is_recorded(self, ob) != word.is_young(), Invariant::LinkBit, || {
                        format!("leads to {ob:p}, whose link word is {:#x} and which scans miss", word.0)
                    })
                })
                .or_else(|| {
                    wrong(!word.is_young() || young.contains(&ob), Invariant::LinkBit, || {
                        format!("{ob:p} is tagged YOUNG, and not where its mutator looks for young links")
                    })
                })
            };
            if found.is_none() {
                found = led.map(|(invariant, detail)| Violation::new(invariant, moment, object as usize, detail));
            }
        }
        found.map_or(Ok(()), Err)
    }

    fn check_shared(
        &self,
        moment: Moment,
        linked: &[*mut Object],
        is_dead: &dyn Fn(*mut Object) -> bool,
    ) -> Result<(u64, Vec<LinkSuspect>), Violation> {
        let (mut count, mut suspects, mut found) = (0, vec![], None);
        let mut look = |ob: *mut PyObject| {
            count += 1;
            // SAFETY: [K5] as in `suspicion`.
            let word = unsafe { &*ob }.link();
            let shared = word.is_linked() && !word.is_young();
            if found.is_some() {
            } else if shared
                && verify::sound(&self.shared, moment, word.object(), ob as usize).is_none()
                && is_dead(word.object())
            {
                let detail =
                    format!("linked to what is dead: {}", verify::describe(&self.shared, word.object() as usize));
                found = Some(self.violation(moment, ob, (Invariant::Link, detail)));
            } else if self.suspicion(moment, ob).is_some() {
                suspects.push(LinkSuspect::Handle(ob as usize));
            }
        };
        self.slabs.for_each_linked(&mut look);
        for (&ob, ()) in self.adopted_linked.pin().iter() {
            look(ob as *mut PyObject);
        }
        for &object in linked {
            if self.object_suspicion(object).is_some() {
                suspects.push(LinkSuspect::Object(object));
            }
        }
        found.map_or(Ok((count, suspects)), Err)
    }

    fn check_again(&self, moment: Moment, suspects: &[LinkSuspect]) -> Result<(), Violation> {
        for &suspect in suspects {
            let (at, what) = match suspect {
                // What ended meanwhile is no suspect any more, and adopted memory may be gone.
                LinkSuspect::Handle(ob) if !is_recorded(self, ob as *mut PyObject) => continue,
                LinkSuspect::Handle(ob) => (ob, self.suspicion(moment, ob as *mut PyObject)),
                LinkSuspect::Object(object) => (object as usize, self.object_suspicion(object)),
            };
            if let Some((invariant, detail)) = what {
                return Err(Violation::new(invariant, moment, at, detail));
            }
        }
        Ok(())
    }
}
