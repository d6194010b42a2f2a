//! W2 to W5 on MMTk.
//!
//! usage: `handfast-peer-mmtk PLAN HEAP_MIB WORKLOAD THREADS` with the workloads `w2 OBJECTS`, `w3 DEPTH`, `w4 SHRINK`,
//! `w5 SLOTS TURNS`, `w5c` (the table is cut into arrays of a thousand slots) and `w5s` (that table is shared).
//!
//! Objects begin with a word for their size and number of references and one for forwarding. Addresses are read back from
//! the shadow stack after whatever may collect: allocation and polls.

#[path = "../../gaps.rs"]
mod gaps;
mod vm;

use gaps::{cpu, random_slot, random_start, Gaps};
use mmtk::memory_manager;
use mmtk::util::opaque_pointer::VMThread;
use std::hint::black_box;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Barrier;
use std::time::Instant;
use vm::{Ctx, Vm, INSTANCE, PAUSES};

type Object = *mut usize;

/// Slots of one array of a cut table.
const CHUNK: usize = 1024;
/// Slots of an array that is a large object under every plan.
const LARGE: usize = 8192;

#[inline(always)]
unsafe fn node(c: &mut Ctx, left: Object, right: Object) -> Object {
    let p = c.alloc(32, 2);
    *p.add(2) = left as usize;
    *p.add(3) = right as usize;
    p
}

#[inline(always)]
unsafe fn field(p: Object, i: usize) -> Object {
    *p.add(2 + i) as Object
}

unsafe fn w2(c: &mut Ctx, objects: u64) -> u64 {
    let root = c.push(null_mut());
    for _ in 0..objects {
        let p = node(c, null_mut(), null_mut());
        c.stack.add(root).write_volatile(p as usize);
    }
    c.pop();
    objects
}

unsafe fn bottom_up(c: &mut Ctx, depth: u64) -> Object {
    c.poll();
    if depth == 0 {
        return node(c, null_mut(), null_mut());
    }
    let left = bottom_up(c, depth - 1);
    c.push(left);
    let right = bottom_up(c, depth - 1);
    c.push(right);
    let p = c.alloc(32, 2);
    let right = c.pop();
    let left = c.pop();
    *p.add(2) = left as usize;
    *p.add(3) = right as usize;
    p
}

unsafe fn check(p: Object) -> u64 {
    if field(p, 0).is_null() {
        1
    } else {
        1 + check(field(p, 0)) + check(field(p, 1))
    }
}

unsafe fn w3(c: &mut Ctx, max: u64) -> u64 {
    let tree = bottom_up(c, max + 1);
    let mut nodes = check(tree);
    let long_lived = bottom_up(c, max);
    let long_lived = c.push(long_lived);
    for depth in (4..=max).step_by(2) {
        for _ in 0..1u64 << (max - depth + 4) {
            let tree = bottom_up(c, depth);
            nodes += check(tree);
        }
    }
    nodes += check(c.get(long_lived));
    c.pop();
    nodes
}

unsafe fn gc_node(c: &mut Ctx) -> Object {
    let p = c.alloc(40, 2);
    *p.add(2) = 0;
    *p.add(3) = 0;
    *p.add(4) = 0;
    p
}

/// `at`: where on the shadow stack the node is.
unsafe fn fill<const SATB: bool>(c: &mut Ctx, at: usize, depth: u64) {
    c.poll();
    if depth == 0 {
        return;
    }
    let left = gc_node(c);
    c.write::<SATB>(c.get(at), 0, left);
    let right = gc_node(c);
    c.write::<SATB>(c.get(at), 1, right);
    for i in 0..2 {
        let child = c.push(field(c.get(at), i));
        fill::<SATB>(c, child, depth - 1);
        c.pop();
    }
}

unsafe fn gc_bottom_up(c: &mut Ctx, depth: u64) -> Object {
    c.poll();
    if depth == 0 {
        return gc_node(c);
    }
    let left = gc_bottom_up(c, depth - 1);
    c.push(left);
    let right = gc_bottom_up(c, depth - 1);
    c.push(right);
    let p = gc_node(c);
    let right = c.pop();
    let left = c.pop();
    *p.add(2) = left as usize;
    *p.add(3) = right as usize;
    p
}

