//! The comparison of the two worlds: everything reachable, and after a full collection everything that is there.

use super::Run;
use super::machine::{GLOBALS, Handle, Machine, ROOTS};
use super::model::Id;
use handfast::raw::Object;
use std::collections::{BTreeMap, BTreeSet};
use std::ptr::null_mut;

/// Where each object was found.
type Found = BTreeMap<Id, *mut Object>;

impl Run {
    /// Walks everything reachable in both worlds: each mutator looks at what it may.
    pub fn check(&mut self) -> Found {
        let mut found = Found::new();
        for lane in 0..self.lanes.len() {
            self.on(lane, true, |machine| machine.check(&mut found));
        }
        found
    }

    /// Collects until no finalizer is left to run, then compares the two worlds exactly.
    pub fn full(&mut self) {
        for round in 0.. {
            assert!(round < 20, "finalizers never end");
            self.lanes.finish_cycle();
            let mut ran = false;
            self.on(self.turn, true, |machine| {
                // SAFETY: the rule above.
                unsafe { machine.m().collect_full() };
                ran |= machine.settle();
            });
            // Each runs the finalizers of what was private to it.
            for lane in 0..self.lanes.len() {
                self.on(lane, true, |machine| {
                    // SAFETY: the rule above.
                    unsafe { machine.m().safepoint() };
                    ran |= machine.settle();
                });
            }
            if !ran {
                break;
            }
        }
        let found = self.check();
        self.on(self.turn, true, |machine| machine.compare(&found));
    }
}

impl Machine {
    /// Walks what this mutator reaches in both worlds at once, and notes where each object is.
    fn check(&mut self, found: &mut Found) {
        let mut work = vec![self.settle_resurrected()];
        // SAFETY: the rule above. Only the maker of a handle crosses it: for others the object would be published.
        unsafe {
            for i in 0..ROOTS {
                work.push((self.model.roots[self.at][i], *self.roots[self.at][i]));
            }
            for i in 0..GLOBALS {
                work.push((self.model.globals[i], self.m().global_get(self.globals[i])));
            }
            for (i, handle) in self.handles.iter().enumerate() {
                if let Some(Handle { ob, maker }) = *handle
                    && maker == self.at
                {
                    work.push((self.model.held[i], self.m().to_obj(ob)));
                }
            }
        }
        let mut seen = BTreeSet::new();
        while let Some((id, object)) = work.pop() {
            assert_eq!(id == 0, object.is_null(), "object {id} at {object:p}");
            if id == 0 {
                continue;
            }
            let before = *found.entry(id).or_insert(object);
            assert_eq!(before, object, "object {id} is in two places");
            if seen.insert(id) {
                // SAFETY: the rule above.
                unsafe { self.check_one(id, object, &mut work) };
            }
        }
    }

    unsafe fn check_one(&mut self, id: Id, object: *mut Object, work: &mut Vec<(Id, *mut Object)>) {
        let m = self.m();
        let node = self.model.node(id);
        // SAFETY: the rule above.
        unsafe {
            node.shape.check(object, id);
            let public = m.is_public(object);
            assert!(public || !node.public, "object {id} is private again");
            if public {
                node.public = true;
                node.fixed_at.get_or_insert(object as usize);
            }
            if let Some((_, at, _)) = node.pinned {
                assert_eq!(at, object as usize, "object {id} moved while pinned");
            }
            assert!(node.fixed_at.is_none_or(|at| at == object as usize), "object {id} moved: {:x?}", node.fixed_at);
            for (field, &to) in node.refs.iter().enumerate() {
                let target = m.load(object, node.shape.offset(field));
                assert!(!public || target.is_null() || m.is_public(target), "public {id} refers to private {to}");
                if to != 0 || !target.is_null() {
                    work.push((to, target));
                }
            }
        }
    }

    /// Has the heap look at itself.
    pub fn verify(&self) {
        // SAFETY: the rule above.
        unsafe { self.heap.verify().unwrap() };
    }

    /// After a full collection without finalizers: what is there is what was found, and nothing else.
    fn compare(&mut self, found: &Found) {
        let m = self.m();
        for id in self.model.ids() {
            let node = self.model.node(id);
            let done = !node.shape.is_finalizable() || node.finalized || found.contains_key(&id);
            assert!(done, "object {id} died without its finalizer");
        }
        // SAFETY: the rule above.
        unsafe {
            for &(cell, id) in &self.weaks {
                let object = m.weak_get(cell);
                let expected = found.get(&id).copied().unwrap_or(null_mut());
                assert_eq!(object, expected, "the weak reference to {id}");
            }
            let expected: BTreeSet<usize> = found.values().map(|&object| object as usize).collect();
            let mut walked = BTreeSet::new();
            m.walk(&mut |object| {
                assert!(walked.insert(object.address), "walked twice");
            });
            assert_eq!(walked.difference(&expected).next(), None, "something dead is still there");
            if let Some((id, &object)) = found.iter().find(|(_, object)| !walked.contains(&(**object as usize))) {
                panic!("{:?} {id} was not walked: {}", self.model.node(*id), self.heap.describe(object));
            }
            let linked = found.values().filter(|&&object| !m.from_obj(object).is_null()).count();
            assert_eq!(self.heap.stats().links, linked as u64, "pairs");
        }
        self.verify();
    }
}
