//! What statistics say of pauses: each share has a length, and none is longer than the longest pause.

use handfast::{Config, Heap};

#[test]
fn shares_of_pauses_are_in_order_and_end_with_the_longest() {
    let heap = Heap::new(Config { gc_threads: 0, ..Config::default() }).unwrap();
    let stats = heap.stats();
    assert_eq!([stats.p50_pause_ns, stats.p99_pause_ns, stats.p999_pause_ns, stats.longest_pause_ns], [0; 4]);
    heap.attach().unwrap().scope(|s| {
        for count in 1..=100 {
            s.collect_minor();
            let stats = heap.stats();
            assert_eq!(stats.pauses, count);
            let shares = [0, stats.p50_pause_ns, stats.p99_pause_ns, stats.p999_pause_ns, stats.longest_pause_ns];
            assert!(shares.is_sorted() && shares[1] > 0, "{shares:?} after {count}");
        }
    });
}
