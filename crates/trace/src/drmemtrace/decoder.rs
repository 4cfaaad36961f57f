//! The loop that turns records into accesses.

use terrace_addr::{Access, AccessKind, Addr};

use super::record::{Class, Record, SIZE};

/// References decoded in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Run {
    /// Records decoded; each is a reference.
    pub(super) references: usize,
    /// How many of them are loads.
    pub(super) loads: u64,
    /// How many of them are stores.
    pub(super) stores: u64,
    /// Not 0 if an address among them is not canonical: the run must not be used then.
    pub(super) uncanonical: u64,
}

impl Run {
    /// How many of the references are fetches.
    pub(super) fn fetches(&self) -> u64 {
        terrace_addr::convert::count(self.references) - self.loads - self.stores
    }
}

/// Decodes references from the start of `records` into `room`, up to the first record that is no reference, the
/// end of `records` or the end of `room`.
///
/// This loop is most of what reading a trace costs after inflating it. Its one branch per record asks whether the
/// record is a reference, which is foreseeable; the kind of reference is not, and is data. Addresses are made
/// canonical unasked, and whether that changed one is asked once a run.
#[inline]
pub(super) fn decode_references(records: &[u8], room: &mut [Access]) -> Run {
    // A count per kind in each 16 bits: a run is shorter than 2^16, as a batch is.
    debug_assert!(room.len() < 1 << 16);
    let mut kinds = 0_u64;
    let mut uncanonical = 0;
    let mut references = 0;
    let (records, _) = records.as_chunks::<SIZE>();
    for (bytes, slot) in records.iter().zip(room.iter_mut()) {
        let record = Record::of(bytes);
        let Class::Reference(kind) = record.class() else { break };
        let addr = Addr::truncate(record.value);
        uncanonical |= addr.get() ^ record.value;
        kinds += 1 << (16 * kind.index());
        *slot = Access { addr, size: record.size, kind };
        references += 1;
    }
    let of = |kind: AccessKind| (kinds >> (16 * kind.index())) & 0xffff;
    Run { references, loads: of(AccessKind::Load), stores: of(AccessKind::Store), uncanonical }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Batch;

    fn record(number: u16, size: u16, value: u64) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        bytes[..2].copy_from_slice(&number.to_le_bytes());
        bytes[2..4].copy_from_slice(&size.to_le_bytes());
        bytes[4..].copy_from_slice(&value.to_le_bytes());
        bytes
    }

    #[test]
    fn a_run_ends_at_the_first_record_that_is_no_reference() {
        let records =
            [record(10, 3, 0x1000), record(0, 8, 0x2000), record(1, 4, 0x3000), record(28, 2, 5)].concat();
        let mut batch = Batch::new();
        let run = decode_references(&records, batch.room());
        assert_eq!((run.references, run.fetches(), run.loads, run.stores), (3, 1, 1, 1));
        assert_eq!(run.uncanonical, 0);
        assert_eq!(batch.room()[1], Access { addr: Addr::new(0x2000), size: 8, kind: AccessKind::Load });
    }

    #[test]
    fn a_run_ends_where_room_ends() {
        let records = [record(0, 8, 0), record(0, 8, 8), record(0, 8, 16)].concat();
        let mut batch = Batch::new();
        assert_eq!(decode_references(&records, &mut batch.room()[..2]).references, 2);
    }

    #[test]
    fn an_address_that_is_not_canonical_is_noticed() {
        let records = [record(0, 8, 1 << 60), record(0, 8, 8)].concat();
        let mut batch = Batch::new();
        assert_ne!(decode_references(&records, batch.room()).uncanonical, 0);
    }
}
