//! The programs of PARSEC 3.0 (Bienia, 2011), among them the FFT of SPLASH-2x.

use super::profile::{
    ALL_OF_IT, Figure, NOTHING, ONCE, Part, Pattern, Profile, Serves, choice, number, whole,
};

const STREAM_CYCLES: Figure = number(6.0, "a few floating-point operations for each access", 2.0, 20.0);
const STREAM_PARALLELISM: Figure =
    number(6.0, "addresses are known ahead, and prefetchers see them", 3.0, 12.0);
const STREAM_INSTRUCTIONS: Figure = number(8.0, "a few floating-point operations for each access", 3.0, 30.0);

const POINTER_CYCLES: Figure =
    number(6.0, "an address, a comparison and a branch for each access", 3.0, 15.0);
const POINTER_PARALLELISM: Figure =
    number(2.0, "pointers followed, with some independent work beside", 1.2, 4.0);
const POINTER_INSTRUCTIONS: Figure =
    number(8.0, "an address, a comparison and a branch for each access", 4.0, 16.0);

const fn footprint(mib: u64, reason: &'static str, low: f64, high: f64) -> Figure {
    whole(mib << 20, reason, low * 1_048_576.0, high * 1_048_576.0)
}

const UPDATES: Figure = choice("update", "what it keeps is read and written");
const STORES: Figure = choice("store", "results are written in order");
const LOADS: Figure = choice("load", "read at random");
const WORDS: Figure = whole(8, "every number is read", 8.0, 64.0);

