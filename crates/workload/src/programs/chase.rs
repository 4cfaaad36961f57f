//! A pointer chase: each address comes from the load before.
//!
//! Nodes form one cycle through all of them in an order that looks random: with a permutation π of the node numbers,
//! node π(i) points to node π(i + 1). So every node is visited once before any is visited again.

use terrace_addr::{Bytes, convert};

use super::common::{
    ADVICE, CHOICE, CONTENT, INITIALISE, OPERATIONS, assumed, bytes, core_cycles, instructions, parallelism,
    touch,
};
use crate::plan::{Body, Plan, facts, share};
use crate::random::Permutation;
use crate::registry::{Entry, Parameter, Preset, Range, Settings, Source, Unit};
use crate::{Bases, Program, RegionId, RegionSpec, Steps, WorkloadError};

pub(crate) const ENTRY: Entry = Entry {
    name: "chase",
    summary: "a pointer chase along one random cycle through all nodes; threads begin at different nodes",
    parameters: PARAMETERS,
    parts: &[],
    make,
};

pub(crate) const PARAMETERS: &[Parameter] = &[
    bytes(1 << 30, "size of all nodes", CHOICE),
    Parameter {
        name: "node_bytes",
        unit: Unit::Bytes,
        default: Preset::Whole(64),
        range: Range::Whole(8, 2 << 20),
        meaning: "from one node to the next in memory",
        source: Source::Stated("a cache line, so that no load brings in another node"),
    },
    INITIALISE,
    ADVICE,
    CONTENT,
    OPERATIONS,
    core_cycles(
        5.0,
        assumed(
            "L1 load-to-use latency is 4 or 5 cycles on cores from Haswell to Ice Lake (Intel)",
            4.0,
            5.0,
        ),
    ),
    parallelism(1.0, Source::Stated("each address comes from the access before")),
    instructions(1.0, assumed("an unrolled chain of loads", 1.0, 3.0)),
];

fn make(settings: &Settings) -> Result<Box<dyn Program>, WorkloadError> {
    let mut plan = Plan::new(settings);
    let bodies = bodies(settings, &mut plan)?;
    Ok(plan.program(facts(settings, None), settings.whole(OPERATIONS.name), bodies))
}

pub(crate) fn bodies(settings: &Settings, plan: &mut Plan) -> Result<Vec<Box<dyn Body>>, WorkloadError> {
    let size = settings.whole("bytes");
    let node_bytes = settings.whole("node_bytes") & !7;
    let count = size / node_bytes;
    if count == 0 {
        return Err(settings.conflict("node_bytes", format!("at most the {size} bytes of all nodes")));
    }
    let nodes = plan.region(RegionSpec::new("nodes", Bytes::new(size)), touch(settings));
    let order = Permutation::new(count, plan.seed("chase order"));
    let threads = settings.threads();
    Ok(plan.bodies("chase", |thread, _| {
        let (next, _) = share(count, thread, threads);
        Chase { nodes, node_bytes, count, order, next: next % count }
    }))
}

/// An operation is one node.
struct Chase {
    nodes: RegionId,
    node_bytes: u64,
    count: u64,
    order: Permutation,
    next: u64,
}

impl Body for Chase {
    fn run(&mut self, most: u64, bases: &Bases, out: &mut Steps) -> u64 {
        let base = bases.of(self.nodes);
        let visits = most.min(convert::count(out.room()));
        for _ in 0..visits {
            out.load(base.offset_by(self.order.of(self.next) * self.node_bytes));
            self.next = if self.next + 1 == self.count { 0 } else { self.next + 1 };
        }
        visits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programs::run;
    use std::collections::BTreeSet;

    #[test]
    fn every_node_is_visited_once_a_cycle() {
        for count in [64_u64, 65, 1000, 4096] {
            let arguments = run::arguments(2, count).with("bytes", count * 64).with("operations", 2 * count);
            for accesses in run::steady("chase", &arguments) {
                let (first, second) = accesses.split_at(convert::index(count));
                let nodes: BTreeSet<u64> = first.iter().map(|access| access.addr.get() / 64).collect();
                assert_eq!(convert::count(nodes.len()), count);
                assert_eq!(first, second);
            }
        }
    }
}
