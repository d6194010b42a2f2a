//! Another thread with a mutator of its own, which does what it is told, one thing at a time. Between its jobs it is in
//! native code.

use super::c::*;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

/// What it is told: a function of its mutator. The addresses in it are numbers.
pub type Job = Box<dyn FnOnce(usize) -> usize + Send>;

pub struct Other {
    jobs: Sender<Job>,
    answers: Receiver<thread::Result<usize>>,
    thread: JoinHandle<()>,
}

impl Other {
    pub fn new(heap: Heap) -> Other {
        let heap = heap as usize;
        let (jobs, inbox) = channel::<Job>();
        let (outbox, answers) = channel();
        let thread = thread::spawn(move || {
            let mut m = std::ptr::null_mut();
            assert_eq!(hf_attach(heap as Heap, &mut m), 0);
            hf_native_enter(m);
            while let Ok(job) = inbox.recv() {
                hf_native_leave(m);
                let address = m as usize;
                let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(address)));
                hf_native_enter(m);
                if outbox.send(answer).is_err() {
                    break;
                }
            }
            hf_native_leave(m);
            assert_eq!(hf_detach(m), 0);
        });
        Other { jobs, answers, thread }
    }

    /// Has a job done, and waits for it in native code.
    pub fn run(&self, m: Mutator, job: impl FnOnce(Mutator) -> usize + Send + 'static) -> usize {
        self.jobs.send(Box::new(move |m| job(m as Mutator))).expect("it listens");
        hf_native_enter(m);
        let answer = self.answers.recv();
        hf_native_leave(m);
        match answer.expect("it answers") {
            Ok(answer) => answer,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// Detaches it, and waits for it in native code.
    pub fn leave(self, m: Mutator) {
        drop(self.jobs);
        hf_native_enter(m);
        self.thread.join().expect("no panic");
        hf_native_leave(m);
    }
}
