//! VMs that change their size.
//!
//! A VM gives memory back from its end. It grows at its end if the bytes there are free; else, if repair is on and may
//! copy that much, it moves within its server to where it is one block; else it gets further blocks there, and EPT; and if
//! its server has no room, it moves to the server that a new VM of its size would get. If there is none, it keeps its size.

use super::Simulation;
use super::fleet::Placed;
use crate::server::{Blocks, Extent, Server};
use crate::spec::Demand;
use crate::trace::{ShapeId, VmId};

impl Simulation<'_> {
    pub(super) fn resize(&mut self, vm: VmId, shape: ShapeId) {
        let Some(placed) = self.fleet.placed(vm) else {
            return;
        };
        self.tally.resizes += 1;
        let (at, old_shape) = (placed.at, placed.shape);
        let old = self.fleet.demand(old_shape, at);
        let new = self.fleet.demand(shape, at);
        match old.zip(new).filter(|(old, new)| has_room(self.fleet.server(at), *old, *new)) {
            Some((old, new)) => self.resize_here(vm, shape, old, new),
            None => self.resize_elsewhere(vm, shape, old.map_or(0, |old| old.memory)),
        }
        if self.fleet.is_contiguous(vm) { self.repairer.forget(vm) } else { self.repairer.note(vm) }
    }

    fn resize_here(&mut self, vm: VmId, shape: ShapeId, old: Demand, new: Demand) {
        let growth = new.memory.saturating_sub(old.memory);
        let extends = self.fleet.placed(vm).is_some_and(|placed| {
            placed
                .blocks
                .as_slice()
                .last()
                .is_some_and(|last| self.fleet.server(placed.at).extents.at(last.end()) >= growth)
        });
        let was_contiguous = self.fleet.is_contiguous(vm);
        let mut moved = false;
        if growth > 0 && !extends && self.repairer.grow(&mut self.fleet, vm, shape, old.memory) {
            self.tally.resize_bytes += old.memory;
            moved = true;
        }
        let policy = self.setup.extents;
        let Some(Placed { at, blocks, .. }) = self.fleet.unsettle(vm) else {
            return;
        };
        let blocks = self.fleet.with_server(at, |server| {
            server.disown(&blocks);
            server.free_cores = server.free_cores.more(old.cores).less(new.cores).unwrap_or_default();
            let mut blocks = blocks.as_slice().to_vec();
            let have: u64 = blocks.iter().map(|block| block.bytes).sum();
            if have > new.memory {
                give_back(server, &mut blocks, have - new.memory);
            } else if have < new.memory {
                let further =
                    Extent { start: blocks.last().map_or(0, |last| last.end()), bytes: new.memory - have };
                if extends && server.extents.take_at(further) {
                    blocks.push(further);
                } else {
                    blocks.extend(server.extents.scatter(further.bytes, policy).unwrap_or_default());
                }
            }
            let blocks = Blocks::of(blocks);
            server.own(vm, &blocks);
            blocks
        });
        let scattered = was_contiguous && !blocks.is_contiguous();
        self.fleet.settle(vm, Placed { at, shape, blocks });
        let counter = match (moved, scattered) {
            (true, _) => &mut self.tally.resized_moved,
            (false, true) => &mut self.tally.resized_scattered,
            (false, false) => &mut self.tally.resized_in_place,
        };
        *counter += 1;
    }

    /// Its server has no room: whatever the policy chooses for it is another one.
    fn resize_elsewhere(&mut self, vm: VmId, shape: ShapeId, copied: u64) {
        let Some(placed) = self.fleet.unsettle(vm) else {
            return;
        };
        if self.fleet.place(vm, shape).is_some() {
            self.fleet.release(&placed);
            self.tally.resized_moved += 1;
            self.tally.resize_bytes += copied;
        } else {
            self.fleet.settle(vm, placed);
            self.tally.resized_refused += 1;
        }
    }
}

fn has_room(server: &Server, old: Demand, new: Demand) -> bool {
    server.free_cores.more(old.cores) >= new.cores
        && server.extents.free().saturating_add(old.memory) >= new.memory
}

/// Gives so many bytes back from the end of the last blocks.
fn give_back(server: &mut Server, blocks: &mut Vec<Extent>, bytes: u64) {
    let mut left = bytes;
    while left > 0
        && let Some(last) = blocks.last_mut()
    {
        let given = left.min(last.bytes);
        last.bytes -= given;
        server.extents.give(Extent { start: last.end(), bytes: given });
        left -= given;
        if last.bytes == 0 {
            blocks.pop();
        }
    }
}
