//! Lookups in a B+ tree that is laid out level by level: the root first, the leaves last.
//!
//! A node holds its keys and then as many pointers, of 8 bytes each. A lookup searches the keys of a node by halving
//! until what is left lies in one cache line, loads that line and then the pointer, level by level; in the leaf the
//! pointer is the value, which an update stores.

use terrace_addr::{Addr, Bytes, Gva, convert};

use super::common::{
    ADVICE, CHOICE, CONTENT, INITIALISE, OPERATIONS, RATE, assumed, bytes, core_cycles, instructions,
    parallelism, part, service, touch,
};
use crate::plan::{Body, Plan, Requests, facts};
use crate::random::{Permutation, Stream, Zipf};
use crate::registry::{Entry, Parameter, Preset, Range, Settings, Source, Unit};
use crate::steps::{LINE, WORD_BYTES};
use crate::{Bases, MarkKind, Program, RegionId, RegionSpec, Steps, WorkloadError};

pub(crate) const ENTRY: Entry = Entry {
    name: "btree",
    summary: "lookups in a B+ tree, from the root through real nodes down to a leaf",
    parameters: PARAMETERS,
    parts: &[],
    make,
};

pub(crate) const PARAMETERS: &[Parameter] = &[
    bytes(8 << 30, "size of the tree, all levels", CHOICE),
    Parameter {
        name: "node_bytes",
        unit: Unit::Bytes,
        default: Preset::Whole(256),
        range: Range::Whole(64, 64 << 10),
        meaning: "size of a node, a power of two: half keys, half pointers",
        source: Source::Stated(
            "Masstree: a node of 15 keys is four cache lines (Mao and others, EuroSys 2012)",
        ),
    },
    Parameter {
        name: "zipf",
        unit: Unit::Plain,
        default: Preset::Real(0.0),
        range: Range::Real(0.0, 3.0),
        meaning: "exponent of Zipf's law over the keys; 0: all alike",
        source: CHOICE,
    },
    part("update_share", 0.0, "the part of the lookups that stores the value", CHOICE),
    RATE,
    INITIALISE,
    ADVICE,
    CONTENT,
    OPERATIONS,
    core_cycles(8.0, assumed("a comparison, a branch that is often foreseen wrongly, an address", 4.0, 20.0)),
    parallelism(
        1.2,
        assumed("each node's address comes from the node before; only halving may overlap", 1.0, 2.0),
    ),
    instructions(6.0, assumed("a load, a comparison, a branch, an address", 4.0, 12.0)),
];

fn make(settings: &Settings) -> Result<Box<dyn Program>, WorkloadError> {
    let mut plan = Plan::new(settings);
    let bodies = bodies(settings, &mut plan)?;
    Ok(plan.program(facts(settings, service(settings)), settings.whole(OPERATIONS.name), bodies))
}

pub(crate) fn bodies(settings: &Settings, plan: &mut Plan) -> Result<Vec<Box<dyn Body>>, WorkloadError> {
    let node_bytes = settings.whole("node_bytes");
    if !node_bytes.is_power_of_two() {
        return Err(settings.conflict("node_bytes", "a power of two"));
    }
    let shape = Shape::within(settings.whole("bytes"), node_bytes)
        .ok_or_else(|| settings.conflict("bytes", format!("at least a node of {node_bytes} bytes")))?;
    let size = Bytes::new(shape.nodes() * node_bytes);
    let tree = plan.region(RegionSpec::new("tree", size), touch(settings));
    let keys = shape.keys();
    let lookups = |_, stream| Lookups {
        tree,
        shape: shape.clone(),
        ranks: Zipf::new(keys, settings.real("zipf")),
        scatter: Permutation::new(keys, plan.seed("btree keys")),
        update_share: settings.real("update_share"),
        requests: plan.requests,
        stream,
    };
    Ok(plan.bodies("btree", lookups))
}

/// The levels of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shape {
    node_bytes: u64,
    /// Keys of a node.
    fanout: u64,
    /// Nodes before each level, from the root down, and then all nodes.
    before: Vec<u64>,
}

impl Shape {
    /// The tree with the most leaves that fits in `bytes`.
    fn within(bytes: u64, node_bytes: u64) -> Option<Self> {
        let fanout = node_bytes / (2 * WORD_BYTES);
        let room = bytes / node_bytes;
        // A tree has at least 1 / (fanout − 1) inner nodes a leaf, less one; rounding up adds at most a node a level.
        let mut leaves = (room - room / fanout).max(1);
        loop {
            let mut levels = vec![leaves];
            while levels[levels.len() - 1] > 1 {
                levels.push(levels[levels.len() - 1].div_ceil(fanout));
            }
            if levels.iter().sum::<u64>() <= room {
                let mut before = vec![0];
                before.extend(levels.iter().rev().scan(0, |sum, level| {
                    *sum += level;
                    Some(*sum)
                }));
                return Some(Self { node_bytes, fanout, before });
            }
            if leaves == 1 {
                return None;
            }
            leaves -= 1;
        }
    }

