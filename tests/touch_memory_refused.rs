//! `touch_memory` where there is not enough: an error that says so, no process that is killed at some later page.

use handfast::Config;
use handfast::Error;
use handfast::raw::Heap;

/// The size of this process's own memory, as the system counts what may be written.
fn data_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmData:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
}

fn limit_data(bytes: u64) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: memory of ours.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_DATA, &mut limit) }, 0);
    limit.rlim_cur = bytes.min(limit.rlim_max);
    // SAFETY: as above.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_DATA, &limit) }, 0);
}

/// One test, since limits are those of the process.
#[test]
fn memory_that_cannot_be_had_is_an_error() {
    let config = |bytes: usize| Config { max_heap_bytes: bytes, touch_memory: true, ..Config::default() };
    let all = Heap::new(&config(0)).unwrap_err();
    assert!(matches!(all, Error::InvalidConfig { field: "max_heap_bytes", .. }), "{all}");
    assert!(all.to_string().contains("touch_memory"), "{all}");
    let too_much = Heap::new(&config(16 << 40)).unwrap_err();
    assert!(matches!(too_much, Error::InvalidConfig { field: "max_heap_bytes", .. }), "{too_much}");
    assert!(too_much.to_string().contains("the machine has"), "{too_much}");

    limit_data(data_bytes() + (64 << 20));
    let refused = Heap::new(&config(256 << 20)).unwrap_err();
    assert!(matches!(refused, Error::Os { what: "touching memory", code: libc::ENOMEM }), "{refused}");
    // What was taken for it is free again.
    let heap = Heap::new(&config(16 << 20)).unwrap();
    assert!(heap.stats().committed_bytes >= 16 << 20);
    limit_data(libc::RLIM_INFINITY);
    assert!(Heap::new(&config(256 << 20)).is_ok());
}
