//! W5: a table of 112-byte objects, filled; then slots at random get new objects. On one thread; on two, with a table each
//! or with one that both share. A tick is sixteen replacements; gaps, like times, are of the replacements alone, on every system.
//! The limits write into the objects that are there, or replace numbers and nothing else: what gaps those have, the machine
//! makes. Handfast's pause target is 0.3 ms on one thread: its gaps are to stay below a millisecond. On two threads what counts
//! is throughput: with a mutator on each of two cores, whoever marks takes a core from one of them, and no pause can be
//! promised.

use crate::gaps::Gaps;
use crate::interruptions::Interruptions;
use crate::outcome::Outcome;
use crate::own::Own;
use crate::row::{Sample, timed};
use crate::workload::Scale;
use handfast::raw::{self, Mutator, Object, TypeInfo};
use handfast::{Array, Config, Field, Heap, Local, Scope, Trace};
use std::cell::Cell;
use std::sync::Barrier;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

static TABLE: TypeInfo = TypeInfo::new("bench::Table", 0).with_ref_items();
/// 112 bytes with the header: a reference and twelve words.
pub static ENTRY: TypeInfo = TypeInfo::new("bench::Entry", 104).with_refs(&[0]);
const IN_PLACE: &str = "written in place";
const IN_PLACE_ALONE: &str = "written in place, one thread";
/// What sixteen replacements take at least in the row that does next to nothing.
const TICK: Duration = Duration::from_micros(4);

/// The systems.
pub fn own() -> Vec<Own> {
    let full = |run: fn(usize, u64, usize) -> Outcome| {
        move |scale: Scale| run(scale.table().0, scale.table().1, scale.table_limit())
    };
    vec![
        Own::handfast(
            "w5",
            "handfast raw",
            IN_PLACE,
            full(|n, turns, limit| on_raw(n, turns, &crate::prompt(limit), 1)),
        ),
        Own::handfast(
            "w5",
            "handfast raw, memory touched",
            IN_PLACE,
            full(|n, turns, limit| on_raw(n, turns, &touched(limit), 1)),
        ),
        Own::handfast("w5", "handfast typed", IN_PLACE, full(on_typed)),
        Own::limit("w5", IN_PLACE, full(|n, turns, _| in_place(n, turns, 1))),
        Own::limit("w5", "numbers alone, 4 us a tick", full(|n, turns, _| numbers_alone(n, turns))),
        Own::handfast(
            "w5x2",
            "handfast raw",
            IN_PLACE,
            full(|n, turns, limit| on_raw(n, turns, &crate::config(limit), 2)),
        ),
        Own::limit("w5x2", IN_PLACE, full(|n, turns, _| in_place(n, turns, 2))),
        Own::handfast("w5s2", "handfast raw", IN_PLACE, full(|n, turns, limit| on_shared(n, turns, limit, 2))),
        Own::handfast(
            "w5s2",
            "handfast raw, one thread",
            IN_PLACE_ALONE,
            full(|n, turns, limit| on_shared(n, turns, limit, 1)),
        ),
        Own::limit("w5s2", IN_PLACE, full(|n, turns, _| in_place_shared(n, turns, 2))),
        Own::limit("w5s2", IN_PLACE_ALONE, full(|n, turns, _| in_place_shared(n, turns, 1))),
        Own::handfast("by-heap", "handfast raw", "", |scale: Scale| {
            let (n, turns) = scale.small_table();
            on_raw(n, turns, &crate::prompt(scale.x as usize), 1)
        }),
    ]
}

/// The numbers that choose slots: the same on every system.
pub struct Random(u64);

impl Random {
    /// For a table of this size.
    pub fn new(slots: usize) -> Random {
        Random(88_172_645_463_325_252 + slots as u64)
    }

    /// A slot.
    #[inline(always)]
    pub fn slot(&mut self, slots: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 20) % slots as u64) as usize
    }
}

/// With all memory touched when the heap is made. It is held anyway, so cycles may as well begin when the limit is near.
fn touched(limit: usize) -> Config {
    crate::settings::adjusted(Config { touch_memory: true, growth_percent: 300, ..crate::prompt(limit) })
}

/// With nurseries of 2 MiB. What is published there does not make them grow, and two threads gain a little more than with one.
fn shared(limit: usize) -> Config {
    crate::settings::adjusted(Config { nursery_bytes: 2 << 20, ..crate::config(limit) })
}

/// What threads have done together.
struct Together {
    sample: Sample,
    gaps: Gaps,
    interruptions: Interruptions,
    sum: u64,
}

