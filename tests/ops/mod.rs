//! Op lists: any bytes are a program over one heap, run beside a plain graph ([`model`]) that says what must be true.
//!
//! Four bytes are one op. After each op the finalizers that ran and the dead `PyObject`s are compared with what the graph
//! allows; after each collection everything reachable is walked in both worlds at once; after a full collection both
//! must hold exactly the same objects. Used by `tests/ops_reference.rs` with random bytes and by a fuzz target with
//! chosen ones.
//!
//! Why the unsafe blocks are sound: a mutator is used by the thread that attached it, and while it runs; an object is in a
//! root slot, or was made or read since the last call that may collect. "The rule above" means this.

mod model;
mod objects;

use handfast::Config;
use handfast::raw::{GlobalCell, Heap, LinkFlags, Mutator, Object, PyObject, WeakCell};
use model::{Id, Model};
use objects::{Shape, id_of};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::c_void;
use std::ptr::null_mut;

const ROOTS: usize = 12;
const GLOBALS: usize = 4;
const WEAKS: usize = 8;
const HANDLES: usize = 6;

thread_local! {
    /// Objects whose finalizer has run since the last look.
    static FINALIZED: RefCell<Vec<Id>> = const { RefCell::new(Vec::new()) };
    /// Where finalizers store objects that they resurrect.
    static RESURRECT: Cell<*mut GlobalCell> = const { Cell::new(null_mut()) };
}

/// Whether the finalizer of this object resurrects it.
fn resurrects(id: Id) -> bool {
    id.is_multiple_of(3)
}

unsafe extern "C" fn finalize(mutator: *mut c_void, object: *mut Object) {
    // SAFETY: called on the mutator's thread with an object that is kept for the call, and old, so it stays in place.
    unsafe {
        let m = Mutator::from_ptr(mutator.cast()).expect("a finalizer gets its mutator");
        let id = id_of(object);
        FINALIZED.with_borrow_mut(|list| list.push(id));
        if resurrects(id) {
            m.global_set(RESURRECT.get(), object);
        }
        if id.is_multiple_of(2) {
            // A finalizer may allocate; its object is old, so it stays where it is.
            assert!(!m.alloc(Shape::pair().ty()).is_null());
            assert_eq!(id_of(object), id);
        }
    }
}

struct Machine {
    heap: Heap,
    m: Mutator,
    /// Collector threads: without any, all is deterministic and more can be said.
    background: bool,
    model: Model,
    roots: Vec<*mut *mut Object>,
    globals: Vec<*mut GlobalCell>,
    weaks: Vec<(*mut WeakCell, Id)>,
    handles: Vec<*mut PyObject>,
    /// Objects that were found again after they may have been found dead.
    revived: BTreeSet<Id>,
}

/// Runs one op list.
pub fn run(bytes: &[u8]) {
    let Some((&first, rest)) = bytes.split_first() else { return };
    let config = Config {
        nursery_bytes: 128 << 10,
        max_heap_bytes: 128 << 20,
        gc_threads: first as u32 % 3,
        growth_percent: 10,
        min_trigger_bytes: 64 << 10,
        reserve_bytes: (first as usize & 4) << 16,
        huge_pages: false,
        ..Config::default()
    };
    // SAFETY: the rule above.
    unsafe {
        let mut machine = Machine::new(&config);
        for op in rest.chunks_exact(4) {
            machine.step(op[0], op[1] as usize, op[2] as usize, op[3]);
            machine.settle();
        }
        machine.end();
    }
}

impl Machine {
    unsafe fn new(config: &Config) -> Machine {
        let heap = Heap::new(config).expect("a heap");
        let m = heap.attach().expect("a mutator");
        // SAFETY: the rule above.
        unsafe {
            RESURRECT.set(m.global_new(null_mut()));
            Machine {
                m,
                background: config.gc_threads > 0,
                model: Model::new(ROOTS, GLOBALS, HANDLES),
                roots: (0..ROOTS).map(|_| m.root(null_mut())).collect(),
                globals: (0..GLOBALS).map(|_| m.global_new(null_mut())).collect(),
                weaks: (0..WEAKS).map(|_| (m.weak_new(null_mut()), 0)).collect(),
                handles: vec![null_mut(); HANDLES],
                revived: BTreeSet::new(),
                heap,
            }
        }
    }

