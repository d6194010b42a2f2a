//! Blocks, lines, pools, holes and large objects against a model: `src/heap` alone, without a collector.
//!
//! Any bytes are a list of operations. The model knows which bytes hold objects; what is handed out must not overlap
//! them, what a sweep frees must be free, what it keeps must be kept, and all books must balance. Objects are filled
//! with their number, so that memory handed out twice is noticed. Used by `tests/block_pool_corpus.rs` and the fuzz
//! target `block_pool`, which both compile `src/heap` as a module of their own.
//!
//! Why the unsafe blocks are sound: an address is that of an object that the model knows. "The rule above" means this.

mod stacks;

use crate::heap::Memory;
use crate::heap::block::{BLOCK, Kind, LINE, LINES, LineSet};
use crate::heap::evacuate::EvacuationAllocator;
use crate::heap::large::PAGE;
use crate::object::header::{OLD, next_epoch};
use crate::object::{Object, TypeInfo};
use arbitrary::{Arbitrary, Unstructured};
use std::collections::{BTreeMap, BTreeSet};

static TYPE: TypeInfo = TypeInfo::new("Bytes", 8);

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Setup {
    /// MiB of limit, from 4: the last three bits. The others say who sees to it that pages are there.
    limit: u8,
    /// The number of the first cycle.
    epoch: u8,
}

/// One operation. Places and sizes are taken modulo what there is.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Op {
    /// Survivors into old blocks, by one of two allocators.
    Evacuate {
        by: bool,
        count: u8,
        size: u16,
    },
    /// An allocator gives its blocks up.
    Retire {
        by: bool,
    },
    /// A nursery takes a block.
    TakeYoung,
    /// A nursery gives a block back, with nothing alive in it.
    GiveYoung {
        which: u8,
    },
    /// A nursery gives a block up in which these lines hold an object each; its holes may be used at once, or not.
    Settle {
        which: u8,
        lines: u32,
        recycle: bool,
    },
    /// A cycle: of all objects those survive whose number meets the mask; some are made before the sweep begins.
    Cycle {
        mask: u8,
        between: u8,
    },
    /// Some blocks are swept.
    Sweep {
        blocks: u8,
    },
    Large {
        bytes: u16,
        old: bool,
    },
    FreeLarge {
        which: u8,
    },
    Trim {
        kib: u16,
    },
    /// Stacks of indices, by themselves.
    Stack {
        op: stacks::Op,
    },
    /// A nursery takes the free lines of a block of the pool.
    TakeMixed,
    /// It gives such a block back, in whose young lines these objects were promoted in place; it is offered again at once if
    /// no sweep has passed it by, or not.
    GiveMixed {
        which: u8,
        lines: u32,
        recycle: bool,
    },
}

struct Large {
    bytes: usize,
    old: bool,
    id: u64,
}

struct World {
    memory: Memory,
    epoch: u8,
    allocators: [EvacuationAllocator; 2],
    /// Address → bytes and number of everything that is alive in blocks.
    objects: BTreeMap<usize, (usize, u64)>,
    large: BTreeMap<usize, Large>,
    young: Vec<u32>,
    /// Blocks of which a nursery has the free lines, and these.
    mixed: Vec<(u32, LineSet)>,
    sweeping: bool,
    next: u64,
    stacks: stacks::Stacks,
}

/// Runs one list of operations.
pub fn run(bytes: &[u8]) {
    let mut data = Unstructured::new(bytes);
    let setup: Setup = data.arbitrary().unwrap_or(Setup { limit: 0, epoch: 0 });
    let mut memory = Memory::new((4 + setup.limit as usize % 8) << 20, false).expect("address space");
    if setup.limit & 8 != 0 {
        memory = memory.attended();
    }
    if setup.limit & 16 != 0 {
        memory = memory.touched().expect("memory");
    }
    let mut world = World {
        memory,
        epoch: setup.epoch.max(1),
        allocators: [EvacuationAllocator::new(), EvacuationAllocator::new()],
        objects: BTreeMap::new(),
        large: BTreeMap::new(),
        young: vec![],
        mixed: vec![],
        sweeping: false,
        next: 0,
        stacks: Default::default(),
    };
    let trace = std::env::var_os("HANDFAST_OPS_TRACE").is_some();
    for _ in 0..300 {
        let Ok(op) = data.arbitrary::<Op>() else { break };
        if data.is_empty() {
            break;
        }
        if trace {
            eprintln!("{op:?}");
        }
        world.step(op);
        world.books();
    }
    while !world.mixed.is_empty() {
        world.give_mixed(0, 0, true);
    }
    world.cycle(0, 0);
    world.sweep_all();
    assert_eq!(world.memory.used(), world.young.len() * BLOCK, "an empty heap uses memory");
    assert!(world.objects.is_empty() && world.large.is_empty());
}

