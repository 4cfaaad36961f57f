//! A third level of the TLB, in memory.

use terrace_addr::{AccessKind, Addr, Gva, Hpa, PageSize, convert};
use terrace_machine::{Machine, PageSizeName, Replacement, Schemes, Serves, Source, TlbArray};
use terrace_raw::vector::Vector;

use super::references::References;
use super::tlb::{Hit, Tlb};
use crate::array::Array;
use crate::cache::LINE_SHIFT;
use crate::context::Tags;
use crate::translation::Packed;
use crate::watch::Watch;
use crate::{BuildError, Layout};

/// One core's.
#[derive(Debug)]
pub(super) struct ThirdLevel {
    tlb: Tlb,
    /// Where the line of its first set is.
    first_line: Addr<Hpa>,
    /// The number of its sets, less 1.
    set_mask: u64,
    /// The sizes that pages are looked up with first.
    predicted: Box<[PageSize; PREDICTED]>,
}

const PREDICTED: usize = 512;

/// The page sizes that it holds.
const SIZES: [PageSize; 2] = [PageSize::Size4K, PageSize::Size2M];

/// Its entries, of one core, by the machine file.
fn entries(machine: &Machine) -> Option<u32> {
    machine.scheme.as_ref()?.third_level
}

/// The sets of one core take so many bytes.
fn bytes(entries: u32) -> u64 {
    u64::from(entries / Schemes::THIRD_LEVEL_WAYS) << LINE_SHIFT
}

/// Where memory ends, with what the third levels of all cores take behind it.
pub(super) fn memory_end(machine: &Machine, layout: &Layout) -> Addr<Hpa> {
    let cores = u64::from(machine.topology.sockets * machine.topology.cores);
    entries(machine).map_or(layout.end(), |entries| start(layout).offset_by(cores * bytes(entries)))
}

fn start(layout: &Layout) -> Addr<Hpa> {
    let end = layout.end();
    Addr::truncate(end.get().next_multiple_of(PageSize::Size4K.bytes()))
}

impl ThirdLevel {
    /// What the machine has of it for a core.
    pub(super) fn new(machine: &Machine, core: u32, layout: &Layout) -> Result<Option<Self>, BuildError> {
        let Some(entries) = entries(machine) else { return Ok(None) };
        let array = TlbArray {
            level: 3,
            serves: AccessKind::ALL.map(Serves).to_vec(),
            pages: SIZES.map(PageSizeName).to_vec(),
            entries,
            ways: Schemes::THIRD_LEVEL_WAYS,
            replacement: Replacement::Lru,
            latency: 0,
            source: Source::All("scheme.third_level".into()),
        };
        // Nothing in it is random.
        let tlb = Tlb::of([("scheme.third_level", &array)], |_| 0)?;
        let first_line = start(layout).offset_by(u64::from(core) * bytes(entries));
        let set_mask = u64::from(entries / Schemes::THIRD_LEVEL_WAYS) - 1;
        Ok(Some(Self { tlb, first_line, set_mask, predicted: Box::new([PageSize::Size4K; PREDICTED]) }))
    }

    /// Looks `addr` up: first among pages of the size that is predicted.
    pub(super) fn lookup<V: Vector, W: Watch>(
        &mut self,
        references: &mut References<'_, '_, V, W>,
        addr: Addr<Gva>,
        kind: AccessKind,
        tags: Tags,
    ) -> Option<Hit> {
        let mut sizes = SIZES;
        if *self.prediction(addr) == PageSize::Size2M {
            sizes.reverse();
        }
        let found = sizes.into_iter().find_map(|size| {
            let set = addr.get() >> size.shift() & self.set_mask;
            references.third_level(self.first_line.offset_by(set << LINE_SHIFT));
            self.tlb.lookup_size(references.vector, addr, size, kind, tags)
        });
        if let Some(hit) = &found {
            *self.prediction(addr) = hit.size;
        }
        found
    }

    /// Inserts the translation of `addr` that a walk has found.
    pub(super) fn insert(
        &mut self,
        addr: Addr<Gva>,
        packed: Packed,
        size: PageSize,
        kind: AccessKind,
        tags: Tags,
    ) {
        if let Some(held) = self.tlb.insert(addr, packed, size, kind, tags) {
            *self.prediction(addr) = held;
        }
    }

    fn prediction(&mut self, addr: Addr<Gva>) -> &mut PageSize {
        &mut self.predicted[convert::index(addr.get() >> PageSize::Size4K.shift()) % PREDICTED]
    }

    pub(super) const fn tlb(&mut self) -> &mut Tlb {
        &mut self.tlb
    }

    /// Whether an entry may be a global translation.
    pub(super) const fn any_global(&self) -> bool {
        self.tlb.any_global()
    }

    /// Its arrays.
    pub(super) fn arrays(&mut self) -> impl Iterator<Item = &mut Array<u64>> {
        self.tlb.arrays()
    }
}
