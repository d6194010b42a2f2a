//! The smallest virtual machine that MMTk can collect for.
//!
//! Objects: word 0 is the size in bytes (low 32 bits) and the number of references (high 32 bits); word 1 is for forwarding;
//! then the references, then other words. Roots: a shadow stack for each mutator. Mutators stop at polls and where they
//! allocate; MMTk's own rules for bindings say what the unsafe code here relies on.

use crate::gaps::Gaps;
use mmtk::memory_manager as mm;
use mmtk::util::alloc::{AllocatorSelector, BumpAllocator, BumpPointer, ImmixAllocator};
use mmtk::util::copy::{CopySemantics, GCWorkerCopyContext};
use mmtk::util::opaque_pointer::*;
use mmtk::util::{Address, ObjectReference};
use mmtk::vm::slot::SimpleSlot;
use mmtk::vm::*;
use mmtk::{AllocationSemantics, Mutator, MMTK};
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::{Condvar, Mutex, OnceLock};
use std::time::Instant;

#[derive(Default)]
pub struct Vm;
impl VMBinding for Vm {
    type VMObjectModel = Model;
    type VMScanning = Scan;
    type VMCollection = Coll;
    type VMActivePlan = Act;
    type VMReferenceGlue = Glue;
    type VMSlot = SimpleSlot;
    type VMMemorySlice = mmtk::vm::slot::UnimplementedMemorySlice;
    const MIN_ALIGNMENT: usize = 8;
    const MAX_ALIGNMENT: usize = 8;
    const USE_ALLOCATION_OFFSET: bool = false;
}

pub static INSTANCE: OnceLock<Box<MMTK<Vm>>> = OnceLock::new();
pub fn mmtk() -> &'static MMTK<Vm> {
    INSTANCE.get().unwrap()
}

// ---- safepoints -------------------------------------------------------------------------------
pub static STOP: AtomicBool = AtomicBool::new(false);
/// `mutators`: addresses of `Ctx`.
struct World {
    mutators: Vec<usize>,
    blocked: usize,
    epoch: u64,
}
static WORLD: Mutex<World> = Mutex::new(World { mutators: Vec::new(), blocked: 0, epoch: 0 });
static CHANGED: Condvar = Condvar::new();
static PAUSE_START: Mutex<Option<Instant>> = Mutex::new(None);
/// How long the world stood still, each time.
pub static PAUSES: Mutex<Option<Gaps>> = Mutex::new(None);

#[cold]
#[inline(never)]
fn park() {
    let mut w = WORLD.lock().unwrap();
    if !STOP.load(SeqCst) {
        return;
    }
    let e = w.epoch;
    w.blocked += 1;
    CHANGED.notify_all();
    while w.epoch == e {
        w = CHANGED.wait(w).unwrap();
    }
}
pub struct Coll;
impl Collection<Vm> for Coll {
    fn stop_all_mutators<F: FnMut(&'static mut Mutator<Vm>)>(_t: VMWorkerThread, mut visit: F) {
        *PAUSE_START.lock().unwrap() = Some(Instant::now());
        STOP.store(true, SeqCst);
        let mut w = WORLD.lock().unwrap();
        while w.blocked < w.mutators.len() {
            w = CHANGED.wait(w).unwrap();
        }
        for &c in &w.mutators {
            visit(unsafe { &mut *(*(c as *mut Ctx)).mutator })
        }
    }
    fn resume_mutators(_t: VMWorkerThread) {
        if let Some(t) = PAUSE_START.lock().unwrap().take() {
            let ns = t.elapsed().as_nanos() as u64;
            PAUSES.lock().unwrap().get_or_insert_with(Gaps::new).add(ns);
        }
        let mut w = WORLD.lock().unwrap();
        STOP.store(false, SeqCst);
        w.epoch += 1;
        w.blocked = 0;
        CHANGED.notify_all();
    }
    fn block_for_gc(_t: VMMutatorThread) {
        let mut w = WORLD.lock().unwrap();
        let e = w.epoch;
        w.blocked += 1;
        CHANGED.notify_all();
        while w.epoch == e {
            w = CHANGED.wait(w).unwrap();
        }
    }
    fn spawn_gc_thread(_t: VMThread, ctx: GCThreadContext<Vm>) {
        let GCThreadContext::Worker(worker) = ctx;
        std::thread::Builder::new()
            .name("gc".into())
            .spawn(move || {
                let tls = VMWorkerThread(VMThread(OpaquePointer::from_address(unsafe { Address::from_usize(1) })));
                mm::start_worker(mmtk(), tls, worker);
            })
            .unwrap();
    }
}

