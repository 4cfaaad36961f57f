//! The loop that turns records into accesses.

use terrace_addr::{Access, AccessKind, Addr};

use super::record::{LOADS, Record};

/// The room that decoding a record needs. It gives a fetch, 4 loads and so many stores at most; made a power of two,
/// so that an index is kept inside by a mask instead of a check.
pub(super) const fn room(stores: usize) -> usize {
    (1 + LOADS + stores).next_power_of_two()
}

/// Records decoded in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Run {
    /// Records, each an instruction and a fetch.
    pub(super) records: usize,
    pub(super) references: usize,
    pub(super) stores: usize,
    /// Not 0 if an address among them is not canonical: the run must not be used then.
    pub(super) uncanonical: u64,
}

/// Decodes from the start of `records` into `room`, up to the end of `records` or until a record might not fit.
///
/// Which operands there are is not foreseeable, so no branch asks: each is written, and the place for the next
/// moves on if it was there.
#[inline]
pub(super) fn decode<const SIZE: usize, const STORES: usize, const ROOM: usize>(
    records: &[u8],
    room: &mut [Access],
) -> Run {
    let mut run = Run::default();
    let (records, _) = records.as_chunks::<SIZE>();
    for bytes in records {
        let Some(slots) = room[run.references..].first_chunk_mut::<ROOM>() else { break };
        let record = Record::<STORES>::of(bytes);
        let addr = Addr::truncate(record.instruction);
        run.uncanonical |= addr.get() ^ record.instruction;
        slots[0] = Access { addr, size: 1, kind: AccessKind::Fetch };
        let mut used = 1;
        let mut write = |address: u64, kind: AccessKind| {
            let addr = Addr::truncate(address);
            run.uncanonical |= addr.get() ^ address;
            slots[used & (ROOM - 1)] = Access { addr, size: 1, kind };
            used += usize::from(address != 0);
        };
        for load in record.loads {
            write(load, AccessKind::Load);
        }
        for store in record.stores {
            write(store, AccessKind::Store);
        }
        run.records += 1;
        run.references += used;
        run.stores += record.stores.map(|store| usize::from(store != 0)).iter().sum::<usize>();
    }
    run
}

#[cfg(test)]
mod tests {
    use super::super::record::{SIZE, STORES};
    use super::*;
    use crate::Batch;

    fn decode(records: &[u8], room: &mut [Access]) -> Run {
        super::decode::<SIZE, STORES, 8>(records, room)
    }

    #[test]
    fn a_fetch_then_loads_then_stores() {
        let mut bytes = [0; SIZE];
        for (place, value) in [(0, 0x10_u8), (24, 0x20), (40, 0x30), (56, 0x40)] {
            bytes[place] = value;
        }
        let mut batch = Batch::new();
        let run = decode(&bytes, batch.room());
        assert_eq!(run, Run { records: 1, references: 4, stores: 1, uncanonical: 0 });
        let got: Vec<_> = batch.room()[..4].iter().map(|a| (a.kind, a.addr.get(), a.size)).collect();
        let expected = [
            (AccessKind::Fetch, 0x10, 1),
            (AccessKind::Load, 0x30, 1),
            (AccessKind::Load, 0x40, 1),
            (AccessKind::Store, 0x20, 1),
        ];
        assert_eq!(got, expected);
    }

    #[test]
    fn a_record_that_might_not_fit_is_left() {
        let bytes = [1; 3 * SIZE];
        let mut batch = Batch::new();
        let run = decode(&bytes, &mut batch.room()[..20]);
        assert_eq!((run.records, run.references), (2, 14));
    }
}
