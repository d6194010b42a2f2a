//! A thread of the shared heap: pseudo-random operations on trees of its own, on a table that all share, and on handles
//! that go from thread to thread. What each slot must hold is kept beside the heap, in plain memory.

use crate::tree::{self, Node, Seed, mix};
use handfast::{Array, Error, Global, Heap, LinkFlags, Mutator, PyObject, PyRef, Scope, Weak};
use std::collections::VecDeque;
use std::ptr::{NonNull, null_mut};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Slots of each thread's own table, and of the shared one.
const SLOTS: usize = 256;
/// Operations between two attachments.
const SESSION: u64 = 20_000;
/// Handles under way to another thread, weak references and `PyObject`s kept at most.
const KEPT: usize = 64;

/// A handle under way: whoever takes it owns a count.
#[derive(Debug)]
struct Parcel {
    ob: NonNull<PyObject>,
    seed: Seed,
}

// SAFETY: the address of a counted `PyObject`, which any attached thread may use.
unsafe impl Send for Parcel {}

/// What all threads of the heap share.
pub struct World {
    pub heap: Heap,
    pub stop: AtomicBool,
    pub operations: AtomicU64,
    pub dead: AtomicU64,
    table: Global<Array<Node>>,
    /// What the slots of the table hold. Who stores into a slot does both under its lock.
    slots: Vec<Mutex<Option<Seed>>>,
    parcels: Mutex<VecDeque<Parcel>>,
}

impl World {
    /// An empty table in a heap.
    pub fn new(heap: Heap) -> Result<World, Error> {
        let table = heap.attach()?.scope(|s| s.alloc_array::<Node>(SLOTS).and_then(|table| Global::new(s, table)))?;
        Ok(World {
            heap,
            stop: AtomicBool::new(false),
            operations: AtomicU64::new(0),
            dead: AtomicU64::new(0),
            table,
            slots: (0..SLOTS).map(|_| Mutex::new(None)).collect(),
            parcels: Mutex::default(),
        })
    }

    /// Takes what is left, when the threads have ended, and closes the heap.
    ///
    /// # Panics
    /// When C still holds something.
    pub fn end(self) -> Result<(), Error> {
        let mut mutator = self.heap.attach()?;
        mutator.scope(|s| {
            for parcel in lock(&self.parcels).drain(..) {
                receive(s, parcel);
            }
            for (i, slot) in self.slots.iter().enumerate() {
                check(s.item(self.table.get(s), i), *lock(slot));
            }
            s.collect_full();
            take_dead(s, &self.dead);
        });
        assert_eq!(self.dead.load(Relaxed), self.heap.stats().dead_queued, "each dead object is delivered once");
        drop(mutator);
        let World { heap, table, .. } = self;
        drop(table);
        let report = heap.close()?;
        assert_eq!((report.objects, report.references), (0, 0), "what C still holds at the end");
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

/// A slot holds what it must.
fn check(node: Option<handfast::Ref<'_, Node>>, seed: Option<Seed>) {
    match (node, seed) {
        (Some(node), Some(seed)) => tree::verify(node, seed),
        (node, seed) => assert!(node.is_none() && seed.is_none(), "an empty slot, or one that should be: {seed:?}"),
    }
}

/// Checks a handle that came from another thread, and drops it.
fn receive(s: &Scope<'_>, Parcel { ob, seed }: Parcel) {
    // SAFETY: the parcel owned a count of an object of this heap.
    let handle = unsafe { PyRef::from_raw(s, ob) };
    let node = s.to_obj::<Node>(&handle).expect("a counted handle keeps its object");
    tree::verify(node, seed);
    assert_eq!(s.from_obj(node).map(|ob| ob.as_ptr()), Some(ob.as_ptr()), "one object, one handle");
}

/// Empties the dead queue, and counts what was in it.
fn take_dead(s: &Scope<'_>, dead: &AtomicU64) {
    while let Some(ob) = s.next_dead() {
        assert!(ob.is_unique(), "what comes out of the dead queue has one count and no link");
        assert!(s.to_obj::<Node>(&ob).is_none());
        dead.fetch_add(1, Relaxed);
    }
}

/// One thread's state; it outlives its attachments.
pub struct Worker<'w> {
    world: &'w World,
    random: u64,
    own: Option<Global<Array<Node>>>,
    slots: Vec<Option<Seed>>,
    /// Weak references, and what their objects are as long as they live.
    weak: VecDeque<(Weak<Node>, Seed)>,
}

impl<'w> Worker<'w> {
    /// A thread that has nothing yet.
    pub fn new(world: &'w World, seed: u64) -> Worker<'w> {
        Worker { world, random: mix(seed), own: None, slots: vec![None; SLOTS], weak: VecDeque::new() }
    }

    /// Works until told to stop.
    pub fn run(mut self) -> Result<(), Error> {
        while !self.world.stop.load(Relaxed) {
            let mut mutator = self.world.heap.attach()?;
            self.session(&mut mutator)?;
        }
        Ok(())
    }

    fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_add(1);
        mix(self.random)
    }