impl World {
    fn step(&mut self, op: Op) {
        match op {
            Op::Evacuate { by, count, size } => {
                for _ in 0..=count % 64 {
                    self.evacuate(usize::from(by), size as usize);
                }
            }
            Op::Retire { by } => self.allocators[usize::from(by)].retire(&self.memory, self.epoch),
            Op::TakeYoung => {
                if let Some(block) = self.memory.take_free(Kind::Young) {
                    let at = self.memory.blocks.address_of(block);
                    self.must_be_free(at, BLOCK);
                    assert!(!self.young.contains(&block), "block {block} was handed out twice");
                    assert!(self.memory.is_young(at));
                    // SAFETY: the block is ours.
                    unsafe { std::ptr::write_bytes(at as *mut u8, 0xDB, BLOCK) };
                    self.young.push(block);
                } else {
                    let room = self.memory.limit() - self.memory.used();
                    // What may still be free are blocks in the pools of a sweep that is not over.
                    assert!(
                        room < BLOCK
                            || self.sweeping
                            || self.memory.block_count() as usize * BLOCK >= self.memory.limit()
                    );
                }
            }
            Op::GiveYoung { which } => {
                if !self.young.is_empty() {
                    let block = self.young.swap_remove(which as usize % self.young.len());
                    self.memory.give_free(block);
                }
            }
            Op::Settle { which, lines, recycle } => {
                if !self.young.is_empty() {
                    let block = self.young.swap_remove(which as usize % self.young.len());
                    self.settle(block, lines, recycle);
                }
            }
            Op::Cycle { mask, between } => self.cycle(mask, between),
            Op::Sweep { blocks } => {
                for _ in 0..blocks {
                    if !self.memory.sweep_next() {
                        break;
                    }
                }
            }
            Op::Large { bytes, old } => self.large(bytes as usize, old),
            Op::FreeLarge { which } => {
                if let Some(&at) = self.large.keys().nth(which as usize % self.large.len().max(1)) {
                    self.free_large(at);
                }
            }
            Op::Trim { kib } => {
                self.memory.trim((kib as usize) << 10);
                self.memory.prepare();
            }
            Op::Stack { op } => self.stacks.step(op),
            Op::TakeMixed => self.take_mixed(),
            Op::GiveMixed { which, lines, recycle } => {
                if !self.mixed.is_empty() {
                    self.give_mixed(which as usize % self.mixed.len(), lines, recycle);
                }
            }
        }
    }

    fn must_be_free(&self, at: usize, bytes: usize) {
        let overlapping = self.objects.range(..at + bytes).next_back();
        let free = overlapping.is_none_or(|(&other, &(size, _))| other + size <= at);
        assert!(free, "{at:#x} to {:#x} overlaps {overlapping:x?}", at + bytes);
    }

    /// Writes an object into memory that was just handed out.
    fn make(&mut self, at: usize, bytes: usize) {
        assert!(at.is_multiple_of(8) && self.memory.in_blocks(at));
        self.must_be_free(at, bytes);
        self.next += 1;
        // SAFETY: memory that is ours, of that many bytes.
        unsafe {
            Object::init(at as *mut Object, &TYPE, OLD, self.epoch);
            let words = std::slice::from_raw_parts_mut((at + 8) as *mut u64, bytes / 8 - 1);
            words.fill(self.next);
        }
        self.memory.blocks.set_start(at);
        self.objects.insert(at, (bytes, self.next));
    }

    fn evacuate(&mut self, by: usize, size: usize) {
        let bytes = (16 + size % (BLOCK / 4 - 16)).next_multiple_of(8);
        let at = self.allocators[by].alloc(&self.memory, bytes, self.epoch) as usize;
        if at == 0 {
            return;
        }
        let block = self.memory.blocks.block_of(at);
        assert_eq!(self.memory.blocks.block_of(at + bytes - 1), block, "over the end of a block");
        assert_eq!(self.memory.blocks.kind(block), Kind::Active);
        assert!(!self.memory.is_young(at));
        self.make(at, bytes);
    }

