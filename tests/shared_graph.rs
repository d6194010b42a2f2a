//! Threads that mutate one shared graph, and private ones beside it, while cycles run back to back.
//!
//! Every object carries its number, a serial and a check word over both; an object that was freed and used again shows
//! as a wrong word. What a thread knows to be reachable, it verifies:
//! - its private ring: a list whose numbers it keeps in a plain vector, exactly;
//! - the shared table: slot `i` holds null or a chain of objects of *partition* `i`, whose heads are also kept in a plain
//!   mutexed table: who replaces a head does both under the lock, so the two agree exactly;
//! - swaps between unlocked slots: the numbers that go round there are only ever swapped, so at the end each is there
//!   exactly once.
//!
//! `HANDFAST_STRESS_SECONDS` sets how long each of the three settings runs; 5 without it.
//!
//! Why the unsafe blocks are sound: a mutator is used by the thread that attached it, and while it runs; an object is in a
//! root slot, or was made or read since the last call that may collect. "The rule above" means this.

mod support;

use handfast::Config;
use handfast::raw::{self, GlobalCell, Heap, Mutator, Object, TypeInfo, WeakCell};
use std::ptr::null_mut;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// Two references, number, serial, check word.
static NODE: TypeInfo = TypeInfo::new("Node", 40).with_refs(&[0, 8]);
static TABLE: TypeInfo = TypeInfo::new("Table", 0).with_ref_items();

const LOCKED: usize = 64;
const SWAPPED: usize = 64;
const THREADS: usize = 4;
const CHAIN: usize = 5;