/// Nodes of the tree that is kept, and a number of the array.
unsafe fn w4<const SATB: bool>(c: &mut Ctx, shrink: u64) -> u64 {
    let stretch = 20 - shrink;
    gc_bottom_up(c, stretch);
    let keep = gc_node(c);
    let keep = c.push(keep);
    fill::<SATB>(c, keep, 18 - shrink);
    let numbers = c.big(16 + 2_000_000 * 8, 0);
    let numbers = c.push(numbers);
    for i in 0..1_000_000 {
        c.get(numbers).add(2 + i).cast::<f64>().write(1.0 / (i + 1) as f64);
    }
    for depth in (4..=18 - shrink).step_by(2) {
        let count = 2 * ((2u64 << stretch) - 1) / ((2u64 << depth) - 1);
        for _ in 0..count {
            let tree = gc_node(c);
            let tree = c.push(tree);
            fill::<SATB>(c, tree, depth);
            c.pop();
        }
        for _ in 0..count {
            black_box(gc_bottom_up(c, depth));
        }
    }
    let sum = check(c.get(keep)) + (c.get(numbers).add(2 + 1000).cast::<f64>().read() * 1e6) as u64;
    c.pop();
    c.pop();
    sum
}

#[inline(always)]
unsafe fn entry(c: &mut Ctx, value: usize) -> Object {
    let p = c.alloc(112, 1);
    *p.add(2) = 0;
    for word in 3..14 {
        *p.add(word) = value;
    }
    p
}

/// A filled table on the shadow stack: one array, or one of arrays.
unsafe fn table<const SATB: bool>(c: &mut Ctx, slots: usize, cut: bool) -> usize {
    // Large in any case, so that it never moves: see `w5s`.
    let whole = if cut { c.array(slots.div_ceil(CHUNK).max(LARGE)) } else { c.array(slots) };
    let table = c.push(whole);
    if cut {
        for i in 0..slots.div_ceil(CHUNK) {
            let chunk = c.array(CHUNK);
            c.write::<SATB>(c.get(table), i, chunk);
        }
    }
    for i in 0..slots {
        let new = entry(c, i);
        let (array, at) = place(c.get(table), i, cut);
        c.write::<SATB>(array, at, new);
    }
    table
}

#[inline(always)]
unsafe fn place(table: Object, slot: usize, cut: bool) -> (Object, usize) {
    if cut {
        (field(table, slot / CHUNK), slot % CHUNK)
    } else {
        (table, slot)
    }
}

unsafe fn replace<const SATB: bool>(c: &mut Ctx, table: usize, slots: usize, turns: u64, seed: u64, cut: bool) -> Done {
    let (mut state, mut sum, mut gaps) = (random_start(slots as u64 + seed), 0usize, Gaps::new());
    let (start, before, mut last) = (Instant::now(), cpu(), 0);
    for turn in 0..turns {
        let slot = random_slot(&mut state, slots as u64);
        let new = entry(c, turn as usize);
        let (array, at) = place(c.get(table), slot, cut);
        sum = sum.wrapping_add(*field(array, at).add(3));
        c.write::<SATB>(array, at, new);
        c.poll();
        if turn % 16 == 15 {
            let now = start.elapsed().as_nanos() as u64;
            gaps.add(now - last);
            last = now;
        }
    }
    Done { ops: turns, sum: sum as u64, seconds: Some((start.elapsed().as_secs_f64(), cpu() - before)), gaps }
}

/// What a thread did.
struct Done {
    ops: u64,
    /// What came out.
    sum: u64,
    /// Of the replacements alone.
    seconds: Option<(f64, f64)>,
    gaps: Gaps,
}

impl Done {
    fn plain(ops: u64) -> Done {
        Done { ops, sum: 0, seconds: None, gaps: Gaps::new() }
    }
}

/// The table that all threads share, as long as the first of them is in a safe place.
static SHARED: AtomicUsize = AtomicUsize::new(0);

