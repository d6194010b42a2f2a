//! gc-arena: an incremental collector for one thread. Some work in each mutation, then what is owed to the collector.

use crate::gaps::{random_slot, random_start};
use crate::{Done, Ticks, Work};
use gc_arena::lock::RefLock;
use gc_arena::{Arena, Collect, Gc, Mutation, Rootable};
use std::hint::black_box;

#[derive(Collect)]
#[collect(no_drop)]
struct Node<'gc> {
    left: Option<Gc<'gc, Node<'gc>>>,
    right: Option<Gc<'gc, Node<'gc>>>,
}

#[derive(Collect)]
#[collect(no_drop)]
struct Entry<'gc> {
    link: Option<Gc<'gc, Entry<'gc>>>,
    values: [u64; 11],
}

type Chunk<'gc> = Gc<'gc, RefLock<Vec<Gc<'gc, Entry<'gc>>>>>;

#[derive(Collect)]
#[collect(no_drop)]
struct Root<'gc> {
    last: Option<Gc<'gc, Node<'gc>>>,
    long_lived: Option<Gc<'gc, Node<'gc>>>,
    table: Vec<Chunk<'gc>>,
}

/// Slots of a chunk of the table, and objects of a mutation.
const CHUNK: u64 = 1024;

fn arena() -> Arena<Rootable![Root<'_>]> {
    Arena::new(|_| Root { last: None, long_lived: None, table: vec![] })
}

pub fn w2(objects: u64) -> u64 {
    let mut arena = arena();
    for chunk in 0..objects.div_ceil(CHUNK) {
        arena.mutate_root(|mc, root| {
            for _ in 0..CHUNK.min(objects - chunk * CHUNK) {
                root.last = Some(black_box(Gc::new(mc, Node { left: None, right: None })));
            }
        });
        arena.collect_debt();
    }
    objects
}

fn bottom_up<'gc>(mc: &Mutation<'gc>, depth: u64) -> Gc<'gc, Node<'gc>> {
    if depth == 0 {
        return Gc::new(mc, Node { left: None, right: None });
    }
    let (left, right) = (bottom_up(mc, depth - 1), bottom_up(mc, depth - 1));
    Gc::new(mc, Node { left: Some(left), right: Some(right) })
}

fn check(node: &Node<'_>) -> u64 {
    match (&node.left, &node.right) {
        (Some(left), Some(right)) => 1 + check(left) + check(right),
        _ => 1,
    }
}

pub fn w3(max: u64) -> u64 {
    let mut arena = arena();
    let mut nodes = 0;
    arena.mutate_root(|mc, _| nodes += check(&bottom_up(mc, max + 1)));
    arena.collect_debt();
    arena.mutate_root(|mc, root| root.long_lived = Some(bottom_up(mc, max)));
    arena.collect_debt();
    for depth in (4..=max).step_by(2) {
        // About two thousand nodes in a mutation.
        let (count, batch) = (1u64 << (max - depth + 4), 1u64 << 10u64.saturating_sub(depth));
        for _ in 0..count / batch {
            arena.mutate_root(|mc, _| {
                for _ in 0..batch {
                    nodes += check(&bottom_up(mc, depth));
                }
            });
            arena.collect_debt();
        }
    }
    arena.mutate_root(|_, root| nodes += root.long_lived.as_deref().map_or(0, check));
    nodes
}

pub fn w5(work: Work) -> Done {
    let slots = work.a;
    let mut arena = arena();
    for chunk in 0..slots.div_ceil(CHUNK) {
        arena.mutate_root(|mc, root| {
            let entries = (0..CHUNK).map(|i| Gc::new(mc, Entry { link: None, values: [chunk * CHUNK + i; 11] }));
            root.table.push(Gc::new(mc, RefLock::new(entries.collect())));
        });
        arena.collect_debt();
    }
    let (mut state, mut sum, mut ticks) = (random_start(slots), 0u64, Ticks::new());
    for tick in 0..work.turns.div_ceil(16) {
        arena.mutate(|mc, root| {
            for turn in tick * 16..work.turns.min(tick * 16 + 16) {
                let at = random_slot(&mut state, slots);
                let new = Gc::new(mc, Entry { link: None, values: [turn; 11] });
                let mut chunk = root.table[at / CHUNK as usize].borrow_mut(mc);
                let old = std::mem::replace(&mut chunk[at % CHUNK as usize], new);
                sum = sum.wrapping_add(old.values[0] + u64::from(old.link.is_some()));
            }
        });
        arena.collect_debt();
        ticks.tick();
    }
    ticks.done(work.turns, sum)
}
