//! Op lists: any bytes are a program over one heap ([`op`]), run beside a plain graph ([`model`]) that says what must be
//! true.
//!
//! A program has up to three mutators, which take turns ([`lanes`]); a full collection can be stopped between any two of
//! its handshakes, and operations run in between. After each operation the finalizers that ran and the dead `PyObject`s
//! are compared with what the graph allows; after each collection everything reachable is walked in both worlds at once;
//! after a full collection both must hold exactly the same objects. Used by `tests/ops_reference.rs` with random bytes,
//! by `tests/ops_corpus.rs` with those that the fuzzer has chosen, by the fuzz target `heap_ops`, and by
//! `tests/ops_handshakes.rs` with programs that were written by hand.
//!
//! `HANDFAST_OPS_TRACE=1` prints each operation before it is done.
//!
//! Why the unsafe blocks are sound: a mutator is used by the thread that attached it, and while it runs; an object is in a
//! root slot, or was made or read since the last call that may collect. "The rule above" means this.

mod check;
mod finalizers;
mod lanes;
mod machine;
mod model;
mod objects;
mod op;

use handfast::Config;
use handfast::raw::Heap;
use lanes::Lanes;
use machine::Machine;
#[allow(unused_imports, reason = "for programs that are written by hand")]
pub use op::{Op, Program, Setup};
use std::sync::Arc;

/// Operations after which a collection that was begun is brought to its end.
const PATIENCE: usize = 48;

/// A program under way.
struct Run {
    lanes: Lanes,
    machine: Machine,
    /// Whose turn it is.
    turn: usize,
    /// Operations since a collection was begun in the background.
    since: usize,
}

/// Runs the program that some bytes are.
pub fn run(bytes: &[u8]) {
    run_program(Program::of(bytes));
}

/// Runs a program.
pub fn run_program(Program { setup, ops }: Program) {
    let config = Config {
        nursery_bytes: 128 << 10,
        max_heap_bytes: 128 << 20,
        gc_threads: setup.gc_threads as u32 % 3,
        growth_percent: 10,
        min_trigger_bytes: 64 << 10,
        reserve_bytes: (setup.reserve as usize & 4) << 16,
        link_patience: setup.reserve as u32 & 3,
        huge_pages: false,
        ..Config::default()
    };
    let heap = Heap::new(&config).expect("a heap");
    // Of a quarter of the programs, minor collections run out of time: after no object, one, two...
    if let copies @ 0b1_1000.. = setup.reserve >> 3 {
        heap.copy_at_most(Some(copies as u64 & 7));
    }
    let sink = Arc::new(finalizers::Sink::default());
    let prepare = sink.clone();
    let lanes = Lanes::new(&heap, setup.lanes as usize % 3 + 1, setup.still, Arc::new(move || prepare.listen()));
    let machine = Machine::new(heap, lanes.len(), config.gc_threads > 0, sink);
    let mut run = Run { lanes, machine, turn: 0, since: 0 };
    let trace = std::env::var_os("HANDFAST_OPS_TRACE").is_some();
    run.prepare();
    if setup.wrap % 32 == 31 {
        run.on(0, true, |machine| machine.empty_cycles(if cfg!(gc_zeal) { 20 } else { 250 }));
    }
    for op in ops {
        if trace {
            eprintln!("{} {op:?}", run.turn);
        }
        run.step(op);
    }
    run.end();
}

impl Run {
    /// Runs `f` on the thread of a mutator. `may_wait`: the others answer meanwhile.
    fn on(&mut self, lane: usize, may_wait: bool, mut f: impl FnMut(&mut Machine)) {
        let machine = &mut self.machine;
        self.lanes.call(lane, may_wait, &mut |mutator| {
            (machine.m, machine.at) = (Some(mutator), lane);
            f(machine);
            machine.m.expect("set above")
        });
    }

    fn prepare(&mut self) {
        for lane in 0..self.lanes.len() {
            self.on(lane, true, |machine| machine.make_roots());
        }
        self.on(0, true, |machine| machine.make_cells());
    }

    fn step(&mut self, op: Op) {
        match op {
            Op::Turn { lane } => self.turn = lane as usize % self.lanes.len(),
            Op::Wait { native } => {
                self.lanes.set_native(self.turn, native);
                // It waits already: it must wake up to wait in the other way.
                self.on(self.turn, false, |_| ());
            }
            Op::Cycle => {
                self.lanes.begin_cycle();
                self.machine.concurrent = true;
                self.since = 0;
            }
            Op::Finish => self.lanes.finish_cycle(),
            Op::Full => self.full(),
            _ => {
                // Who made a handle crosses it without asking anybody.
                let own = matches!(op, Op::Cross { handle, .. } if self.machine.has_made(handle, self.turn));
                self.on(self.turn, op.may_wait() && !own, |machine| {
                    machine.step(op);
                    machine.settle();
                });
            }
        }
        self.since += 1;
        if self.since > PATIENCE {
            self.lanes.finish_cycle();
        }
        if self.lanes.is_driving() {
            self.lanes.quiesce();
            // What the driver has finalized since.
            self.on(self.turn, false, |machine| {
                machine.settle();
            });
        }
        if op == Op::Minor {
            self.check();
        }
    }

    fn end(mut self) {
        // As the program has left it: nurseries, remembered sets, what is due.
        self.lanes.finish_cycle();
        self.on(self.turn, true, |machine| machine.verify());
        self.full();
        for lane in 0..self.lanes.len() {
            self.on(lane, true, |machine| machine.let_go());
        }
        self.machine.m = None;
        self.lanes.leave();
        self.machine.close();
    }
}
