//! The end of a heap.
//!
//! The closing thread attaches once more, lets go of all global roots and collects until nothing changes: finalizers run,
//! pairs die, dead objects get their dealloc, which may drop others. What is counted then is what C still holds: the leak
//! report. (PyPy leaves all this undone at exit.)

use super::heap::Heap;
use crate::Error;
use crate::handle::{LeakReport, PyObject, debug};
use crate::sync::atomic::Ordering;
use std::collections::BTreeMap;

/// Rounds of collections before teardown gives up on finalizers that go on making garbage.
const ROUNDS: usize = 100;

pub(super) fn close(heap: &Heap) -> Result<LeakReport, Error> {
    let inner = &*heap.0;
    if heap.is_forked() {
        return Err(Error::Forked);
    }
    // First without a word to anybody: to be refused must not turn away who attaches meanwhile.
    let mutators = heap.attached();
    if mutators != 0 {
        return Err(Error::StillAttached { mutators });
    }
    // [A-last], again: the last handle may close what another has begun to.
    let was_closed = inner.closed.swap(true, Ordering::AcqRel);
    let mutators = heap.attached();
    if was_closed {
        // With a mutator there still: a callback of the first call calls again.
        return if mutators == 0 { Ok(LeakReport::default()) } else { Err(Error::StillAttached { mutators }) };
    }
    if mutators != 0 {
        inner.closed.store(false, Ordering::Release);
        return Err(Error::StillAttached { mutators });
    }
    let mutator = heap.attach_unchecked().inspect_err(|_| inner.closed.store(false, Ordering::Release))?;
    // SAFETY: [A1] this thread's mutator; it holds no objects.
    unsafe {
        mutator.run_callbacks();
        inner.shared.globals.for_each(|cell| {
            if !cell.get().is_null() {
                mutator.record().global_set(cell.into(), std::ptr::null_mut());
            }
        });
        for _ in 0..ROUNDS {
            let finalized = heap.stats().finalized;
            mutator.collect_full();
            let mut changed = heap.stats().finalized != finalized;
            loop {
                let ob = heap.next_dead();
                if ob.is_null() {
                    break;
                }
                changed = true;
                PyObject::decref(ob);
            }
            changed |= inner.links.drop_detached() != 0;
            if !changed {
                break;
            }
        }
        mutator.detach();
    }
    end_collector(heap);
    Ok(report(heap))
}

/// Ends the collector thread, if there is one still.
pub(super) fn end_collector(heap: &Heap) {
    heap.0.driver.close();
    let thread = heap.0.thread.lock().unwrap_or_else(|e| e.into_inner()).take();
    if let Some(thread) = thread {
        let _ = thread.join();
    }
}

fn report(heap: &Heap) -> LeakReport {
    let mut report = LeakReport::default();
    let mut by_type: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
    debug::close(&heap.0.links);
    // SAFETY: [A1] nobody is attached, and the collector thread has ended.
    unsafe {
        heap.0.links.for_each_allocated(&mut |ob| {
            let count = PyObject::refcnt(ob) as u64;
            if count != 0 {
                report.objects += 1;
                report.references += count;
                if (*ob).ob_refcnt.is_immortal() {
                    report.immortal_objects += 1;
                    report.immortal_references += count;
                }
                let entry = by_type.entry((*ob).ob_type as usize).or_default();
                entry.0 += 1;
                entry.1 += count;
                report.history.extend(debug::history(&heap.0.links, &*ob));
            }
        });
    }
    report.by_type = by_type.into_iter().map(|(ty, (objects, references))| (ty, objects, references)).collect();
    report
}
