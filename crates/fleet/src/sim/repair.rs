//! Putting VMs that are in several blocks into one.
//!
//! Neither the paper nor the thesis says how. Here, at the end of each interval and oldest VM first: a free extent of its
//! server that holds it, its own blocks counted as free; else the place of the smallest neighbour in one block whose going
//! elsewhere on the server makes room; else, if migration is allowed, the running server with the tightest extent that
//! holds it. Everything that moves is counted as copied in whole, and nothing moves beyond the budget.

use std::collections::BTreeSet;

use super::fleet::{At, Fleet, Placed};
use super::tally::Tally;
use super::{HOUR, Means, Setup};
use crate::place::By;
use crate::server::{Blocks, Extent, Server, joined};
use crate::spec::Demand;
use crate::trace::{ShapeId, VmId};

/// VMs in several blocks, and what may still be copied.
pub(super) struct Repairer {
    means: Means,
    /// Bytes for each interval.
    allowance: u64,
    /// The most that is kept: a day's.
    most: u64,
    purse: u64,
    scattered: BTreeSet<VmId>,
}

/// A way to put a VM into one block on its server.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    /// Where it goes, and its size there.
    to: Extent,
    shape: ShapeId,
    /// Who goes elsewhere on the server before, and where to.
    neighbour: Option<(VmId, Extent)>,
    /// Bytes that are copied.
    copied: u64,
}

impl Repairer {
    pub(super) fn new(setup: &Setup) -> Self {
        let budget = u128::from(setup.repair.budget.get());
        let allowance = budget * u128::from(setup.interval.get()) / u128::from(HOUR.get());
        Self {
            means: setup.repair.means,
            allowance: u64::try_from(allowance).unwrap_or(u64::MAX),
            most: u64::try_from(budget * 24).unwrap_or(u64::MAX),
            purse: 0,
            scattered: BTreeSet::new(),
        }
    }

    /// A VM is in several blocks.
    pub(super) fn note(&mut self, vm: VmId) {
        if self.means != Means::Nothing {
            self.scattered.insert(vm);
        }
    }

    /// A VM is gone, or in one block.
    pub(super) fn forget(&mut self, vm: VmId) {
        self.scattered.remove(&vm);
    }

    /// Pays for a copy that cannot wait, if there is enough for it.
    pub(super) fn pay(&mut self, bytes: u64) -> bool {
        let rest = self.purse.checked_sub(bytes);
        self.purse = rest.unwrap_or(self.purse);
        rest.is_some()
    }

    pub(super) const fn means(&self) -> Means {
        self.means
    }

    /// An interval is over: does what it can.
    pub(super) fn work(&mut self, fleet: &mut Fleet<'_>, tally: &mut Tally) {
        self.purse = self.purse.saturating_add(self.allowance).min(self.most.max(self.allowance));
        for vm in self.scattered.clone() {
            if self.purse == 0 {
                break;
            }
            self.put_together(vm, fleet, tally);
            if fleet.is_contiguous(vm) {
                self.scattered.remove(&vm);
            }
        }
    }

    fn put_together(&mut self, vm: VmId, fleet: &mut Fleet<'_>, tally: &mut Tally) {
        let Some(placed) = fleet.placed(vm) else {
            return;
        };
        let (at, shape) = (placed.at, placed.shape);
        let single = |neighbour| fleet.is_contiguous(neighbour);
        if let Some(plan) = plan(fleet.server(at), &placed, single)
            && self.pay(plan.copied)
        {
            tally.repair_bytes += plan.copied;
            tally.repaired_locally += 1;
            tally.neighbours_moved += u64::from(plan.neighbour.is_some());
            carry_out(fleet, vm, at, &plan);
            return;
        }
        if self.means != Means::Migrate {
            return;
        }
        let Some(to) = fleet.running(By::TightestRun, shape).filter(|to| *to != at) else {
            return;
        };
        let bytes = fleet.demand(shape, to).map_or(0, |demand| demand.memory);
        if self.pay(bytes) && fleet.remove(vm) {
            tally.repair_bytes += bytes;
            tally.repaired_by_migration += 1;
            // The server has an extent that holds it, and nothing has changed there since.
            fleet.place_at(vm, shape, to);
        }
    }
}

