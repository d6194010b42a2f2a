//! The operations, done through the C interface and to the model.

use super::c::*;
use super::elsewhere::Other;
use super::model::Model;
use super::op::{Elsewhere, Op};
use std::collections::BTreeSet;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

pub const REGISTERS: usize = 8;
pub const WEAKS: usize = 3;
pub const GLOBALS: usize = 4;
/// Payload: two references, the handle slot, the object's number.
pub const SLOT: usize = 16;
pub const NUMBER: usize = 24;
/// Behind the head of a handle: the one that it holds.
const CHILD: usize = 24;
/// Words of a handle in memory of the program's own.
const ADOPTED: usize = 6;

/// What the callbacks tell, from any thread.
#[derive(Default)]
pub struct Told {
    /// Numbers of the handles that dealloc was called for.
    pub dealloced: Mutex<Vec<usize>>,
    pub notified: AtomicUsize,
}

/// A handle's number is its type.
pub unsafe extern "C" fn dealloc(ob: *mut Ob, told: *mut c_void) {
    // SAFETY: `told` is the program's, which outlives the heap; `ob` is the callback's alone, and if it was given room for
    // a child, zeroed, the low bit of its type says so.
    let (told, id, child) = unsafe {
        assert_eq!((*ob).link, 0);
        let ty = (*ob).ob_type as usize;
        let child = if ty & 1 == 1 { ob.cast::<u8>().add(CHILD).cast::<*mut Ob>().read() } else { null_mut() };
        (&*told.cast::<Told>(), ty >> 1, child)
    };
    told.dealloced.lock().expect("no panic").push(id);
    hf_pyobject_free(ob);
    if !child.is_null() {
        hf_decref(child);
    }
}

pub unsafe extern "C" fn notify(told: *mut c_void) {
    // SAFETY: the program's, which outlives the heap.
    unsafe { &*told.cast::<Told>() }.notified.fetch_add(1, SeqCst);
}

/// The type of a handle of this number and size.
fn type_of(id: usize, bytes: usize) -> *mut c_void {
    (id << 1 | usize::from(bytes >= 32)) as *mut c_void
}

/// The number of a handle.
pub unsafe fn id_of(ob: *mut Ob) -> usize {
    // SAFETY: the caller's live handle.
    unsafe { (*ob).ob_type as usize >> 1 }
}

/// The number of an object, 0 of null.
pub unsafe fn number(object: Object) -> usize {
    if object.is_null() {
        return 0;
    }
    // SAFETY: the caller's live object.
    unsafe { hf_payload(object).cast::<u8>().add(NUMBER).cast::<usize>().read() }
}

/// Sizes of handles: each class of the slabs, and runs of pages.
fn size(byte: u8) -> usize {
    match byte {
        0..=199 => 24 + byte as usize * 9,
        _ => (byte as usize - 199) * 4000,
    }
}

pub struct World {
    pub heap: Heap,
    pub m: Mutator,
    pub types: Vec<u32>,
    pub told: Box<Told>,
    pub model: Model,
    pub roots: Vec<*mut Object>,
    pub rooted: [Option<usize>; REGISTERS],
    pub regs: [Option<usize>; REGISTERS],
    pub globals: [Option<(Cell, usize)>; GLOBALS],
    pub weaks: [Option<(Cell, usize)>; WEAKS],
    pub detached: Vec<usize>,
    pub other: Option<Other>,
    /// Memory of adopted handles, all of it.
    pub memory: Vec<Box<[usize]>>,
}

impl World {
    pub fn check_deallocs(&mut self) {
        let mut got = std::mem::take(&mut *self.told.dealloced.lock().expect("no panic"));
        let mut expected = std::mem::take(&mut self.model.dealloced);
        got.sort_unstable();
        expected.sort_unstable();
        assert_eq!(got, expected, "deallocs");
    }

    /// A safepoint; references that were dropped detached are dropped at one.
    pub fn safepoint(&mut self) {
        hf_safepoint(self.m);
        for id in std::mem::take(&mut self.detached) {
            self.model.drop_held(id);
        }
        self.check_deallocs();
    }

