//! Key-value stores: `RocksDB`, Redis, memcached.

use super::profile::{ALL_OF_IT, Figure, ONCE, Part, Pattern, Profile, Serves, choice, number, whole};
use crate::registry::{Preset, Source};

const CYCLES: Figure =
    number(25.0, "network, protocol and hashing: thousands of instructions a request", 10.0, 80.0);
const PARALLELISM: Figure =
    number(2.0, "bucket, header and value depend on each other; lines do not", 1.0, 4.0);
const INSTRUCTIONS: Figure =
    number(30.0, "network, protocol and hashing: thousands of instructions a request", 10.0, 100.0);

const FOOTPRINT_REASON: &str = "most of a VM of 32 GB, of which guest and fragmentation take some";
const FOOTPRINT: Figure = whole(16 << 30, FOOTPRINT_REASON, 4_294_967_296.0, 25_769_803_776.0);

const GROWS: Figure = choice("grows", "the heap or the slabs grow while the store is filled");

const fn stated(value: Preset, source: &'static str) -> Figure {
    Figure { value, source: Source::Stated(source) }
}

pub(super) const PROFILES: &[Profile] = &[
    Profile {
        name: "rocksdb",
        summary: "RocksDB: a log-structured store read from its block cache, with a table for what was written last",
        bytes: FOOTPRINT,
        core_cycles: CYCLES,
        parallelism: PARALLELISM,
        instructions: INSTRUCTIONS,
        serves: Serves::Requests,
        parts: &[
            Part {
                pattern: Pattern::Chase,
                each: whole(20, "a skip list of a million entries has twenty levels", 10.0, 40.0),
                share: number(0.05, "write buffers of 64 MB, a few of them", 0.01, 0.1),
                set: &[],
            },
            Part {
                pattern: Pattern::BTree,
                each: ONCE,
                share: number(0.1, "index and filter blocks", 0.03, 0.2),
                set: &[(
                    "node_bytes",
                    stated(Preset::Whole(4096), "block_size of RocksDB is 4 KiB by default"),
                )],
            },
            Part {
                pattern: Pattern::ZipfStore,
                each: ONCE,
                share: number(0.85, "the block cache", 0.7, 0.95),
                set: &[
                    ("growth", GROWS),
                    ("value_bytes", stated(Preset::Whole(4096), "block_size of RocksDB is 4 KiB by default")),
                    ("set_share", number(0.1, "blocks that are read anew into the cache", 0.0, 0.5)),
                ],
            },
        ],
    },
    Profile {
        name: "redis",
        summary: "Redis: a hash table of small values; one thread serves all requests of an instance",
        bytes: FOOTPRINT,
        core_cycles: CYCLES,
        parallelism: PARALLELISM,
        instructions: INSTRUCTIONS,
        serves: Serves::Requests,
        parts: &[Part {
            pattern: Pattern::ZipfStore,
            each: ONCE,
            share: ALL_OF_IT,
            set: &[
                ("growth", GROWS),
                ("value_bytes", whole(1000, "ten fields of 100 bytes, as in YCSB", 64.0, 4096.0)),
                ("set_share", number(0.5, "YCSB's workload A", 0.05, 0.5)),
            ],
        }],
    },
    Profile {
        name: "memcached",
        summary: "memcached: a cache of small values in slabs, mostly read",
        bytes: FOOTPRINT,
        core_cycles: CYCLES,
        parallelism: PARALLELISM,
        instructions: INSTRUCTIONS,
        serves: Serves::Requests,
        parts: &[Part {
            pattern: Pattern::ZipfStore,
            each: ONCE,
            share: ALL_OF_IT,
            set: &[
                ("growth", GROWS),
                (
                    "value_bytes",
                    whole(300, "values of Facebook's pools are mostly below 500 bytes", 64.0, 1024.0),
                ),
                (
                    "set_share",
                    stated(
                        Preset::Real(0.032),
                        "30 gets for each set (Atikoglu and others, SIGMETRICS 2012, ETC)",
                    ),
                ),
                ("load_factor", number(1.0, "the table grows at 1.5, to half of that", 0.75, 1.5)),
            ],
        }],
    },
];
