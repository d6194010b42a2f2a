//! The workloads: what they are called, what their figure is, and how big they are.

/// A workload. Smaller figures are better.
pub struct Workload {
    /// What it is called on the command line.
    pub id: &'static str,
    /// Workloads that are asked for together.
    pub group: &'static str,
    /// What it does.
    pub title: &'static str,
    /// The unit of its figure.
    pub unit: &'static str,
    /// Threads that do it.
    pub threads: u32,
    /// What is varied, and its values: the workload is a curve then.
    pub x: Option<(&'static str, &'static [f64])>,
}

const fn plain(
    id: &'static str,
    group: &'static str,
    threads: u32,
    unit: &'static str,
    title: &'static str,
) -> Workload {
    Workload { id, group, title, unit, threads, x: None }
}

const fn curve(
    id: &'static str,
    unit: &'static str,
    title: &'static str,
    x: &'static str,
    values: &'static [f64],
) -> Workload {
    Workload { id, group: "curves", title, unit, threads: 1, x: Some((x, values)) }
}

/// All of them. The rows of `handle.rs`, `crossing.rs` and `slab.rs` come on top.
pub static WORKLOADS: &[Workload] = &[
    plain("w2", "churn", 1, "ns an object", "W2: allocate 32-byte objects and keep the last one"),
    plain("w3", "trees", 1, "ns a node", "W3: binary trees of depth 18, heap three times what lives"),
    plain("w3x2", "trees", 2, "ns a node", "W3 on two threads, each with its own trees"),
    plain("w4", "gcbench", 1, "s", "W4: GCBench, 40-byte nodes, heap three times what lives"),
    plain(
        "w5",
        "table",
        1,
        "ns a replacement",
        "W5: a table of 112-byte objects, random replacement, heap three times it",
    ),
    plain(
        "w5x2",
        "table",
        2,
        "ns a replacement",
        "W5 on two threads, each with half of the objects in a table of its own",
    ),
    plain("w5s2", "table", 2, "ns a replacement", "W5 on two threads and one table"),
    plain("w6", "blocks", 1, "ns a block", "W6: 48-byte blocks that C can hold, allocated and freed on one thread"),
    plain("w6x", "blocks", 2, "ns a block", "W6: allocated by one thread, freed by another"),
    plain("w7", "counts", 1, "ns a pair", "W7: a count up and down"),
    plain("w7x2", "counts", 2, "ns a pair", "W7: one count, two threads"),
    plain("h-call", "h", 1, "ns a call", "H: an object that C knows already, handed to a C function"),
    plain("h-fresh", "h", 1, "ns a call", "H: a new object handed to a C function and dropped"),
    plain("h-make", "h", 1, "ns an object", "H: an object of a C type made and dropped by C"),
    plain("h-first", "h", 1, "ns an item", "H: C meets each of a million objects for the first time"),
    plain("h-again", "h", 1, "ns an item", "H: C meets each of a million objects again"),
    plain("h-hold", "h", 1, "ns an item", "H: C takes a counted reference to each of a million objects"),
    plain("h-full", "h", 1, "ms", "H: longest stop of a full collection while C holds a million objects"),
    plain("minor", "minor", 1, "CPU ns a byte", "minor collection of a nursery of small objects that all survive"),
    plain("publish", "publish", 1, "CPU ns an object", "publication of lists of a thousand private objects"),
    plain("mark", "mark", 1, "CPU ns a byte", "a full cycle over 256 MB of live 112-byte objects"),
    plain("memory", "memory", 1, "times what lives", "W5 without a limit: resident memory at the peak, default pacing"),
    plain("busy", "busy", 1, "CPU ns a replacement", "CPU time of a mutator while cycles run back to back"),
    curve(
        "by-heap",
        "ns a replacement",
        "W5 with 120 MB live, by the size of the heap",
        "heap, MiB",
        &[180.0, 240.0, 360.0, 480.0, 720.0],
    ),
    curve(
        "by-threads",
        "ns a node",
        "W3 of depth 16 on each thread, by the number of threads",
        "threads",
        &[1.0, 2.0, 3.0, 4.0],
    ),
    curve(
        "by-links",
        "CPU us a collection",
        "a minor collection with 64 KiB of survivors, by the number of old links",
        "links",
        &[0.0, 10_000.0, 100_000.0, 1_000_000.0],
    ),
    curve(
        "links-pause",
        "us",
        "longest pause of a mutator while cycles run, by the number of links",
        "links",
        &[0.0, 10_000.0, 100_000.0, 1_000_000.0],
    ),
    curve(
        "by-old",
        "CPU us a collection",
        "a minor collection with 64 KiB of survivors, by the size of the old generation",
        "old generation, MiB",
        &[0.0, 32.0, 128.0, 512.0],
    ),
    curve(
        "by-live",
        "CPU ms a cycle",
        "a full cycle over 112-byte objects, by what lives",
        "live, MiB",
        &[8.0, 32.0, 128.0, 256.0, 512.0],
    ),
    curve(
        "by-survival",
        "CPU ns an object",
        "allocation of 32-byte objects, by the part of them that survives",
        "survivors, percent",
        &[0.0, 10.0, 25.0, 50.0, 100.0],
    ),
];

