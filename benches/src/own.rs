//! What this program runs itself: handfast, the limits of the machine, and peers that are linked in. Each run is a process
//! of its own (`--child`), so that none finds the caches, the heap or the memory limit of another.

use crate::outcome::Outcome;
use crate::row::Row;
use crate::workload::Scale;
use crate::{blocks, calls, churn, counts, crossing, cycles, gcbench, handle, memory, minors, slab, table, trees};

/// What part something has in a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The subject.
    Handfast,
    /// Another memory manager.
    Peer,
    /// What the machine can do without one.
    Limit,
}

impl Role {
    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Role::Handfast => "handfast",
            Role::Peer => "peer",
            Role::Limit => "limit",
        }
    }
}

type Run = Box<dyn Fn(Scale) -> Outcome>;

/// A system on a workload.
pub struct Own {
    /// The workload's name.
    pub workload: &'static str,
    /// The system's name.
    pub system: &'static str,
    /// Its part.
    pub role: Role,
    /// The limit that it is compared with, or nothing.
    pub limit: &'static str,
    run: Run,
}

impl Own {
    /// A layer of handfast.
    pub fn handfast(
        workload: &'static str,
        system: &'static str,
        limit: &'static str,
        run: impl Fn(Scale) -> Outcome + 'static,
    ) -> Own {
        Own { workload, system, role: Role::Handfast, limit, run: Box::new(run) }
    }

    /// A peer that is linked in.
    pub fn peer(workload: &'static str, system: &'static str, run: impl Fn(Scale) -> Outcome + 'static) -> Own {
        Own { workload, system, role: Role::Peer, limit: "", run: Box::new(run) }
    }

    /// The bare machine.
    pub fn limit(workload: &'static str, system: &'static str, run: impl Fn(Scale) -> Outcome + 'static) -> Own {
        Own { workload, system, role: Role::Limit, limit: "", run: Box::new(run) }
    }
}

/// All of them.
pub fn all() -> Vec<Own> {
    let parts: [fn() -> Vec<Own>; 10] = [
        churn::own,
        trees::own,
        gcbench::own,
        table::own,
        blocks::own,
        counts::own,
        calls::own,
        minors::own,
        cycles::own,
        memory::own,
    ];
    parts.iter().flat_map(|part| part()).collect()
}

/// The rows: small questions, each compared with a row of its own choice.
pub fn rows() -> Vec<Row> {
    let parts: [fn() -> Vec<Row>; 3] = [handle::rows, crossing::rows, slab::rows];
    parts.iter().flat_map(|part| part()).collect()
}

/// Runs one of them in this process and prints its words. `arguments`: `own WORKLOAD SYSTEM quick|full X`, `row NAME`.
///
/// # Errors
/// What is wrong with the arguments.
pub fn child(arguments: &[&str]) -> Result<(), String> {
    // A thread that has failed must not leave the others waiting for it.
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        print(info);
        std::process::exit(101);
    }));
    let outcome = match arguments {
        ["own", workload, system, size, x] => {
            let scale = Scale { quick: *size == "quick", x: x.parse().map_err(|_| format!("{x} is not a number"))? };
            let own = all().into_iter().find(|own| own.workload == *workload && own.system == *system);
            (own.ok_or(format!("{system} does not run {workload}"))?.run)(scale)
        }
        ["row", name] => {
            let row = rows().into_iter().find(|row| row.name == *name);
            row.ok_or(format!("no row is called {name:?}"))?.run()
        }
        ["warm", mib] => {
            crate::run::warm_memory(mib.parse().map_err(|_| format!("{mib} is no number of MiB"))?);
            return Ok(());
        }
        ["footprint", of] => {
            slab::footprint_child(of);
            return Ok(());
        }
        _ => return Err(format!("unknown: --child {}", arguments.join(" "))),
    };
    println!("{}", outcome.words());
    Ok(())
}
