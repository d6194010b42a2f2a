//! Lists of operations on blocks, pools and large objects, against a model: the fuzzer's committed corpus, and random
//! ones. Needs no fuzzer.
//!
//! `src/heap` and what lies below it are compiled here once more, since a heap does not show them.

mod block_pool;
#[allow(dead_code, reason = "the part of the crate's own that is of use here")]
#[path = "../src/heap/mod.rs"]
mod heap;
#[path = "support/lists.rs"]
mod lists;
#[allow(dead_code, unused_imports, reason = "as above")]
#[path = "../src/object/mod.rs"]
mod object;
#[allow(dead_code, unused_imports, reason = "as above")]
#[path = "../src/sync/mod.rs"]
mod sync;

#[test]
fn every_list_of_the_corpus_agrees_with_the_model() {
    lists::corpus(env!("CARGO_MANIFEST_DIR"), "block_pool", block_pool::run);
}

#[test]
fn random_lists_agree_with_the_model() {
    lists::random(200, 50..350, block_pool::run);
}