/// The cheapest way to put a VM of this server into one block.
fn plan(server: &Server, placed: &Placed, single: impl Fn(VmId) -> bool) -> Option<Plan> {
    let own = placed.blocks.as_slice();
    let bytes: u64 = own.iter().map(|block| block.bytes).sum();
    let free = joined(server.extents.iter().chain(own.iter().copied()).collect());
    let tightest = |bytes: u64, but: Option<Extent>| {
        let outside = |run: &&Extent| but.is_none_or(|but| run.end() < but.start || run.start > but.end());
        let fitting = free.iter().filter(|run| run.bytes >= bytes).filter(outside);
        fitting.min_by_key(|run| (run.bytes, run.start)).map(|run| Extent { start: run.start, bytes })
    };
    if let Some(to) = tightest(bytes, None) {
        return Some(Plan { to, shape: placed.shape, neighbour: None, copied: bytes });
    }
    let neighbours = server.used.iter().flat_map(|used| used.iter()).filter_map(|(&start, &(size, vm))| {
        let place = Extent { start, bytes: size };
        if own.contains(&place) || !single(vm) {
            return None;
        }
        let after = free.partition_point(|run| run.start < start);
        let before = after.checked_sub(1).map(|before| free[before]).filter(|run| run.end() == start);
        let behind = free.get(after).filter(|run| run.start == place.end());
        let room = size + before.map_or(0, |run| run.bytes) + behind.map_or(0, |run| run.bytes);
        let to = Extent { start: before.map_or(start, |run| run.start), bytes };
        if room < bytes {
            return None;
        }
        // Elsewhere: in none of the extents that it parts.
        let elsewhere = tightest(size, Some(place))?;
        let copied = bytes.saturating_add(size);
        Some(Plan { to, shape: placed.shape, neighbour: Some((vm, elsewhere)), copied })
    });
    neighbours.min_by_key(|plan| (plan.copied, plan.to))
}

fn carry_out(fleet: &mut Fleet<'_>, vm: VmId, at: At, plan: &Plan) {
    let moved = plan.neighbour.into_iter().chain([(vm, plan.to)]);
    let taken: Vec<(VmId, Extent, Placed)> =
        moved.filter_map(|(vm, to)| Some((vm, to, fleet.unsettle(vm)?))).collect();
    fleet.with_server(at, |server| {
        for (_, _, placed) in &taken {
            server.disown(&placed.blocks);
            placed.blocks.as_slice().iter().for_each(|block| server.extents.give(*block));
        }
        for (vm, to, _) in &taken {
            let free = server.extents.take_at(*to);
            debug_assert!(free, "the plan takes what is free");
            server.own(*vm, &Blocks::One(*to));
        }
    });
    for (moved, to, placed) in taken {
        let shape = if moved == vm { plan.shape } else { placed.shape };
        fleet.settle(moved, Placed { blocks: Blocks::One(to), shape, ..placed });
    }
}

impl Repairer {
    /// Puts a VM that gets another size into one block on its server, if that is allowed and paid for: it then has the
    /// memory of its new size, and `copied` bytes are moved. Says whether it was done.
    pub(super) fn grow(&mut self, fleet: &mut Fleet<'_>, vm: VmId, shape: ShapeId, copied: u64) -> bool {
        let Some(placed) = fleet.placed(vm).filter(|_| self.means() != Means::Nothing) else {
            return false;
        };
        let (at, own) = (placed.at, placed.blocks.as_slice().to_vec());
        let Some(Demand { memory: bytes, .. }) = fleet.demand(shape, at) else {
            return false;
        };
        let free = joined(fleet.server(at).extents.iter().chain(own).collect());
        let fitting = free.iter().filter(|run| run.bytes >= bytes).min_by_key(|run| (run.bytes, run.start));
        let Some(to) = fitting.map(|run| Extent { start: run.start, bytes }) else {
            return false;
        };
        if !self.pay(copied) {
            return false;
        }
        carry_out(fleet, vm, at, &Plan { to, shape, neighbour: None, copied });
        true
    }
}