impl Workload {
    /// Threads that do it, where their number may be what is varied.
    pub fn threads_at(&self, scale: Scale) -> u32 {
        if self.id == "by-threads" { scale.x as u32 } else { self.threads }
    }

    /// MiB of memory that are made ready before a run.
    pub fn memory(&self, scale: Scale) -> usize {
        match self.id {
            _ if scale.quick => 0,
            "w3" | "w3x2" | "by-threads" => Scale::trees_limit(scale.depth()) * self.threads_at(scale) as usize,
            "w4" => scale.gcbench_limit(),
            "w5" | "w5x2" | "w5s2" | "memory" => 2048,
            "by-heap" => scale.x as usize,
            "mark" | "by-live" | "busy" | "by-old" | "by-links" | "links-pause" => 1024,
            _ => 128,
        }
    }
}

/// How much of everything.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// A tenth of the work or less.
    pub quick: bool,
    /// The value of what a curve varies.
    pub x: f64,
}

impl Scale {
    fn pick<T>(self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    /// W2: objects.
    pub fn churn(self) -> u64 {
        self.pick(100_000_000, 10_000_000)
    }

    /// W3: depth.
    pub fn depth(self) -> u32 {
        self.pick(18, 15)
    }

    /// W3: nodes of a run of this depth, counted as the trees are made.
    pub fn nodes(depth: u32) -> u64 {
        let tree = |depth: u32| (2u64 << depth) - 1;
        let short: u64 = (4..=depth).step_by(2).map(|d| tree(d) << (depth - d + 4)).sum();
        tree(depth + 1) + tree(depth) + short
    }

    /// W3: MiB of heap for a thread, a little more than three times what lives.
    pub fn trees_limit(depth: u32) -> usize {
        (128usize >> (18 - depth.min(18))).max(16)
    }

    /// W4: powers of two by which everything is smaller.
    pub fn shrink(self) -> u32 {
        self.pick(0, 3)
    }

    /// W4: MiB of heap.
    pub fn gcbench_limit(self) -> usize {
        self.pick(256, 96)
    }

    /// W5: slots and replacements of all threads.
    pub fn table(self) -> (usize, u64) {
        self.pick((4_000_000, 20_000_000), (500_000, 2_500_000))
    }

    /// W5: MiB of heap, three times the table and its objects.
    pub fn table_limit(self) -> usize {
        self.pick(1440, 180)
    }

    /// W5 of the curve.
    pub fn small_table(self) -> (usize, u64) {
        self.pick((1_000_000, 5_000_000), (1_000_000, 1_000_000))
    }

    /// W6: blocks.
    pub fn blocks(self) -> u64 {
        self.pick(40_000_000, 4_000_000)
    }

    /// W7: pairs on each thread.
    pub fn counts(self) -> u64 {
        self.pick(50_000_000, 5_000_000)
    }

    /// H: calls.
    pub fn calls(self) -> u64 {
        self.pick(10_000_000, 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nodes_of_binary_trees_are_counted() {
        assert_eq!(Scale::nodes(18), 68_332_206);
    }

    #[test]
    fn names_are_used_once() {
        for (at, workload) in WORKLOADS.iter().enumerate() {
            assert!(WORKLOADS[at + 1..].iter().all(|other| other.id != workload.id), "{}", workload.id);
        }
    }
}