unsafe fn run<const SATB: bool>(c: &mut Ctx, job: &Job, number: u64) -> Done {
    let (slots, turns) = (job.a as usize / job.threads as usize, job.turns / job.threads);
    match job.workload.as_str() {
        "w2" => Done::plain(w2(c, job.a)),
        "w3" => Done::plain(w3(c, job.a)),
        "w4" => Done { sum: w4::<SATB>(c, job.a), ..Done::plain(1) },
        "w5" | "w5c" => {
            let cut = job.workload == "w5c";
            let table = table::<SATB>(c, slots, cut);
            replace::<SATB>(c, table, slots, turns, 0, cut)
        }
        "w5s" => {
            // The first array is a large object, so its address stays.
            let slots = job.a as usize;
            if number == 0 {
                let table = table::<SATB>(c, slots, true);
                SHARED.store(c.get(table) as usize, Ordering::Release);
            }
            while SHARED.load(Ordering::Acquire) == 0 {
                c.poll();
                std::thread::yield_now();
            }
            let table = c.push(SHARED.load(Ordering::Acquire) as Object);
            replace::<SATB>(c, table, slots, turns, number, true)
        }
        other => panic!("unknown workload {other}"),
    }
}

#[derive(Clone)]
struct Job {
    workload: String,
    a: u64,
    turns: u64,
    threads: u64,
    satb: bool,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [plan, heap, workload, numbers @ .., threads] = &words[..] else { panic!("see the top of main.rs") };
    let number = |at: usize| numbers.get(at).map_or(0, |word| word.parse::<u64>().expect("a number"));
    let mut builder = mmtk::MMTKBuilder::new();
    assert!(builder.set_option("plan", plan), "unknown plan {plan}");
    let bytes = heap.parse::<u64>().expect("a number of MiB") << 20;
    assert!(builder.set_option("gc_trigger", &format!("FixedHeapSize:{bytes}")), "heap size");
    let _ = INSTANCE.set(memory_manager::mmtk_init::<Vm>(&builder));
    memory_manager::initialize_collection(vm::mmtk(), VMThread::UNINITIALIZED);
    let threads: u64 = threads.parse().expect("a number");
    let job =
        Job { workload: workload.clone(), a: number(0), turns: number(1), threads, satb: plan == "ConcurrentImmix" };
    let ready = std::sync::Arc::new(Barrier::new(threads as usize));
    let (start, before) = (Instant::now(), cpu());
    let running: Vec<_> = (0..threads)
        .map(|number| {
            let (job, ready) = (job.clone(), ready.clone());
            std::thread::spawn(move || {
                ready.wait();
                let mut c = Ctx::bind();
                // SAFETY: objects are used as the top of the file says.
                let done = unsafe {
                    if job.satb {
                        run::<true>(&mut c, &job, number)
                    } else {
                        run::<false>(&mut c, &job, number)
                    }
                };
                c.unbind();
                done
            })
        })
        .collect();
    let (mut ops, mut sum, mut gaps, mut seconds) = (0, 0, Gaps::new(), (0f64, 0f64));
    for thread in running {
        let done = thread.join().expect("a thread");
        ops += done.ops;
        sum += done.sum;
        gaps.merge(&done.gaps);
        if let Some((wall, cpu)) = done.seconds {
            seconds = (seconds.0.max(wall), seconds.1.max(cpu));
        }
    }
    let table = workload.starts_with("w5");
    let (wall, cpu) = if table { seconds } else { (start.elapsed().as_secs_f64(), cpu() - before) };
    let figure = if workload == "w4" { wall } else { wall * 1e9 / ops as f64 };
    let gap_words = if table { gaps.words("gap") } else { String::new() };
    let pauses = PAUSES.lock().expect("no pause now");
    let pauses = pauses.as_ref().map_or(String::new(), |pauses| pauses.words("pause"));
    println!("figure={figure:.5} wall={wall:.6} cpu={cpu:.6} ops={ops} sum={sum}{gap_words}{pauses}");
    // MMTk's threads do not end.
    std::process::exit(0)
}
