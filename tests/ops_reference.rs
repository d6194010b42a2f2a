//! Random op lists, run against a plain reference graph.

#[path = "support/lists.rs"]
mod lists;
mod ops;

#[test]
fn random_op_lists_agree_with_a_plain_graph() {
    let (count, words) = if cfg!(gc_zeal) { (24, 80..81) } else { (240, 100..1000) };
    lists::random(count, words, ops::run);
}
