//! The rows of the bench on handfast: as `bench/crossings.py` does it for the others.
//!
//! There is no interpreter, so the loops of calls are Rust's. What they call with are objects on the heap, which a call
//! makes cross to C and back.

use handfast_cpyext::caller::Caller;
use handfast_cpyext::{Own, Runtime, eval};
use std::path::Path;

const OBJECTS: usize = 300_000;
const CALLS: usize = 2_000_000;

fn cpu_nanoseconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: [X7] fills the struct.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Nanoseconds for one of `count`, the second time.
fn cost(
    name: &str,
    count: usize,
    mut work: impl FnMut() -> Result<(), eval::Exception>,
) -> Result<(), eval::Exception> {
    work()?;
    let start = cpu_nanoseconds();
    work()?;
    println!("{name} {:.3}", (cpu_nanoseconds() - start) / count as f64);
    Ok(())
}

/// Prints a name and nanoseconds a line.
pub fn run(file: &Path) -> Result<(), String> {
    let _entered = super::start()?;
    let module = super::load_module(file, "crossings")?;
    rows(&module).map_err(|raised| raised.to_string())
}

fn rows(module: &Own) -> Result<(), eval::Exception> {
    let function = |name: &str| eval::attribute(module, name);
    let measured = |name: &str, argument: &Own| -> Result<(), eval::Exception> {
        let nanoseconds = eval::number(&eval::call(&function(name)?, &[argument])?);
        println!("{name} {nanoseconds:.3}");
        Ok(())
    };
    let class = eval::class("Obj")?;
    let (nothing, same) = (function("nothing")?, function("same")?);
    let caller = Caller::new(&class, OBJECTS)?;
    cost("call_nothing", CALLS, || caller.call_nothing(&nothing, CALLS))?;
    cost("call_same", CALLS, || caller.call_same(&same, CALLS))?;
    cost("call_each", OBJECTS, || caller.call_each(&same))?;
    cost("call_fresh", OBJECTS, || caller.call_fresh(&same, &class, OBJECTS))?;
    cost("call_ints", OBJECTS, || caller.call_ints(&same, OBJECTS))?;
    let (count, warm) = (eval::int(OBJECTS as i64), eval::int(OBJECTS as i64 / 10));
    for kind in ["nodes", "leaves", "ints", "floats", "strings", "tuples", "lists", "dicts"] {
        let name = format!("churn_{kind}");
        eval::call(&function(&name)?, &[&warm])?;
        measured(&name, &count)?;
    }
    for name in ["list_of_nodes", "list_of_leaves"] {
        measured(name, &count)?;
        eval::call(&function("forget")?, &[])?;
    }
    measured("counts", &caller.held(0))?;
    measured("attribute_one", &caller.held(0))?;
    measured("dict_get", &eval::dict_of((0..20).map(|i| (format!("key{i}"), eval::int(i)))))?;
    measured("call_back", &same)?;
    drop(caller);
    let runtime = Runtime::get().expect("started");
    runtime.collect();
    // A list's items are C's references; what they refer to begins on the heap.
    let caller = Caller::new(&class, OBJECTS)?;
    let list = eval::list_of((0..OBJECTS).map(|at| caller.held(at)).collect());
    for (row, name) in [("items_first", "items"), ("items_again", "items")] {
        println!("{row} {:.3}", eval::number(&eval::call(&function(name)?, &[&list])?));
    }
    measured("attribute_each", &list)?;
    measured("hold", &list)?;
    println!("release {:.3}", eval::number(&eval::call(&function("release")?, &[])?));
    drop((list, caller));
    runtime.collect();
    Ok(())
}
