//! Operations on handles, through the C interface, against a reference model.
//!
//! The input is a list of operations, two bytes each, on a few registers of C (counted references) and of the runtime
//! (rooted objects). The model knows of each object and of each handle what it is linked with, who holds it, and what
//! it refers to; after each full collection it computes what must have died, and the dead queue, the deallocs and the
//! addresses have to agree.
//!
//!     cargo +nightly fuzz run handle_ops -- -max_len=512 -max_total_time=60
#![no_main]

use handfast_c as _;
use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{c_char, c_void};
use std::mem::zeroed;
use std::ptr::null_mut;

#[repr(C)]
struct Ob {
    refcnt: isize,
    link: usize,
    ob_type: *mut c_void,
}

#[repr(C)]
struct Config {
    struct_size: usize,
    nursery_bytes: usize,
    max_heap_bytes: usize,
    gc_threads: u32,
    growth_percent: u32,
}

#[repr(C)]
struct TypeInfo {
    struct_size: usize,
    name: *const c_char,
    size: usize,
    item_size: usize,
    ref_offsets: *const usize,
    ref_offsets_len: usize,
    items_are_refs: bool,
    trace: *const c_void,
    handle_slot: usize,
    finalize: *const c_void,
}

#[repr(C)]
struct LeakReport {
    struct_size: usize,
    objects: u64,
    references: u64,
}

type Object = *mut c_void;
type Mutator = *mut c_void;
type Heap = *mut c_void;

unsafe extern "C" {
    fn hf_config_init(config: *mut Config);
    fn hf_heap_new(config: *const Config, out: *mut Heap) -> i32;
    fn hf_heap_free(heap: Heap, report: *mut LeakReport) -> i32;
    fn hf_heap_verify(heap: Heap) -> i32;
    fn hf_type_info_init_sized(info: *mut TypeInfo, size: usize);
    fn hf_type_new(heap: Heap, info: *const TypeInfo, out: *mut u32) -> i32;
    fn hf_attach(heap: Heap, out: *mut Mutator) -> i32;
    fn hf_detach(m: Mutator) -> i32;
    fn hf_safepoint(m: Mutator);
    fn hf_native_enter(m: Mutator);
    fn hf_native_leave(m: Mutator);
    fn hf_alloc(m: Mutator, ty: u32) -> Object;
    fn hf_payload(o: Object) -> *mut c_void;
    fn hf_load(m: Mutator, o: Object, offset: usize) -> Object;
    fn hf_store(m: Mutator, o: Object, offset: usize, value: Object);
    fn hf_collect_minor(m: Mutator) -> i32;
    fn hf_collect_full(m: Mutator) -> i32;
    fn hf_scope_open(m: Mutator) -> usize;
    fn hf_scope_close(m: Mutator, scope: usize);
    fn hf_root(m: Mutator, o: Object) -> *mut Object;
    fn hf_global_new(m: Mutator, o: Object, out: *mut *mut c_void) -> i32;
    fn hf_global_free(m: Mutator, global: *mut c_void);
    fn hf_pyobject_new(m: Mutator, size: usize, ob_type: *mut c_void) -> *mut Ob;
    fn hf_link_gc_owned(m: Mutator, o: Object, ob: *mut Ob, flags: u32) -> i32;
    fn hf_link_c_owned(m: Mutator, o: Object, ob: *mut Ob, flags: u32) -> i32;
    fn hf_handle(m: Mutator, o: Object, size: usize, ob_type: *mut c_void, flags: u32) -> *mut Ob;
    fn hf_from_obj(m: Mutator, o: Object) -> *mut Ob;
    fn hf_to_obj(m: Mutator, ob: *mut Ob) -> Object;
    fn hf_incref(ob: *mut Ob);
    fn hf_decref(ob: *mut Ob);
    fn hf_decref_detached(heap: Heap, ob: *mut Ob);
    fn hf_refcnt(ob: *const Ob) -> isize;
    fn hf_is_unique(ob: *const Ob) -> bool;
    fn hf_set_dealloc(heap: Heap, dealloc: Option<unsafe extern "C" fn(*mut Ob, *mut c_void)>, arg: *mut c_void);
    fn hf_next_dead(heap: Heap) -> *mut Ob;
    fn hf_pyobject_free(ob: *mut Ob);
}

const REGISTERS: usize = 8;
/// Payload: two references, the handle slot, the object's number.
const SLOT: usize = 16;
const NUMBER: usize = 24;

