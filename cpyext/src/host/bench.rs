//! What crossings cost: drives the extension `hbench`, which is compiled against each runtime's own header.
//!
//! Rows that the extension measures itself are nanoseconds of the thread's CPU time for each object or call; the
//! others are loops here, less what the loop costs without the call.

use handfast_cpyext::{Own, Runtime, eval};
use std::path::Path;

const OBJECTS: i64 = 300_000;
const REPEATS: usize = 3;

fn cpu_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: [X7] fills the struct.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// The least of several measurements, in nanoseconds for one of `count`.
fn least(count: i64, mut f: impl FnMut() -> Result<(), eval::Exception>) -> Result<f64, eval::Exception> {
    let mut best = f64::INFINITY;
    for _ in 0..REPEATS {
        let start = cpu_seconds();
        f()?;
        best = best.min((cpu_seconds() - start) / count as f64 * 1e9);
    }
    Ok(best)
}

fn row(name: &str, nanoseconds: f64) {
    println!("{name:<16} {nanoseconds:>8.1} ns");
}

/// Prints the rows.
pub fn run(file: &Path) -> Result<(), String> {
    let _entered = super::start()?;
    let module = super::load_module(file, "hbench")?;
    rows(&module).map_err(|raised| raised.to_string())
}

fn rows(module: &Own) -> Result<(), eval::Exception> {
    let function = |name: &str| eval::attribute(module, name);
    let class = eval::class("Obj")?;
    let fresh = |i: i64| eval::instance(&class, "v", &eval::int(i));
    let objects = (0..OBJECTS).map(fresh).collect::<Result<Vec<_>, _>>()?;
    let (noargs, ident) = (function("noargs")?, function("ident")?);
    row("noargs", least(OBJECTS, || (0..OBJECTS).try_for_each(|_| eval::call(&noargs, &[]).map(drop)))?);
    row("ident_same", least(OBJECTS, || (0..OBJECTS).try_for_each(|_| eval::call(&ident, &[&objects[0]]).map(drop)))?);
    row("ident_each", least(OBJECTS, || objects.iter().try_for_each(|ob| eval::call(&ident, &[ob]).map(drop)))?);
    let alone = least(OBJECTS, || (0..OBJECTS).try_for_each(|i| fresh(i).map(drop)))?;
    let called = least(OBJECTS, || (0..OBJECTS).try_for_each(|i| eval::call(&ident, &[&fresh(i)?]).map(drop)))?;
    row("fresh", alone);
    row("ident_fresh", called);
    let ints = |i: i64| eval::call_with_heap_int(&ident, 1000 + i).map(drop);
    row("ident_int", least(OBJECTS, || (0..OBJECTS).try_for_each(ints))?);
    for (name, method) in
        [("churn_cells", "churn_cells"), ("churn_leaves", "churn_leaves"), ("churn_ints", "make_ints")]
    {
        let f = function(method)?;
        let mut best = f64::INFINITY;
        for _ in 0..REPEATS {
            best = best.min(eval::number(&eval::call(&f, &[&eval::int(OBJECTS)])?));
        }
        row(name, best);
    }
    for (name, method) in [("make_cells", "make_cells"), ("make_leaves", "make_leaves"), ("chain_make", "chain")] {
        let f = function(method)?;
        row(name, least(OBJECTS, || eval::call(&f, &[&eval::int(OBJECTS)]).map(drop))?);
    }
    let one = objects[0].clone();
    let list = eval::list_of(objects);
    for (name, argument) in [("getattr_each", &list), ("getattr_one", &one), ("incdec", &one), ("hold", &list)] {
        row(name, eval::number(&eval::call(&function(name)?, &[argument])?));
    }
    row("release", eval::number(&eval::call(&function("release")?, &[])?));
    drop((one, list));
    Runtime::get().expect("started").collect();
    Ok(())
}
