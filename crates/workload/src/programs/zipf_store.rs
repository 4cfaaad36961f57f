//! A key-value store: a hash table with chains, and values; a few keys are asked for most of the time.
//!
//! A request loads its bucket, sometimes the header of an item that stands before its own in the chain, its own item's
//! header, and then loads or stores the lines of the value. Keys are asked for by Zipf's law as in YCSB (Cooper and
//! others, 2010), and ranks are scattered over the keys so that keys that are asked for often do not lie together.

use terrace_addr::{Access, AccessKind, Bytes, convert};

use super::common::{
    ADVICE, CHOICE, CONTENT, INITIALISE, OPERATIONS, RATE, assumed, bytes, core_cycles, instructions,
    parallelism, part, service, touch, word,
};
use crate::plan::{Body, Plan, Requests, facts};
use crate::random::{Permutation, Stream, Zipf, floor, mix, real, scaled};
use crate::registry::{Entry, Parameter, Preset, Range, Settings, Source, Unit};
use crate::steps::{LINE, WORD_BYTES};
use crate::{Bases, Mapping, MarkKind, Program, RegionId, RegionSpec, Steps, WorkloadError};

pub(crate) const ENTRY: Entry = Entry {
    name: "zipf-store",
    summary: "a key-value store: hash table, chains and values, keys by Zipf's law as in YCSB",
    parameters: PARAMETERS,
    parts: &[],
    make,
};

pub(crate) const PARAMETERS: &[Parameter] = &[
    bytes(8 << 30, "hash table and items together", CHOICE),
    Parameter {
        name: "value_bytes",
        unit: Unit::Bytes,
        default: Preset::Whole(1000),
        range: Range::Whole(1, 1 << 20),
        meaning: "size of a value; an item is its value in whole lines, and a line of header and key",
        source: Source::Stated("YCSB: 10 fields of 100 bytes"),
    },
    Parameter {
        name: "zipf",
        unit: Unit::Plain,
        default: Preset::Real(0.99),
        range: Range::Real(0.0, 3.0),
        meaning: "exponent of Zipf's law: how much more often the first keys are asked for; 0: all alike",
        source: Source::Stated("YCSB: ZipfianGenerator.ZIPFIAN_CONSTANT"),
    },
    part(
        "set_share",
        0.05,
        "the part of the requests that stores the value",
        Source::Stated("YCSB: workload B"),
    ),
    part(
        "load_factor",
        1.0,
        "items for each bucket; half as many items stand before the one that is looked for",
        assumed("chained tables grow at 1 (Redis) or 1.5 (memcached), to half of that", 0.5, 1.5),
    ),
    word(
        "growth",
        &["at-start", "grows"],
        "at-start",
        "whether the memory of the items is mapped in full at the start, or grows while the store is filled",
        CHOICE,
    ),
    RATE,
    INITIALISE,
    ADVICE,
    CONTENT,
    OPERATIONS,
    core_cycles(
        25.0,
        assumed(
            "hashing, comparing the key and the protocol, a few hundred instructions a request",
            10.0,
            60.0,
        ),
    ),
    parallelism(
        2.0,
        assumed("bucket, header and value depend on each other; the value's lines do not", 1.0, 4.0),
    ),
    instructions(
        30.0,
        assumed("at an IPC of about 1.2, that of servers (CloudSuite, ASPLOS 2012)", 10.0, 70.0),
    ),
];

fn make(settings: &Settings) -> Result<Box<dyn Program>, WorkloadError> {
    let mut plan = Plan::new(settings);
    let bodies = bodies(settings, &mut plan)?;
    Ok(plan.program(facts(settings, service(settings)), settings.whole(OPERATIONS.name), bodies))
}

pub(crate) fn bodies(settings: &Settings, plan: &mut Plan) -> Result<Vec<Box<dyn Body>>, WorkloadError> {
    let value_bytes = settings.whole("value_bytes");
    let item_bytes = LINE + value_bytes.next_multiple_of(LINE);
    let load = settings.real("load_factor").max(LEAST_LOAD);
    let keys = floor(real(settings.whole("bytes")) / (real(item_bytes) + real(WORD_BYTES) / load));
    if keys == 0 {
        return Err(
            settings.conflict("bytes", format!("room for an item of {item_bytes} bytes and its bucket"))
        );
    }
    let buckets = floor(real(keys) / load).max(1);
    let touch = touch(settings);
    let index = plan.region(RegionSpec::new("hash table", Bytes::new(buckets * WORD_BYTES)), touch);
    let mapping = if settings.word("growth") == "grows" { Mapping::Grows } else { Mapping::AtStart };
    let spec = RegionSpec { mapping, ..RegionSpec::new("items", Bytes::new(keys * item_bytes)) };
    let items = plan.region(spec, touch);
    let seed = plan.seed("zipf-store keys");
    let store = Store {
        index,
        items,
        buckets,
        keys,
        item_bytes,
        value_bytes,
        before: load / 2.0,
        set_share: settings.real("set_share"),
        ranks: Zipf::new(keys, settings.real("zipf")),
        scatter: Permutation::new(keys, seed),
        hash: seed,
        requests: plan.requests,
    };
    Ok(plan.bodies("zipf-store", |_, stream| Server { store: store.clone(), stream, value: None }))
}

/// A load factor of 0 would take a table without end.
const LEAST_LOAD: f64 = 0.01;

/// What all threads know.
#[derive(Debug, Clone)]
struct Store {
    index: RegionId,
    items: RegionId,
    buckets: u64,
    keys: u64,
    item_bytes: u64,
    value_bytes: u64,
    /// Items before the one that is looked for, on average: a load factor of 1 puts half an item there.
    before: f64,
    set_share: f64,
    ranks: Zipf,
    scatter: Permutation,
    hash: u64,
    requests: Requests,
}

