//! What a heap is made with.

use crate::Error;
use crate::heap::block::BLOCK;
use std::time::Duration;

/// Parameters of a heap, checked when it is made.
///
/// ```
/// use handfast::Config;
/// let config = Config { nursery_bytes: 4 << 20, gc_threads: 0, ..Config::default() };
/// assert_eq!(config.growth_percent, 20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Bytes of each mutator's nursery to begin with, rounded up to blocks of 32 KiB; 128 KiB to 256 MiB. Default 1 MiB:
    /// where nearly nothing survives, half of a second-level cache is twice as fast as four times that.
    pub nursery_bytes: usize,
    /// The most bytes to which a nursery grows while part of what is allocated survives and is private (what is public is
    /// promoted however long it has had time to die), rounded down to blocks; not below `nursery_bytes`, at most a quarter of
    /// `max_heap_bytes`. The same as `nursery_bytes`: nurseries do not grow. 0, the default: 64 times `nursery_bytes`, but at
    /// most a quarter of `max_heap_bytes`. No nursery grows beyond half of the memory that is left.
    pub max_nursery_bytes: usize,
    /// What a minor collection should take at most, of processor time. Nurseries shrink, down to 128 KiB, until what survived
    /// last time can be copied in that time and all the rest, should it survive as well, be kept where it is; a collection
    /// that has used up its time keeps the rest. So it holds when a program suddenly begins to keep what it allocates, too, to
    /// within a quarter, and as far as the estimate of what keeping costs is right. At most a minute. Default 15 ms.
    ///
    /// Not bounded is what every collection has to visit: roots (deep stacks), remembered fields of old objects, handles that C
    /// holds, and of an object all its fields, however long it is. The first 32 KiB are always copied, and all is while free
    /// memory is less than a nursery. Time in which the operating system runs something else is not foreseen.
    pub pause_target: Duration,
    /// Minor collections that a young object which C alone holds stays young for, 0 to 7. It dies, with its pair, at the first
    /// minor of its thread after C has let go. 0, the default: the first minor promotes it, and its pair is left to the
    /// global cycle. Set it where calls into C are long, or many pairs wait in C for a while; each of them keeps a nursery
    /// block from being filled again, a quarter of the nursery at most. Has no effect for public, pinned, hashed and large
    /// objects, those with a finalizer or a trace function, and while a cycle runs.
    pub link_patience: u32,
    /// The most bytes that objects may occupy, 4 MiB to 16 TiB. 0, the default: three quarters of the machine's memory.
    pub max_heap_bytes: usize,
    /// Threads that mark; one of them drives the cycles. 0: cycles run only on demand, by the mutator that asks or that
    /// runs out of memory. At most 64. Default 1.
    pub gc_threads: u32,
    /// How much a heap grows over what the last cycle left alive, in percent of that; 10 to 10,000. That is what mutators promote
    /// from the start of one cycle to the end of the next, which starts as much earlier as it is expected to take, though not
    /// before a quarter of the growth. Mutators that promote too much while it runs help it, and where its thread gets no core they
    /// wait, once they have promoted twice the growth: for `pause_target`, 100 ms at most, after each minor collection. Default
    /// 20: where old objects are replaced all the time, resident memory stays at about one and a half times what lives, and the
    /// collector's thread is busy for half of the time. More costs memory, and saves cycles. Heaps of less than 320 MiB do not
    /// notice: see `min_trigger_bytes`.
    pub growth_percent: u32,
    /// The least growth, whatever lives; so no cycle starts before a quarter of it was promoted since the last. Default 64 MiB.
    pub min_trigger_bytes: usize,
    /// Free memory that is kept; more goes back to the operating system after a cycle. Default 32 MiB.
    pub reserve_bytes: usize,
    /// Ask for huge pages. Default true. With a `pause_target` below 6 ms, what a mutator needs before the collector's thread has
    /// made it ready comes in ordinary pages, since on a virtual machine it may wait for milliseconds for a huge one.
    pub huge_pages: bool,
    /// Touch all of `max_heap_bytes`, which must be given, when the heap is made, and keep it until the heap goes: no thread
    /// waits later for the operating system to clear a page, which on a virtual machine may be milliseconds. `reserve_bytes`
    /// does not matter then. Default false. Since the memory is held anyway, a `growth_percent` that fills it, three hundred where
    /// a quarter of it lives, costs nothing and saves most cycles.
    ///
    /// Making the heap takes 0.1 to 4 ns a byte, by how the machine provides pages, and the process holds `max_heap_bytes` from
    /// the start, 2.5 percent more for tables, and beside that as much as large objects (over 8 KiB) ever took at once: each
    /// is touched when it is allocated, since it is cleared then anyway. [`Error::InvalidConfig`] where the machine has less
    /// memory; [`Error::Os`] where it has, and other programs use it.
    pub touch_memory: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            nursery_bytes: 1 << 20,
            max_nursery_bytes: 0,
            pause_target: Duration::from_millis(15),
            link_patience: 0,
            max_heap_bytes: 0,
            gc_threads: 1,
            growth_percent: 20,
            min_trigger_bytes: 64 << 20,
            reserve_bytes: 32 << 20,
            huge_pages: true,
            touch_memory: false,
        }
    }
}

