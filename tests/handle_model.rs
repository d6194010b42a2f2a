//! Pairs of every kind, made, held, let go of and collected in random order, against a list of what must be alive: memory
//! of `PyObject`s is never given out twice, pairs die when they should, and dead ones are delivered once.
//!
//! Minor collections come when the model says so; in builds that collect at every allocation also there, and the model
//! looks what has become of its pairs.

use handfast::Config;
use handfast::raw::{self, Heap, LinkFlags, Mutator, Object, PyObject, TypeInfo};
use std::collections::{BTreeMap, BTreeSet};
use std::ptr::null_mut;

static SLOTTED: TypeInfo = TypeInfo::new("Slotted", 24).with_refs(&[0]).with_handle_slot(8);
static SLOTLESS: TypeInfo = TypeInfo::new("Slotless", 24).with_refs(&[0]);
static TABLE: TypeInfo = TypeInfo::new("Table", 0).with_ref_items();
const ROOM: usize = 600;

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

/// A pair, or a `PyObject` alone, as it must be.
#[derive(Clone, Copy, Debug)]
struct Pair {
    id: u64,
    size: usize,
    references: usize,
    /// Its place in the table, which keeps its object.
    place: Option<usize>,
    linked: bool,
    light: bool,
    young: bool,
    public: bool,
}

struct World {
    m: Mutator,
    table: *mut *mut Object,
    /// By address of the `PyObject`.
    pairs: BTreeMap<usize, Pair>,
    free: Vec<usize>,
    made: u64,
    /// Cycles that the model knows of.
    cycles: u64,
    random: Random,
}

/// How many steps a list has.
const STEPS: usize = if cfg!(gc_zeal) { 800 } else { 15_000 };

fn body<'a>(ob: usize, size: usize) -> &'a mut [u8] {
    // SAFETY: `ob` is alive and has `size` bytes; those behind the head are the test's.
    unsafe { std::slice::from_raw_parts_mut((ob as *mut u8).wrapping_add(24), size - 24) }
}

fn id(object: *mut Object) -> *mut u64 {
    // SAFETY: an address is computed; whoever reads it says why the object is alive.
    unsafe { raw::payload(object).cast::<u64>().wrapping_add(2) }
}

impl World {
    fn make(&mut self) {
        let random = &mut self.random;
        let size = [24, 25, 48, 48, 48, 64, 200, 9000][random.below(8)];
        let light = random.below(3) != 0;
        let flags = if light { LinkFlags::LIGHT } else { LinkFlags::NONE };
        let how = random.below(6);
        let ty = if random.below(2) == 0 { &SLOTTED } else { &SLOTLESS };
        let place = if how != 5 && random.below(4) == 0 { self.free.pop() } else { None };
        self.made += 1;
        // SAFETY: this thread's mutator; the object is not used after what may collect.
        unsafe {
            let object = self.m.alloc(ty);
            if cfg!(gc_zeal) {
                self.after_collection();
            }
            id(object).write(self.made);
            let ob = if how >= 4 {
                let ob = self.m.pyobject_new(size, null_mut());
                if how == 4 {
                    self.m.link_gc_owned(object, ob, flags).expect("both are new");
                }
                ob
            } else {
                self.m.handle(object, size, null_mut(), flags)
            };
            assert!(body(ob as usize, size).iter().all(|&b| b == 0), "zeroed");
            body(ob as usize, size).fill(self.made as u8 | 1);
            if let Some(place) = place {
                self.m.store(*self.table, place * 8, object);
            }
            let (linked, public) = (how != 5, self.m.is_public(object));
            let pair = Pair { id: self.made, size, references: 1, place, linked, light, young: !public, public };
            assert!(self.pairs.insert(ob as usize, pair).is_none(), "{ob:p} was given out twice");
        }
    }

    fn some(&mut self) -> Option<usize> {
        let n = self.random.below(self.pairs.len().max(1));
        self.pairs.keys().nth(n).copied()
    }