    /// As a minor collection does with a block in which objects were promoted in place.
    fn settle(&mut self, block: u32, lines: u32, recycle: bool) {
        let (start, mut occupied) = (self.memory.blocks.address_of(block), LineSet::NONE);
        self.memory.blocks.clear_starts(block, 0..LINES);
        for i in (0..32).filter(|i| lines >> i & 1 == 1) {
            // Some of one line, some over the end of one.
            let (at, bytes) = (start + i * (BLOCK / 32) + (i % 3) * 88, 40 + (i % 4) * 120);
            self.make(at, bytes);
            occupied.cover(at & (BLOCK - 1), bytes);
            self.memory.blocks.mark_lines(at, bytes, self.epoch);
        }
        if occupied.is_empty() {
            self.memory.give_free(block);
        } else if recycle {
            self.memory.give_recyclable(block, occupied.others());
        } else {
            self.memory.blocks.set_kind(block, Kind::Old);
        }
    }

    fn take_mixed(&mut self) {
        let Some((block, free)) = self.memory.take_mixed() else { return };
        let (start, mut rest) = (self.memory.blocks.address_of(block), free);
        while let Some(run) = rest.take_run() {
            let (at, bytes) = (start + run.start * LINE, run.len() * LINE);
            self.must_be_free(at, bytes);
            assert!(run.clone().all(|line| self.memory.is_young(start + line * LINE)), "not young");
            let starts = (at..at + bytes).step_by(8).find(|&at| self.memory.blocks.is_start(at));
            assert_eq!(starts, None, "what was there is not forgotten");
            // SAFETY: the lines are ours.
            unsafe { std::ptr::write_bytes(at as *mut u8, 0xDB, bytes) };
        }
        for (&at, _) in self.objects.range(start..start + BLOCK) {
            assert!(!self.memory.is_young(at), "{at:#x} is old, and in a block of which a nursery has lines");
        }
        assert!(self.mixed.iter().all(|&(other, _)| other != block), "block {block} was handed out twice");
        self.mixed.push((block, free));
    }

    /// As a minor collection does with it.
    fn give_mixed(&mut self, which: usize, lines: u32, recycle: bool) {
        let (block, mut young) = self.mixed.swap_remove(which);
        let start = self.memory.blocks.address_of(block);
        for i in 0..32 {
            let Some(run) = young.take_run() else { break };
            if lines >> i & 1 == 1 {
                // Up to the end of the run, or a part of a line.
                let (at, bytes) = (start + run.start * LINE + 8, [40, run.len() * LINE - 8][i % 2]);
                self.memory.blocks.add_free_lines(at, bytes);
                self.make(at, bytes);
                self.memory.blocks.mark_lines(at, bytes, self.epoch);
            }
        }
        let (free, swept) = self.memory.blocks.left_of_mixed(block, self.epoch);
        let mut rest = free;
        while let Some(run) = rest.take_run() {
            self.must_be_free(start + run.start * LINE, run.len() * LINE);
        }
        if recycle && swept {
            self.memory.give_recyclable(block, free);
        } else {
            self.memory.blocks.set_kind(block, Kind::Old);
        }
    }

    fn sweep_all(&mut self) {
        while self.memory.sweep_next() {}
        if std::mem::take(&mut self.sweeping) {
            self.check();
        }
    }

    fn cycle(&mut self, mask: u8, between: u8) {
        self.sweep_all();
        for allocator in &mut self.allocators {
            allocator.retire(&self.memory, self.epoch);
        }
        self.epoch = next_epoch(self.epoch);
        let survives = |id: u64| id & mask as u64 & 7 != 0;
        self.objects.retain(|_, (_, id)| survives(*id));
        // What is allocated in a cycle is born marked.
        for i in 0..between % 32 {
            self.evacuate(usize::from(i) % 2, i as usize * 97);
        }
        for (&at, &(bytes, id)) in &self.objects {
            // SAFETY: the rule above.
            unsafe { verify(at, bytes, id, 8) };
            // SAFETY: the rule above.
            unsafe { (*(at as *const Object)).set_mark(self.epoch) };
            self.memory.blocks.mark_lines(at, bytes, self.epoch);
        }
        self.memory.begin_sweep(self.epoch);
        self.sweeping = true;
        let mut seen = BTreeSet::new();
        let mut dead = vec![];
        self.memory.large.for_each_old(|at| {
            assert!(seen.insert(at), "a large object twice");
            let large = &self.large[&at];
            assert!(large.old, "{at:#x} is young");
            if !survives(large.id) {
                dead.push(at);
            }
        });
        assert_eq!(seen.len(), self.large.values().filter(|large| large.old).count(), "old large objects");
        dead.into_iter().for_each(|at| self.free_large(at));
        // Those that are young die, as if at a minor collection.
        let young: Vec<usize> =
            self.large.iter().filter(|(_, l)| !l.old && !survives(l.id)).map(|(&at, _)| at).collect();
        young.into_iter().for_each(|at| self.free_large(at));
    }