thread_local! {
    /// Numbers of the handles that dealloc was called for.
    static DEALLOCED: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// A handle's number is its type.
unsafe extern "C" fn dealloc(ob: *mut Ob, _: *mut c_void) {
    unsafe {
        assert_eq!((*ob).link, 0);
        DEALLOCED.with_borrow_mut(|all| all.push((*ob).ob_type as usize));
        hf_pyobject_free(ob);
    }
}

/// What the model knows of an object of the heap.
#[derive(Default)]
struct ModelObject {
    fields: [Option<usize>; 2],
    handle: Option<usize>,
}

/// What it knows of a handle.
struct ModelHandle {
    address: *mut Ob,
    object: Option<usize>,
    light: bool,
    /// References in registers, in the detached queue, or of the dead queue.
    held: usize,
}

struct World {
    heap: Heap,
    m: Mutator,
    types: [u32; 2],
    roots: Vec<*mut Object>,
    globals: Vec<Option<(*mut c_void, usize)>>,
    regs: [Option<usize>; REGISTERS],
    rooted: [Option<usize>; REGISTERS],
    objects: BTreeMap<usize, ModelObject>,
    handles: BTreeMap<usize, ModelHandle>,
    queued: BTreeSet<usize>,
    expect_dealloced: Vec<usize>,
    detached: Vec<usize>,
    next: usize,
}

impl World {
    fn fresh(&mut self) -> usize {
        self.next += 1;
        self.next
    }

    unsafe fn number(object: Object) -> usize {
        unsafe { hf_payload(object).cast::<u8>().add(NUMBER).cast::<usize>().read() }
    }

    /// A reference less in the model.
    fn drop_held(&mut self, id: usize) {
        let handle = self.handles.get_mut(&id).expect("known");
        handle.held -= 1;
        if handle.held == 0 && handle.object.is_none() {
            self.handles.remove(&id);
            self.expect_dealloced.push(id);
        }
    }

    fn check_deallocs(&mut self) {
        let mut got = DEALLOCED.take();
        let mut expected = std::mem::take(&mut self.expect_dealloced);
        got.sort_unstable();
        expected.sort_unstable();
        assert_eq!(got, expected, "deallocs");
    }

    /// References that were dropped detached are dropped at a safepoint.
    fn drain_detached(&mut self) {
        for id in std::mem::take(&mut self.detached) {
            self.drop_held(id);
        }
    }

    unsafe fn safepoint(&mut self) {
        unsafe { hf_safepoint(self.m) };
        self.drain_detached();
        self.check_deallocs();
    }

    /// What dies when everything unreachable dies.
    unsafe fn full(&mut self) {
        unsafe {
            self.safepoint();
            assert_eq!(hf_collect_full(self.m), 0);
            hf_safepoint(self.m);
        }
        let mut live = BTreeSet::new();
        let mut grey: Vec<usize> = self.rooted.iter().flatten().copied().collect();
        grey.extend(self.globals.iter().flatten().map(|g| g.1));
        grey.extend(self.handles.values().filter(|h| h.held > 0).filter_map(|h| h.object));
        while let Some(object) = grey.pop() {
            if live.insert(object) {
                grey.extend(self.objects[&object].fields.iter().flatten());
            }
        }
        let dead: Vec<usize> = self.objects.keys().copied().filter(|o| !live.contains(o)).collect();
        for object in dead {
            let Some(id) = self.objects.remove(&object).and_then(|o| o.handle) else { continue };
            let handle = self.handles.get_mut(&id).expect("linked");
            if handle.light {
                self.handles.remove(&id);
            } else {
                handle.object = None;
                handle.held = 1;
                self.queued.insert(id);
            }
        }
        self.drain_dead();
    }

    /// Takes what is in the dead queue: after a full collection that is all that the model finds, whether the cycle or a
    /// minor before has put it there.
    fn drain_dead(&mut self) {
        unsafe {
            loop {
                let ob = hf_next_dead(self.heap);
                if ob.is_null() {
                    break;
                }
                assert_eq!(((*ob).refcnt, (*ob).link), (1, 0));
                let id = (*ob).ob_type as usize;
                assert_eq!(self.handles[&id].address, ob);
                assert!(self.queued.remove(&id), "queued twice, or alive");
                hf_decref(ob);
                self.drop_held(id);
            }
        }
        assert!(self.queued.is_empty(), "not delivered: {:?}", self.queued);
        self.check_deallocs();
    }

    unsafe fn check(&self) {
        unsafe {
            for (root, expected) in self.roots.iter().zip(&self.rooted) {
                let object = **root;
                assert_eq!(object.is_null(), expected.is_none());
                let Some(expected) = expected else { continue };
                assert_eq!(Self::number(object), *expected);
                let model = &self.objects[expected];
                for (i, field) in model.fields.iter().enumerate() {
                    let value = hf_load(self.m, object, i * 8);
                    assert_eq!((!value.is_null()).then(|| Self::number(value)), *field);
                }
                let ob = hf_from_obj(self.m, object);
                assert_eq!((!ob.is_null()).then(|| (*ob).ob_type as usize), model.handle);
            }
            for (id, handle) in &self.handles {
                if self.queued.contains(id) {
                    continue;
                }
                assert_eq!(hf_refcnt(handle.address), handle.held as isize);
                assert_eq!(hf_is_unique(handle.address), handle.held == 1 && handle.object.is_none());
                if handle.held > 0 {
                    let object = hf_to_obj(self.m, handle.address);
                    assert_eq!((!object.is_null()).then(|| Self::number(object)), handle.object);
                }
            }
        }
    }

    /// Puts a reference, which is the caller's, into a register; what was there is dropped.
    unsafe fn put(&mut self, register: usize, id: usize) {
        if let Some(old) = self.regs[register].replace(id) {
            unsafe { hf_decref(self.handles[&old].address) };
            self.drop_held(old);
        }
    }

    unsafe fn new_handle(&mut self, address: *mut Ob, id: usize, object: Option<usize>, light: bool) {
        assert!(!address.is_null());
        self.handles.insert(id, ModelHandle { address, object, light, held: 1 });
    }

    unsafe fn step(&mut self, op: u8, arg: u8) {
        let (a, b) = ((arg & 7) as usize, (arg >> 3 & 7) as usize);
        let flag = u32::from(arg >> 6 & 1);
        unsafe {
            match op % 16 {
                0 | 1 => {
                    // An allocation may be a safepoint: then nothing must be due that the model does not expect.
                    if !self.detached.is_empty() {
                        self.safepoint();
                    }
                    let object = hf_alloc(self.m, self.types[(op % 2) as usize]);
                    let number = self.fresh();
                    hf_payload(object).cast::<u8>().add(NUMBER).cast::<usize>().write(number);
                    self.objects.insert(number, ModelObject::default());
                    *self.roots[a] = object;
                    self.rooted[a] = Some(number);
                }
                2 => {
                    let (Some(from), to) = (self.rooted[a], self.rooted[b]) else { return };
                    hf_store(self.m, *self.roots[a], flag as usize * 8, *self.roots[b]);
                    self.objects.get_mut(&from).expect("rooted").fields[flag as usize] = to;
                }
                3 => {
                    let Some(from) = self.rooted[a] else { return };
                    *self.roots[b] = hf_load(self.m, *self.roots[a], flag as usize * 8);
                    self.rooted[b] = self.objects[&from].fields[flag as usize];
                }
                4 => (*self.roots[a], self.rooted[a]) = (null_mut(), None),
                5 | 6 => {
                    let Some(number) = self.rooted[a] else { return };
                    let id = self.fresh();
                    let size = 24 + self.next % 5 * 40;
                    let ob = hf_handle(self.m, *self.roots[a], size, id as *mut c_void, flag);
                    let found = self.objects[&number].handle;
                    let id = found.unwrap_or(id);
                    match found {
                        Some(id) => {
                            let handle = self.handles.get_mut(&id).expect("linked");
                            assert_eq!(handle.address, ob);
                            handle.held += 1;
                        }
                        None => {
                            self.new_handle(ob, id, Some(number), flag == 1);
                            self.objects.get_mut(&number).expect("rooted").handle = Some(id);
                        }
                    }
                    self.put(b, id);
                }
                7 => {
                    let id = self.fresh();
                    let ob = hf_pyobject_new(self.m, 24 + a * 100, id as *mut c_void);
                    self.new_handle(ob, id, None, false);
                    self.put(b, id);
                }
                8 => {
                    let (Some(number), Some(id)) = (self.rooted[a], self.regs[b]) else { return };
                    let link = if arg >> 7 == 0 { hf_link_gc_owned } else { hf_link_c_owned };
                    let linked = link(self.m, *self.roots[a], self.handles[&id].address, flag) == 0;
                    let handle = self.handles.get_mut(&id).expect("held");
                    let object = self.objects.get_mut(&number).expect("rooted");
                    if handle.object.is_some() || object.handle.is_some() {
                        assert!(!linked, "linked twice");
                    } else {
                        assert!(linked);
                        (handle.object, handle.light, object.handle) = (Some(number), flag == 1, Some(id));
                    }
                }
                9 => {
                    let Some(id) = self.regs[a] else { return };
                    hf_incref(self.handles[&id].address);
                    self.handles.get_mut(&id).expect("held").held += 1;
                    self.put(b, id);
                }
                10 => {
                    let Some(id) = self.regs[a].take() else { return };
                    hf_decref(self.handles[&id].address);
                    self.drop_held(id);
                    self.check_deallocs();
                }
                11 => {
                    let Some(id) = self.regs[a].take() else { return };
                    hf_decref_detached(self.heap, self.handles[&id].address);
                    self.detached.push(id);
                    self.check_deallocs();
                }
                12 => {
                    let Some(id) = self.regs[a] else { return };
                    *self.roots[b] = hf_to_obj(self.m, self.handles[&id].address);
                    self.rooted[b] = self.handles[&id].object;
                }
                13 => {
                    let place = a % self.globals.len();
                    if let Some((global, _)) = self.globals[place].take() {
                        hf_global_free(self.m, global);
                    } else if let Some(number) = self.rooted[b] {
                        let mut global = null_mut();
                        assert_eq!(hf_global_new(self.m, *self.roots[b], &mut global), 0);
                        self.globals[place] = Some((global, number));
                    }
                }
                14 => {
                    if flag == 1 {
                        hf_native_enter(self.m);
                        hf_native_leave(self.m);
                    }
                    assert_eq!(hf_collect_minor(self.m), 0);
                    self.safepoint();
                }
                _ => {
                    self.full();
                    self.check();
                }
            }
        }
    }
}

fuzz_target!(|data: &[u8]| {
    unsafe {
        let mut config: Config = zeroed();
        hf_config_init(&mut config);
        (config.gc_threads, config.nursery_bytes, config.max_heap_bytes) = (0, 128 << 10, 64 << 20);
        let (mut heap, mut m) = (null_mut(), null_mut());
        assert_eq!(hf_heap_new(&config, &mut heap), 0);
        assert_eq!(hf_attach(heap, &mut m), 0);
        let types = [SLOT, usize::MAX].map(|slot| {
            let mut info: TypeInfo = zeroed();
            let (offsets, mut ty) = ([0usize, 8], 0);
            hf_type_info_init_sized(&mut info, size_of::<TypeInfo>());
            (info.name, info.size, info.handle_slot) = (c"node".as_ptr().cast(), 32, slot);
            (info.ref_offsets, info.ref_offsets_len) = (offsets.as_ptr(), 2);
            assert_eq!(hf_type_new(heap, &info, &mut ty), 0);
            ty
        });
        hf_set_dealloc(heap, Some(dealloc), null_mut());
        let scope = hf_scope_open(m);
        let mut w = World {
            heap,
            m,
            types,
            roots: (0..REGISTERS).map(|_| hf_root(m, null_mut())).collect(),
            globals: vec![None; 4],
            regs: [None; REGISTERS],
            rooted: [None; REGISTERS],
            objects: BTreeMap::new(),
            handles: BTreeMap::new(),
            queued: BTreeSet::new(),
            expect_dealloced: vec![],
            detached: vec![],
            next: 0,
        };
        for pair in data.chunks_exact(2) {
            w.step(pair[0], pair[1]);
        }
        w.full();
        w.check();
        assert_eq!(hf_heap_verify(heap), 0);
        w.safepoint();
        // Everything is let go of: what was made dies, each once.
        for register in 0..REGISTERS {
            if let Some(id) = w.regs[register].take() {
                hf_decref(w.handles[&id].address);
                w.drop_held(id);
            }
            (*w.roots[register], w.rooted[register]) = (null_mut(), None);
        }
        for global in w.globals.iter_mut().filter_map(Option::take) {
            hf_global_free(m, global.0);
        }
        w.full();
        assert!(w.handles.is_empty() && w.objects.is_empty());
        hf_scope_close(m, scope);
        assert_eq!(hf_detach(m), 0);
        let mut report: LeakReport = zeroed();
        assert_eq!(hf_heap_free(heap, &mut report), 0);
        assert_eq!(report.objects, 0);
        assert!(DEALLOCED.take().is_empty());
    }
});
