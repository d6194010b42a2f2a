//! What a program may do: its setup, and its operations. Any bytes are a program (`arbitrary`).

use arbitrary::{Arbitrary, Unstructured};

/// What a program starts with. Every value means something: who uses it takes remainders.
#[derive(Arbitrary, Clone, Copy, Debug, Default)]
pub struct Setup {
    /// Mutators, each on a thread of its own.
    pub lanes: u8,
    /// Collector threads: without any, all is deterministic and more can be said.
    pub gc_threads: u8,
    /// Free memory that the heap keeps, and for how many minors what C alone holds may stay young.
    pub reserve: u8,
    /// A bit for each mutator that stays running while it waits for its turn, so that cycles wait for it.
    pub still: u8,
    /// Whether so many cycles run first that the numbers of marks wrap.
    pub wrap: u8,
}

/// One operation of the mutator whose turn it is. `root`, `from` and `value` are places of its root stack.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// The turn goes to another mutator.
    Turn {
        lane: u8,
    },
    /// Whether this mutator waits for its next turn in native code or running.
    Wait {
        native: bool,
    },
    /// Another thread begins a full collection, which goes on only as mutators answer.
    Cycle,
    /// Answers what is asked: one handshake at most.
    Safepoint,
    /// All mutators answer until that collection is over.
    Finish,
    Alloc {
        root: u8,
        kind: u8,
        size: u8,
    },
    Store {
        root: u8,
        field: u8,
        value: u8,
    },
    Exchange {
        root: u8,
        field: u8,
        expected: u8,
        value: u8,
    },
    Load {
        root: u8,
        from: u8,
        field: u8,
    },
    Drop {
        root: u8,
    },
    Copy {
        root: u8,
        from: u8,
    },
    /// A scope with roots of its own that lives over a minor collection.
    Scope {
        root: u8,
        alloc: u8,
    },
    GlobalSet {
        root: u8,
        global: u8,
    },
    GlobalGet {
        root: u8,
        global: u8,
    },
    GlobalNew {
        root: u8,
        global: u8,
    },
    WeakNew {
        root: u8,
        weak: u8,
    },
    WeakGet {
        root: u8,
        weak: u8,
    },
    Pin {
        root: u8,
    },
    Unpin {
        root: u8,
    },
    Identity {
        root: u8,
    },
    Publish {
        root: u8,
    },
    Minor,
    Full,
    /// A list in front of what a root holds.
    List {
        root: u8,
        length: u8,
    },
    /// Garbage, in units of 4 KiB.
    Churn {
        units: u8,
        kind: u8,
        size: u8,
    },
    Handle {
        root: u8,
        handle: u8,
        extra: u8,
    },
    Cross {
        root: u8,
        handle: u8,
    },
    Decref {
        handle: u8,
    },
    Native,
    Reattach,
    External {
        kib: u8,
    },
}

impl Op {
    /// Whether it may wait for another mutator, which must then answer meanwhile. Everything that may run a full collection,
    /// and a crossing, whose object its owner publishes.
    pub fn may_wait(self) -> bool {
        use Op::*;
        let collects = matches!(self, Full | Churn { .. } | Finish | Cross { .. });
        collects || cfg!(gc_zeal) && matches!(self, Alloc { .. } | List { .. } | Scope { .. } | Native | Reattach)
    }
}

/// A whole program.
#[derive(Debug, Default)]
pub struct Program {
    pub setup: Setup,
    pub ops: Vec<Op>,
}

/// More than this many operations find nothing that fewer do not.
const MOST: usize = 600;

impl Program {
    pub fn of(bytes: &[u8]) -> Program {
        let mut data = Unstructured::new(bytes);
        let mut program = Program { setup: data.arbitrary().unwrap_or_default(), ops: vec![] };
        while !data.is_empty() && program.ops.len() < MOST {
            match data.arbitrary() {
                Ok(op) => program.ops.push(op),
                Err(_) => break,
            }
        }
        program
    }
}
