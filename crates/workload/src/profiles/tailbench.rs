//! The programs of `TailBench` (Kasture and Sanchez, IISWC 2016) and Shore.

use super::profile::{Figure, Part, Pattern, Profile, Serves, choice, number, whole};

/// Cycles, overlap and instructions of servers that compute between their accesses.
const SERVER_CYCLES: Figure =
    number(6.0, "about 8 instructions an access at an IPC between 1 and 2", 3.0, 15.0);
const SERVER_PARALLELISM: Figure =
    number(2.0, "pointers followed, with some independent work beside", 1.2, 4.0);
const SERVER_INSTRUCTIONS: Figure =
    number(8.0, "a load or store among computing, beyond what stays in registers", 4.0, 16.0);

/// Cycles, overlap and instructions of those that mostly stream through arrays of numbers.
const STREAM_CYCLES: Figure =
    number(8.0, "a cache line of numbers is multiplied and added for each access", 4.0, 24.0);
const STREAM_PARALLELISM: Figure =
    number(6.0, "addresses are known ahead, and prefetchers see them", 3.0, 12.0);
const STREAM_INSTRUCTIONS: Figure = number(16.0, "vector instructions on a line for each access", 6.0, 40.0);

const fn footprint(mib: u64, reason: &'static str, low: f64, high: f64) -> Figure {
    whole(mib << 20, reason, low * 1_048_576.0, high * 1_048_576.0)
}

const UPDATES: Figure = choice("update", "what it keeps is read and written");
const STORES: Figure = choice("store", "new objects and records are written in order");
const LOADS: Figure = choice("load", "read at random");

