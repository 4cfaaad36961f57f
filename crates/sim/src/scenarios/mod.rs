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
pub const BUILTIN_SCENARIOS: &[BuiltinScenario] = &[
    builtin!(
        "xgemini-demo",
        "huge pages in a nested stack: none, Linux's, Gemini twice, xGemini; in clean, fragmented and used memory",
        [
            "time.warm_up=20 ms",
            "time.measure=4 ms",
            "time.interval=1 ms",
            "time.weight=1",
            "vm.memory=160 MiB",
            "vm.hypervisor_memory=176 MiB",
            "host.memory=224 MiB",
            "vm.program.parameters.bytes=6 MiB"
        ]
    ),
    builtin!(
        "ablation",
        "Gemini and xGemini without one mechanism at a time, natively, in a virtual machine and nested",
        [
            "time.warm_up=20 ms",
            "time.measure=4 ms",
            "time.interval=1 ms",
            "time.weight=1",
            "vm.memory=128 MiB",
            "vm.hypervisor_memory=160 MiB",
            "host.memory=224 MiB",
            "vm.program.0.parameters.bytes=80 MiB",
            "vm.program.1.parameters.bytes=56 MiB"
        ]
    ),
    builtin!(
        "quickstart",
        "a store and a trace natively, in a virtual machine and nested: base pages and huge pages, memory fragmented and not",
        ["time.warm_up=1 ms", "time.measure=4 ms", "time.interval=1 ms", "host.memory=3 GiB"]
    ),
    builtin!(
        "page-sizes",
        "base and huge pages in guest and host, in every combination",
        [
            "time.warm_up=1 ms",
            "time.measure=4 ms",
            "time.interval=1 ms",
            "host.memory=1 GiB",
            "vm.program.parameters.bytes=32 MiB",
            "vm.memory=128 MiB"
        ]
    ),
    builtin!(
        "fragmentation",
        "transparent huge pages while free memory is more and more fragmented",
        [
            "time.warm_up=1 ms",
            "time.measure=4 ms",
            "time.interval=1 ms",
            "host.memory=1 GiB",
            "vm.program.parameters.bytes=32 MiB",
            "vm.memory=128 MiB"
        ]
    ),
    builtin!(
        "khugepaged",
        "what khugepaged promotes, from Linux's default budget to a thousand times as much",
        [
            "time.warm_up=1 ms",
            "time.measure=4 ms",
            "time.interval=1 ms",
            "time.weight=1",
            "host.memory=512 MiB",
            "vm.program.parameters.bytes=16 MiB",
            "vm.memory=128 MiB"
        ]
    ),
    builtin!(
        "defrag",
        "how hard a fault looks for a free block of 2 MiB: it compacts memory, wakes kcompactd, or does neither",
        [
            "time.warm_up=1 ms",
            "time.measure=4 ms",
            "time.interval=1 ms",
            "host.memory=512 MiB",
            "vm.memory=256 MiB",
            "vm.program.parameters.most_bytes=4 MiB"
        ]
    ),
    builtin!(
        "shadow-paging",
        "two dimensions against one composed table",
        [
            "time.warm_up=1 ms",
            "time.measure=4 ms",
            "time.interval=1 ms",
            "host.memory=1 GiB",
            "vm.memory=512 MiB"
        ]
    ),
    builtin!(
        "nested",
        "what each layer costs a program that allocates and frees all the time",
        [
            "time.warm_up=1 ms",
            "time.measure=4 ms",
            "time.interval=1 ms",
            "host.memory=1 GiB",
            "vm.memory=512 MiB"
        ]
    ),
    builtin!(
        "latency",
        "requests that arrive at random, from an idle store to a saturated one",
        [
            "time.warm_up=1 ms",
            "time.measure=4 ms",
            "time.interval=1 ms",
            "host.memory=1 GiB",
            "vm.program.parameters.bytes=32 MiB",
            "vm.memory=128 MiB"
        ]
    ),
    builtin!(
        "colocated",
        "two virtual machines that share caches and bandwidth",
        [
            "time.warm_up=1 ms",
            "time.measure=4 ms",
            "time.interval=1 ms",
            "host.memory=1 GiB",
            "vm.program.parameters.bytes=32 MiB",
            "vm.memory=128 MiB"
        ]
    ),
    builtin!(
        "misaligned-slot",
        "a virtual machine that its host's huge pages never reach",
        [
            "time.warm_up=1 ms",
            "time.measure=4 ms",
            "time.interval=1 ms",
            "host.memory=1 GiB",
            "vm.program.parameters.bytes=32 MiB",
            "vm.memory=128 MiB"
        ]
    ),
    builtin!(
        "contiguous",
        "virtual machines in one block of memory, which need no second dimension, against EPT and bare metal",
        [
            "time.warm_up=1 ms",
            "time.measure=4 ms",
            "time.interval=1 ms",
            "host.memory=256 MiB",
            "vm.memory=64 MiB",
            "vm.program.parameters.bytes=16 MiB"
        ]
    ),
    builtin!(
        "translation-schemes",
        "what walks read and cost under schemes of translation from the literature",
        [
            "time.warm_up=1 ms",
            "time.measure=4 ms",
            "time.interval=1 ms",
            "host.memory=512 MiB",
            "vm.memory=64 MiB",
            "vm.program.parameters.bytes=16 MiB"
        ]
    ),
    builtin!(
        "contiguous-changes",
        "virtual machines that get a block of memory late, grow and shrink",
        [
            "time.warm_up=1 ms",
            "time.measure=600 ms",
            "time.interval=50 ms",
            "host.memory=350 MiB",
            "host.parameters.repair_period=30 ms",
            "vm.shrinks.memory=192 MiB",
            "vm.shrinks.resize.0.memory=64 MiB",
            "vm.shrinks.resize.0.at=100 ms",
            "vm.grows.memory=64 MiB",
            "vm.grows.resize.0.memory=96 MiB",
            "vm.grows.resize.0.at=300 ms",
            "vm.grows.resize.1.memory=192 MiB",
            "vm.grows.resize.1.at=450 ms",
            "vm.scattered.memory=128 MiB",
            "vm.program.parameters.bytes=16 MiB",
            "vm.program.parameters.rate=2000"
        ]
    ),
];
