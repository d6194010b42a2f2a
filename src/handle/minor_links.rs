//! What a minor collection does with its mutator's young links: C's counts are roots, links follow their objects, and what is
//! young still has died.
//!
//! Nearly all pairs that a minor meets are dead, since they were made for calls. So nothing is asked of them but their counts,
//! on the way through the spans in which they lie (`slab/spans.rs`); the collection says which objects have survived, their
//! links lose the tag YOUNG, and whoever has it still at the end is dead.

use super::link_word::LinkWord;
use super::links::Address;
use super::local_links::LocalLinks;
use super::pyobject::PyObject;
use super::slab::{PageHeader, SlabHeap, Span};
use crate::mutator::record::MutatorLinks;
use crate::mutator::shared::Counters;
use crate::object::Object;
use std::ptr;

impl LocalLinks {
    /// The handle of an object that was young and private when the minor collection began, at `before`; null if it has none.
    ///
    /// # Safety
    /// `object` is where it is now.
    unsafe fn young_handle(&self, before: *mut Object, object: *mut Object) -> *mut PyObject {
        // SAFETY: [K4] the caller's promise.
        match unsafe { self.links.slot(object) } {
            Some(slot) => slot.get_private() as *mut PyObject,
            None => self.handles.get(&(before as usize)).copied().unwrap_or(ptr::null_mut()),
        }
    }

    /// Ends the dead pairs of a span one by one; answers how many they were. Dead neighbours are freed together.
    fn end_each(&mut self, span: &Span, page: &'static PageHeader) -> u64 {
        let (mut ended, mut first, mut slots) = (0, ptr::null_mut(), 0);
        for ob in span.slots() {
            if cfg!(feature = "debug") && span.page(self.slab.owner()).is_none() {
                // The quarantine has given the last of its objects back.
                return ended;
            }
            // SAFETY: [K5] a slot of a page of ours: what follows survivors is not young any more.
            let this = unsafe { &*ob };
            let word = this.link();
            if word.is_young() && word.is_light() && cfg!(not(feature = "debug")) {
                ended += 1;
                this.set_link(LinkWord(0));
                first = if slots == 0 { ob } else { first };
                slots += 1;
                continue;
            }
            if slots != 0 {
                // SAFETY: [Z6] dead, and told by its link to whoever comes again.
                unsafe { self.slab.free_span(&span.part(first, slots), page) };
                slots = 0;
            }
            if word.is_young() {
                ended += 1;
                self.links.end(ob, word, Some(&mut self.slab));
            }
        }
        if slots != 0 {
            // SAFETY: [Z6] as above.
            unsafe { self.slab.free_span(&span.part(first, slots), page) };
        }
        ended
    }

    /// Ends what is young still after a minor collection; answers how many pairs that were.
    fn end_dead(&mut self) -> u64 {
        let (mut ended, owner) = (0, self.slab.owner());
        let spans = std::mem::take(&mut self.spans);
        // Backwards: the slabs give out next what they got last, so the next pairs come in the order of these, and what
        // `visit_held` has read last is in the cache still.
        for span in spans.iter().rev() {
            let Some(page) = span.page(owner) else { continue };
            if span.dead && !page.is_mixed() {
                ended += u64::from(span.len());
                // SAFETY: [Z6] all of them are dead, and in no other span.
                unsafe { self.slab.free_span(span, page) };
            } else {
                ended += self.end_each(span, page);
            }
            self.slab.settle(page);
        }
        for page in spans.iter().filter_map(|span| span.page(owner)) {
            page.set_mixed(false);
        }
        self.slab.reuse_spans(spans);
        for ob in std::mem::take(&mut self.young) {
            // SAFETY: [K5] as in `visit_held`.
            let word = unsafe { (*ob).link() };
            if word.is_young() {
                ended += 1;
                self.links.end(ob, word, Some(&mut self.slab));
            }
        }
        ended
    }
}