    unsafe fn step(&mut self, op: u8, a: usize, b: usize, c: u8) {
        let (m, root) = (self.m, a % ROOTS);
        // SAFETY: the rule above.
        unsafe {
            match op % 32 {
                0..=3 => self.alloc(root, Shape::of(b as u8, c)),
                4..=7 => self.store(root, b, c as usize % ROOTS),
                8 => self.store(root, b, ROOTS),
                9 | 10 => self.load(root, b % ROOTS, c as usize),
                11 => self.set_root(root, null_mut(), 0),
                12 => self.set_root(root, *self.roots[b % ROOTS], self.model.roots[b % ROOTS]),
                13 => {
                    m.global_set(self.globals[b % GLOBALS], *self.roots[root]);
                    self.model.globals[b % GLOBALS] = self.model.roots[root];
                }
                14 => {
                    let object = m.global_get(self.globals[b % GLOBALS]);
                    self.set_root(root, object, self.model.globals[b % GLOBALS]);
                }
                15 => {
                    m.global_free(self.globals[b % GLOBALS]);
                    self.globals[b % GLOBALS] = m.global_new(null_mut());
                    self.model.globals[b % GLOBALS] = 0;
                }
                16 => {
                    m.weak_free(self.weaks[b % WEAKS].0);
                    self.weaks[b % WEAKS] = (m.weak_new(*self.roots[root]), self.model.roots[root]);
                }
                17 => self.weak_load(root, b % WEAKS),
                18 => self.pin(root, true),
                19 => self.pin(root, false),
                20 => self.identity(root),
                21 => {
                    let id = self.model.roots[root];
                    if id != 0 {
                        m.publish(*self.roots[root]);
                        self.model.publish(id);
                    }
                }
                22 => {
                    m.collect_minor();
                    self.check();
                }
                23 => self.full(),
                24 => (0..b).for_each(|_| self.cons(root)),
                25 => self.churn(b, Shape::of(a as u8, c)),
                26 | 27 => self.handle(root, b % HANDLES, c),
                28 => {
                    let ob = self.handles[b % HANDLES];
                    if !ob.is_null() {
                        self.set_root(root, m.to_obj(ob), self.model.held[b % HANDLES]);
                    }
                }
                29 => self.decref(b % HANDLES),
                30 => {
                    m.native_enter();
                    m.native_leave();
                }
                _ => self.reattach(),
            }
        }
    }

