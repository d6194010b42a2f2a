//! The operations, done to the heap and to the model.

use super::finalizers::{Sink, resurrects};
use super::model::{Id, Model};
use super::objects::Shape;
use super::op::Op;
use handfast::raw::{GlobalCell, Heap, LinkFlags, Mutator, Object, PyObject, WeakCell};
use std::collections::BTreeSet;
use std::ptr::null_mut;
use std::sync::Arc;

pub const ROOTS: usize = 8;
pub const GLOBALS: usize = 4;
const WEAKS: usize = 6;
const HANDLES: usize = 6;

/// A handle that is held.
#[derive(Clone, Copy)]
pub struct Handle {
    pub ob: *mut PyObject,
    /// Who made it: only this mutator crosses it without having the object published.
    pub maker: usize,
}

/// The state of both worlds. Used by one thread at a time, whose mutator is `m`.
pub struct Machine {
    pub heap: Heap,
    /// The mutator whose turn it is, and its number.
    pub m: Option<Mutator>,
    pub at: usize,
    /// Whether cycles run while mutators do: without, more can be said.
    pub concurrent: bool,
    pub model: Model,
    pub roots: Vec<Vec<*mut *mut Object>>,
    pub globals: Vec<*mut GlobalCell>,
    pub weaks: Vec<(*mut WeakCell, Id)>,
    pub handles: Vec<Option<Handle>>,
    pub sink: Arc<Sink>,
    /// Objects that were found again after they may have been found dead.
    revived: BTreeSet<Id>,
    external: isize,
}

impl Machine {
    pub fn new(heap: Heap, lanes: usize, concurrent: bool, sink: Arc<Sink>) -> Machine {
        Machine {
            heap,
            m: None,
            at: 0,
            concurrent,
            model: Model::new(lanes, ROOTS, GLOBALS, HANDLES),
            roots: vec![vec![]; lanes],
            globals: vec![],
            weaks: vec![],
            handles: vec![None; HANDLES],
            sink,
            revived: BTreeSet::new(),
            external: 0,
        }
    }

    pub fn m(&self) -> Mutator {
        self.m.expect("somebody's turn")
    }

    /// Whether a handle was made by this mutator.
    pub fn has_made(&self, handle: u8, lane: usize) -> bool {
        self.handles[handle as usize % HANDLES].is_some_and(|handle| handle.maker == lane)
    }

    pub fn make_roots(&mut self) {
        // SAFETY: the rule above.
        self.roots[self.at] = (0..ROOTS).map(|_| unsafe { self.m().root(null_mut()) }).collect();
    }

    pub fn make_cells(&mut self) {
        let m = self.m();
        // SAFETY: the rule above.
        unsafe {
            self.sink.set_resurrected(m.global_new(null_mut()));
            self.globals = (0..GLOBALS).map(|_| m.global_new(null_mut())).collect();
            self.weaks = (0..WEAKS).map(|_| (m.weak_new(null_mut()), 0)).collect();
        }
    }

    pub fn empty_cycles(&mut self, count: usize) {
        // SAFETY: the rule above.
        (0..count).for_each(|_| unsafe { self.m().collect_full() });
    }

    /// The object of a root, and its number.
    unsafe fn root(&self, root: u8) -> (*mut Object, Id) {
        let root = root as usize % ROOTS;
        // SAFETY: the rule above.
        (unsafe { *self.roots[self.at][root] }, self.model.roots[self.at][root])
    }