/// Bytes of memory that nobody uses, or that the operating system would free for who asks; `None` where it does not say.
pub(crate) fn available_bytes() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix(" kB")?.parse::<usize>().ok()?.checked_mul(1024)
}

/// Bytes of memory that the machine has.
fn machine_bytes() -> usize {
    let info = rustix::system::sysinfo();
    (info.totalram as usize).saturating_mul(info.mem_unit.max(1) as usize)
}

impl Config {
    /// Checks the fields, fills in what depends on the machine and rounds sizes.
    pub(crate) fn validated(&self) -> Result<Config, Error> {
        let mut config = self.clone();
        let check = |ok: bool, field: &'static str, reason: String| {
            if ok { Ok(()) } else { Err(Error::InvalidConfig { field, reason }) }
        };
        let nursery = self.nursery_bytes;
        check(
            (128 << 10..=256 << 20).contains(&nursery),
            "nursery_bytes",
            format!("{nursery} is not between 128 KiB and 256 MiB"),
        )?;
        config.nursery_bytes = nursery.next_multiple_of(BLOCK);
        if config.max_heap_bytes == 0 {
            check(
                !self.touch_memory,
                "max_heap_bytes",
                "touch_memory needs to be told how much: 0 stands for most of the machine's memory".to_owned(),
            )?;
            config.max_heap_bytes = (machine_bytes() / 4 * 3).max(64 << 20);
        }
        let max = config.max_heap_bytes;
        check((4 << 20..=16 << 40).contains(&max), "max_heap_bytes", format!("{max} is not between 4 MiB and 16 TiB"))?;
        let machine = machine_bytes();
        check(
            !self.touch_memory || max <= machine,
            "max_heap_bytes",
            format!("touch_memory would touch {max} bytes, and the machine has {machine}"),
        )?;
        check(
            max / 4 >= config.nursery_bytes,
            "nursery_bytes",
            format!("{nursery} is more than a quarter of max_heap_bytes ({max})"),
        )?;
        let most = self.max_nursery_bytes;
        if most == 0 {
            config.max_nursery_bytes =
                (64 * config.nursery_bytes).min(max / 4 / BLOCK * BLOCK).max(config.nursery_bytes);
        } else {
            check(
                most >= nursery && max / 4 >= most,
                "max_nursery_bytes",
                format!("{most} is not between nursery_bytes ({nursery}) and a quarter of max_heap_bytes ({max})"),
            )?;
            config.max_nursery_bytes = (most / BLOCK * BLOCK).max(config.nursery_bytes);
        }
        let patience = self.link_patience;
        check(patience <= 7, "link_patience", format!("{patience} is more than 7"))?;
        let target = self.pause_target;
        check(target <= Duration::from_secs(60), "pause_target", format!("{target:?} is more than a minute"))?;
        check(self.gc_threads <= 64, "gc_threads", format!("{} is more than 64", self.gc_threads))?;
        check(
            (10..=10_000).contains(&self.growth_percent),
            "growth_percent",
            format!("{} is not between 10 and 10000", self.growth_percent),
        )?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(config: Config) -> String {
        config.validated().unwrap_err().to_string()
    }

