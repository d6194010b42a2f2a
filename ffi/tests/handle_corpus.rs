//! Lists of operations on handles, against a reference model: the fuzzer's committed corpus, and random ones. Needs no
//! fuzzer.

mod handle_ops;
#[path = "../../tests/support/lists.rs"]
mod lists;

use handfast as _;

#[test]
fn every_list_of_the_corpus_agrees_with_the_model() {
    lists::corpus(env!("CARGO_MANIFEST_DIR"), "handle_ops", handle_ops::run);
}

#[test]
fn random_lists_agree_with_the_model() {
    lists::random(100, if cfg!(gc_zeal) { 80..81 } else { 50..550 }, handle_ops::run);
}
