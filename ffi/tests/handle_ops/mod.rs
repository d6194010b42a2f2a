//! Operations on handles, through the C interface, against a reference model.
//!
//! The input is a list of operations ([`op`]) on a few registers of C (counted references) and of the runtime (rooted
//! objects), and on another thread. The [`model`] knows of each object and of each handle what it is linked with, who
//! holds it, and what it refers to; after each full collection it computes what must have died, and the dead queue, the
//! deallocs, the notifier and the addresses have to agree. Used by `tests/handle_corpus.rs` and by the fuzz target
//! `handle_ops`.
//!
//! `HANDFAST_OPS_TRACE=1` prints each operation before it is done.

pub mod c;
mod elsewhere;
mod model;
mod op;
mod world;

use c::*;
use model::Model;
use std::mem::zeroed;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::SeqCst;
use world::{NUMBER, REGISTERS, SLOT, Told, World, id_of, number};

/// Runs one list of operations.
pub fn run(bytes: &[u8]) {
    let mut w = World::new();
    let trace = std::env::var_os("HANDFAST_OPS_TRACE").is_some();
    for op in op::decode(bytes) {
        if trace {
            eprintln!("{op:?}");
        }
        w.step(op);
    }
    w.end();
}

/// A type of this size, with a handle slot or without.
fn new_type(heap: Heap, size: usize, slot: usize) -> u32 {
    // SAFETY: a struct of words, of which zero is a value.
    let mut info: TypeInfo = unsafe { zeroed() };
    let (offsets, mut ty) = ([0usize, 8], 0);
    hf_type_info_init_sized(&mut info, size_of::<TypeInfo>());
    (info.name, info.size, info.handle_slot) = (c"node".as_ptr(), size, slot);
    (info.ref_offsets, info.ref_offsets_len) = (offsets.as_ptr(), 2);
    assert_eq!(hf_type_new(heap, &info, &mut ty), 0);
    ty
}

impl World {
    fn new() -> World {
        // SAFETY: a struct of integers.
        let mut config: Config = unsafe { zeroed() };
        hf_config_init_sized(&mut config, size_of::<Config>());
        (config.gc_threads, config.nursery_bytes, config.max_heap_bytes) = (0, 128 << 10, 64 << 20);
        let (mut heap, mut m) = (null_mut(), null_mut());
        assert_eq!(hf_heap_new(&config, &mut heap), 0);
        assert_eq!(hf_attach(heap, &mut m), 0);
        let told = Box::new(Told::default());
        let arg = std::ptr::from_ref(&*told).cast_mut().cast();
        hf_set_dealloc(heap, Some(world::dealloc), arg);
        hf_set_dead_notifier(heap, Some(world::notify), arg);
        let (small, large) = (NUMBER + 8, 9000);
        let layouts = [(small, SLOT), (small, usize::MAX), (large, SLOT), (large, usize::MAX)];
        World {
            heap,
            m,
            types: layouts.map(|(size, slot)| new_type(heap, size, slot)).to_vec(),
            told,
            model: Model::default(),
            roots: (0..REGISTERS).map(|_| hf_root(m, null_mut())).collect(),
            rooted: [None; REGISTERS],
            regs: [None; REGISTERS],
            globals: Default::default(),
            weaks: Default::default(),
            detached: vec![],
            other: None,
            memory: vec![],
        }
    }

    /// What dies when everything unreachable dies.
    fn full(&mut self) {
        self.safepoint();
        assert_eq!(hf_collect_full(self.m), 0);
        hf_safepoint(self.m);
        let live = self.live();
        self.model.bury(&live);
        for weak in self.weaks.iter().flatten() {
            // SAFETY: what it answers is live.
            let found = unsafe { number(hf_weak_get(self.m, weak.0)) };
            assert_eq!(found, if live.contains(&weak.1) { weak.1 } else { 0 }, "a weak reference");
        }
        self.drain_dead();
        self.check();
    }

