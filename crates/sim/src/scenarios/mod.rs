//! The scenarios that come with the program.
//!
//! Each has a reduced form, with which tests run it: the same file with these overrides.

use terrace_scenario::Builtin;

/// A scenario that comes with the program.
#[derive(Debug, Clone, Copy)]
pub struct BuiltinScenario {
    /// Its name and text.
    pub file: Builtin,
    /// What it shows, in a sentence.
    pub summary: &'static str,
    /// Overrides that make it small: the same code in at most a few seconds.
    pub reduced: &'static [&'static str],
}

macro_rules! builtin {
    ($name:literal, $summary:literal, [$($reduced:literal),* $(,)?]) => {
        BuiltinScenario {
            file: Builtin { name: $name, text: include_str!(concat!("../../scenarios/", $name, ".toml")) },
            summary: $summary,
            reduced: &[$($reduced),*],
        }
    };
}

/// All of them.
pub const BUILTIN_SCENARIOS: &[BuiltinScenario] = &[builtin!(
    "quickstart",
    "a key-value store natively, in a virtual machine and nested: base pages and huge pages, memory fragmented and not",
    ["vm.program.parameters.bytes=32 MiB", "time.measure=10 ms", "time.interval=5 ms", "vm.memory=256 MiB"]
)];