/// Runs `fill` and then `replace` on each thread; what counts is from when all have filled until all are done.
fn on_threads(threads: usize, fill_and_replace: impl Fn(usize, &dyn Fn(), &mut Gaps) -> u64 + Sync) -> Together {
    let (filled, done) = (Barrier::new(threads + 1), Barrier::new(threads + 1));
    thread::scope(|s| {
        let (filled, done, work) = (&filled, &done, &fill_and_replace);
        let workers: Vec<_> = (0..threads)
            .map(|number| {
                s.spawn(move || {
                    let mut gaps = Gaps::new();
                    let before = Cell::new(Interruptions::default());
                    let ready = || {
                        filled.wait();
                        before.set(Interruptions::now());
                    };
                    let sum = work(number, &ready, &mut gaps);
                    let interruptions = Interruptions::now() - before.get();
                    done.wait();
                    (gaps, interruptions, sum)
                })
            })
            .collect();
        filled.wait();
        let sample = timed(|| done.wait());
        let mut workers = workers.into_iter().map(|worker| worker.join().expect("a worker"));
        let (gaps, interruptions, sum) = workers.next().expect("a thread");
        let mut all = Together { sample, gaps, interruptions, sum };
        for (gaps, interruptions, sum) in workers {
            all.gaps.merge(&gaps);
            all.interruptions = all.interruptions + interruptions;
            all.sum += sum;
        }
        all
    })
}

/// An object whose words all say `value`.
///
/// # Safety
/// The calling thread's mutator. May collect.
#[inline(always)]
pub unsafe fn entry(m: Mutator, value: u64) -> *mut Object {
    // SAFETY: [X1] all of the payload is written at once.
    unsafe {
        let entry = m.alloc_uninit(&ENTRY);
        assert!(!entry.is_null(), "out of memory");
        let words = raw::payload(entry).cast::<u64>();
        words.write(0);
        for i in 1..13 {
            words.add(i).write(value);
        }
        entry
    }
}

/// A rooted table with all its objects.
///
/// # Safety
/// The calling thread's mutator. May collect.
pub unsafe fn filled(m: Mutator, slots: usize) -> *mut *mut Object {
    // SAFETY: [X1] the table is rooted over the allocations.
    unsafe {
        let table = m.root(m.alloc_items(&TABLE, slots));
        assert!(!(*table).is_null(), "out of memory");
        for i in 0..slots {
            let entry = entry(m, i as u64);
            m.store(*table, i * 8, entry);
        }
        table
    }
}

/// Replaces objects at random; the sum of what they said.
///
/// # Safety
/// As [`filled`]; `table` is a root.
pub unsafe fn replace(m: Mutator, table: *mut *mut Object, slots: usize, turns: u64, mut tick: impl FnMut()) -> u64 {
    let (mut random, mut sum) = (Random::new(slots), 0u64);
    for turn in 0..turns {
        let at = random.slot(slots) * 8;
        // SAFETY: [X1] this thread's mutator; the table is rooted.
        unsafe {
            let new = entry(m, turn);
            let old = m.load(*table, at);
            sum = sum.wrapping_add(raw::payload(old).cast::<u64>().add(1).read());
            m.store(*table, at, new);
        }
        if turn % 16 == 15 {
            tick();
        }
    }
    sum
}

fn on_raw(slots: usize, turns: u64, config: &Config, threads: usize) -> Outcome {
    let heap = raw::Heap::new(config).expect("heap");
    let (slots, each) = (slots / threads, turns / threads as u64);
    let all = on_threads(threads, |_, ready, gaps| {
        let m = heap.attach().expect("attach");
        // SAFETY: [X1] this thread's mutator; the table is rooted.
        unsafe {
            let table = filled(m, slots);
            m.native_enter();
            ready();
            m.native_leave();
            *gaps = Gaps::new();
            let sum = replace(m, table, slots, each, || gaps.tick());
            m.detach();
            sum
        }
    });
    Outcome::new(all.sample, turns).sum(all.sum).gaps(all.gaps).stats(heap.stats()).more(all.interruptions.words())
}

fn on_shared(slots: usize, turns: u64, limit: usize, threads: usize) -> Outcome {
    let heap = raw::Heap::new(&shared(limit)).expect("heap");
    let m = heap.attach().expect("attach");
    let each = turns / threads as u64;
    // SAFETY: [X1] this thread's mutator; the global root makes the table public.
    let global = unsafe {
        let global = m.global_new(*filled(m, slots)) as usize;
        m.native_enter();
        global
    };
    let all = on_threads(threads, |number, ready, gaps| {
        let m = heap.attach().expect("attach");
        // SAFETY: [X1] this thread's mutator; the table is rooted here as well.
        unsafe {
            let table = m.root(m.global_get(global as *mut raw::GlobalCell));
            m.native_enter();
            ready();
            m.native_leave();
            *gaps = Gaps::new();
            let (mut random, mut sum) = (Random::new(slots + number), 0u64);
            for turn in 0..each {
                let at = random.slot(slots) * 8;
                let new = entry(m, turn);
                let old = m.load(*table, at);
                sum = sum.wrapping_add(raw::payload(old).cast::<u64>().add(1).read());
                m.store(*table, at, new);
                if turn % 16 == 15 {
                    gaps.tick();
                }
            }
            m.detach();
            sum
        }
    });
    // SAFETY: [X1] this thread's mutator and its global.
    unsafe {
        m.native_leave();
        m.global_free(global as *mut raw::GlobalCell);
        m.detach();
    }
    Outcome::new(all.sample, turns).gaps(all.gaps).stats(heap.stats()).more(all.interruptions.words())
}