    fn nodes(&self) -> u64 {
        self.before[self.before.len() - 1]
    }

    fn levels(&self) -> usize {
        self.before.len() - 1
    }

    fn leaves(&self) -> u64 {
        self.nodes() - self.before[self.levels() - 1]
    }

    fn keys(&self) -> u64 {
        self.leaves() * self.fanout
    }

    /// The most loads of a lookup: halving and a pointer at each level.
    fn most_loads(&self) -> usize {
        self.levels() * (convert::index32(self.fanout.ilog2()) + 2)
    }
}

/// An operation is a lookup.
struct Lookups {
    tree: RegionId,
    shape: Shape,
    ranks: Zipf,
    scatter: Permutation,
    update_share: f64,
    requests: Requests,
    stream: Stream,
}

impl Body for Lookups {
    fn run(&mut self, most: u64, bases: &Bases, out: &mut Steps) -> u64 {
        let tree = bases.of(self.tree);
        let mut finished = 0;
        while finished < most && out.room() > self.shape.most_loads() {
            let key = self.scatter.of(self.ranks.draw(&mut self.stream));
            let value = descend(&self.shape, tree, key, out);
            if self.stream.chance(self.update_share) {
                out.store(value);
            }
            if self.requests == Requests::EachOperation {
                out.mark(MarkKind::RequestEnds);
            }
            finished += 1;
        }
        finished
    }
}

/// Loads on the way from the root to `key`, up to its value, whose address is returned.
fn descend(shape: &Shape, tree: Addr<Gva>, key: u64, out: &mut Steps) -> Addr<Gva> {
    let Shape { node_bytes, fanout, ref before } = *shape;
    let mut value = tree;
    for (level, first) in before[..shape.levels()].iter().enumerate() {
        // Below a slot of this level hang so many keys.
        let below = convert::narrow(shape.levels() - 1 - level);
        let slots = key / fanout.pow(below);
        let node = tree.offset_by((first + slots / fanout) * node_bytes);
        search(node, fanout, slots % fanout, out);
        value = node.offset_by((fanout + slots % fanout) * WORD_BYTES);
        out.load(value);
    }
    value
}

/// Halves the keys of a node until the key in `slot` is known to lie in one line, and loads it.
fn search(node: Addr<Gva>, fanout: u64, slot: u64, out: &mut Steps) {
    let (mut low, mut high) = (0, fanout);
    while high - low > LINE / WORD_BYTES {
        let middle = low.midpoint(high);
        out.load(node.offset_by(middle * WORD_BYTES));
        if slot < middle { high = middle } else { low = middle }
    }
    out.load(node.offset_by(slot * WORD_BYTES));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programs::run;

    #[test]
    fn trees_fill_their_memory() {
        // 16 keys a node: 256 leaves, 16 nodes above, a root.
        let shape = Shape::within(273 * 256, 256).unwrap();
        assert_eq!(shape.before, [0, 1, 17, 273]);
        assert_eq!(shape.keys(), 4096);
        assert_eq!(Shape::within(272 * 256, 256).unwrap().before, [0, 1, 17, 272]);
        assert_eq!(Shape::within(256, 256).unwrap().before, [0, 1]);
        assert_eq!(Shape::within(255, 256), None);
    }

    #[test]
    fn a_lookup_goes_from_the_root_to_the_leaf_of_its_key() {
        let shape = Shape::within(273 * 256, 256).unwrap();
        for key in [0, 1, 15, 16, 255, 256, 4095] {
            let mut out = Steps::new();
            let value = descend(&shape, Addr::ZERO, key, &mut out);
            let mut nodes: Vec<u64> = out.accesses().iter().map(|access| access.addr.get() / 256).collect();
            nodes.dedup();
            assert_eq!(nodes, [0, 1 + key / 256, 17 + key / 16]);
            // The value stands in the second half of its leaf.
            assert_eq!(value.get(), (17 + key / 16) * 256 + 128 + key % 16 * 8);
        }
    }

    #[test]
    fn each_lookup_is_a_request_from_the_root() {
        let arguments = run::arguments(1, 3).with("bytes", "1 MiB").with("operations", 500_u64);
        let (steps, base) = run::all("btree", &arguments);
        let requests = run::requests(&steps[0]);
        assert_eq!(requests.len(), 500);
        for request in requests {
            // The first probe of a node of 16 keys is the key in the middle: of the root.
            assert_eq!(request[0].addr.get(), base.get(RegionId::new(0)).unwrap().get() + 8 * 8);
        }
    }
}