    pub fn step(&mut self, op: Op) {
        let m = self.m();
        // SAFETY: the rule above.
        unsafe {
            match op {
                Op::Alloc { root, kind, size } => self.alloc(root, Shape::of(kind, size)),
                Op::Store { root, field, value } => self.store(root, field, value),
                Op::Exchange { root, field, expected, value } => self.exchange(root, field, expected, value),
                Op::Load { root, from, field } => self.load(root, from, field),
                Op::Drop { root } => self.set_root(root, null_mut(), 0),
                Op::Copy { root, from } => {
                    let (object, id) = self.root(from);
                    self.set_root(root, object, id);
                }
                Op::Scope { root, alloc } => self.scope(root, alloc),
                Op::GlobalSet { root, global } => {
                    let (object, id) = self.root(root);
                    m.global_set(self.globals[global as usize % GLOBALS], object);
                    self.model.globals[global as usize % GLOBALS] = id;
                }
                Op::GlobalGet { root, global } => {
                    let object = m.global_get(self.globals[global as usize % GLOBALS]);
                    self.set_root(root, object, self.model.globals[global as usize % GLOBALS]);
                }
                Op::GlobalNew { root, global } => {
                    let (object, id) = self.root(root);
                    m.global_free(self.globals[global as usize % GLOBALS]);
                    self.globals[global as usize % GLOBALS] = m.global_new(object);
                    self.model.globals[global as usize % GLOBALS] = id;
                }
                Op::WeakNew { root, weak } => {
                    let (object, id) = self.root(root);
                    m.weak_free(self.weaks[weak as usize % WEAKS].0);
                    self.weaks[weak as usize % WEAKS] = (m.weak_new(object), id);
                }
                Op::WeakGet { root, weak } => self.weak_load(root, weak),
                Op::Pin { root } => self.pin(root, true),
                Op::Unpin { root } => self.pin(root, false),
                Op::Identity { root } => self.identity(root),
                Op::Publish { root } => {
                    let (object, id) = self.root(root);
                    if id != 0 {
                        m.publish(object);
                        self.model.publish(id);
                    }
                }
                Op::Minor => m.collect_minor(),
                Op::Safepoint => m.safepoint_once(),
                Op::List { root, length } => {
                    let length = if cfg!(gc_zeal) { length % 16 } else { length };
                    (0..length).for_each(|_| self.cons(root));
                }
                Op::Churn { units, kind, size } => self.churn(units, Shape::of(kind, size)),
                Op::Handle { root, handle, extra } => self.handle(root, handle, extra),
                Op::Cross { root, handle } => {
                    if let Some(Handle { ob, .. }) = self.handles[handle as usize % HANDLES] {
                        self.set_root(root, m.to_obj(ob), self.model.held[handle as usize % HANDLES]);
                    }
                }
                Op::Decref { handle } => self.decref(handle as usize % HANDLES),
                Op::Native => {
                    m.native_enter();
                    m.native_leave();
                }
                Op::Reattach => self.reattach(),
                Op::External { kib } => {
                    self.external = (kib as isize) << 10;
                    self.heap.external_memory(self.external);
                    self.heap.external_memory(-self.external);
                }
                // Those of the whole program are done elsewhere.
                Op::Turn { .. } | Op::Wait { .. } | Op::Cycle | Op::Finish | Op::Full => {}
            }
        }
    }

    unsafe fn set_root(&mut self, root: u8, object: *mut Object, id: Id) {
        let root = root as usize % ROOTS;
        assert_eq!(object.is_null(), id == 0, "object {id} at {object:p}");
        // SAFETY: the rule above.
        unsafe { *self.roots[self.at][root] = object };
        self.model.roots[self.at][root] = id;
        if id != 0 {
            let shape = self.model.node(id).shape;
            // SAFETY: the rule above.
            unsafe { shape.check(object, id) };
        }
    }

    unsafe fn make(&mut self, shape: Shape) -> (*mut Object, Id) {
        // SAFETY: the rule above.
        unsafe {
            let object = self.raw_alloc(shape);
            // Finalizers that this allocation ran found the graph as it was.
            self.settle();
            let id = self.model.add(shape);
            shape.fill(object, id);
            (object, id)
        }
    }

    unsafe fn raw_alloc(&self, shape: Shape) -> *mut Object {
        // SAFETY: the rule above.
        let object = unsafe {
            if shape.ty().item_size() == 0 {
                self.m().alloc(shape.ty())
            } else {
                self.m().alloc_items(shape.ty(), shape.items())
            }
        };
        assert!(!object.is_null(), "out of memory: {:?}", self.heap.stats());
        object
    }

    unsafe fn alloc(&mut self, root: u8, shape: Shape) {
        // SAFETY: the rule above.
        unsafe {
            let (object, id) = self.make(shape);
            self.set_root(root, object, id);
        }
    }

    /// A pair in front of what a root holds.
    unsafe fn cons(&mut self, root: u8) {
        // SAFETY: the rule above.
        unsafe {
            let (object, id) = self.make(Shape::pair());
            let (next, next_id) = self.root(root);
            self.m().store(object, Shape::pair().offset(0), next);
            self.model.node(id).refs[0] = next_id;
            self.set_root(root, object, id);
        }
    }

    /// Roots the object of a root again, makes another one beside it, and collects.
    unsafe fn scope(&mut self, root: u8, alloc: u8) {
        let m = self.m();
        // SAFETY: the rule above.
        unsafe {
            let scope = m.scope_open();
            let (object, id) = self.root(root);
            let inner: Vec<_> = (0..alloc % 4 + 1).map(|_| m.root(object)).collect();
            m.collect_minor();
            for slot in inner {
                assert_eq!(*slot, self.root(root).0, "two roots of object {id} disagree");
            }
            assert!(m.scope_close(scope), "a scope is not open");
        }
    }

