//! A cycle that stands still between two handshakes, so that what a mutator does in a phase can be measured for as long as
//! it takes: another thread drives a full collection, and this thread's mutator answers only as far as it is told.

use super::Bench;
use handfast::raw::Mutator;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle, yield_now};

/// Where the cycle stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// This mutator is armed, nothing is marked: a store shades what it stores and what it overwrites.
    Armed,
    /// This mutator is scanned, another one is not, so nothing is marked yet: a store shades what it overwrites.
    Scanned,
    /// Everything that was reachable is marked, and the collector asks whether that is all.
    Marked,
    /// The mutator is disarmed: the collector sweeps, and does not wait.
    Sweeping,
}

/// A full collection that another thread drives.
pub struct Standing {
    m: Mutator,
    driver: Option<JoinHandle<()>>,
    /// Sends when the second mutator may answer the rest.
    behind: Option<(Sender<()>, JoinHandle<()>)>,
    over: Arc<AtomicBool>,
}

/// Answers one handshake; false if the collection is over.
fn answers(m: Mutator, over: &AtomicBool) -> bool {
    // SAFETY (of the blocks below): [X1] the calling thread's mutator; everything it uses later is rooted.
    // SAFETY: [X1] see above.
    while !unsafe { m.is_behind() && m.is_asked() } {
        if over.load(Ordering::Acquire) {
            return false;
        }
        yield_now();
    }
    // SAFETY: [X1] see above.
    unsafe { m.safepoint_once() };
    true
}

/// A mutator that is armed, and not scanned, until it is told to go on.
fn stays_behind(m: Mutator, go: &Receiver<()>, over: &AtomicBool) {
    // SAFETY: [X1] the calling thread's mutator.
    while unsafe { m.phase() } != "armed" {
        assert!(answers(m, over), "a collection arms every mutator");
    }
    go.recv().expect("the other end waits");
    while answers(m, over) {}
    // SAFETY: [X1] the calling thread's mutator.
    unsafe { m.detach() };
}

impl Standing {
    /// Starts a collection and goes as far as `stop`. What the caller uses afterwards has to be rooted.
    pub fn at(bench: &Bench, stop: Stop) -> Standing {
        let over = Arc::new(AtomicBool::new(false));
        let behind = (stop == Stop::Scanned).then(|| {
            let ((go, gone), (attached, ready)) = (channel(), channel());
            let (heap, over) = (bench.heap.clone(), over.clone());
            let thread = thread::spawn(move || {
                let m = heap.attach().expect("attach");
                attached.send(()).expect("the other end waits");
                stays_behind(m, &gone, &over);
            });
            ready.recv().expect("the other end sends");
            (go, thread)
        });
        let driver = thread::spawn({
            let (heap, over) = (bench.heap.clone(), over.clone());
            move || {
                let m = heap.attach().expect("attach");
                // SAFETY: [X1] that thread's mutator.
                unsafe {
                    m.collect_full();
                    m.detach();
                }
                over.store(true, Ordering::Release);
            }
        });
        let standing = Standing { m: bench.m, driver: Some(driver), behind, over };
        standing.until("armed");
        if stop > Stop::Armed {
            standing.until("scanned");
        }
        match stop {
            Stop::Armed | Stop::Scanned => {}
            // The first flush round hands over what the snapshot has shaded. When the next question comes, that is marked.
            Stop::Marked => {
                assert!(answers(bench.m, &standing.over), "there is a flush round");
                standing.wait_until_asked();
            }
            Stop::Sweeping => standing.until("idle"),
        }
        standing
    }

    /// Answers until this mutator is in that phase.
    fn until(&self, phase: &str) {
        // SAFETY: [X1] this thread's mutator.
        while unsafe { self.m.phase() } != phase {
            assert!(answers(self.m, &self.over), "a collection goes through all phases");
        }
    }

    fn wait_until_asked(&self) {
        // SAFETY: [X1] this thread's mutator.
        while !unsafe { self.m.is_behind() && self.m.is_asked() } {
            yield_now();
        }
    }

    /// Whether the collection is still going on.
    pub fn runs(&self) -> bool {
        !self.over.load(Ordering::Acquire)
    }
}

impl Drop for Standing {
    /// Answers the rest.
    fn drop(&mut self) {
        let behind = self.behind.take();
        if let Some((go, _)) = &behind {
            go.send(()).expect("the other end waits");
        }
        while answers(self.m, &self.over) {}
        let threads = self.driver.take().into_iter().chain(behind.map(|(_, thread)| thread));
        threads.for_each(|thread| thread.join().expect("a thread of the collection"));
    }
}