    fn check(&self, ob: usize, pair: Pair) {
        assert!(body(ob, pair.size).iter().all(|&b| b == pair.id as u8 | 1), "somebody wrote into {pair:?}");
        let address = ob as *mut PyObject;
        // SAFETY: alive, says the model.
        unsafe {
            assert_eq!(PyObject::refcnt(address), pair.references as isize, "{pair:?}");
            let object = self.m.to_obj(address);
            assert_eq!(!object.is_null(), pair.linked);
            if pair.linked {
                assert_eq!(id(object).read(), pair.id);
                assert_eq!(self.m.from_obj(object), address);
            }
            if let Some(place) = pair.place {
                assert_eq!(self.m.load(*self.table, place * 8), object);
            }
        }
    }

    /// A minor collection has come, and perhaps a cycle.
    fn after_collection(&mut self) {
        // SAFETY: this thread's mutator.
        let cycles = unsafe { self.m.heap() }.stats().cycles;
        if std::mem::replace(&mut self.cycles, cycles) == cycles {
            self.bury(|pair| pair.young && !pair.public);
        } else {
            self.bury(|_| true);
        }
    }

    /// What nothing keeps, of those that `looked_at` by a collection.
    fn bury(&mut self, looked_at: impl Fn(&Pair) -> bool) {
        let dies = |pair: &Pair| pair.linked && pair.references == 0 && pair.place.is_none() && looked_at(pair);
        let dead: BTreeMap<usize, Pair> = self.pairs.iter().filter(|(_, p)| dies(p)).map(|(&a, &p)| (a, p)).collect();
        self.pairs.retain(|ob, _| !dead.contains_key(ob));
        for (&ob, pair) in &mut self.pairs {
            // With patience, some wait.
            // SAFETY: alive, says the model.
            pair.young = pair.young && pair.linked && unsafe { self.m.is_young(self.m.to_obj(ob as *mut PyObject)) };
        }
        // SAFETY: this thread's mutator, as below.
        let heap = unsafe { self.m.heap() };
        let mut delivered = BTreeSet::new();
        loop {
            let ob = heap.next_dead();
            if ob.is_null() {
                break;
            }
            assert!(delivered.insert(ob as usize), "{ob:p} was delivered twice");
            let pair = dead[&(ob as usize)];
            assert!(body(ob as usize, pair.size).iter().all(|&b| b == pair.id as u8 | 1), "{pair:?}");
        }
        let queued: BTreeSet<usize> = dead.iter().filter(|(_, pair)| !pair.light).map(|(&ob, _)| ob).collect();
        assert_eq!(delivered, queued);
        // SAFETY: delivered once, and freed once.
        delivered.iter().for_each(|&ob| unsafe { PyObject::free(ob as *mut PyObject) });
        assert_eq!(heap.stats().links, self.pairs.values().filter(|pair| pair.linked).count() as u64);
    }

    fn step(&mut self) {
        match self.random.below(1000) {
            0..500 => self.make(),
            500..510 => {
                // SAFETY: this thread's mutator.
                unsafe { self.m.collect_minor() };
                self.after_collection();
            }
            510..512 => {
                // SAFETY: this thread's mutator.
                unsafe { self.m.collect_full() };
                self.after_collection();
                // SAFETY: as above.
                unsafe { self.m.heap().verify() }.expect("a sound heap");
            }
            choice => {
                let Some(ob) = self.some() else { return };
                let mut pair = self.pairs[&ob];
                let reachable = pair.references != 0 || pair.place.is_some();
                if !reachable {
                    return;
                }
                self.check(ob, pair);
                let address = ob as *mut PyObject;
                // SAFETY: alive, says the model.
                unsafe {
                    match choice {
                        512..600 => {
                            PyObject::incref(address);
                            pair.references += 1;
                        }
                        600..900 if pair.references != 0 => {
                            PyObject::decref(address);
                            pair.references -= 1;
                            if !pair.linked && pair.references == 0 {
                                self.pairs.remove(&ob);
                                return;
                            }
                        }
                        900..980 => {
                            if let Some(place) = pair.place.take() {
                                self.m.store(*self.table, place * 8, null_mut());
                                self.free.push(place);
                            }
                        }
                        980.. if pair.linked => {
                            self.m.publish(self.m.to_obj(address));
                            pair.public = true;
                        }
                        _ => {}
                    }
                }
                self.pairs.insert(ob, pair);
            }
        }
    }
}