    unsafe fn churn(&mut self, units: u8, shape: Shape) {
        if shape.is_finalizable() {
            return;
        }
        let each = shape.ty().size() + shape.items() * shape.ty().item_size() + 8;
        let most = if cfg!(gc_zeal) { 40 } else { usize::MAX };
        for _ in 0..((units as usize) << 12).div_ceil(each).min(most) {
            // SAFETY: the rule above.
            unsafe { self.raw_alloc(shape) };
        }
    }

    /// The object of a root, its number, one of its fields and that field's offset.
    unsafe fn field(&mut self, root: u8, field: u8) -> Option<(*mut Object, Id, usize, usize)> {
        // SAFETY: the rule above.
        let (object, id) = unsafe { self.root(root) };
        if id == 0 {
            return None;
        }
        let shape = self.model.node(id).shape;
        let (n, field) = (shape.fields(), field as usize);
        if n == 0 {
            return None;
        }
        // Both ends of a long object, and what lies between.
        let field = if field < 8 { n - 1 - field % n } else { field * 37 % n };
        Some((object, id, field, shape.offset(field)))
    }

    /// What a root holds, or null: one place more than there are roots.
    unsafe fn value(&self, value: u8) -> (*mut Object, Id) {
        // SAFETY: the rule above.
        if value as usize % (ROOTS + 1) == ROOTS { (null_mut(), 0) } else { unsafe { self.root(value % 9) } }
    }

    unsafe fn store(&mut self, root: u8, field: u8, value: u8) {
        // SAFETY: the rule above.
        unsafe {
            let Some((object, id, field, offset)) = self.field(root, field) else { return };
            let (value, to) = self.value(value);
            self.m().store(object, offset, value);
            self.model.node(id).refs[field] = to;
        }
    }

    unsafe fn exchange(&mut self, root: u8, field: u8, expected: u8, value: u8) {
        // SAFETY: the rule above.
        unsafe {
            let Some((object, id, field, offset)) = self.field(root, field) else { return };
            let ((expected, from), (value, to)) = (self.value(expected), self.value(value));
            let done = self.m().compare_store(object, offset, expected, value);
            let refs = &mut self.model.node(id).refs;
            assert_eq!(done, refs[field] == from, "compare_store of object {id}");
            if done {
                refs[field] = to;
            }
        }
    }

    unsafe fn load(&mut self, root: u8, from: u8, field: u8) {
        // SAFETY: the rule above.
        unsafe {
            let Some((object, id, field, offset)) = self.field(from, field) else { return };
            let value = self.m().load(object, offset);
            let to = self.model.node(id).refs[field];
            self.set_root(root, value, to);
        }
    }

    unsafe fn weak_load(&mut self, root: u8, weak: u8) {
        // What was resurrected before may have died since, but no longer dies while this mutator answers nothing.
        self.settle();
        let (cell, id) = self.weaks[weak as usize % WEAKS];
        // SAFETY: the rule above.
        let object = unsafe { self.m().weak_get(cell) };
        let id = if object.is_null() {
            let may_die = id == 0 || !self.model.reachable().contains(&id);
            assert!(may_die, "the weak reference to {id} was cleared too soon");
            0
        } else {
            assert_ne!(id, 0);
            id
        };
        // SAFETY: the rule above.
        unsafe { self.set_root(root, object, id) };
        self.revive(id);
    }

    fn revive(&mut self, id: Id) {
        let mut work = vec![id];
        while let Some(id) = work.pop() {
            if id != 0 && self.revived.insert(id) {
                work.extend(&self.model.node(id).refs);
            }
        }
    }

    unsafe fn pin(&mut self, root: u8, on: bool) {
        // SAFETY: the rule above.
        let (object, id) = unsafe { self.root(root) };
        if id == 0 {
            return;
        }
        let (m, lane) = (self.m(), self.at);
        let node = self.model.node(id);
        // SAFETY: the rule above.
        unsafe {
            if on {
                m.pin(object);
                let (count, at, owner) = node.pinned.unwrap_or((0, object as usize, lane));
                node.pinned = Some((count + 1, at, owner));
            } else if let Some((count, at, owner)) = node.pinned
                && owner == lane
            {
                m.unpin(object);
                node.pinned = (count > 1).then_some((count - 1, at, owner));
            }
        }
    }

    unsafe fn identity(&mut self, root: u8) {
        // SAFETY: the rule above.
        let (object, id) = unsafe { self.root(root) };
        if id != 0 {
            // SAFETY: the rule above.
            let number = unsafe { self.m().identity(object) };
            assert_eq!(*self.model.node(id).fixed_at.get_or_insert(number), number, "object {id} has a new identity");
        }
    }