impl MutatorLinks for LocalLinks {
    fn visit_held(&mut self, visit: &mut dyn FnMut(*mut Object, u8)) {
        let mut visit = |ob: *mut PyObject| {
            // SAFETY: [K5] a pair made since the last minor collection: only this mutator's minor can end it while it is
            // private, and once published it lives at least until its object is old.
            let this = unsafe { &*ob };
            let word = this.link();
            if word.is_young() && this.is_held() {
                visit(word.object(), word.age());
            }
        };
        self.spans = self.slab.young_spans();
        for span in &mut self.spans {
            if span.page(self.slab.owner()).is_none() {
                continue;
            }
            let (mut tags, mut counts) = (usize::MAX, 0);
            for ob in span.slots() {
                // SAFETY: [K5] as above.
                let this = unsafe { &*ob };
                tags &= this.link().0;
                counts |= this.ob_refcnt.get_acquire() ^ 1;
            }
            span.dead = cfg!(not(feature = "debug")) && counts == 0 && LinkWord(tags).is_young_and_light();
            if counts != 0 {
                span.slots().for_each(&mut visit);
            }
        }
        self.young.iter().copied().for_each(visit);
    }

    fn after_minor(&mut self, survivors: &[(*mut Object, *mut Object)], waiting: &[*mut Object]) {
        for &(before, object) in survivors {
            // SAFETY: [K4] promoted just now, and young before.
            let ob = unsafe { self.young_handle(before, object) };
            if ob.is_null() {
                continue;
            }
            // SAFETY: [H2] promoted just now.
            if unsafe { self.links.slot(object) }.is_none() {
                self.links.handles.pin().insert(object as usize, Address(ob));
            }
            // SAFETY: [K2] linked to a live object, so alive.
            let this = unsafe { &*ob };
            this.set_link(this.link().promoted(object));
            self.links.set_linked(this);
            // SAFETY: [K5] a slot of our slabs.
            unsafe { SlabHeap::page(ob.cast()) }.set_mixed(true);
        }
        // SAFETY: [K4] live young objects, linked: C holds them.
        let waiting: Vec<_> = waiting.iter().map(|&p| (p, unsafe { self.young_handle(p, p) })).collect();
        for &(_, ob) in &waiting {
            // SAFETY: [K2] as above.
            let this = unsafe { &*ob };
            this.set_link(this.link().hidden());
            // SAFETY: [K5] as above.
            unsafe { SlabHeap::page(ob.cast()) }.set_mixed(true);
        }
        self.handles.clear();
        self.slab.trim(&self.links.slabs);
        let ended = self.end_dead();
        for (object, ob) in waiting {
            // SAFETY: [K2] as above.
            let this = unsafe { &*ob };
            this.set_link(this.link().waited());
            self.young.push(ob);
            // SAFETY: [H2] live.
            if unsafe { self.links.slot(object) }.is_none() {
                self.handles.insert(object as usize, ob);
            }
        }
        Counters::add(&self.links.shared.counters.links_freed_by_minor, ended);
    }

    unsafe fn published(&mut self, object: *mut Object) {
        let ob = match self.handles.remove(&(object as usize)) {
            Some(ob) => {
                self.links.handles.pin().insert(object as usize, Address(ob));
                ob
            }
            // SAFETY: [K4] the caller says that it is live and was ours.
            None => unsafe { self.find(object) },
        };
        if !ob.is_null() {
            // SAFETY: [K2] linked to a live object, so alive.
            let this = unsafe { &*ob };
            debug_assert!(this.link().is_linked(), "{ob:p} is published, and its pair has ended");
            // While it was young it had no bit. Before the tags go: from then on scans look at it.
            if this.link().is_young() {
                self.links.set_linked(this);
            }
            this.clear_private();
        }
    }

    fn for_each_private(&mut self, f: &mut dyn FnMut(*mut Object)) {
        self.slab.for_each_linked(&mut |ob| {
            // SAFETY: [K5] a linked object of our own pages.
            let word = unsafe { (*ob).link() };
            if word.is_private() {
                f(word.object());
            }
        });
    }

    fn leave(&mut self) {
        self.slab.abandon(&self.links.slabs);
    }
}
