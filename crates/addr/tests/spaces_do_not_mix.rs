//! Mixing two address spaces does not compile.

#[test]
fn mixing_spaces_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile-fail/*.rs");
}