/// The object in the typed layer. Rust would put `link` last, in another line of the cache than the header: whoever marks or
/// moves such an object would wait twice.
#[derive(Trace)]
#[repr(C)]
struct Entry {
    link: Field<Entry>,
    values: [u64; 12],
}

impl Entry {
    fn new(value: u64) -> Entry {
        Entry { link: Field::null(), values: [value; 12] }
    }
}

fn on_typed(slots: usize, turns: u64, limit: usize) -> Outcome {
    let heap = Heap::new(crate::prompt(limit)).expect("heap");
    let mut mutator = heap.attach().expect("attach");
    let (sample, gaps, interruptions, sum) = mutator.scope(|s| {
        let table = s.alloc_array::<Entry>(slots).expect("out of memory");
        let new = s.var::<Entry>();
        for i in 0..slots {
            new.alloc(s, Entry::new(i as u64)).expect("out of memory");
            s.set_item(table, i, new.get(s));
        }
        let before = Interruptions::now();
        let (mut sum, mut gaps) = (0, Gaps::new());
        let sample = timed(|| sum = typed_replace(s, table, slots, turns, || gaps.tick()));
        (sample, gaps, Interruptions::now() - before, sum)
    });
    Outcome::new(sample, turns).sum(sum).gaps(gaps).stats(heap.stats()).more(interruptions.words())
}

/// As [`replace`], through the typed layer.
fn typed_replace(
    s: &mut Scope<'_>,
    table: Local<'_, Array<Entry>>,
    slots: usize,
    turns: u64,
    mut tick: impl FnMut(),
) -> u64 {
    let (mut random, mut sum) = (Random::new(slots), 0u64);
    let new = s.var::<Entry>();
    for turn in 0..turns {
        let at = random.slot(slots);
        new.alloc(s, Entry::new(turn)).expect("out of memory");
        sum = sum.wrapping_add(s.item(table, at).expect("filled").values[0]);
        s.set_item(table, at, new.get(s));
        if turn % 16 == 15 {
            tick();
        }
    }
    sum
}

fn in_place(slots: usize, turns: u64, threads: usize) -> Outcome {
    let (slots, each) = (slots / threads, turns / threads as u64);
    let all = on_threads(threads, |_, ready, gaps| {
        let mut table: Vec<Box<[u64; 14]>> = (0..slots).map(|i| Box::new([i as u64; 14])).collect();
        ready();
        *gaps = Gaps::new();
        let (mut random, mut sum) = (Random::new(slots), 0u64);
        for turn in 0..each {
            let entry = &mut table[random.slot(slots)];
            sum = sum.wrapping_add(entry[3]);
            **entry = [turn; 14];
            if turn % 16 == 15 {
                gaps.tick();
            }
        }
        sum
    });
    Outcome::new(all.sample, turns).sum(all.sum).gaps(all.gaps).more(all.interruptions.words())
}

/// One table, whose objects each thread writes: words of both may end up in one object.
fn in_place_shared(slots: usize, turns: u64, threads: usize) -> Outcome {
    let table: Vec<Box<[AtomicU64; 14]>> =
        (0..slots).map(|i| Box::new(std::array::from_fn(|_| AtomicU64::new(i as u64)))).collect();
    let each = turns / threads as u64;
    let all = on_threads(threads, |number, ready, gaps| {
        ready();
        *gaps = Gaps::new();
        let (mut random, mut sum) = (Random::new(slots + number), 0u64);
        for turn in 0..each {
            let entry = &table[random.slot(slots)];
            sum = sum.wrapping_add(entry[3].load(Relaxed));
            entry.iter().for_each(|word| word.store(turn, Relaxed));
            if turn % 16 == 15 {
                gaps.tick();
            }
        }
        sum
    });
    Outcome::new(all.sample, turns).gaps(all.gaps).more(all.interruptions.words())
}

/// For as long as the others take or so, so that as much can happen.
fn numbers_alone(slots: usize, turns: u64) -> Outcome {
    let mut table: Vec<u32> = (0..slots as u32).collect();
    let before = Interruptions::now();
    let (mut random, mut sum, mut gaps) = (Random::new(slots), 0u64, Gaps::new());
    let mut last = Instant::now();
    let sample = timed(|| {
        for turn in 0..turns {
            sum += u64::from(std::mem::replace(&mut table[random.slot(slots)], turn as u32));
            if turn % 16 == 15 {
                while last.elapsed() < TICK {
                    std::hint::spin_loop();
                }
                last = Instant::now();
                gaps.tick();
            }
        }
    });
    let interruptions = Interruptions::now() - before;
    Outcome::new(sample, turns).sum(sum).gaps(gaps).more(interruptions.words())
}