    unsafe fn set_root(&mut self, root: usize, object: *mut Object, id: Id) {
        assert_eq!(object.is_null(), id == 0, "object {id} at {object:p}");
        // SAFETY: the rule above.
        unsafe { *self.roots[root] = object };
        self.model.roots[root] = id;
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
                self.m.alloc(shape.ty())
            } else {
                self.m.alloc_items(shape.ty(), shape.items())
            }
        };
        assert!(!object.is_null(), "out of memory: {:?}", self.heap.stats());
        object
    }

    unsafe fn alloc(&mut self, root: usize, shape: Shape) {
        // SAFETY: the rule above.
        unsafe {
            let (object, id) = self.make(shape);
            self.set_root(root, object, id);
        }
    }

    /// A pair in front of what a root holds.
    unsafe fn cons(&mut self, root: usize) {
        // SAFETY: the rule above.
        unsafe {
            let (object, id) = self.make(Shape::pair());
            self.m.store(object, 16, *self.roots[root]);
            self.model.node(id).refs[0] = self.model.roots[root];
            self.set_root(root, object, id);
        }
    }

    unsafe fn churn(&mut self, kib: usize, shape: Shape) {
        if shape.is_finalizable() {
            return;
        }
        let each = shape.ty().size() + shape.items() * shape.ty().item_size() + 8;
        for _ in 0..(kib << 12) / each {
            // SAFETY: the rule above.
            unsafe { self.raw_alloc(shape) };
        }
    }

    unsafe fn store(&mut self, root: usize, field: usize, value: usize) {
        let id = self.model.roots[root];
        if id == 0 || self.model.node(id).shape.fields() == 0 {
            return;
        }
        let shape = self.model.node(id).shape;
        // Both ends of a long object, and what lies between.
        let field = if field < 8 { shape.fields() - 1 - field % shape.fields() } else { field * 37 % shape.fields() };
        let (object, to) =
            // SAFETY: the rule above.
            if value == ROOTS { (null_mut(), 0) } else { unsafe { (*self.roots[value], self.model.roots[value]) } };
        // SAFETY: the rule above.
        unsafe { self.m.store(*self.roots[root], shape.offset(field), object) };
        self.model.node(id).refs[field] = to;
    }

    unsafe fn load(&mut self, root: usize, from: usize, field: usize) {
        let id = self.model.roots[from];
        if id == 0 || self.model.node(id).shape.fields() == 0 {
            return;
        }
        let shape = self.model.node(id).shape;
        let field = if field < 8 { shape.fields() - 1 - field % shape.fields() } else { field * 37 % shape.fields() };
        // SAFETY: the rule above.
        unsafe {
            let object = self.m.load(*self.roots[from], shape.offset(field));
            let to = self.model.node(id).refs[field];
            self.set_root(root, object, to);
        }
    }

    unsafe fn weak_load(&mut self, root: usize, weak: usize) {
        let (cell, id) = self.weaks[weak];
        // SAFETY: the rule above.
        let object = unsafe { self.m.weak_get(cell) };
        if object.is_null() {
            assert!(
                id == 0 || !self.model.reachable().contains(&id),
                "the weak reference to {id} was cleared too soon"
            );
            // SAFETY: the rule above.
            unsafe { self.set_root(root, null_mut(), 0) };
        } else {
            assert_ne!(id, 0);
            // SAFETY: the rule above.
            unsafe { self.set_root(root, object, id) };
            self.revive(id);
        }
    }

    fn revive(&mut self, id: Id) {
        let mut work = vec![id];
        while let Some(id) = work.pop() {
            if id != 0 && self.revived.insert(id) {
                work.extend(&self.model.node(id).refs);
            }
        }
    }

    unsafe fn pin(&mut self, root: usize, on: bool) {
        // SAFETY: the rule above.
        let (object, id) = unsafe { (*self.roots[root], self.model.roots[root]) };
        if id == 0 {
            return;
        }
        let node = self.model.node(id);
        // SAFETY: the rule above.
        unsafe {
            if on {
                self.m.pin(object);
                let (count, at) = node.pinned.unwrap_or((0, object as usize));
                node.pinned = Some((count + 1, at));
            } else if let Some((count, at)) = node.pinned {
                self.m.unpin(object);
                node.pinned = (count > 1).then_some((count - 1, at));
            }
        }
    }

    unsafe fn identity(&mut self, root: usize) {
        // SAFETY: the rule above.
        let (object, id) = unsafe { (*self.roots[root], self.model.roots[root]) };
        if id != 0 {
            // SAFETY: the rule above.
            let number = unsafe { self.m.identity(object) };
            assert_eq!(*self.model.node(id).fixed_at.get_or_insert(number), number, "object {id} has a new identity");
        }
    }

    unsafe fn handle(&mut self, root: usize, handle: usize, c: u8) {
        // SAFETY: the rule above.
        unsafe {
            self.decref(handle);
            let (object, id) = (*self.roots[root], self.model.roots[root]);
            if id == 0 {
                return;
            }
            let before = self.m.from_obj(object);
            let flags = if c & 1 == 0 { LinkFlags::LIGHT } else { LinkFlags::NONE };
            let ob = self.m.handle(object, 24 + c as usize * 8, null_mut(), flags);
            assert!(!ob.is_null());
            assert!(before.is_null() || before == ob, "object {id} has two handles");
            assert_eq!(self.m.from_obj(object), ob);
            self.handles[handle] = ob;
            self.model.held[handle] = id;
        }
    }

    unsafe fn decref(&mut self, handle: usize) {
        let ob = std::mem::replace(&mut self.handles[handle], null_mut());
        self.model.held[handle] = 0;
        if !ob.is_null() {
            // SAFETY: the rule above.
            unsafe { PyObject::decref(ob) };
        }
    }

    unsafe fn reattach(&mut self) {
        // SAFETY: the rule above.
        unsafe {
            self.m.detach();
            self.model.roots.fill(0);
            // Pins are of the mutator that took them.
            for id in self.model.ids() {
                self.model.node(id).pinned = None;
            }
            self.settle();
            self.m = self.heap.attach().expect("attach again");
            self.roots = (0..ROOTS).map(|_| self.m.root(null_mut())).collect();
        }
    }

    /// Compares the finalizers that have run with what was unreachable, and empties the dead queue.
    unsafe fn settle(&mut self) -> bool {
        let ran = FINALIZED.take();
        if !ran.is_empty() {
            let before = self.model.reachable();
            for &id in &ran {
                assert!(!self.model.node(id).finalized, "object {id} was finalized twice");
                assert!(self.model.node(id).shape.is_finalizable());
                self.model.node(id).finalized = true;
                let revived = self.background && self.revived.contains(&id);
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
            // SAFETY: the rule above.
            unsafe {
                assert!(!self.handles.contains(&ob), "a handle that is held is in the dead queue");
                assert_eq!(PyObject::refcnt(ob), 1);
                PyObject::decref(ob);
            }
        }
    }

    /// Walks everything reachable in both worlds; answers where each object is.
    unsafe fn check(&mut self) -> BTreeMap<Id, *mut Object> {
        // SAFETY: the rule above.
        unsafe { self.settle() };
        let mut found = BTreeMap::new();
        let mut work = vec![];
        // SAFETY: the rule above.
        unsafe {
            for i in 0..ROOTS {
                work.push((self.model.roots[i], *self.roots[i]));
            }
            for i in 0..GLOBALS {
                work.push((self.model.globals[i], self.m.global_get(self.globals[i])));
            }
            for (i, &ob) in self.handles.iter().enumerate().filter(|(_, ob)| !ob.is_null()) {
                work.push((self.model.held[i], self.m.to_obj(ob)));
            }
            work.push((self.model.resurrected, self.m.global_get(RESURRECT.get())));
        }
        while let Some((id, object)) = work.pop() {
            assert_eq!(id == 0, object.is_null(), "object {id} at {object:p}");
            if id == 0 {
                continue;
            }
            if let Some(before) = found.insert(id, object) {
                assert_eq!(before, object, "object {id} is in two places");
                continue;
            }
            // SAFETY: the rule above.
            unsafe { self.check_one(id, object, &mut work) };
        }
        found
    }

    unsafe fn check_one(&mut self, id: Id, object: *mut Object, work: &mut Vec<(Id, *mut Object)>) {
        let m = self.m;
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
            if let Some((_, at)) = node.pinned {
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

    /// Collects until no finalizer is left to run, then compares the two worlds exactly.
    unsafe fn full(&mut self) {
        // SAFETY: the rule above.
        unsafe {
            for round in 0.. {
                assert!(round < 20, "finalizers never end");
                self.m.collect_full();
                if !self.settle() {
                    break;
                }
            }
            let found = self.check();
            for id in self.model.ids() {
                let node = self.model.node(id);
                let done = !node.shape.is_finalizable() || node.finalized || found.contains_key(&id);
                assert!(done, "object {id} died without its finalizer");
            }
            for &(cell, id) in &self.weaks {
                let object = self.m.weak_get(cell);
                let expected = found.get(&id).copied().unwrap_or(null_mut());
                assert_eq!(object, expected, "the weak reference to {id}");
            }
            let expected: BTreeSet<usize> = found.values().map(|&object| object as usize).collect();
            let mut walked = BTreeSet::new();
            self.m.walk(&mut |object| {
                assert!(walked.insert(object.address), "walked twice");
            });
            assert_eq!(walked.difference(&expected).next(), None, "something dead is still there");
            if let Some((id, &object)) = found.iter().find(|(_, object)| !walked.contains(&(**object as usize))) {
                panic!("{:?} {id} was not walked: {}", self.model.node(*id), self.heap.describe(object));
            }
            let linked = found.values().filter(|&&object| !self.m.from_obj(object).is_null()).count();
            assert_eq!(self.heap.stats().links, linked as u64, "pairs");
            self.heap.verify();
        }
    }

    unsafe fn end(mut self) {
        // SAFETY: the rule above.
        unsafe {
            self.full();
            for handle in 0..HANDLES {
                self.decref(handle);
            }
            for &(cell, _) in &self.weaks {
                self.m.weak_free(cell);
            }
            self.m.detach();
            self.model.roots.fill(0);
            self.model.globals.fill(0);
            self.model.resurrected = 0;
            self.settle();
            let report = self.heap.close().expect("nobody is attached");
            assert_eq!((report.objects, report.references), (0, 0));
            for id in FINALIZED.take() {
                let node = self.model.node(id);
                assert!(!std::mem::replace(&mut node.finalized, true), "object {id} was finalized twice");
            }
            for id in self.model.ids() {
                let node = self.model.node(id);
                assert!(!node.shape.is_finalizable() || node.finalized, "object {id} was never finalized");
            }
        }
    }
}