    /// Before what may be a safepoint: then nothing must be due that the model does not expect.
    fn settle(&mut self) {
        if !self.detached.is_empty() {
            self.safepoint();
        }
    }

    pub fn live(&self) -> BTreeSet<usize> {
        let globals = self.globals.iter().flatten().map(|g| g.1);
        self.model.live(self.rooted.iter().flatten().copied().chain(globals).collect())
    }

    fn root(&self, root: u8) -> (Object, Option<usize>) {
        let root = root as usize % REGISTERS;
        // SAFETY: a root slot of the scope that the program has open.
        (unsafe { *self.roots[root] }, self.rooted[root])
    }

    pub fn set_root(&mut self, root: u8, object: Object, number: Option<usize>) {
        let root = root as usize % REGISTERS;
        // SAFETY: as above; the object was made or read since the last call that may collect.
        unsafe {
            assert_eq!(self::number(object), number.unwrap_or(0));
            *self.roots[root] = object;
        }
        self.rooted[root] = number;
    }

    /// The number and address of the handle in a register.
    fn reg(&self, reg: u8) -> Option<(usize, *mut Ob)> {
        self.regs[reg as usize % REGISTERS].map(|id| (id, self.model.handles[&id].address))
    }

    /// Puts a reference, which is the caller's, into a register; what was there is dropped.
    fn put(&mut self, reg: u8, id: usize) {
        if let Some(old) = self.regs[reg as usize % REGISTERS].replace(id) {
            hf_decref(self.model.handles[&old].address);
            self.model.drop_held(old);
        }
    }

    fn new_object(&mut self, kind: u8) -> (Object, usize) {
        self.settle();
        let object = hf_alloc(self.m, self.types[kind as usize % self.types.len()]);
        assert!(!object.is_null());
        let number = self.model.fresh();
        // SAFETY: a fresh object with room for its number.
        unsafe { hf_payload(object).cast::<u8>().add(NUMBER).cast::<usize>().write(number) };
        self.model.objects.insert(number, Default::default());
        (object, number)
    }

    /// What a call of `hf_handle` for this object has answered, with these arguments.
    fn note_handle(&mut self, number: usize, ob: *mut Ob, id: usize, bytes: usize, light: bool) -> usize {
        match self.model.object(number).handle {
            Some(id) => {
                let handle = self.model.handle(id);
                assert_eq!(handle.address, ob, "object {number} has two handles");
                handle.held += 1;
                id
            }
            None => {
                self.model.add_handle(ob, id, Some(number), light, bytes);
                self.model.object(number).handle = Some(id);
                id
            }
        }
    }