/// An operation is a request.
struct Server {
    store: Store,
    stream: Stream,
    value: Option<Value>,
}

/// The rest of a value that is being loaded or stored.
#[derive(Debug, Clone, Copy)]
struct Value {
    /// Where the value begins in the region of the items.
    start: u64,
    done: u64,
    kind: AccessKind,
}

/// Accesses before those of the value, at most.
const LOOKUP: usize = 3;

impl Body for Server {
    fn run(&mut self, most: u64, bases: &Bases, out: &mut Steps) -> u64 {
        let mut finished = 0;
        while finished < most {
            let mut value = match self.value.take() {
                Some(value) => value,
                None if out.room() > LOOKUP => self.look_up(bases, out),
                None => break,
            };
            if !self.transfer(&mut value, bases, out) {
                self.value = Some(value);
                break;
            }
            if self.store.requests == Requests::EachOperation {
                out.mark(MarkKind::RequestEnds);
            }
            finished += 1;
        }
        finished
    }
}

impl Server {
    fn look_up(&mut self, bases: &Bases, out: &mut Steps) -> Value {
        let Store { index, items, buckets, keys, item_bytes, before, .. } = self.store;
        let key = self.store.scatter.of(self.store.ranks.draw(&mut self.stream));
        let hash = mix(key ^ self.store.hash);
        let bucket = scaled(hash, buckets);
        out.load(bases.of(index).offset_by(bucket * WORD_BYTES));
        // Which item stands before a key's is a property of the key, not of the request.
        let chain = mix(hash);
        if convert::ratio(chain >> 11, 1 << 53) < before {
            out.load(bases.of(items).offset_by(scaled(mix(chain), keys) * item_bytes));
        }
        let item = key * item_bytes;
        out.load(bases.of(items).offset_by(item));
        let kind =
            if self.stream.chance(self.store.set_share) { AccessKind::Store } else { AccessKind::Load };
        Value { start: item + LINE, done: 0, kind }
    }

    /// Loads or stores lines of the value. Whether that was all.
    fn transfer(&self, value: &mut Value, bases: &Bases, out: &mut Steps) -> bool {
        let base = bases.of(self.store.items);
        while value.done < self.store.value_bytes {
            if out.room() == 0 {
                return false;
            }
            let size = convert::low16((self.store.value_bytes - value.done).min(LINE));
            out.push(Access { addr: base.offset_by(value.start + value.done), size, kind: value.kind });
            value.done += LINE;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programs::run;
    use std::collections::BTreeMap;

    #[test]
    fn requests_are_lookups_and_then_a_value() {
        let arguments = run::arguments(1, 2).with("bytes", "1 MiB").with("value_bytes", 1000_u64);
        let (steps, _) =
            run::all("zipf-store", &arguments.with("set_share", 0.3).with("operations", 20_000_u64));
        let requests = run::requests(&steps[0]);
        let (mut chained, mut sets) = (0, 0_usize);
        for request in &requests {
            // A value of 1000 bytes is 16 lines, the last of 40 bytes, behind its item's header.
            let (lookup, value) = request.split_at(request.len() - 16);
            assert!((2..=3).contains(&lookup.len()));
            assert!(lookup.iter().all(|access| access.kind == AccessKind::Load && access.size == 8));
            assert!(value.iter().all(|access| access.kind == value[0].kind));
            assert_eq!(value[0].addr.get(), lookup[lookup.len() - 1].addr.get() + LINE);
            assert_eq!(value.iter().map(|access| u64::from(access.size)).sum::<u64>(), 1000);
            chained += lookup.len() - 2;
            sets += usize::from(value[0].kind == AccessKind::Store);
        }
        assert_eq!(requests.len(), 20_000);
        // Four standard deviations of a binomial of 20,000 draws at 0.3 are 259. Which keys are chained is fixed, and
        // some of a thousand keys are drawn often: half of them, roughly.
        assert!(sets.abs_diff(6000) < 259, "{sets}");
        assert!((4000..16_000).contains(&chained), "{chained}");
    }

    #[test]
    fn the_first_key_is_asked_for_as_often_as_the_law_says() {
        let arguments =
            run::arguments(1, 3).with("bytes", "1 MiB").with("zipf", 0.99).with("value_bytes", 64_u64);
        let (steps, _) = run::all("zipf-store", &arguments.with("operations", 50_000_u64));
        let mut seen: BTreeMap<u64, u64> = BTreeMap::new();
        for request in run::requests(&steps[0]) {
            *seen.entry(request[request.len() - 1].addr.get()).or_default() += 1;
        }
        let mut counts: Vec<u64> = seen.values().copied().collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        // 1 MiB holds 7710 items of 128 bytes with a bucket of 8 each.
        let total: f64 = (1..=7710).map(|rank| libm::pow(real(rank), -0.99)).sum();
        for (rank, &count) in (1..=3).zip(&counts) {
            let share = libm::pow(real(rank), -0.99) / total;
            let deviation = (50_000.0 * share * (1.0 - share)).sqrt();
            assert!((real(count) - 50_000.0 * share).abs() < 4.0 * deviation, "rank {rank}: {count}");
        }
        // The most popular keys are not neighbours.
        let popular: Vec<u64> =
            seen.iter().filter(|(_, count)| **count >= counts[9]).map(|(addr, _)| *addr).collect();
        assert!(popular.windows(2).any(|pair| pair[1] - pair[0] > 64 * 128));
    }
}
