//! NAS parallel benchmarks, SPEC CPU and a support vector machine.

use super::profile::{Figure, Part, Pattern, Profile, Serves, choice, number, whole};
use crate::registry::{Preset, Source};

const STREAM_CYCLES: Figure =
    number(3.0, "a multiplication and an addition for two or three accesses", 1.0, 8.0);
const STREAM_PARALLELISM: Figure =
    number(8.0, "addresses are known ahead, and prefetchers see them", 4.0, 14.0);
const STREAM_INSTRUCTIONS: Figure =
    number(4.0, "a multiplication and an addition for two or three accesses", 2.0, 10.0);

const UPDATES: Figure = choice("update", "what it keeps is read and written");
const LOADS: Figure = choice("load", "gathered by an index");
const WORDS: Figure = whole(8, "every number is read", 8.0, 64.0);

pub(super) const PROFILES: &[Profile] = &[
    Profile {
        name: "npb-cg-d",
        summary: "NPB CG class D: a sparse matrix is multiplied with a vector again and again",
        bytes: Figure {
            value: Preset::Whole(17_448_304_640),
            source: Source::Assumed {
                reason: "1.5 million rows of (21 + 1) squared entries at most (NPB 3, class D) of 12 bytes are 8.7 GB, \
                         and as much again while the matrix is made",
                low: 8_589_934_592.0,
                high: 19_327_352_832.0,
            },
        },
        core_cycles: STREAM_CYCLES,
        parallelism: STREAM_PARALLELISM,
        instructions: STREAM_INSTRUCTIONS,
        serves: Serves::Nobody,
        parts: &[
            Part {
                pattern: Pattern::Scan,
                each: whole(150, "for each entry its value, and half a word of index", 100.0, 200.0),
                share: number(
                    0.995,
                    "the matrix; vectors of 1.5 million numbers are 12 MB each",
                    0.99,
                    0.999,
                ),
                set: &[("stride", WORDS)],
            },
            Part {
                pattern: Pattern::Gups,
                each: whole(100, "for each entry an element of the vector", 80.0, 120.0),
                share: number(0.005, "the vectors", 0.001, 0.01),
                set: &[("access", LOADS)],
            },
        ],
    },
    Profile {
        name: "npb-sp-d",
        summary: "NPB SP class D: equations along the lines of a grid in each of its dimensions",
        bytes: Figure {
            value: Preset::Whole(12_884_901_888),
            source: Source::Assumed {
                reason: "a grid of 408 cubed points (NPB 3, class D) with some twenty numbers of 8 bytes each",
                low: 10_737_418_240.0,
                high: 17_179_869_184.0,
            },
        },
        core_cycles: STREAM_CYCLES,
        parallelism: STREAM_PARALLELISM,
        instructions: STREAM_INSTRUCTIONS,
        serves: Serves::Nobody,
        parts: &[
            Part {
                pattern: Pattern::Scan,
                each: whole(
                    800,
                    "two of the three dimensions are swept in the order of memory",
                    400.0,
                    1200.0,
                ),
                share: number(0.7, "arrays that are swept so", 0.5, 0.9),
                set: &[("access", UPDATES), ("stride", WORDS)],
            },
            Part {
                pattern: Pattern::Scan,
                each: whole(400, "the third dimension", 200.0, 600.0),
                share: number(0.3, "arrays that are swept so", 0.1, 0.5),
                set: &[
                    ("access", UPDATES),
                    (
                        "stride",
                        whole(408 * 8, "the next line of the grid: 408 numbers of 8 bytes", 3264.0, 16_320.0),
                    ),
                ],
            },
        ],
    },
    Profile {
        name: "spec-429-mcf",
        summary: "SPEC CPU2006 429.mcf: a network of vehicles; arcs are swept, trees of nodes are followed",
        bytes: Figure {
            value: Preset::Whole(1_782_579_200),
            source: Source::Assumed {
                reason: "SPEC gives 1,700 megabytes on 64-bit machines (429.mcf, description; from memory)",
                low: 1_610_612_736.0,
                high: 1_879_048_192.0,
            },
        },
        core_cycles: number(4.0, "a comparison and a branch for each access", 2.0, 8.0),
        parallelism: number(2.5, "arcs are swept, but their nodes are pointers", 1.3, 5.0),
        instructions: number(4.0, "a comparison and a branch for each access", 2.5, 8.0),
        serves: Serves::Nobody,
        parts: &[
            Part {
                pattern: Pattern::Scan,
                each: whole(40, "arcs that are priced; some of them change", 10.0, 100.0),
                share: number(0.9, "arcs are many more than nodes", 0.7, 0.97),
                set: &[("access", UPDATES)],
            },
            Part {
                pattern: Pattern::Gups,
                each: whole(40, "the potential of an arc's node", 10.0, 100.0),
                share: number(0.05, "nodes, by their arcs", 0.02, 0.15),
                set: &[("access", LOADS)],
            },
            Part {
                pattern: Pattern::Chase,
                each: whole(10, "the way up the tree", 2.0, 50.0),
                share: number(0.05, "nodes, by the tree", 0.01, 0.15),
                set: &[],
            },
        ],
    },
    Profile {
        name: "svm",
        summary: "a linear support vector machine: sparse samples are read, their weights updated",
        bytes: Figure {
            value: Preset::Whole(30_000_000_000),
            source: Source::Stated(
                "Gemini (EuroSys 2023): the job that uses the reused VM first takes about 30 GB",
            ),
        },
        core_cycles: STREAM_CYCLES,
        parallelism: number(5.0, "weights are found by indices that are read in order", 2.5, 10.0),
        instructions: STREAM_INSTRUCTIONS,
        serves: Serves::Nobody,
        parts: &[
            Part {
                pattern: Pattern::Scan,
                each: whole(60, "index and value of a sample's features", 20.0, 400.0),
                share: number(0.98, "samples", 0.9, 0.999),
                set: &[("stride", WORDS)],
            },
            Part {
                pattern: Pattern::Gups,
                each: whole(30, "a weight for each feature", 10.0, 200.0),
                share: number(0.02, "tens of millions of weights of 8 bytes", 0.001, 0.1),
                set: &[("access", UPDATES)],
            },
        ],
    },
];