    pub fn step(&mut self, op: Op) {
        match op {
            Op::Alloc { root, kind } => {
                let (object, number) = self.new_object(kind);
                self.set_root(root, object, Some(number));
            }
            Op::Store { root, field, value } => {
                let ((object, Some(from)), (value, to)) = (self.root(root), self.root(value)) else { return };
                hf_store(self.m, object, usize::from(field) * 8, value);
                self.model.object(from).fields[usize::from(field)] = to;
            }
            Op::Load { root, from, field } => {
                let (object, Some(from)) = self.root(from) else { return };
                let to = self.model.objects[&from].fields[usize::from(field)];
                self.set_root(root, hf_load(self.m, object, usize::from(field) * 8), to);
            }
            Op::Drop { root } => self.set_root(root, null_mut(), None),
            Op::Publish { root } => {
                let (object, Some(_)) = self.root(root) else { return };
                assert_eq!(hf_publish(self.m, object), 0);
            }
            Op::Handle { root, reg, size, light } => {
                let (object, Some(number)) = self.root(root) else { return };
                let (id, bytes) = (self.model.fresh(), self::size(size));
                let ob = hf_handle(self.m, object, bytes, type_of(id, bytes), u32::from(light));
                let id = self.note_handle(number, ob, id, bytes, light);
                self.put(reg, id);
            }
            Op::New { reg, size } => {
                let (id, bytes) = (self.model.fresh(), self::size(size));
                let ob = hf_pyobject_new(self.m, bytes, type_of(id, bytes));
                self.model.add_handle(ob, id, None, false, bytes);
                self.put(reg, id);
            }
            Op::Link { root, reg, light, c_owned } => self.link(root, reg, light, c_owned),
            Op::Incref { from, to } => {
                let Some((id, ob)) = self.reg(from) else { return };
                hf_incref(ob);
                self.model.handle(id).held += 1;
                self.put(to, id);
            }
            Op::Decref { reg } => {
                let Some(id) = self.regs[reg as usize % REGISTERS].take() else { return };
                hf_decref(self.model.handles[&id].address);
                self.model.drop_held(id);
            }
            Op::DecrefDetached { reg } => {
                let Some(id) = self.regs[reg as usize % REGISTERS].take() else { return };
                hf_decref_detached(self.heap, self.model.handles[&id].address);
                self.detached.push(id);
            }
            Op::Cross { reg, root } => {
                let Some((id, ob)) = self.reg(reg) else { return };
                self.set_root(root, hf_to_obj(self.m, ob), self.model.handles[&id].object);
            }
            Op::Global { global, root } => {
                let place = global as usize % GLOBALS;
                if let Some((cell, _)) = self.globals[place].take() {
                    hf_global_free(self.m, cell);
                } else if let (object, Some(number)) = self.root(root) {
                    let mut cell = null_mut();
                    assert_eq!(hf_global_new(self.m, object, &mut cell), 0);
                    self.globals[place] = Some((cell, number));
                }
            }
            Op::Weak { weak, root } => {
                let place = weak as usize % WEAKS;
                if let Some((cell, _)) = self.weaks[place].take() {
                    hf_weak_free(self.m, cell);
                } else if let (object, Some(number)) = self.root(root) {
                    let mut cell = null_mut();
                    assert_eq!(hf_weak_new(self.m, object, &mut cell), 0);
                    self.weaks[place] = Some((cell, number));
                }
            }
            Op::WeakGet { weak, root } => {
                let Some((cell, number)) = self.weaks[weak as usize % WEAKS] else { return };
                let object = hf_weak_get(self.m, cell);
                assert!(!object.is_null() || !self.live().contains(&number), "{number} was cleared too soon");
                self.set_root(root, object, (!object.is_null()).then_some(number));
            }
            Op::Minor { native } => {
                self.settle();
                if native {
                    hf_native_enter(self.m);
                    hf_native_leave(self.m);
                }
                assert_eq!(hf_collect_minor(self.m), 0);
            }
            Op::Full => self.full(),
            Op::Immortal { reg } => {
                let Some((id, ob)) = self.reg(reg) else { return };
                // What it holds would live for ever, too.
                if self.model.handles[&id].child.is_none() {
                    hf_set_immortal(ob);
                    self.model.handle(id).immortal = true;
                }
            }
            Op::Adopt { reg, zero } => self.adopt(reg, zero),
            Op::Disown { reg } => self.disown(reg),
            Op::Hold { reg, child } => self.hold(reg, child),
            Op::Scope { root } => {
                self.settle();
                let scope = hf_scope_open(self.m);
                let (object, number) = self.root(root);
                let slot = hf_root(self.m, object);
                assert_eq!(hf_collect_minor(self.m), 0);
                // SAFETY: the scope is open.
                unsafe { assert_eq!(*slot, self.root(root).0, "two roots of {number:?} disagree") };
                hf_scope_close(self.m, scope);
            }
            Op::Many { count, size, light } => self.many(count, size, light),
            Op::Errors { root, reg } => self.errors(root, reg),
            Op::Elsewhere { what } => self.elsewhere(what),
        }
        self.check_deallocs();
    }