fn check_word(id: u64, serial: u64) -> u64 {
    (id ^ serial.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

unsafe fn word(object: *mut Object, i: usize) -> *mut u64 {
    // SAFETY: the rule above.
    unsafe { raw::payload(object).cast::<u64>().add(i) }
}

unsafe fn node(m: Mutator, id: u64, serial: u64) -> *mut Object {
    // SAFETY: the rule above.
    unsafe {
        let object = m.alloc(&NODE);
        assert!(!object.is_null(), "out of memory");
        word(object, 2).write(id);
        word(object, 3).write(serial);
        word(object, 4).write(check_word(id, serial));
        object
    }
}

unsafe fn verify(object: *mut Object) -> (u64, u64) {
    // SAFETY: the rule above.
    unsafe {
        let (id, serial) = (word(object, 2).read(), word(object, 3).read());
        assert_eq!(word(object, 4).read(), check_word(id, serial), "{object:p} is no node any more");
        (id, serial)
    }
}

struct Rng(u64);

impl Rng {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

/// What all threads share.
struct World {
    heap: Heap,
    table: *mut GlobalCell,
    /// Serial of the chain in each locked slot; 0: null.
    serials: Vec<Mutex<u64>>,
    weaks: Vec<(*mut WeakCell, u64)>,
    next: AtomicU64,
    end: Instant,
}

// SAFETY: cells have stable addresses, and any attached thread may use them.
unsafe impl Sync for World {}

/// One thread's view.
struct Worker<'a> {
    world: &'a World,
    m: Mutator,
    rng: Rng,
    /// Its private list, newest first, and what must be in it.
    list: *mut *mut Object,
    known: Vec<u64>,
}

impl Worker<'_> {
    unsafe fn table(&self) -> *mut Object {
        // SAFETY: the rule above.
        unsafe { self.m.global_get(self.world.table) }
    }

    /// Replaces the chain of a locked slot by a fresh, private one.
    unsafe fn replace(&mut self) {
        let i = self.rng.below(LOCKED);
        let serial = self.world.next.fetch_add(1, Relaxed);
        // SAFETY: the rule above.
        unsafe {
            let scope = self.m.scope_open();
            let head = self.m.root(null_mut());
            for k in 0..CHAIN as u64 {
                let new = node(self.m, (i as u64) << 8 | k, serial);
                self.m.store(new, 0, *head);
                *head = new;
            }
            // No safepoint under the lock: a waiting thread is at none either.
            {
                let mut expected = self.world.serials[i].lock().unwrap();
                self.check_chain(i, *expected);
                let new = if serial.is_multiple_of(7) { null_mut() } else { *head };
                self.m.store(self.table(), 8 * i, new);
                *expected = if new.is_null() { 0 } else { serial };
            }
            self.m.scope_close(scope);
        }
    }

    /// The chain of slot `i`, whose lock is held.
    unsafe fn check_chain(&self, i: usize, serial: u64) {
        // SAFETY: the rule above.
        unsafe {
            let mut object = self.m.load(self.table(), 8 * i);
            assert_eq!(object.is_null(), serial == 0, "slot {i}");
            for k in (0..CHAIN as u64).rev() {
                if serial != 0 {
                    assert_eq!(verify(object), ((i as u64) << 8 | k, serial), "slot {i}");
                    object = self.m.load(object, 0);
                }
            }
            assert!(object.is_null());
        }
    }

    /// Exchanges what two slots hold by way of a private object, without any lock: each number stays where some thread
    /// holds it. Two slots of one partition are only ever touched by their own thread, so nothing is lost.
    unsafe fn swap(&mut self, me: usize) {
        let own = SWAPPED / THREADS;
        let (a, b) = (LOCKED + me * own + self.rng.below(own), LOCKED + me * own + self.rng.below(own));
        // SAFETY: the rule above.
        unsafe {
            let table = self.table();
            let (x, y) = (self.m.load(table, 8 * a), self.m.load(table, 8 * b));
            self.m.store(table, 8 * a, y);
            self.m.store(table, 8 * b, x);
            verify(x);
            verify(y);
        }
    }

    /// Hangs public objects of other partitions into each other: no order, only deletion and insertion.
    unsafe fn tangle(&mut self) {
        // SAFETY: the rule above.
        unsafe {
            let table = self.table();
            let a = self.m.load(table, 8 * (LOCKED + self.rng.below(SWAPPED)));
            let b = self.m.load(table, 8 * (LOCKED + self.rng.below(SWAPPED)));
            verify(a);
            let before = self.m.load(a, 8);
            if !before.is_null() {
                verify(before);
            }
            // A public object, or a fresh private one that refers to it and to what is overwritten.
            if self.rng.below(2) == 0 {
                self.m.store(a, 8, b);
            } else {
                let scope = self.m.scope_open();
                let (a, b) = (self.m.root(a), self.m.root(b));
                let new = node(self.m, 1 << 40, 1);
                self.m.store(new, 0, self.m.load(*a, 8));
                self.m.store(new, 8, *b);
                // Not longer and longer.
                let old = self.m.load(new, 0);
                if !old.is_null() && self.rng.below(4) == 0 {
                    self.m.store(new, 0, null_mut());
                }
                self.m.store(*a, 8, new);
                self.m.scope_close(scope);
            }
        }
    }

    unsafe fn private(&mut self) {
        // SAFETY: the rule above.
        unsafe {
            if self.known.len() > 200 {
                // Cuts the list in the middle: half of it dies, some of it old.
                let keep = self.rng.below(100);
                let mut object = *self.list;
                for _ in 1..keep {
                    object = self.m.load(object, 0);
                }
                if keep == 0 {
                    *self.list = null_mut();
                    self.known.clear();
                } else {
                    self.m.store(object, 0, null_mut());
                    self.known.drain(..self.known.len() - keep);
                }
            }
            let serial = self.world.next.fetch_add(1, Relaxed);
            let new = node(self.m, 2 << 40, serial);
            self.m.store(new, 0, *self.list);
            let shared = self.m.load(self.table(), 8 * (LOCKED + self.rng.below(SWAPPED)));
            self.m.store(new, 8, shared);
            *self.list = new;
            self.known.push(serial);
        }
    }

    unsafe fn check_private(&self) {
        // SAFETY: the rule above.
        unsafe {
            let mut object = *self.list;
            for &serial in self.known.iter().rev() {
                assert_eq!(verify(object), (2 << 40, serial));
                verify(self.m.load(object, 8));
                object = self.m.load(object, 0);
            }
            assert!(object.is_null());
        }
    }

    /// Weak references: to objects that live as long as the test, and to chains that come and go.
    unsafe fn weak(&mut self) {
        // SAFETY: the rule above.
        unsafe {
            let (cell, id) = self.world.weaks[self.rng.below(self.world.weaks.len())];
            let object = self.m.weak_get(cell);
            assert!(!object.is_null(), "the weak reference to {id} was cleared");
            assert_eq!(verify(object).0, id);
            let scope = self.m.scope_open();
            let i = self.rng.below(LOCKED);
            let object = self.m.root(self.m.load(self.table(), 8 * i));
            if !object.is_null() && !(*object).is_null() {
                let before = verify(*object);
                let cell = self.m.weak_new(*object);
                *object = null_mut();
                for _ in 0..self.rng.below(400) {
                    node(self.m, 3 << 40, 0);
                }
                let found = self.m.weak_get(cell);
                if !found.is_null() {
                    assert_eq!(verify(found), before);
                    // What was found again is as alive as anything: it can be published anew.
                    *object = found;
                    let table = self.table();
                    let holder = self.m.load(table, 8 * (LOCKED + self.rng.below(SWAPPED)));
                    self.m.store(holder, 0, found);
                }
                self.m.weak_free(cell);
            }
            self.m.scope_close(scope);
        }
    }

    unsafe fn run(&mut self, me: usize, collects: bool) {
        let mut steps = 0u64;
        while Instant::now() < self.world.end {
            // SAFETY: the rule above.
            unsafe {
                match self.rng.below(100) {
                    0..30 => self.replace(),
                    30..50 => self.swap(me),
                    50..70 => self.tangle(),
                    70..90 => self.private(),
                    90..96 => self.weak(),
                    96 => self.m.collect_minor(),
                    97 => {
                        self.m.native_enter();
                        thread::yield_now();
                        self.m.native_leave();
                    }
                    98 => self.check_private(),
                    _ => self.reattach(),
                }
                steps += 1;
                if collects && steps.is_multiple_of(64) {
                    self.m.collect_full();
                    self.check_private();
                }
                self.m.safepoint();
            }
        }
        // SAFETY: the rule above.
        unsafe { self.check_private() };
    }

    unsafe fn reattach(&mut self) {
        // SAFETY: the rule above.
        unsafe {
            self.check_private();
            self.m.detach();
            self.m = self.world.heap.attach().unwrap();
            self.list = self.m.root(null_mut());
        }
        self.known.clear();
    }
}

fn stress(gc_threads: u32) {
    let config = Config {
        gc_threads,
        nursery_bytes: 128 << 10,
        max_heap_bytes: 256 << 20,
        growth_percent: 10,
        min_trigger_bytes: 64 << 10,
        reserve_bytes: 0,
        ..Config::default()
    };
    let heap = Heap::new(&config).unwrap();
    let m = heap.attach().unwrap();
    let mut world = World {
        // SAFETY: the rule above.
        table: unsafe { m.global_new(m.alloc_items(&TABLE, LOCKED + SWAPPED)) },
        serials: (0..LOCKED).map(|_| Mutex::new(0)).collect(),
        weaks: vec![],
        next: AtomicU64::new(1),
        end: Instant::now() + Duration::from_secs(support::seconds("HANDFAST_STRESS_SECONDS", 5)),
        heap,
    };
    // SAFETY: the rule above.
    unsafe {
        for id in 0..SWAPPED as u64 {
            let object = node(m, 4 << 40 | id, id);
            m.store(m.global_get(world.table), 8 * (LOCKED + id as usize), object);
            world.weaks.push((m.weak_new(object), 4 << 40 | id));
        }
        m.native_enter();
    }
    thread::scope(|scope| {
        for me in 0..THREADS {
            let world = &world;
            scope.spawn(move || {
                let m = world.heap.attach().unwrap();
                // SAFETY: the rule above.
                let list = unsafe { m.root(null_mut()) };
                let mut worker = Worker { world, m, rng: Rng(me as u64 + 1), list, known: vec![] };
                // With collector threads one mutator asks for cycle after cycle; without, two collect on demand.
                // SAFETY: the rule above.
                unsafe { worker.run(me, me == 0 || gc_threads == 0 && me == 1) };
                // SAFETY: the rule above.
                unsafe { worker.m.detach() };
            });
        }
    });
    // SAFETY: the rule above.
    unsafe {
        m.native_leave();
        m.collect_full();
        let worker = Worker { world: &world, m, rng: Rng(1), list: m.root(null_mut()), known: vec![] };
        for i in 0..LOCKED {
            worker.check_chain(i, *world.serials[i].lock().unwrap());
        }
        let mut ids: Vec<u64> =
            (0..SWAPPED).map(|i| verify(m.load(worker.table(), 8 * (LOCKED + i))).0 & 0xFF_FFFF).collect();
        ids.sort_unstable();
        assert!(ids.iter().copied().eq(0..SWAPPED as u64), "{ids:?}");
        world.heap.verify().unwrap();
        let stats = world.heap.stats();
        assert!(stats.cycles > 3, "too little happened: {stats:?}");
        m.detach();
    }
}

#[test]
fn one_collector_thread() {
    support::fail_fast();
    stress(1);
}

#[test]
fn two_collector_threads() {
    support::fail_fast();
    stress(2);
}

#[test]
fn on_demand_by_mutators() {
    support::fail_fast();
    stress(0);
}
