//! Blocks, their lines and pools, and large objects.
//!
//! A block in a pool is nobody's: its kind and its tables do not change while it stays there, which a walk of the pool
//! can tell ([`IndexStack::examine`](crate::heap::pool::IndexStack::examine)). So pools are checked while mutators run. That every block
//! is in one place exactly, and that bytes in use are those charged, can be said only while nobody takes or gives any:
//! [`Still`] holds all mutators if none of them runs, and says afterwards whether that remained so.

use super::report::{Invariant, Verified, Violation};
use crate::heap::Pool;
use crate::heap::block::{BLOCK, Kind, LineSet};
use crate::mutator::handshake::{Requests, Target};
use crate::mutator::inspect::Moment;
use crate::mutator::{Record, Shared};
use crate::object::Object;
use crate::sync::atomic::Ordering;
use std::collections::HashSet;

/// How often a pool that changes under the walk is walked again.
const TRIES: usize = 100;

/// The blocks of the pools.
#[derive(Debug, Default)]
struct Pooled {
    free: HashSet<u32>,
    recyclable: HashSet<u32>,
}

/// Checks blocks in pools and large objects; everything else too if no mutator runs.
pub(super) fn check(shared: &Shared, epoch: u8, moment: Moment, verified: &mut Verified) -> Result<(), Violation> {
    let still = Still::hold(shared);
    let pooled = pools(shared, epoch, moment)?;
    let large = large(shared, moment)?;
    verified.pooled_blocks = (pooled.free.len() + pooled.recyclable.len()) as u64;
    if let Some(still) = still {
        let all = account(shared, moment, &still, &pooled, large);
        // A thread that has attached meanwhile may have taken what seemed lost.
        if still.is_still() {
            verified.accounted = true;
            return all;
        }
    }
    Ok(())
}

fn pools(shared: &Shared, epoch: u8, moment: Moment) -> Result<Pooled, Violation> {
    let mut pooled = Pooled::default();
    for pool in [Pool::Free, Pool::Released, Pool::Recyclable] {
        for _ in 0..TRIES {
            let mut members = HashSet::new();
            let mut found = None;
            let held_still = shared.memory.examine_pool(pool, |block| {
                let violation = if members.insert(block) {
                    pooled_block(shared, epoch, pool, block)
                } else {
                    Some((Invariant::Pool, format!("block {block} is twice in the pool {pool:?}")))
                };
                if found.is_none() {
                    found = violation.map(|what| (block, what));
                }
            });
            if !held_still {
                continue;
            }
            if let Some((block, (invariant, detail))) = found {
                let at = shared.memory.blocks.address_of(block);
                return Err(Violation::new(invariant, moment, at, detail));
            }
            let all = if pool == Pool::Recyclable { &mut pooled.recyclable } else { &mut pooled.free };
            all.extend(members);
            break;
        }
    }
    Ok(pooled)
}

/// What is wrong with a block of a pool.
fn pooled_block(shared: &Shared, epoch: u8, pool: Pool, block: u32) -> Option<(Invariant, String)> {
    let tables = &shared.memory.blocks;
    if block >= shared.memory.block_count() {
        return Some((Invariant::Pool, format!("there is no block {block}, in the pool {pool:?}")));
    }
    let (kind, free) = (tables.kind(block), tables.free_lines(block));
    let wanted = if pool == Pool::Recyclable { Kind::Recyclable } else { Kind::Free };
    if kind != wanted {
        return Some((Invariant::Block, format!("block {block} in the pool {pool:?} is {kind:?}")));
    }
    for (line, mark) in tables.line_marks(block).iter().enumerate() {
        let mark = mark.load(Ordering::Acquire);
        let wrong = match pool {
            Pool::Recyclable => (mark == epoch) == free.contains(line),
            _ => mark != 0,
        };
        if wrong {
            let detail = format!(
                "block {block} in the pool {pool:?}: line {line} is marked {mark} in cycle {epoch}, free lines {free:?}"
            );
            return Some((Invariant::Block, detail));
        }
    }
    (pool == Pool::Recyclable && matches!(free, LineSet::NONE | LineSet::ALL))
        .then(|| (Invariant::Block, format!("block {block} in the pool {pool:?}: free lines {free:?}")))
}