    fn link(&mut self, root: u8, reg: u8, light: bool, c_owned: bool) {
        let ((object, Some(number)), Some((id, ob))) = (self.root(root), self.reg(reg)) else { return };
        let handle = &self.model.handles[&id];
        // What a light pair's handle holds nobody would drop, and what a handle holds must not lead back to it.
        if handle.parents != 0 || light && handle.child.is_some() {
            return;
        }
        let link = if c_owned { hf_link_c_owned } else { hf_link_gc_owned };
        let linked = link(self.m, object, ob, u32::from(light)) == 0;
        let free = handle.object.is_none() && self.model.objects[&number].handle.is_none();
        assert_eq!(linked, free, "object {number}, handle {id}");
        if linked {
            let handle = self.model.handle(id);
            (handle.object, handle.light) = (Some(number), light);
            self.model.object(number).handle = Some(id);
        }
    }

    fn adopt(&mut self, reg: u8, zero: bool) {
        let id = self.model.fresh();
        let ty = type_of(id, ADOPTED * 8);
        // A count below 1 becomes 1.
        self.memory.push(vec![usize::from(!zero), 0, ty as usize, 0, 0, 0].into());
        let ob: *mut Ob = self.memory.last_mut().expect("pushed").as_mut_ptr().cast();
        assert_eq!(hf_pyobject_adopt(self.m, ob, ADOPTED * 8), 0);
        assert_ne!(hf_pyobject_adopt(self.m, ob, ADOPTED * 8), 0, "adopted twice");
        self.model.add_handle(ob, id, None, false, ADOPTED * 8);
        self.model.handle(id).adopted = true;
        self.put(reg, id);
    }

    /// Of memory that is adopted, unlinked and known to one register alone.
    fn disown(&mut self, reg: u8) {
        let Some((id, ob)) = self.reg(reg) else { return };
        let handle = &self.model.handles[&id];
        if handle.adopted && handle.object.is_none() && handle.held == 1 && handle.child.is_none() {
            hf_pyobject_disown(self.m, ob);
            #[cfg(not(feature = "debug"))] // As in `errors`.
            assert_ne!(hf_link_gc_owned(self.m, self.root(0).0, ob, 0), 0, "linked after it was disowned");
            self.regs[reg as usize % REGISTERS] = None;
            self.model.handles.remove(&id);
        }
    }

    /// A child must be of C alone and hold nothing itself: so there are no cycles that C would keep alive.
    fn hold(&mut self, reg: u8, child: u8) {
        let (Some((id, ob)), Some((child, child_ob))) = (self.reg(reg), self.reg(child)) else { return };
        let (parent, kid) = (&self.model.handles[&id], &self.model.handles[&child]);
        let light = parent.object.is_some() && parent.light;
        if id == child || !parent.room || parent.child.is_some() || light || parent.immortal {
            return;
        }
        if parent.parents != 0 || kid.object.is_some() || kid.child.is_some() {
            return;
        }
        hf_incref(child_ob);
        // SAFETY: a live handle with room for an address.
        unsafe { ob.cast::<u8>().add(CHILD).cast::<*mut Ob>().write(child_ob) };
        self.model.handle(id).child = Some(child);
        let kid = self.model.handle(child);
        (kid.held, kid.parents) = (kid.held + 1, kid.parents + 1);
    }

    /// Pairs of objects that nobody roots, and that C lets go of in one order or the other.
    fn many(&mut self, count: u8, size: u8, light: bool) {
        let count = if cfg!(gc_zeal) { count % 8 } else { count };
        let mut obs = vec![];
        for _ in 0..count {
            let (object, number) = self.new_object(0);
            let (id, bytes) = (self.model.fresh(), self::size(size));
            let ob = hf_handle(self.m, object, bytes, type_of(id, bytes), u32::from(light));
            let id = self.note_handle(number, ob, id, bytes, light);
            obs.push((id, ob));
        }
        if size & 1 == 0 {
            obs.reverse();
        }
        for (id, ob) in obs {
            hf_decref(ob);
            self.model.drop_held(id);
        }
    }

