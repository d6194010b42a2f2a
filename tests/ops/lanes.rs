//! Several mutators, one at a time: each has a thread of its own, and a turn is handed from one to the next, so that the
//! interleaving is the program's and not the scheduler's.
//!
//! Mutator 0 is on the thread that runs the program. A mutator that waits for its turn does so in native code, where
//! others answer for it, or *still*: running, but answering nothing, so that a cycle stops at the next handshake until its
//! turn comes. An operation that may wait for others (see [`super::op::Op::may_wait`]) has the still ones poll meanwhile.
//!
//! One more thread drives full collections in the background of a program ([`Lanes::begin_cycle`]): with still mutators
//! around, it advances exactly when they answer, and [`Lanes::quiesce`] waits until it is stuck again.

use handfast::raw::{Heap, Mutator};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle, yield_now};

/// Work for a mutator; answers the mutator, which may be a new one.
type Work<'a> = &'a mut (dyn FnMut(Mutator) -> Mutator + 'a);

enum Job {
    Run(Task),
    Poll,
    Collect,
    Leave,
}

/// A [`Work`] that its sender waits for.
struct Task(*mut (dyn FnMut(Mutator) -> Mutator + 'static));

// SAFETY: the sender waits until the work is done, and touches nothing of it meanwhile.
unsafe impl Send for Task {}

/// What a mutator's thread and the program share.
struct State {
    mutator: AtomicPtr<handfast::raw::Record>,
    native: AtomicBool,
    /// Still mutators answer what is asked.
    poll: Arc<AtomicBool>,
}

impl State {
    fn mutator(&self) -> Mutator {
        // SAFETY: the address of a mutator that is attached; records live as long as the heap.
        unsafe { Mutator::from_ptr(self.mutator.load(SeqCst)) }.expect("attached")
    }

    fn poll(&self) {
        while self.poll.load(SeqCst) {
            // SAFETY: called on the mutator's thread, running, with nothing unrooted in hand.
            unsafe { self.mutator().safepoint() };
            yield_now();
        }
    }

    /// Called on the mutator's thread, before it waits.
    fn pause(&self) {
        if self.native.load(SeqCst) {
            // SAFETY: running, on its thread.
            unsafe { self.mutator().native_enter() };
        }
    }

    /// Called when it has waited.
    fn resume(&self) {
        // SAFETY: on its thread.
        unsafe {
            if self.mutator().is_native() {
                self.mutator().native_leave();
            }
        }
    }

    fn work(&self, job: Job) {
        match job {
            Job::Run(Task(work)) => {
                // SAFETY: the sender waits.
                let mutator = unsafe { (*work)(self.mutator()) };
                self.mutator.store(mutator.as_ptr(), SeqCst);
            }
            Job::Poll => self.poll(),
            // SAFETY: on its thread, running; it has no objects.
            Job::Collect => unsafe { self.mutator().collect_full() },
            // SAFETY: on its thread.
            Job::Leave => unsafe { self.mutator().detach() },
        }
    }
}

struct Worker {
    state: Arc<State>,
    jobs: Sender<Job>,
    done: Receiver<thread::Result<()>>,
    thread: JoinHandle<()>,
}

impl Worker {
    fn new(heap: &Heap, native: bool, poll: &Arc<AtomicBool>, prepare: impl FnOnce() + Send + 'static) -> Worker {
        let (heap, poll) = (heap.clone(), poll.clone());
        let (jobs, inbox) = channel::<Job>();
        let (outbox, done) = channel();
        let (hello, attached) = channel();
        let thread = thread::spawn(move || {
            prepare();
            let mutator = AtomicPtr::new(heap.attach().expect("a mutator").as_ptr());
            let state = Arc::new(State { mutator, native: AtomicBool::new(native), poll });
            state.pause();
            hello.send(state.clone()).expect("the program waits");
            drop(heap);
            while let Ok(job) = inbox.recv() {
                state.resume();
                let last = matches!(job, Job::Leave);
                let result = catch_unwind(AssertUnwindSafe(|| state.work(job)));
                if !last {
                    state.pause();
                }
                if outbox.send(result).is_err() || last {
                    return;
                }
            }
        });
        Worker { state: attached.recv().expect("attached"), jobs, done, thread }
    }

    fn send(&self, job: Job) {
        self.jobs.send(job).expect("the thread waits");
    }

    fn wait(&self) {
        if let Err(panic) = self.done.recv().expect("the thread answers") {
            resume_unwind(panic);
        }
    }
}

/// All mutators of a program.
pub struct Lanes {
    heap: Heap,
    first: State,
    others: Vec<Worker>,
    poll: Arc<AtomicBool>,
    driver: Option<Worker>,
    driving: bool,
    prepare: Arc<dyn Fn() + Send + Sync>,
}

impl Lanes {
    /// `n` mutators of a heap; `still`: a bit for each that waits running. `prepare` is called on each thread first.
    pub fn new(heap: &Heap, n: usize, still: u8, prepare: Arc<dyn Fn() + Send + Sync>) -> Lanes {
        let poll = Arc::new(AtomicBool::new(false));
        prepare();
        let native = |lane: usize| still >> lane & 1 == 0;
        let mutator = AtomicPtr::new(heap.attach().expect("a mutator").as_ptr());
        let first = State { mutator, native: AtomicBool::new(native(0)), poll: poll.clone() };
        let others = (1..n)
            .map(|lane| {
                let prepare = prepare.clone();
                Worker::new(heap, native(lane), &poll, move || prepare())
            })
            .collect();
        Lanes { heap: heap.clone(), first, others, poll, driver: None, driving: false, prepare }
    }

    pub fn len(&self) -> usize {
        1 + self.others.len()
    }

    fn state(&self, lane: usize) -> &State {
        if lane == 0 { &self.first } else { &self.others[lane - 1].state }
    }

    pub fn set_native(&self, lane: usize, native: bool) {
        self.state(lane).native.store(native, SeqCst);
    }

    /// Runs `work` on a mutator's thread. `may_wait`: others answer what is asked meanwhile.
    pub fn call(&mut self, lane: usize, may_wait: bool, work: Work<'_>) {
        self.poll.store(may_wait, SeqCst);
        let mut polling = vec![];
        for worker in self.others.iter().filter(|_| may_wait) {
            if !std::ptr::eq(&*worker.state, self.state(lane)) && !worker.state.native.load(SeqCst) {
                worker.send(Job::Poll);
                polling.push(worker);
            }
        }
        if lane == 0 {
            let mutator = work(self.first.mutator());
            self.first.mutator.store(mutator.as_ptr(), SeqCst);
        } else {
            let worker = &self.others[lane - 1];
            self.first.pause();
            // SAFETY: only the lifetime changes, and `wait` below comes before its end.
            let work = unsafe { std::mem::transmute::<Work<'_>, Work<'static>>(work) };
            worker.send(Job::Run(Task(work)));
            if may_wait && !self.first.native.load(SeqCst) {
                let result = loop {
                    match worker.done.try_recv() {
                        Ok(result) => break result,
                        Err(TryRecvError::Disconnected) => panic!("a mutator's thread has ended"),
                        // SAFETY: this thread's mutator, running.
                        Err(TryRecvError::Empty) => unsafe { self.first.mutator().safepoint() },
                    }
                    yield_now();
                };
                if let Err(panic) = result {
                    resume_unwind(panic);
                }
            } else {
                worker.wait();
            }
            self.first.resume();
        }
        self.poll.store(false, SeqCst);
        polling.into_iter().for_each(Worker::wait);
    }

    /// Whether a background collection is under way.
    pub fn is_driving(&self) -> bool {
        self.driving
    }

    /// Has another thread begin a full collection, unless it is in one.
    pub fn begin_cycle(&mut self) {
        if self.driving {
            return;
        }
        let prepare = self.prepare.clone();
        let driver = self.driver.get_or_insert_with(|| Worker::new(&self.heap, true, &self.poll, move || prepare()));
        driver.send(Job::Collect);
        self.driving = true;
    }

    /// Returns when the background collection is over or waits for a mutator's answer.
    pub fn quiesce(&mut self) {
        let Some(driver) = self.driver.as_ref().filter(|_| self.driving) else { return };
        loop {
            match driver.done.try_recv() {
                Ok(result) => {
                    if let Err(panic) = result {
                        resume_unwind(panic);
                    }
                    self.driving = false;
                    return;
                }
                Err(TryRecvError::Disconnected) => panic!("the driving thread has ended"),
                Err(TryRecvError::Empty) => {}
            }
            // Who owes an answer must have been told, or its next safepoint would answer nothing; who is in native code
            // is answered for.
            let owes = (0..self.len()).map(|lane| self.state(lane).mutator());
            // SAFETY: attached; the questions are for any thread.
            let told = |m: Mutator| unsafe { m.is_behind().then(|| !m.is_native() && m.is_asked()) };
            let told: Vec<bool> = owes.filter_map(told).collect();
            if !told.is_empty() && told.iter().all(|&told| told) {
                return;
            }
            yield_now();
        }
    }

    /// Has everybody answer until the background collection is over.
    pub fn finish_cycle(&mut self) {
        while self.driving {
            self.call(0, true, &mut |mutator| {
                // SAFETY: this thread's mutator, running.
                unsafe { mutator.safepoint() };
                mutator
            });
            self.quiesce();
        }
    }

    /// Detaches all.
    pub fn leave(self) {
        self.poll.store(true, SeqCst);
        for worker in self.others.into_iter().chain(self.driver) {
            worker.send(Job::Leave);
            worker.wait();
            worker.thread.join().expect("a mutator's thread");
        }
        // SAFETY: this thread's mutator.
        unsafe { self.first.mutator().detach() };
    }
}
