//! Safepoints: where a mutator serves what it is asked, and the native state, in which others serve for it.

use super::handshake::{Leave, Requests, Target};
use super::inspect::Moment;
use super::record::{Local, Phase, Record};
use super::shared::{Ask, Demand};
use crate::object::header::{BARRIER_CYCLE, BARRIER_IDLE};
use std::time::{Duration, Instant};

impl Record {
    /// Serves everything that is asked. May collect (a minor).
    ///
    /// # Safety
    /// Called by the running owner at a point that may collect.
    pub unsafe fn serve(&self) {
        // SAFETY: [L1] the caller's promise.
        while unsafe { self.serve_once() } {}
        if self.limit.get() == 0 {
            // SAFETY: [L1] the owner.
            let end = unsafe { self.local() }.block_end;
            // Without a block there is no limit to set, so no interrupt that this could overwrite, and the next allocation
            // comes here again. One that is served from holes would wait in the fence each time for all its stores.
            if end != 0 && !self.open(end).is_empty() {
                // SAFETY: [L1] the caller's promise. Depth is bounded by the requests that can be pending.
                unsafe { self.serve() };
            }
        }
    }

    /// Serves what is asked at this moment; answers whether anything was.
    ///
    /// # Safety
    /// As [`Record::serve`].
    pub unsafe fn serve_once(&self) -> bool {
        let requests = self.word.poll();
        if requests.is_empty() {
            return false;
        }
        // Bits are cleared before the work: a request that comes meanwhile sets them again.
        self.word.serve(requests);
        if requests.contains(Requests::PUBLISH) {
            // SAFETY: [L1] the owner.
            unsafe { self.serve_publish() };
        }
        if requests.contains(Requests::CYCLE) {
            let start = Instant::now();
            // SAFETY: [L1] the owner, where it may collect.
            if unsafe { self.answer() } {
                self.pause(start);
            }
            self.shared().event.notify();
        }
        // SAFETY: [L1] the owner. An interrupt has zeroed the limit; put it back.
        let end = unsafe { self.local() }.block_end;
        let _ = self.open(end);
        true
    }

    /// Sets the limit of the fast path; under `gc_zeal` there is none, so that every allocation collects.
    pub fn open(&self, end: usize) -> Requests {
        self.limit.set(if cfg!(gc_zeal) { 0 } else { end }, &self.word)
    }

    /// Answers what the collector asks now, unless it was answered already. Returns whether there was anything to do.
    ///
    /// # Safety
    /// Called by the owner at a point that may collect, or by the holder.
    pub unsafe fn answer(&self) -> bool {
        let word = self.shared().asked.get();
        if self.answered.is(word) {
            return false;
        }
        let ask = Ask::decode(word);
        match ask.demand {
            // SAFETY: [L1] owner or holder, for each of these.
            Demand::Promote => unsafe { self.collect(false) },
            // SAFETY: [L1] as above.
            Demand::Inspect => unsafe { self.inspect(Moment::Asked) },
            Demand::Arm => {
                // SAFETY: [L1] as above.
                let local = unsafe { self.local() };
                self.set_phase(local, Phase::Armed, ask.epoch);
            }
            Demand::Snapshot => {
                // SAFETY: [L1] as above.
                unsafe { self.collect(true) };
                // SAFETY: [L1] as above.
                let local = unsafe { self.local() };
                // What was promoted up to here carries the old colour; its lines are marked with it now.
                local.evacuation.retire(&self.shared().memory, local.parity);
                local.parity = ask.epoch;
                self.set_phase(local, Phase::Scanned, ask.epoch);
                if cfg!(gc_zeal) {
                    // SAFETY: [L1] as above; `local` is not used any more.
                    unsafe { self.inspect(Moment::Snapshot) };
                }
            }
            Demand::Flush => {
                // If a helping mutator empties the queue before the round ends, it has made the round dirty.
                // SAFETY: [L1] as above.
                self.hand_over(unsafe { self.local() });
            }
            Demand::Disarm => {
                // SAFETY: [L1] as above.
                let local = unsafe { self.local() };
                // The clean round has proved that nothing unmarked can be shaded any more.
                debug_assert!(local.grey.is_empty());
                self.set_phase(local, Phase::Idle, ask.epoch);
            }
        }
        self.answered.give(word);
        true
    }

    /// Whether something is asked of all mutators that this one has not answered. Any thread.
    pub fn is_behind(&self) -> bool {
        !self.answered.is(self.shared().asked.get())
    }

    fn set_phase(&self, local: &mut Local, phase: Phase, epoch: u8) {
        local.phase = phase;
        local.epoch = epoch;
        self.barrier.set(if phase == Phase::Idle { BARRIER_IDLE } else { BARRIER_CYCLE });
    }

    /// Delivers the present ask: interrupts a running mutator, answers for one in native code. Returns whether the
    /// mutator has answered, or is gone.
    pub fn deliver(&self) -> bool {
        let word = self.shared().asked.get();
        if self.answered.is(word) {
            return true;
        }
        match self.word.request(Requests::CYCLE) {
            Target::Detached => true,
            Target::Held => false,
            Target::Running => {
                self.limit.interrupt();
                self.answered.is(word)
            }
            Target::Native => {
                if !self.word.try_hold() {
                    return false;
                }
                self.word.serve(Requests::CYCLE);
                // SAFETY: [L1] held.
                unsafe {
                    self.serve_publish();
                    self.answer();
                }
                let _ = self.word.release(Requests::NONE);
                self.shared().event.notify();
                true
            }
        }
    }

    /// Goes into native code: from here on others may answer for this mutator, and its objects may move.
    ///
    /// # Safety
    /// Called by the running owner at a point that may collect.
    pub unsafe fn native_enter(&self) {
        loop {
            // An inlined allocation looks at nothing but the limit, or at what is zeroed: in native code it must not find
            // room. `serve` puts the limit back, the one of `native_leave` at the latest.
            self.limit.close();
            self.zeroed.set(0);
            if self.word.try_enter_native().is_ok() {
                return;
            }
            // SAFETY: [L1] the caller's promise.
            unsafe { self.serve() };
        }
    }

    /// Comes back from native code; waits while somebody is answering for it.
    ///
    /// # Safety
    /// Called by the owner in the native state.
    pub unsafe fn native_leave(&self) {
        let mut tries = 0;
        loop {
            match self.word.try_leave_native() {
                Leave::Running(_) => break,
                Leave::Held => {
                    tries += 1;
                    if tries < 64 {
                        crate::sync::spin_loop();
                    } else {
                        self.shared().event.wait(Duration::from_millis(1), || self.word.target() != Target::Held);
                    }
                }
            }
        }
        // SAFETY: [L1] running again.
        unsafe { self.serve() };
    }
}