    unsafe fn handle(&mut self, root: u8, handle: u8, extra: u8) {
        let (m, handle) = (self.m(), handle as usize % HANDLES);
        // SAFETY: the rule above.
        unsafe {
            self.decref(handle);
            let (object, id) = self.root(root);
            if id == 0 {
                return;
            }
            let before = m.from_obj(object);
            let flags = if extra & 1 == 0 { LinkFlags::LIGHT } else { LinkFlags::NONE };
            let ob = m.handle(object, 24 + extra as usize * 8, null_mut(), flags);
            assert!(!ob.is_null());
            assert!(before.is_null() || before == ob, "object {id} has two handles");
            assert_eq!(m.from_obj(object), ob);
            let maker = self.handles.iter().flatten().find(|other| other.ob == ob).map_or(self.at, |h| h.maker);
            self.handles[handle] = Some(Handle { ob, maker });
            self.model.held[handle] = id;
        }
    }

    fn decref(&mut self, handle: usize) {
        self.model.held[handle] = 0;
        if let Some(Handle { ob, .. }) = self.handles[handle].take() {
            // SAFETY: a reference of ours.
            unsafe { PyObject::decref(ob) };
        }
    }

    unsafe fn reattach(&mut self) {
        // SAFETY: the rule above.
        unsafe {
            self.m().detach();
            self.model.roots[self.at].fill(0);
            // Pins are of the mutator that took them.
            for id in self.model.ids() {
                let pinned = &mut self.model.node(id).pinned;
                *pinned = pinned.filter(|pinned| pinned.2 != self.at);
            }
            self.m = Some(self.heap.attach().expect("attach again"));
            self.settle();
        }
        self.make_roots();
    }

    /// Compares the finalizers that have run with what was unreachable, and empties the dead queue. True if any ran.
    pub fn settle(&mut self) -> bool {
        let ran = self.sink.take();
        if !ran.is_empty() {
            let before = self.model.reachable();
            for &id in &ran {
                assert!(!self.model.node(id).finalized, "object {id} was finalized twice");
                assert!(self.model.node(id).shape.is_finalizable());
                self.model.node(id).finalized = true;
                let revived = self.concurrent && self.revived.contains(&id);
                // What an earlier finalizer of the same collection has resurrected was unreachable all the same.
                assert!(
                    revived || !before.contains(&id) || !self.model.reachable().contains(&id),
                    "object {id} was finalized while it was reachable"
                );
                if resurrects(id) {
                    self.model.resurrected = id;
                    self.revive(id);
                }
            }
        }
        loop {
            let ob = self.heap.next_dead();
            if ob.is_null() {
                return !ran.is_empty();
            }
            assert!(
                self.handles.iter().flatten().all(|held| held.ob != ob),
                "a handle that is held is in the dead queue"
            );
            // SAFETY: what the queue gives out has one reference, which is ours.
            unsafe {
                assert_eq!(PyObject::refcnt(ob), 1);
                PyObject::decref(ob);
            }
        }
    }

    /// Settles, and looks at what was resurrected last in both worlds. Mutators that wait for their turn may run finalizers
    /// at any moment: what has run and where the last one has stored its object are read as one.
    pub fn settle_resurrected(&mut self) -> (Id, *mut Object) {
        loop {
            self.settle();
            // SAFETY: the rule above.
            if let Some(object) = self.sink.between(|| unsafe { self.m().global_get(self.sink.resurrected()) }) {
                return (self.model.resurrected, object);
            }
        }
    }

    /// Lets go of what does not end with its mutator.
    pub fn let_go(&mut self) {
        (0..HANDLES).for_each(|handle| self.decref(handle));
        for (cell, _) in std::mem::take(&mut self.weaks) {
            // SAFETY: a cell of ours.
            unsafe { self.m().weak_free(cell) };
        }
    }

    /// Closes the heap, to which nobody is attached any more: everything dies, and what has a finalizer is finalized.
    pub fn close(mut self) {
        self.model.roots.iter_mut().for_each(|roots| roots.fill(0));
        self.model.globals.fill(0);
        self.model.resurrected = 0;
        self.settle();
        let report = self.heap.close().expect("nobody is attached");
        assert_eq!((report.objects, report.references), (0, 0));
        for id in self.sink.take() {
            let node = self.model.node(id);
            assert!(!std::mem::replace(&mut node.finalized, true), "object {id} was finalized twice");
        }
        for id in self.model.ids() {
            let node = self.model.node(id);
            assert!(!node.shape.is_finalizable() || node.finalized, "object {id} was never finalized");
        }
    }
}