    fn large(&mut self, size: usize, old: bool) {
        let bytes = 8 << 10 | size << 4 | 8;
        let Some(at) = self.memory.alloc_large(bytes) else {
            assert!(self.memory.used() + bytes.next_multiple_of(PAGE) > self.memory.limit());
            return;
        };
        assert!(at.is_multiple_of(PAGE) && self.memory.contains(at) && !self.memory.in_blocks(at));
        assert!(self.memory.is_young(at + 8));
        let pages = bytes.next_multiple_of(PAGE);
        let before = self.large.range(..at + pages).next_back();
        let free = before.is_none_or(|(&other, l)| other + l.bytes.next_multiple_of(PAGE) <= at);
        assert!(free, "large objects overlap");
        self.next += 1;
        // SAFETY: pages of ours.
        unsafe {
            let words = std::slice::from_raw_parts_mut(at as *mut u64, bytes / 8);
            assert!(words.iter().all(|&w| w == 0), "a large object is not zero");
            words.fill(self.next);
        }
        if old {
            self.memory.large.set_old(at + 8);
            assert!(!self.memory.is_young(at + 8));
        }
        self.large.insert(at, Large { bytes, old, id: self.next });
    }

    fn free_large(&mut self, at: usize) {
        let large = self.large.remove(&at).expect("known");
        // SAFETY: the rule above.
        unsafe { verify(at, large.bytes, large.id, 0) };
        self.memory.free_large(at, large.bytes);
    }

    /// What holds at any moment.
    fn books(&self) {
        let memory = &self.memory;
        let large: usize = self.large.values().map(|large| large.bytes.next_multiple_of(PAGE)).sum();
        let kinds = (0..memory.block_count()).map(|block| memory.blocks.kind(block));
        let taken = kinds.filter(|&kind| kind != Kind::Free).count();
        assert_eq!(memory.used(), taken * BLOCK + large, "bytes in use");
        assert!(memory.used() <= memory.limit());
        assert!(memory.committed() >= memory.used(), "{} of {} committed", memory.committed(), memory.used());
        for &block in &self.young {
            assert_eq!(memory.blocks.kind(block), Kind::Young);
        }
        for &(block, young) in &self.mixed {
            assert_eq!((memory.blocks.kind(block), memory.blocks.free_lines(block)), (Kind::Mixed, young));
        }
    }

    /// What holds when a sweep is over.
    fn check(&self) {
        let memory = &self.memory;
        let mut starts = BTreeSet::new();
        for block in 0..memory.block_count() {
            let (kind, base) = (memory.blocks.kind(block), memory.blocks.address_of(block));
            assert_ne!(kind, Kind::Sweeping);
            let held = self.objects.range(base..base + BLOCK);
            match kind {
                Kind::Free | Kind::Young => assert_eq!(held.count(), 0, "{kind:?} {block} holds objects"),
                Kind::Recyclable => {
                    let free = memory.blocks.free_lines(block);
                    let mut used = LineSet::NONE;
                    held.for_each(|(&at, &(bytes, _))| used.cover(at & (BLOCK - 1), bytes));
                    let both = (0..LINES).find(|&line| free.contains(line) && used.contains(line));
                    assert_eq!(both, None, "a hole of block {block} is not empty");
                }
                Kind::Mixed => assert!(self.mixed.iter().any(|&(mixed, _)| mixed == block), "nobody's {block}"),
                _ => {}
            }
            if matches!(kind, Kind::Old | Kind::Recyclable | Kind::Mixed) {
                memory.blocks.for_each_start(block, self.epoch, |at| {
                    // SAFETY: a start in a marked line is an object that was there, alive or dead.
                    if unsafe { (*(at as *const Object)).mark() } == self.epoch {
                        assert!(starts.insert(at), "an object starts twice");
                    }
                });
                for (&at, &(bytes, id)) in self.objects.range(base..base + BLOCK) {
                    // SAFETY: the rule above.
                    unsafe { verify(at, bytes, id, 8) };
                    assert!(starts.contains(&at), "the start of {id} at {at:#x} is forgotten");
                }
            }
        }
        let dead = starts.iter().find(|at| !self.objects.contains_key(at));
        assert_eq!(dead, None, "something dead looks alive");
    }
}

/// An object holds its number in all words from `from` on.
unsafe fn verify(at: usize, bytes: usize, id: u64, from: usize) {
    // SAFETY: the rule above.
    let words = unsafe { std::slice::from_raw_parts((at + from) as *const u64, (bytes - from) / 8) };
    assert!(words.iter().all(|&word| word == id), "object {id} at {at:#x} was overwritten");
}