    /// One attachment. Half of them keep their own table private; it is a root of the thread then, and a global one in
    /// between.
    fn session(&mut self, mutator: &mut Mutator) -> Result<(), Error> {
        mutator.scope(|s| {
            let (own, mut handles) = (s.var::<Array<Node>>(), VecDeque::new());
            match self.own.take() {
                Some(table) => own.set(s, table.get(s)),
                None => {
                    let table = s.alloc_array(SLOTS)?;
                    own.set(s, table);
                }
            }
            for _ in 0..SESSION {
                if self.world.stop.load(Relaxed) {
                    break;
                }
                s.scope(|s| self.step(s, &own, &mut handles))?;
                self.world.operations.fetch_add(1, Relaxed);
            }
            let table = own.get(s).expect("set above");
            for (i, seed) in self.slots.iter().enumerate() {
                check(table.item(i), *seed);
            }
            if self.next().is_multiple_of(2) {
                self.own = Some(Global::new(s, table)?);
            } else {
                self.slots.fill(None);
            }
            Ok(())
        })
    }

    fn step(
        &mut self,
        s: &mut Scope<'_>,
        own: &handfast::Var<'_, Array<Node>>,
        handles: &mut VecDeque<(PyRef, Seed)>,
    ) -> Result<(), Error> {
        let random = self.next();
        let (i, k) = ((random >> 8) as usize % SLOTS, (random >> 24) as usize % SLOTS);
        let seed = Seed { number: random, depth: (random >> 40) as u32 % 5 };
        match random % 100 {
            0..=24 => {
                let node = tree::build(s, seed)?;
                s.set_item(own.get(s).expect("set"), i, node);
                self.slots[i] = Some(seed);
            }
            25..=39 => check(own.get(s).expect("set").item(i), self.slots[i]),
            40..=44 => {
                s.clear_item(own.get(s).expect("set"), i);
                self.slots[i] = None;
            }
            45..=49 => {
                let table = own.get(s).expect("set");
                if let Some(node) = table.item(i) {
                    s.set_item(table, k, node);
                    self.slots[k] = self.slots[i];
                }
            }
            50..=57 => {
                let node = tree::build(s, seed)?;
                let mut slot = lock(&self.world.slots[i]);
                s.set_item(self.world.table.get(s), i, node);
                *slot = Some(seed);
            }
            58..=65 => {
                let slot = lock(&self.world.slots[i]);
                check(s.item(self.world.table.get(s), i), *slot);
            }
            66..=67 => {
                let mut slot = lock(&self.world.slots[i]);
                s.clear_item(self.world.table.get(s), i);
                *slot = None;
            }
            68..=75 => self.handle(s, own, handles, random)?,
            76..=81 => self.send(s, own, random)?,
            82..=87 => {
                let parcel = lock(&self.world.parcels).pop_front();
                if let Some(parcel) = parcel {
                    receive(s, parcel);
                }
            }
            88..=91 => self.weak(s, i)?,
            92..=93 => tree::counted(s, random)?,
            94..=95 => self.dead(s)?,
            96 => s.collect_minor(),
            97 => s.native(|| std::thread::sleep(Duration::from_micros(random >> 32 & 127))),
            98 => s.safepoint(),
            _ if random >> 32 & 511 == 0 => s.collect_full(),
            _ => s.native(|| ()),
        }
        Ok(())
    }