    #[test]
    fn errors_name_the_field() {
        let ok = Config::default();
        assert!(error(Config { nursery_bytes: 0, ..ok.clone() }).contains("nursery_bytes"));
        assert!(error(Config { nursery_bytes: usize::MAX, ..ok.clone() }).contains("nursery_bytes"));
        assert!(error(Config { max_heap_bytes: 1, ..ok.clone() }).contains("max_heap_bytes"));
        assert!(error(Config { max_heap_bytes: usize::MAX, ..ok.clone() }).contains("max_heap_bytes"));
        assert!(error(Config { max_nursery_bytes: 1 << 19, ..ok.clone() }).contains("max_nursery_bytes"));
        assert!(error(Config { max_nursery_bytes: usize::MAX, ..ok.clone() }).contains("max_nursery_bytes"));
        assert!(error(Config { link_patience: 8, ..ok.clone() }).contains("link_patience"));
        assert!(error(Config { pause_target: Duration::MAX, ..ok.clone() }).contains("pause_target"));
        assert!(error(Config { gc_threads: 65, ..ok.clone() }).contains("gc_threads"));
        assert!(error(Config { growth_percent: 0, ..ok.clone() }).contains("growth_percent"));
        let touched = Config { touch_memory: true, ..ok.clone() };
        assert!(error(touched.clone()).contains("max_heap_bytes: touch_memory needs"));
        let more = (machine_bytes() + 1).max(4 << 20);
        assert!(error(Config { max_heap_bytes: more, ..touched.clone() }).contains("the machine has"));
        assert!(Config { max_heap_bytes: 64 << 20, ..touched }.validated().unwrap().touch_memory);
        assert!(
            error(Config { nursery_bytes: 2 << 20, max_heap_bytes: 4 << 20, ..ok.clone() }).contains("a quarter of")
        );
        let valid = Config { nursery_bytes: (1 << 20) + 1, ..ok }.validated().unwrap();
        assert_eq!(valid.nursery_bytes, (1 << 20) + BLOCK);
        assert!(valid.max_heap_bytes >= 64 << 20);
        assert_eq!(valid.max_nursery_bytes, (64 * valid.nursery_bytes).min(valid.max_heap_bytes / 4 / BLOCK * BLOCK));
        let small = Config { max_heap_bytes: 16 << 20, ..Config::default() }.validated().unwrap();
        assert_eq!(small.max_nursery_bytes, 4 << 20);
        let odd = Config { max_heap_bytes: (4 << 20) + 12_345, max_nursery_bytes: (1 << 20) + 17, ..Config::default() };
        let odd = odd.validated().unwrap();
        assert_eq!(odd.max_nursery_bytes, 1 << 20, "rounding keeps to a quarter of the heap");
        let both = Config { nursery_bytes: (1 << 20) + 1, max_nursery_bytes: (1 << 20) + 2, ..Config::default() };
        assert_eq!(
            both.validated().unwrap().max_nursery_bytes,
            (1 << 20) + BLOCK,
            "and is no less than the first size"
        );
        let least = Config { max_heap_bytes: 4 << 20, ..Config::default() }.validated().unwrap();
        assert_eq!(least.max_nursery_bytes, 1 << 20);
    }
}
