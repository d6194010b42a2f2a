//! Configurations: the fuzzer's committed corpus, and random ones. Needs no fuzzer.

#[allow(dead_code, reason = "what configurations need of it")]
#[path = "handle_ops/c.rs"]
mod c;
mod config_ops;
#[path = "../../tests/support/lists.rs"]
mod lists;

use handfast as _;

#[test]
fn every_configuration_of_the_corpus_is_taken_or_refused() {
    lists::corpus(env!("CARGO_MANIFEST_DIR"), "config", config_ops::run);
}

#[test]
fn random_configurations_are_taken_or_refused() {
    lists::random(200, 32..33, config_ops::run);
}