// ---- mutators ---------------------------------------------------------------------------------
/// One for each mutator thread; its address is the MMTk thread id.
pub struct Ctx {
    pub bump: *mut BumpPointer,
    pub mutator: *mut Mutator<Vm>,
    /// The shadow stack: word 0 is the depth, the roots follow. Behind a raw pointer, because the collector
    /// reads and writes it while this thread holds `&mut Ctx`.
    pub stack: *mut usize,
    pub log_base: usize,
}
unsafe impl Send for Ctx {}
impl Ctx {
    pub fn bind() -> Box<Ctx> {
        let mut c = Box::new(Ctx {
            bump: std::ptr::null_mut(),
            mutator: std::ptr::null_mut(),
            stack: Box::leak(vec![0usize; 257].into_boxed_slice()).as_mut_ptr(),
            log_base: mmtk::util::metadata::side_metadata::global_side_metadata_vm_base_address().as_usize(),
        });
        let tls = VMMutatorThread(VMThread(OpaquePointer::from_address(Address::from_ptr(&*c as *const Ctx))));
        c.mutator = Box::into_raw(mm::bind_mutator(mmtk(), tls));
        let sel = mm::get_allocator_mapping(mmtk(), AllocationSemantics::Default);
        let m = unsafe { &mut *c.mutator };
        c.bump = match sel {
            AllocatorSelector::BumpPointer(_) => unsafe {
                &mut m.allocator_impl_mut::<BumpAllocator<Vm>>(sel).bump_pointer
            },
            AllocatorSelector::Immix(_) => unsafe { &mut m.allocator_impl_mut::<ImmixAllocator<Vm>>(sel).bump_pointer },
            _ => panic!("no inline path for {sel:?}"),
        };
        loop {
            let mut w = WORLD.lock().unwrap();
            if !STOP.load(SeqCst) {
                w.mutators.push(&*c as *const Ctx as usize);
                return c;
            }
            drop(w);
            std::thread::yield_now();
        }
    }
    pub fn unbind(self: Box<Self>) {
        loop {
            self.poll();
            let mut w = WORLD.lock().unwrap();
            if STOP.load(SeqCst) {
                drop(w);
                continue;
            }
            mm::destroy_mutator(unsafe { &mut *self.mutator });
            let me = &*self as *const Ctx as usize;
            w.mutators.retain(|&c| c != me);
            CHANGED.notify_all();
            drop(w);
            std::mem::forget(self);
            return;
        }
    }
    #[inline(always)]
    pub fn poll(&self) {
        if STOP.load(Relaxed) {
            park()
        }
    }
    /// Bump allocation in line; the two header words are written, the rest is the caller's to write.
    #[inline(always)]
    pub fn alloc(&mut self, size: usize, nrefs: usize) -> *mut usize {
        unsafe {
            let b = &mut *self.bump;
            let p = b.cursor.as_usize();
            let p = if p + size <= b.limit.as_usize() {
                b.cursor = Address::from_usize(p + size);
                p
            } else {
                self.slow(size)
            } as *mut usize;
            *p = size | nrefs << 32;
            *p.add(1) = 0;
            p
        }
    }
    #[cold]
    #[inline(never)]
    fn slow(&mut self, size: usize) -> usize {
        self.poll();
        mm::alloc(unsafe { &mut *self.mutator }, size, 8, 0, AllocationSemantics::Default).as_usize()
    }
    /// An array of `n` null references (large ones go to the large-object space).
    pub fn array(&mut self, n: usize) -> *mut usize {
        self.big(16 + n * 8, n)
    }
    /// A zeroed object of any size.
    pub fn big(&mut self, size: usize, nrefs: usize) -> *mut usize {
        let m = unsafe { &mut *self.mutator };
        let los = size >= mmtk().get_plan().constraints().max_non_los_default_alloc_bytes;
        let s = if los { AllocationSemantics::Los } else { AllocationSemantics::Default };
        let a = mm::alloc(m, size, 8, 0, s);
        unsafe {
            let p = a.to_mut_ptr::<usize>();
            std::ptr::write_bytes(p, 0, size / 8);
            *p = size | nrefs << 32;
            mm::post_alloc(m, ObjectReference::from_raw_address_unchecked(a), size, s);
            p
        }
    }
    #[inline(always)]
    pub fn push(&mut self, p: *mut usize) -> usize {
        unsafe {
            let t = *self.stack + 1;
            *self.stack.add(t) = p as usize;
            *self.stack = t;
            t
        }
    }
    #[inline(always)]
    pub fn get(&self, i: usize) -> *mut usize {
        unsafe { *self.stack.add(i) as *mut usize }
    }
    #[inline(always)]
    pub fn pop(&mut self) -> *mut usize {
        unsafe {
            let t = *self.stack;
            *self.stack = t - 1;
            *self.stack.add(t) as *mut usize
        }
    }
    #[inline(always)]
    fn unlogged(&self, obj: usize) -> bool {
        unsafe { (*((self.log_base + (obj >> 6)) as *const u8) >> ((obj >> 3) & 7)) & 1 != 0 }
    }
    /// obj.refs[i] = val, with the barrier of the plan; the unlogged-bit test is in line.
    #[inline(always)]
    pub fn write<const SATB: bool>(&mut self, obj: *mut usize, i: usize, val: *mut usize) {
        unsafe {
            let slot = obj.add(2 + i);
            if SATB && self.unlogged(obj as usize) {
                self.barrier_slow::<SATB>(obj, slot, val)
            }
            *slot = val as usize;
            if !SATB && self.unlogged(obj as usize) {
                self.barrier_slow::<SATB>(obj, slot, val)
            }
        }
    }
    #[cold]
    #[inline(never)]
    fn barrier_slow<const SATB: bool>(&mut self, obj: *mut usize, slot: *mut usize, val: *mut usize) {
        unsafe {
            let src = ObjectReference::from_raw_address_unchecked(Address::from_mut_ptr(obj));
            let slot = SimpleSlot::from_address(Address::from_mut_ptr(slot));
            let val = ObjectReference::from_raw_address(Address::from_mut_ptr(val));
            let b = &mut (*self.mutator).barrier;
            if SATB {
                b.object_reference_write_pre(src, slot, val)
            } else {
                b.object_reference_write_post(src, slot, val)
            }
        }
    }
}
pub struct Act;
impl ActivePlan<Vm> for Act {
    fn number_of_mutators() -> usize {
        WORLD.lock().unwrap().mutators.len()
    }
    fn is_mutator(t: VMThread) -> bool {
        t.0.to_address().as_usize() > 1
    }
    fn mutator(t: VMMutatorThread) -> &'static mut Mutator<Vm> {
        unsafe { &mut *(*t.0 .0.to_address().to_mut_ptr::<Ctx>()).mutator }
    }
    fn mutators<'a>() -> Box<dyn Iterator<Item = &'a mut Mutator<Vm>> + 'a> {
        let v = WORLD.lock().unwrap().mutators.clone();
        Box::new(v.into_iter().map(|c| unsafe { &mut *(*(c as *mut Ctx)).mutator }))
    }
}