    /// Makes a handle, or looks at one that it has: of a slot, or of a new tree that nothing else will hold.
    fn handle(
        &mut self,
        s: &mut Scope<'_>,
        own: &handfast::Var<'_, Array<Node>>,
        handles: &mut VecDeque<(PyRef, Seed)>,
        random: u64,
    ) -> Result<(), Error> {
        let i = (random >> 8) as usize % SLOTS;
        let flags = if random >> 60 & 1 == 0 { LinkFlags::LIGHT } else { LinkFlags::NONE };
        let size = 24 + (random >> 50 & 255) as usize;
        if let Some(seed) = self.slots[i] {
            let node = own.get(s).expect("set").item(i).expect("its seed is known");
            handles.push_back((s.handle(node, size, null_mut(), flags)?, seed));
        } else {
            let seed = Seed { number: random, depth: 2 };
            let node = tree::build(s, seed)?;
            let handle = s.handle(node, size, null_mut(), flags)?;
            if random >> 61 & 1 == 0 {
                handles.push_back((handle, seed));
            }
        }
        if handles.len() > KEPT {
            let (handle, seed) = handles.pop_front().expect("there are some");
            assert!(handle.refcnt() >= 1);
            tree::verify(s.to_obj(&handle).expect("a counted handle keeps its object"), seed);
        }
        Ok(())
    }

    /// Sends a handle to whichever thread takes it.
    fn send(&mut self, s: &mut Scope<'_>, own: &handfast::Var<'_, Array<Node>>, random: u64) -> Result<(), Error> {
        let i = (random >> 8) as usize % SLOTS;
        let Some(seed) = self.slots[i] else { return Ok(()) };
        let node = own.get(s).expect("set").item(i).expect("its seed is known");
        let handle = s.handle(node, 48, null_mut(), LinkFlags::NONE)?;
        let mut parcels = lock(&self.world.parcels);
        if parcels.len() < KEPT {
            let ob = NonNull::new(handle.into_raw()).expect("a PyObject's address");
            parcels.push_back(Parcel { ob, seed });
        }
        Ok(())
    }

    /// Makes a weak reference to what a slot of the shared table holds, and looks at an old one.
    fn weak(&mut self, s: &mut Scope<'_>, i: usize) -> Result<(), Error> {
        let slot = lock(&self.world.slots[i]);
        if let (Some(node), Some(seed)) = (s.item(self.world.table.get(s), i), *slot) {
            let weak = Weak::new(s, node)?;
            // The slot holds it still.
            tree::verify(weak.upgrade(s).expect("a weak reference to what is held"), seed);
            self.weak.push_back((weak, seed));
        }
        drop(slot);
        if self.weak.len() > KEPT {
            let (weak, seed) = self.weak.pop_front().expect("there are some");
            if let Some(node) = weak.upgrade(s) {
                tree::verify(node, seed);
            }
        }
        Ok(())
    }

    /// Takes from the dead queue; makes a `PyObject` without a GC side, and frees it.
    fn dead(&mut self, s: &mut Scope<'_>) -> Result<(), Error> {
        take_dead(s, &self.world.dead);
        let ob = s.pyobject(64, null_mut())?;
        let other = ob.clone();
        assert!(ob.refcnt() == 2 && !ob.is_unique());
        drop(other);
        assert!(ob.is_unique());
        Ok(())
    }
}
