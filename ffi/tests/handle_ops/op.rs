//! What a program may do. Any bytes are a program (`arbitrary`); numbers are taken modulo what there is.

use arbitrary::{Arbitrary, Unstructured};

/// One operation. `root`: a rooted object; `reg`: a register of C, which holds a counted reference.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Op {
    Alloc {
        root: u8,
        kind: u8,
    },
    Store {
        root: u8,
        field: bool,
        value: u8,
    },
    Load {
        root: u8,
        from: u8,
        field: bool,
    },
    Drop {
        root: u8,
    },
    Publish {
        root: u8,
    },
    Handle {
        root: u8,
        reg: u8,
        size: u8,
        light: bool,
    },
    New {
        reg: u8,
        size: u8,
    },
    Link {
        root: u8,
        reg: u8,
        light: bool,
        c_owned: bool,
    },
    Incref {
        from: u8,
        to: u8,
    },
    Decref {
        reg: u8,
    },
    DecrefDetached {
        reg: u8,
    },
    Cross {
        reg: u8,
        root: u8,
    },
    Global {
        global: u8,
        root: u8,
    },
    Weak {
        weak: u8,
        root: u8,
    },
    WeakGet {
        weak: u8,
        root: u8,
    },
    Minor {
        native: bool,
    },
    Full,
    Immortal {
        reg: u8,
    },
    /// Memory of the program's own becomes a handle.
    Adopt {
        reg: u8,
        zero: bool,
    },
    Disown {
        reg: u8,
    },
    /// A handle of C alone holds a reference to another one, which its dealloc drops.
    Hold {
        reg: u8,
        child: u8,
    },
    Scope {
        root: u8,
    },
    /// Many pairs that C drops at once.
    Many {
        count: u8,
        size: u8,
        light: bool,
    },
    /// Calls that must be refused, and change nothing.
    Errors {
        root: u8,
        reg: u8,
    },
    /// The same from another thread, which stays attached until it leaves.
    Elsewhere {
        what: Elsewhere,
    },
}

/// What the other thread does.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Elsewhere {
    New { reg: u8, size: u8 },
    Incref { from: u8, to: u8 },
    Decref { reg: u8 },
    Cross { reg: u8 },
    Handle { global: u8, reg: u8, size: u8, light: bool },
    Minor,
    Leave,
}

/// More than this many operations find nothing that fewer do not.
const MOST: usize = 400;

/// The program that some bytes are.
pub fn decode(bytes: &[u8]) -> Vec<Op> {
    let mut data = Unstructured::new(bytes);
    let mut ops = vec![];
    while !data.is_empty() && ops.len() < MOST {
        match data.arbitrary() {
            Ok(op) => ops.push(op),
            Err(_) => break,
        }
    }
    ops
}
