//! Where each VM of a trace is: sixteen bytes for each, on huge pages, so that it is one cache line and seldom a miss of
//! the TLB to look one up.

use std::collections::BTreeMap;

use terrace_addr::convert;
use terrace_raw::{Buffer, prefetch};

use super::fleet::{At, Placed};
use crate::server::{Blocks, Extent};
use crate::trace::{ShapeId, VmId};

/// The place of a VM: the first byte of its block, its server with [`SCATTERED`], and its size plus one, which is 0 while
/// it is nowhere.
type Entry = (u64, (u32, u32));

/// The VM is in several blocks, which are kept apart. There are fewer servers than this.
const SCATTERED: u32 = 1 << 31;

/// Where VMs are.
pub(super) struct Table {
    entries: Buffer<Entry>,
    scattered: BTreeMap<VmId, Box<[Extent]>>,
    /// The number of the first server of each kind among all servers.
    firsts: Vec<u32>,
}

/// What the table says of a VM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) at: At,
    pub(super) shape: ShapeId,
    /// The first byte of its block; none if it has several.
    pub(super) start: Option<u64>,
}

impl Table {
    /// For so many VMs, on kinds of servers of which there are so many.
    pub(super) fn new(vms: usize, counts: impl Iterator<Item = u32>) -> Self {
        let firsts = counts.scan(0_u32, |next, count| {
            let first = *next;
            *next += count;
            Some(first)
        });
        Self { entries: Buffer::zeroed(vms), scattered: BTreeMap::new(), firsts: firsts.collect() }
    }

    pub(super) fn foresee(&self, vm: VmId) {
        if let Some(entry) = self.entries.get(vm.index()) {
            prefetch(entry);
        }
    }

    pub(super) fn get(&self, vm: VmId) -> Option<Found> {
        let &(start, (server, shape)) = self.entries.get(vm.index())?;
        let shape = ShapeId::new(shape.checked_sub(1)?);
        let number = server & !SCATTERED;
        let class = match self.firsts.as_slice() {
            [_] => 0,
            firsts => firsts.partition_point(|first| *first <= number) - 1,
        };
        let at = At { class: convert::narrow(class), server: number - self.firsts[class] };
        Some(Found { at, shape, start: (server == number).then_some(start) })
    }

    /// The blocks of a VM that has several.
    pub(super) fn scattered(&self, vm: VmId) -> Blocks {
        Blocks::Several(self.scattered.get(&vm).cloned().unwrap_or_default())
    }

    pub(super) fn set(&mut self, vm: VmId, placed: Placed) {
        let Placed { at, shape, blocks } = placed;
        let server = self.firsts[convert::index32(at.class)] + at.server;
        let (start, server) = match blocks {
            Blocks::One(block) => (block.start, server),
            Blocks::Several(blocks) => {
                self.scattered.insert(vm, blocks);
                (0, server | SCATTERED)
            }
        };
        self.entries[vm.index()] = (start, (server, shape.number() + 1));
    }

    pub(super) fn clear(&mut self, vm: VmId) {
        let entry = &mut self.entries[vm.index()];
        if entry.1.0 & SCATTERED != 0 {
            self.scattered.remove(&vm);
        }
        *entry = (0, (0, 0));
    }

    #[cfg(test)]
    pub(super) fn vms(&self) -> impl Iterator<Item = VmId> + use<> {
        (0..convert::narrow(self.entries.len())).map(VmId::new)
    }

    #[cfg(test)]
    pub(super) fn count_scattered(&self) -> usize {
        self.scattered.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_set() {
        let mut table = Table::new(4, [3, 0, 5].into_iter());
        let block = |start| Extent { start, bytes: 7 };
        let place =
            |class, server, blocks| Placed { at: At { class, server }, shape: ShapeId::new(2), blocks };
        table.set(VmId::new(0), place(0, 2, Blocks::One(block(u64::MAX - 7))));
        table.set(VmId::new(1), place(2, 0, Blocks::One(block(0))));
        table.set(VmId::new(3), place(2, 4, Blocks::Several([block(0), block(10)].into())));
        let found = |vm| table.get(VmId::new(vm)).map(|it| (it.at.class, it.at.server, it.start));
        let expected =
            [Some((0, 2, Some(u64::MAX - 7))), Some((2, 0, Some(0))), None, Some((2, 4, None)), None];
        assert_eq!([0, 1, 2, 3, 4].map(found), expected);
        assert_eq!(table.scattered(VmId::new(3)).as_slice(), [block(0), block(10)]);
        table.clear(VmId::new(3));
        table.clear(VmId::new(0));
        assert_eq!((table.get(VmId::new(3)), table.get(VmId::new(0))), (None, None));
        assert_eq!(table.count_scattered(), 0);
    }
}