    fn errors(&mut self, root: u8, reg: u8) {
        let (m, (object, number)) = (self.m, self.root(root));
        let mut out = null_mut();
        assert!(hf_pyobject_new(m, 23, null_mut()).is_null() && hf_pyobject_new(m, usize::MAX, null_mut()).is_null());
        assert!(hf_alloc(m, u32::MAX).is_null() && hf_alloc(null_mut(), 0).is_null());
        assert_ne!(hf_attach(self.heap, &mut out), 0, "attached twice");
        assert_ne!(hf_heap_free(self.heap, null_mut()), 0, "freed with a mutator");
        assert!(hf_next_dead(null_mut()).is_null() && hf_to_obj(m, null_mut()).is_null());
        assert_eq!(hf_refcnt(std::ptr::null()), 0);
        hf_decref(null_mut());
        hf_incref(null_mut());
        hf_pyobject_free(null_mut());
        let mut foreign = [1usize, 0, 0, 0];
        let foreign_ob: *mut Ob = foreign.as_mut_ptr().cast();
        assert_ne!(hf_pyobject_adopt(m, foreign_ob, 16), 0, "too small");
        assert_ne!(hf_pyobject_adopt(m, null_mut(), 24), 0);
        if number.is_some() {
            // Checked builds stop here: misuse_foreign_memory.c.
            #[cfg(not(feature = "debug"))]
            assert_ne!(hf_link_gc_owned(m, object, foreign_ob, 0), 0, "not adopted");
            assert_ne!(hf_link_gc_owned(m, object, null_mut(), 0), 0);
        }
        let Some((_, ob)) = self.reg(reg) else { return };
        assert_ne!(hf_link_c_owned(m, null_mut(), ob, 0), 0);
        assert_ne!(hf_link_c_owned(m, object, ob, 0xF0), 0, "unknown flags");
        assert_ne!(hf_pyobject_adopt(m, ob, 24), 0, "ours or adopted already");
    }

    fn elsewhere(&mut self, what: Elsewhere) {
        self.settle();
        let (heap, m) = (self.heap, self.m);
        if let Elsewhere::Leave = what {
            if let Some(other) = self.other.take() {
                other.leave(m);
            }
            return;
        }
        let other = self.other.get_or_insert_with(|| Other::new(heap));
        match what {
            Elsewhere::New { reg, size } => {
                let (id, bytes) = (self.model.fresh(), self::size(size));
                let ob = other.run(m, move |m| hf_pyobject_new(m, bytes, type_of(id, bytes)) as usize) as *mut Ob;
                self.model.add_handle(ob, id, None, false, bytes);
                self.put(reg, id);
            }
            Elsewhere::Incref { from, to } => {
                let Some(id) = self.regs[from as usize % REGISTERS] else { return };
                let ob = self.model.handles[&id].address as usize;
                other.run(m, move |_| {
                    hf_incref(ob as *mut Ob);
                    0
                });
                self.model.handle(id).held += 1;
                self.put(to, id);
            }
            Elsewhere::Decref { reg } => {
                let Some(id) = self.regs[reg as usize % REGISTERS].take() else { return };
                let ob = self.model.handles[&id].address as usize;
                other.run(m, move |_| {
                    hf_decref(ob as *mut Ob);
                    0
                });
                self.model.drop_held(id);
            }
            Elsewhere::Cross { reg } => {
                let Some(id) = self.regs[reg as usize % REGISTERS] else { return };
                let ob = self.model.handles[&id].address as usize;
                // SAFETY: what a crossing answers is live until the next call that may collect.
                let found = other.run(m, move |m| unsafe { number(hf_to_obj(m, ob as *mut Ob)) });
                assert_eq!(found, self.model.handles[&id].object.unwrap_or(0));
            }
            Elsewhere::Handle { global, reg, size, light } => {
                let Some((cell, number)) = self.globals[global as usize % GLOBALS] else { return };
                let (id, bytes, cell) = (self.model.fresh(), self::size(size), cell as usize);
                let ob = other.run(m, move |m| {
                    let object = hf_global_get(m, cell as Cell);
                    hf_handle(m, object, bytes, type_of(id, bytes), u32::from(light)) as usize
                });
                let id = self.note_handle(number, ob as *mut Ob, id, bytes, light);
                self.put(reg, id);
            }
            Elsewhere::Minor => {
                other.run(m, |m| hf_collect_minor(m) as usize);
            }
            Elsewhere::Leave => {}
        }
    }
}