pub(super) const PROFILES: &[Profile] = &[
    Profile {
        name: "parsec-canneal",
        summary: "PARSEC canneal: a chip's layout by simulated annealing",
        bytes: footprint(
            1024,
            "2.5 million elements of the native input, a few hundred bytes each with their nets",
            512.0,
            8192.0,
        ),
        core_cycles: POINTER_CYCLES,
        parallelism: number(
            3.0,
            "neighbours are independent, but each is a pointer and then a place",
            1.5,
            6.0,
        ),
        instructions: POINTER_INSTRUCTIONS,
        serves: Serves::Nobody,
        parts: &[Part { pattern: Pattern::Canneal, each: ONCE, share: ALL_OF_IT, set: &[] }],
    },
    Profile {
        name: "parsec-facesim",
        summary: "PARSEC facesim: a face as a mesh of springs; the mesh is swept, its neighbours gathered",
        bytes: footprint(512, "a mesh of 370 thousand tetrahedra and its sparse matrices", 256.0, 2048.0),
        core_cycles: STREAM_CYCLES,
        parallelism: STREAM_PARALLELISM,
        instructions: STREAM_INSTRUCTIONS,
        serves: Serves::Nobody,
        parts: &[
            Part {
                pattern: Pattern::Scan,
                each: whole(400, "sweeps are most of its accesses", 100.0, 1000.0),
                share: number(0.7, "matrices and elements", 0.5, 0.9),
                set: &[("access", UPDATES), ("stride", WORDS)],
            },
            Part {
                pattern: Pattern::Gups,
                each: whole(100, "nodes of an element are not in the sweep's order", 20.0, 300.0),
                share: number(0.3, "nodes", 0.1, 0.5),
                set: &[("access", LOADS)],
            },
        ],
    },
    Profile {
        name: "parsec-raytrace",
        summary: "PARSEC raytrace: rays go down a tree of boxes to the triangles of a scene",
        bytes: footprint(1536, "ten million triangles of the native scene, and their tree", 512.0, 4096.0),
        core_cycles: POINTER_CYCLES,
        parallelism: POINTER_PARALLELISM,
        instructions: POINTER_INSTRUCTIONS,
        serves: Serves::Nobody,
        parts: &[
            Part {
                pattern: Pattern::BTree,
                each: whole(2, "a ray enters a few leaves", 1.0, 5.0),
                share: number(0.4, "the tree", 0.2, 0.6),
                set: &[("node_bytes", whole(64, "a node with a few boxes is a cache line", 64.0, 256.0))],
            },
            Part {
                pattern: Pattern::Gups,
                each: whole(6, "a few triangles a leaf", 2.0, 20.0),
                share: number(0.6, "triangles", 0.4, 0.8),
                set: &[("access", LOADS)],
            },
        ],
    },
    Profile {
        name: "parsec-streamcluster",
        summary: "PARSEC streamcluster: all points of a block are compared with candidate centres, again and again",
        bytes: footprint(
            1024,
            "the native block is 200 thousand points of 128 numbers, 100 MB; evaluations scale it up",
            100.0,
            8192.0,
        ),
        core_cycles: STREAM_CYCLES,
        parallelism: STREAM_PARALLELISM,
        instructions: STREAM_INSTRUCTIONS,
        serves: Serves::Nobody,
        parts: &[
            Part {
                pattern: Pattern::Scan,
                each: whole(64, "points are read word by word", 16.0, 128.0),
                share: number(0.95, "points", 0.8, 0.99),
                set: &[("stride", WORDS)],
            },
            Part {
                pattern: Pattern::Gups,
                each: whole(2, "the centre that a point belongs to, and its cost", 1.0, 8.0),
                share: number(0.05, "assignments and centres", 0.01, 0.2),
                set: &[("access", UPDATES)],
            },
        ],
    },
    Profile {
        name: "parsec-dedup",
        summary: "PARSEC dedup: a stream is cut into chunks, which are looked up, compressed, and freed",
        bytes: footprint(
            2048,
            "the native input of 700 MB in memory, and its table of chunks",
            1024.0,
            8192.0,
        ),
        core_cycles: number(12.0, "hashing and compressing each byte", 4.0, 40.0),
        parallelism: number(4.0, "streams, with a chained table beside", 2.0, 8.0),
        instructions: number(20.0, "hashing and compressing each byte", 6.0, 60.0),
        serves: Serves::Nobody,
        parts: &[
            Part {
                pattern: Pattern::Scan,
                each: whole(16_384, "a piece of 1 MB in lines", 2048.0, 65_536.0),
                share: number(0.5, "the input", 0.3, 0.7),
                set: &[],
            },
            Part {
                pattern: Pattern::ZipfStore,
                each: whole(128, "chunks of about 8 KB", 32.0, 512.0),
                share: number(0.5, "chunks that were seen before", 0.3, 0.7),
                set: &[
                    ("value_bytes", whole(2048, "a chunk of 8 KB, compressed", 1024.0, 8192.0)),
                    ("set_share", number(0.5, "half of the chunks are new", 0.2, 0.8)),
                    ("zipf", number(0.5, "some chunks repeat often", 0.0, 1.0)),
                ],
            },
            Part {
                pattern: Pattern::Churn,
                each: ONCE,
                share: NOTHING,
                set: &[
                    ("least_bytes", whole(64 << 10, "small buffers stay in the heap", 4096.0, 262_144.0)),
                    ("most_bytes", whole(4 << 20, "pieces and queues", 1_048_576.0, 16_777_216.0)),
                ],
            },
        ],
    },
    Profile {
        name: "parsec-x264",
        summary: "PARSEC x264: blocks of a frame are searched for in earlier frames",
        bytes: footprint(
            512,
            "some tens of frames of 1920 by 1080 in several forms for each thread",
            128.0,
            2048.0,
        ),
        core_cycles: number(12.0, "differences of blocks by vector instructions", 5.0, 40.0),
        parallelism: STREAM_PARALLELISM,
        instructions: number(24.0, "differences of blocks by vector instructions", 8.0, 60.0),
        serves: Serves::Nobody,
        parts: &[
            Part {
                pattern: Pattern::Scan,
                each: whole(256, "rows of blocks around the place of the last one", 64.0, 1024.0),
                share: number(0.8, "reference frames", 0.5, 0.95),
                set: &[("stride", whole(1920, "the next row of a frame", 1280.0, 3840.0))],
            },
            Part {
                pattern: Pattern::Scan,
                each: whole(32, "the block that is coded", 8.0, 128.0),
                share: number(0.2, "the new frame", 0.05, 0.5),
                set: &[("access", STORES)],
            },
        ],
    },
    Profile {
        name: "splash-fft",
        summary: "FFT of SPLASH-2x, as the xGemini paper runs it from PARSEC",
        bytes: footprint(12_288, "2 to the power 28 points, the largest whose tables fit", 768.0, 24_576.0),
        core_cycles: number(
            3.0,
            "ten floating-point operations for five accesses, half of them at once",
            1.5,
            8.0,
        ),
        parallelism: STREAM_PARALLELISM,
        instructions: number(4.0, "about 20 instructions for five accesses, without vectors", 2.0, 8.0),
        serves: Serves::Nobody,
        parts: &[Part { pattern: Pattern::Fft, each: ONCE, share: ALL_OF_IT, set: &[] }],
    },
    Profile {
        name: "parsec-ferret",
        summary: "PARSEC ferret: images that look alike, by hash tables and then by their features",
        bytes: footprint(256, "features of 60 thousand images of the native input", 64.0, 1024.0),
        core_cycles: number(15.0, "distances between features for each line", 5.0, 50.0),
        parallelism: number(4.0, "features are read in order once found", 2.0, 8.0),
        instructions: number(30.0, "distances between features for each line", 10.0, 100.0),
        serves: Serves::Nobody,
        parts: &[
            Part {
                pattern: Pattern::Chase,
                each: whole(20, "candidates in the buckets of some tables", 5.0, 100.0),
                share: number(0.3, "hash tables", 0.1, 0.5),
                set: &[],
            },
            Part {
                pattern: Pattern::Scan,
                each: whole(500, "features of the candidates", 100.0, 2000.0),
                share: number(0.7, "features", 0.5, 0.9),
                set: &[],
            },
        ],
    },
];
