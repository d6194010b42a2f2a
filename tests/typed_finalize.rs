//! A finalizer runs once after its object died; it may allocate, resurrect, and panic.

use handfast::{Config, Error, Field, Finalize, Global, Heap, Local, Scope, Trace};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

#[derive(Trace)]
#[handfast(finalize)]
struct Counted {
    log: &'static Mutex<Vec<u64>>,
    value: u64,
    child: Field<u64>,
}

impl Finalize for Counted {
    fn finalize<'s>(scope: &mut Scope<'s>, this: Local<'s, Counted>) {
        let _ = scope.alloc([0_u64; 100]);
        scope.collect_minor();
        let this = this.get(scope);
        let child = this.get(|c| &c.child).map_or(0, |child| *child);
        this.log.lock().unwrap().push(this.value + child);
    }
}

#[test]
fn a_finalizer_runs_once_and_sees_what_its_object_refers_to() -> Result<(), Error> {
    static LOG: Mutex<Vec<u64>> = Mutex::new(Vec::new());
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        s.scope(|t| {
            let object = t.alloc(Counted { log: &LOG, value: 1, child: Field::null() })?;
            let child = t.alloc(10_u64)?;
            t.set(object, |c| &c.child, child);
            t.collect_full();
            assert!(LOG.lock().unwrap().is_empty(), "it is rooted still");
            Ok::<(), Error>(())
        })?;
        for _ in 0..3 {
            s.collect_full();
            s.safepoint();
        }
        assert_eq!(*LOG.lock().unwrap(), [11]);
        Ok(())
    })
}

#[derive(Trace)]
#[handfast(finalize)]
struct Phoenix {
    nest: &'static Mutex<Option<Global<Phoenix>>>,
    deaths: AtomicU64,
}

impl Finalize for Phoenix {
    fn finalize<'s>(scope: &mut Scope<'s>, this: Local<'s, Phoenix>) {
        this.get(scope).deaths.fetch_add(1, SeqCst);
        *this.get(scope).nest.lock().unwrap() = Global::new(scope, this).ok();
    }
}

#[test]
fn a_finalizer_may_resurrect_its_object() -> Result<(), Error> {
    static NEST: Mutex<Option<Global<Phoenix>>> = Mutex::new(None);
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        s.scope(|t| t.alloc(Phoenix { nest: &NEST, deaths: AtomicU64::new(0) }).map(|_| ()))?;
        for _ in 0..3 {
            s.collect_full();
            s.safepoint();
        }
        let nest = NEST.lock().unwrap().take().expect("resurrected");
        assert_eq!(nest.get(s).deaths.load(SeqCst), 1);
        drop(nest);
        s.collect_full();
        s.safepoint();
        assert!(NEST.lock().unwrap().is_none(), "finalized twice");
        Ok(())
    })
}

#[derive(Trace)]
#[handfast(finalize)]
struct Panics(&'static AtomicU64);

impl Finalize for Panics {
    fn finalize<'s>(scope: &mut Scope<'s>, this: Local<'s, Panics>) {
        this.get(scope).0.fetch_add(1, SeqCst);
        panic!("this message belongs to the test");
    }
}

#[test]
fn a_panic_in_a_finalizer_goes_no_further() -> Result<(), Error> {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() })?;
    heap.attach()?.scope(|s| {
        for _ in 0..2 {
            s.scope(|t| t.alloc(Panics(&RUNS)).map(|_| ()))?;
        }
        s.collect_full();
        s.safepoint();
        assert_eq!(RUNS.load(SeqCst), 2);
        assert_eq!(*s.alloc(1_u64)?.get(s), 1);
        Ok(())
    })
}