// ---- objects ----------------------------------------------------------------------------------
pub struct Model;
#[inline(always)]
fn size(o: ObjectReference) -> usize {
    unsafe { o.to_raw_address().load::<usize>() as u32 as usize }
}
impl ObjectModel<Vm> for Model {
    const GLOBAL_LOG_BIT_SPEC: VMGlobalLogBitSpec = VMGlobalLogBitSpec::side_first();
    const LOCAL_FORWARDING_POINTER_SPEC: VMLocalForwardingPointerSpec = VMLocalForwardingPointerSpec::in_header(64);
    const LOCAL_FORWARDING_BITS_SPEC: VMLocalForwardingBitsSpec = VMLocalForwardingBitsSpec::in_header(64);
    const LOCAL_MARK_BIT_SPEC: VMLocalMarkBitSpec = VMLocalMarkBitSpec::side_first();
    const LOCAL_LOS_MARK_NURSERY_SPEC: VMLocalLOSMarkNurserySpec =
        VMLocalLOSMarkNurserySpec::side_after(Self::LOCAL_MARK_BIT_SPEC.as_spec());
    const UNIFIED_OBJECT_REFERENCE_ADDRESS: bool = true;
    const OBJECT_REF_OFFSET_LOWER_BOUND: isize = 0;
    fn copy(from: ObjectReference, sem: CopySemantics, ctx: &mut GCWorkerCopyContext<Vm>) -> ObjectReference {
        let n = size(from);
        let dst = ctx.alloc_copy(from, n, 8, 0, sem);
        unsafe {
            let (s, d) = (from.to_raw_address().to_ptr::<usize>(), dst.to_mut_ptr::<usize>());
            *d = *s;
            *d.add(1) = 0;
            let mut i = 2;
            while i < n / 8 {
                *d.add(i) = *s.add(i);
                i += 1;
            }
            let to = ObjectReference::from_raw_address_unchecked(dst);
            ctx.post_copy(to, n, sem);
            to
        }
    }
    fn copy_to(_: ObjectReference, _: ObjectReference, _: Address) -> Address {
        unreachable!("only plans that compact ask for it, and none of them is run")
    }
    fn get_current_size(o: ObjectReference) -> usize {
        size(o)
    }
    fn get_size_when_copied(o: ObjectReference) -> usize {
        size(o)
    }
    fn get_align_when_copied(_: ObjectReference) -> usize {
        8
    }
    fn get_align_offset_when_copied(_: ObjectReference) -> usize {
        0
    }
    fn get_reference_when_copied_to(_: ObjectReference, to: Address) -> ObjectReference {
        unsafe { ObjectReference::from_raw_address_unchecked(to) }
    }
    fn get_type_descriptor(_: ObjectReference) -> &'static [i8] {
        &[]
    }
    fn ref_to_object_start(o: ObjectReference) -> Address {
        o.to_raw_address()
    }
    fn ref_to_header(o: ObjectReference) -> Address {
        o.to_raw_address()
    }
    fn dump_object(o: ObjectReference) {
        eprintln!("{o}")
    }
}
pub struct Scan;
impl Scanning<Vm> for Scan {
    fn scan_object<SV: SlotVisitor<SimpleSlot>>(_t: VMWorkerThread, o: ObjectReference, v: &mut SV) {
        let a = o.to_raw_address();
        let n = unsafe { a.load::<usize>() } >> 32;
        for i in 0..n {
            v.visit_slot(SimpleSlot::from_address(a + (16 + 8 * i)))
        }
    }
    fn scan_roots_in_mutator_thread(
        _t: VMWorkerThread,
        m: &'static mut Mutator<Vm>,
        mut f: impl RootsWorkFactory<SimpleSlot>,
    ) {
        let c = unsafe { &*m.mutator_tls.0 .0.to_address().to_ptr::<Ctx>() };
        let v: Vec<_> = unsafe {
            (1..=*c.stack).map(|i| SimpleSlot::from_address(Address::from_mut_ptr(c.stack.add(i)))).collect()
        };
        f.create_process_roots_work(v);
    }
    fn scan_vm_specific_roots(_t: VMWorkerThread, _f: impl RootsWorkFactory<SimpleSlot>) {}
    fn notify_initial_thread_scan_complete(_: bool, _: VMWorkerThread) {}
    fn supports_return_barrier() -> bool {
        false
    }
    fn prepare_for_roots_re_scanning() {}
}
pub struct Glue;
impl ReferenceGlue<Vm> for Glue {
    type FinalizableType = ObjectReference;
    fn set_referent(_: ObjectReference, _: ObjectReference) {}
    fn get_referent(_: ObjectReference) -> Option<ObjectReference> {
        None
    }
    fn clear_referent(_: ObjectReference) {}
    fn enqueue_references(_: &[ObjectReference], _: VMWorkerThread) {}
}
