//! The fuzzer's committed corpus, run as a test: needs no fuzzer.

mod ops;

#[test]
fn every_list_of_the_corpus_agrees_with_a_plain_graph() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/heap_ops");
    let mut count = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        eprintln!("{}", path.display());
        ops::run(&std::fs::read(path).unwrap());
        count += 1;
    }
    assert!(count >= 6);
}
