//! Programs that must not compile: each is a way to lose an object that the types forbid.

#[test]
fn programs_that_lose_an_object_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