fn run(seed: u64, link_patience: u32, copies: Option<u64>) {
    // No minor but those of the steps: a nursery that they never fill.
    let (nursery_bytes, max_heap_bytes) = (8 << 20, 256 << 20);
    let config = Config { gc_threads: 0, nursery_bytes, max_heap_bytes, link_patience, ..Config::default() };
    let heap = Heap::new(&config).unwrap();
    heap.copy_at_most(copies);
    let m = heap.attach().unwrap();
    // SAFETY: this thread's mutator; the table is rooted.
    let table = unsafe { m.root(m.alloc_items(&TABLE, ROOM)) };
    let (pairs, free) = (BTreeMap::new(), (0..ROOM).collect());
    let mut world = World { m, table, pairs, free, made: 0, cycles: heap.stats().cycles, random: Random(seed) };
    for _ in 0..STEPS {
        world.step();
    }
    for (&ob, &pair) in world.pairs.iter().filter(|(_, pair)| pair.references != 0 || pair.place.is_some()) {
        world.check(ob, pair);
    }
    // Everything is let go of, and nothing is left.
    // SAFETY: this thread's mutator; the references that the model counts.
    unsafe {
        world.table.write(null_mut());
        for (&ob, pair) in &mut world.pairs {
            (0..std::mem::take(&mut pair.references)).for_each(|_| PyObject::decref(ob as *mut PyObject));
            pair.place = None;
        }
        world.pairs.retain(|_, pair| pair.linked);
        m.collect_full();
        world.bury(|_| true);
        assert!(world.pairs.is_empty());
        m.detach();
    }
    assert_eq!(heap.close().unwrap().objects, 0);
}

#[test]
fn random_pairs_agree_with_a_model() {
    for seed in [1, 77, 4242, 99_999] {
        run(seed, 0, None);
    }
}

#[test]
fn pairs_that_wait_agree_with_a_model() {
    for (seed, patience) in [(3, 1), (88, 2), (5555, 7), (123_456, 4)] {
        run(seed, patience, None);
    }
}

#[test]
fn pairs_of_minors_whose_time_is_up_agree_with_a_model() {
    for (copies, patience) in [(0, 0), (1, 3), (5, 0), (12, 1)] {
        run(31 + copies, patience, Some(copies));
    }
}

/// A slot that is given out, freed by itself and given out again before the minor comes is freed once by that minor.
#[test]
fn a_slot_used_twice_between_two_minors_is_freed_once() {
    let heap = Heap::new(&Config { gc_threads: 0, nursery_bytes: 8 << 20, ..Config::default() }).unwrap();
    let m = heap.attach().unwrap();
    // SAFETY: this thread's mutator, and its objects and references.
    unsafe {
        let pair = || m.handle(m.alloc(&SLOTTED), 48, null_mut(), LinkFlags::LIGHT);
        let rounds: &[usize] = if cfg!(gc_zeal) { &[700] } else { &[0, 700, 1360] };
        for &alone in rounds {
            // Slots of one page, or two.
            let mut obs: Vec<_> = (0..alone).map(|_| pair()).collect();
            let ob = m.pyobject_new(48, null_mut());
            obs.extend((alone..1360).map(|_| pair()));
            PyObject::decref(ob);
            // One that is linked later is found in two ways.
            let linked = m.pyobject_new(48, null_mut());
            assert!(m.link_gc_owned(m.alloc(&SLOTTED), linked, LinkFlags::LIGHT).is_ok());
            obs.push(linked);
            // One that no other object of C takes comes again in a span of pairs.
            let ob = m.pyobject_new(48, null_mut());
            obs.extend((0..1360).map(|_| pair()));
            PyObject::decref(ob);
            let others: Vec<_> = (0..3000).map(|_| pair()).collect();
            assert!(cfg!(any(feature = "debug", gc_zeal)) || others.contains(&ob), "the slot was used again");
            obs.into_iter().chain(others).for_each(|ob| PyObject::decref(ob));
            // Where every allocation collects, most were held over a minor, and are old.
            if cfg!(gc_zeal) {
                m.collect_full()
            } else {
                m.collect_minor()
            }
            assert_eq!(heap.stats().links, 0);
            let obs: Vec<_> = (0..5000).map(|_| pair()).collect();
            assert_eq!(obs.iter().collect::<BTreeSet<_>>().len(), obs.len(), "an address was given out twice");
            obs.into_iter().for_each(|ob| PyObject::decref(ob));
            m.collect_minor();
        }
        m.detach();
    }
}
