//! The fuzzer's committed corpus, run as a test: needs no fuzzer.

#[path = "support/lists.rs"]
mod lists;
mod ops;

#[test]
fn every_list_of_the_corpus_agrees_with_a_plain_graph() {
    lists::corpus(env!("CARGO_MANIFEST_DIR"), "heap_ops", ops::run);
}