    /// Takes what is in the dead queue: after a full collection that is all that the model finds, whether the cycle or a
    /// minor before has put it there.
    fn drain_dead(&mut self) {
        let notified = self.told.notified.swap(0, SeqCst) != 0;
        assert!(notified || self.model.queued.is_empty(), "nobody was told of the dead");
        loop {
            let ob = hf_next_dead(self.heap);
            if ob.is_null() {
                break;
            }
            // SAFETY: delivered with one reference, which is ours.
            let id = unsafe {
                assert_eq!(((*ob).refcnt, (*ob).link), (1, 0));
                id_of(ob)
            };
            assert_eq!(self.model.handles[&id].address, ob);
            assert!(self.model.queued.remove(&id), "queued twice, or alive");
            // What is dead may be counted up and down without dying again.
            hf_incref(ob);
            hf_decref(ob);
            hf_decref(ob);
            self.model.drop_held(id);
            self.check_deallocs();
        }
        assert!(self.model.queued.is_empty(), "not delivered: {:?}", self.model.queued);
    }

    /// Looks at everything: nothing that the model knows is dead now.
    fn check(&self) {
        for (root, expected) in self.roots.iter().zip(&self.rooted) {
            // SAFETY: a root slot, and what is reached from it.
            unsafe {
                let object = **root;
                assert_eq!(number(object), expected.unwrap_or(0));
                let Some(expected) = expected else { continue };
                let model = &self.model.objects[expected];
                for (i, field) in model.fields.iter().enumerate() {
                    assert_eq!(number(hf_load(self.m, object, i * 8)), field.unwrap_or(0));
                }
                let ob = hf_from_obj(self.m, object);
                assert_eq!((!ob.is_null()).then(|| id_of(ob)), model.handle);
            }
        }
        let mut stats: Stats = [0; 24];
        stats[0] = size_of::<Stats>();
        assert_eq!(hf_stats_get(self.heap, &mut stats), 0);
        let linked = self.model.handles.values().filter(|handle| handle.object.is_some()).count();
        assert_eq!(stats[LINKS], linked, "pairs");
        assert_eq!(stats[C_ONLY], self.model.handles.len() - linked, "handles without a link");
        for (id, handle) in &self.model.handles {
            if handle.immortal {
                // Its count has no meaning, but it is there, and still linked with the same object.
            } else {
                assert_eq!(hf_refcnt(handle.address), handle.held as isize, "handle {id}");
                let unique = handle.held == 1 && handle.object.is_none();
                assert_eq!(hf_is_unique(handle.address), unique, "handle {id}");
            }
            // SAFETY: alive, as the model says, and so is what it is linked with.
            unsafe {
                assert_eq!(id_of(handle.address), *id);
                if handle.held > 0 || handle.immortal {
                    assert_eq!(number(hf_to_obj(self.m, handle.address)), handle.object.unwrap_or(0));
                }
            }
        }
    }

    /// Everything is let go of: what was made dies, each once.
    fn end(mut self) {
        self.full();
        assert_eq!(hf_heap_verify(self.heap), 0);
        if let Some(other) = self.other.take() {
            other.leave(self.m);
        }
        for register in 0..REGISTERS {
            if let Some(id) = self.regs[register].take() {
                hf_decref(self.model.handles[&id].address);
                self.model.drop_held(id);
            }
            self.set_root(register as u8, null_mut(), None);
        }
        for (cell, _) in self.globals.iter_mut().filter_map(Option::take) {
            hf_global_free(self.m, cell);
        }
        for (cell, _) in self.weaks.iter_mut().filter_map(Option::take) {
            hf_weak_free(self.m, cell);
        }
        self.full();
        let kept = self.model.live(vec![]);
        let lives =
            |handle: &model::Handle| handle.immortal || handle.object.is_some_and(|object| kept.contains(&object));
        assert!(self.model.handles.values().all(lives), "a handle is left");
        assert!(self.model.objects.keys().all(|object| kept.contains(object)), "an object is left");
        assert_eq!(hf_detach(self.m), 0);
        let mut report = LeakReport { struct_size: 0, objects: 0, references: 0 };
        assert_eq!(hf_heap_free(self.heap, &mut report), 0);
        assert!(report.objects <= self.model.handles.len() as u64, "only immortals are left");
        assert!(self.told.dealloced.lock().expect("no panic").is_empty());
    }
}