pub(super) const PROFILES: &[Profile] = &[
    Profile {
        name: "img-dnn",
        summary: "TailBench img-dnn: handwriting recognition by a neural network; weights are streamed",
        bytes: footprint(
            2048,
            "a small network, a batch of inputs and buffers of many threads",
            256.0,
            8192.0,
        ),
        core_cycles: STREAM_CYCLES,
        parallelism: STREAM_PARALLELISM,
        instructions: STREAM_INSTRUCTIONS,
        serves: Serves::Requests,
        parts: &[
            Part {
                pattern: Pattern::Scan,
                each: whole(8000, "a layer's weights of half a megabyte in lines", 2000.0, 64_000.0),
                share: number(0.8, "weights and inputs are most of it", 0.5, 0.95),
                set: &[],
            },
            Part {
                pattern: Pattern::Scan,
                each: whole(1000, "activations are fewer than weights", 200.0, 8000.0),
                share: number(0.2, "the rest", 0.05, 0.5),
                set: &[("access", UPDATES)],
            },
        ],
    },
    Profile {
        name: "sphinx",
        summary: "TailBench sphinx: speech recognition; acoustic models are streamed, a search graph is followed",
        bytes: footprint(2048, "acoustic and language models, and a lattice for each thread", 512.0, 8192.0),
        core_cycles: STREAM_CYCLES,
        parallelism: number(3.0, "between streaming and following pointers", 1.5, 6.0),
        instructions: STREAM_INSTRUCTIONS,
        serves: Serves::Requests,
        parts: &[
            Part {
                pattern: Pattern::Scan,
                each: whole(20_000, "Gaussians of many frames of sound", 5000.0, 200_000.0),
                share: number(0.6, "acoustic models are the larger part", 0.3, 0.8),
                set: &[],
            },
            Part {
                pattern: Pattern::Chase,
                each: whole(4000, "some states of the graph for each frame", 1000.0, 40_000.0),
                share: number(0.4, "the graph, the language model and the lattice", 0.2, 0.7),
                set: &[],
            },
        ],
    },
    Profile {
        name: "moses",
        summary: "TailBench moses: translation; phrase tables are searched, hypotheses are kept and compared",
        bytes: footprint(4096, "phrase table and language model of a corpus in memory", 1024.0, 16_384.0),
        core_cycles: SERVER_CYCLES,
        parallelism: SERVER_PARALLELISM,
        instructions: SERVER_INSTRUCTIONS,
        serves: Serves::Requests,
        parts: &[
            Part {
                pattern: Pattern::BTree,
                each: whole(400, "the phrases of a sentence, each looked up", 100.0, 2000.0),
                share: number(0.5, "the phrase table", 0.3, 0.8),
                set: &[("zipf", number(0.8, "words are spread by Zipf's law, phrases less so", 0.5, 1.0))],
            },
            Part {
                pattern: Pattern::Chase,
                each: whole(2000, "contexts in the language model's trie", 500.0, 10_000.0),
                share: number(0.4, "the language model", 0.1, 0.6),
                set: &[],
            },
            Part {
                pattern: Pattern::Scan,
                each: whole(2000, "hypotheses are written once and read once", 500.0, 10_000.0),
                share: number(0.1, "hypotheses of the sentences that are translated", 0.02, 0.2),
                set: &[("access", UPDATES)],
            },
        ],
    },
    Profile {
        name: "xapian",
        summary: "TailBench xapian: web search; terms are looked up, lists of documents are read",
        bytes: footprint(2048, "an index of an encyclopedia, cached in memory", 512.0, 8192.0),
        core_cycles: number(10.0, "decompressing and scoring each entry", 5.0, 25.0),
        parallelism: number(4.0, "lists are read in order", 2.0, 8.0),
        instructions: number(16.0, "decompressing and scoring each entry", 8.0, 40.0),
        serves: Serves::Requests,
        parts: &[
            Part {
                pattern: Pattern::BTree,
                each: whole(8, "a few terms, and the blocks of their lists", 3.0, 50.0),
                share: number(0.2, "the dictionary", 0.05, 0.4),
                set: &[("zipf", number(0.9, "queries repeat popular terms", 0.5, 1.1))],
            },
            Part {
                pattern: Pattern::Scan,
                each: whole(4000, "lists of some ten thousand documents", 500.0, 40_000.0),
                share: number(0.8, "the lists", 0.6, 0.95),
                set: &[],
            },
        ],
    },
    Profile {
        name: "masstree",
        summary: "TailBench masstree: an ordered key-value store, half reads and half writes",
        bytes: footprint(
            8192,
            "a store that is large beside the caches and fits in any of the papers' VMs",
            1024.0,
            32_768.0,
        ),
        core_cycles: SERVER_CYCLES,
        parallelism: number(
            1.5,
            "levels of the tree follow each other; nodes are prefetched whole",
            1.0,
            3.0,
        ),
        instructions: SERVER_INSTRUCTIONS,
        serves: Serves::Requests,
        parts: &[
            Part {
                pattern: Pattern::BTree,
                each: whole(1, "a request is a key", 1.0, 2.0),
                share: number(0.6, "nodes of small keys and values", 0.4, 0.9),
                set: &[
                    ("update_share", number(0.5, "its load is half gets and half puts (mycsb-a)", 0.4, 0.6)),
                    ("zipf", number(0.99, "YCSB's law", 0.5, 1.1)),
                ],
            },
            Part {
                pattern: Pattern::Gups,
                each: whole(1, "a value", 1.0, 2.0),
                share: number(0.4, "values", 0.1, 0.6),
                set: &[("access", UPDATES)],
            },
        ],
    },
    Profile {
        name: "specjbb",
        summary: "TailBench specjbb: Java middleware; objects are followed, and new ones fill a young heap",
        bytes: footprint(
            8192,
            "a heap that is large beside the caches and fits in any of the papers' VMs",
            2048.0,
            24_576.0,
        ),
        core_cycles: SERVER_CYCLES,
        parallelism: SERVER_PARALLELISM,
        instructions: SERVER_INSTRUCTIONS,
        serves: Serves::Requests,
        parts: &[
            Part {
                pattern: Pattern::BTree,
                each: whole(10, "a transaction looks up some tens of records", 3.0, 50.0),
                share: number(0.4, "tables of warehouses", 0.2, 0.6),
                set: &[("update_share", number(0.5, "orders and payments write", 0.2, 0.7))],
            },
            Part {
                pattern: Pattern::Chase,
                each: whole(100, "fields of objects that point to others", 20.0, 500.0),
                share: number(0.3, "objects that live long", 0.1, 0.5),
                set: &[],
            },
            Part {
                pattern: Pattern::Scan,
                each: whole(100, "some kilobytes of new objects", 20.0, 500.0),
                share: number(0.3, "the young part of a heap is a third (HotSpot, NewRatio=2)", 0.2, 0.5),
                set: &[("access", STORES)],
            },
        ],
    },
    Profile {
        name: "silo",
        summary: "TailBench silo: an in-memory database under TPC-C",
        bytes: footprint(8192, "tens of warehouses of about 100 MB each", 1024.0, 24_576.0),
        core_cycles: SERVER_CYCLES,
        parallelism: number(1.5, "levels of trees follow each other", 1.0, 3.0),
        instructions: SERVER_INSTRUCTIONS,
        serves: Serves::Requests,
        parts: &[
            Part {
                pattern: Pattern::BTree,
                each: whole(30, "a TPC-C order has about ten lines of three records each", 15.0, 60.0),
                share: number(0.5, "trees of all tables", 0.3, 0.7),
                set: &[("update_share", number(0.4, "stock and orders are written", 0.2, 0.6))],
            },
            Part {
                pattern: Pattern::Gups,
                each: whole(30, "the records themselves", 15.0, 60.0),
                share: number(0.5, "records", 0.3, 0.7),
                set: &[("access", LOADS)],
            },
        ],
    },
    Profile {
        name: "shore",
        summary: "TailBench shore: a database on a buffer pool under TPC-C, with a log",
        bytes: footprint(4096, "a buffer pool for tens of warehouses of about 100 MB each", 1024.0, 16_384.0),
        core_cycles: number(10.0, "latches, log and buffer manager between accesses", 5.0, 25.0),
        parallelism: number(1.5, "pages of trees follow each other", 1.0, 3.0),
        instructions: number(14.0, "latches, log and buffer manager between accesses", 6.0, 30.0),
        serves: Serves::Requests,
        parts: &[
            Part {
                pattern: Pattern::BTree,
                each: whole(30, "a TPC-C order has about ten lines of three records each", 15.0, 60.0),
                share: number(0.9, "the buffer pool", 0.7, 0.98),
                set: &[
                    ("node_bytes", whole(8192, "pages of Shore", 4096.0, 16_384.0)),
                    ("update_share", number(0.4, "stock and orders are written", 0.2, 0.6)),
                ],
            },
            Part {
                pattern: Pattern::Scan,
                each: whole(60, "some kilobytes of log", 20.0, 200.0),
                share: number(0.1, "log buffers", 0.02, 0.3),
                set: &[("access", STORES)],
            },
        ],
    },
];