/// The large-object space; how many objects in it are young.
fn large(shared: &Shared, moment: Moment) -> Result<usize, Violation> {
    let bytes_of = |start: usize| {
        // SAFETY: [G1] an old large object, which nobody frees while no sweep is on.
        unsafe { Object::large_extent((start + 8) as *mut Object) }.bytes
    };
    let audit = shared.memory.large.audit(bytes_of);
    audit.map(|(_, young)| young).map_err(|(at, detail)| Violation::new(Invariant::Large, moment, at, detail))
}

/// All mutators, held.
struct Still<'a> {
    shared: &'a Shared,
    held: Vec<&'a Record>,
    minors: u64,
}

impl<'a> Still<'a> {
    /// Holds all mutators, if none runs.
    fn hold(shared: &'a Shared) -> Option<Still<'a>> {
        let mut still = Still { shared, held: vec![], minors: minors(shared) };
        for record in shared.registry.iter() {
            match record.word.target() {
                Target::Detached => {}
                Target::Native if record.word.try_hold() => still.held.push(record),
                _ => return None,
            }
        }
        Some(still)
    }

    /// Whether those that were not attached are not yet, and nobody came and went: to leave takes a minor collection.
    fn is_still(&self) -> bool {
        let held = |record: &Record| self.held.iter().any(|held| std::ptr::eq(*held, record));
        let all = |record: &Record| held(record) || record.word.target() == Target::Detached;
        self.shared.registry.iter().all(all) && minors(self.shared) == self.minors
    }
}

fn minors(shared: &Shared) -> u64 {
    shared.counters.minors.load(Ordering::Acquire)
}

impl Drop for Still<'_> {
    fn drop(&mut self) {
        for record in &self.held {
            let _ = record.word.release(Requests::NONE);
        }
        self.shared.event.notify();
    }
}

/// Every block has one place, and what is used is what is charged.
fn account(
    shared: &Shared,
    moment: Moment,
    still: &Still<'_>,
    pooled: &Pooled,
    young_large: usize,
) -> Result<(), Violation> {
    let memory = &shared.memory;
    let (mut nurseries, mut mixed, mut filled, mut large) = (HashSet::new(), HashSet::new(), HashSet::new(), 0);
    let wrong = |invariant, block: u32, detail: String| {
        Err(Violation::new(invariant, moment, memory.blocks.address_of(block), detail))
    };
    for record in &still.held {
        // SAFETY: [L1] held.
        let local = unsafe { record.local() };
        large += local.large.len();
        for &block in local.nursery.blocks().iter().chain(local.nursery.waiting()) {
            if !nurseries.insert(block) {
                return wrong(Invariant::Nursery, block, format!("block {block} is in two nurseries"));
            }
        }
        for &block in local.nursery.mixed() {
            if !mixed.insert(block) {
                return wrong(Invariant::Nursery, block, format!("block {block} is in two nurseries"));
            }
        }
        for (block, ..) in local.evacuation.regions() {
            if !filled.insert(block) {
                return wrong(Invariant::Pool, block, format!("block {block} is filled by two mutators"));
            }
        }
    }
    let mut used = memory.large.used();
    for block in 0..memory.block_count() {
        let kind = memory.blocks.kind(block);
        let place = match kind {
            Kind::Free => pooled.free.contains(&block),
            Kind::Recyclable => pooled.recyclable.contains(&block),
            Kind::Young => nurseries.contains(&block),
            Kind::Mixed => mixed.contains(&block),
            Kind::Active => filled.contains(&block),
            Kind::Old => {
                ![&pooled.free, &pooled.recyclable, &nurseries, &mixed, &filled].iter().any(|set| set.contains(&block))
            }
            Kind::Sweeping => false,
        };
        if !place {
            return wrong(Invariant::Pool, block, format!("block {block} is {kind:?}, and not where such blocks are"));
        }
        if kind != Kind::Free {
            used += BLOCK;
        }
    }
    if used != memory.used() {
        let detail = format!("{used} bytes are in use, {} are charged", memory.used());
        return Err(Violation::new(Invariant::Pool, moment, 0, detail));
    }
    if large != young_large {
        let detail = format!("{young_large} large objects are young, {large} are in mutators' lists");
        return Err(Violation::new(Invariant::Large, moment, 0, detail));
    }
    Ok(())
}
