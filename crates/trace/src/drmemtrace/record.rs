//! One record: its fields and what its type means.

use terrace_addr::AccessKind;

/// Bytes in a record: type and size of 16 bits, value of 64 bits, little-endian, packed.
pub(crate) const SIZE: usize = 12;

/// The type of a file's first record; its value is the version of the format.
pub(super) const HEADER: u16 = 25;

/// No version of the format is this high. A file of a 32-bit program, whose records have 8 bytes, seems to have one
/// that is: its second record is taken for the upper half.
pub(super) const VERSIONS: u64 = 1 << 16;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// An access to memory: the value is the address, the size its length in bytes.
    Reference(AccessKind),
    /// A prefetch, by an instruction or by hardware.
    Prefetch,
    /// A cache flush, or the end of its range.
    Flush,
    /// An instruction executed again without being fetched.
    Unfetched,
    /// Up to 8 bytes of the encoding of the instruction that follows.
    Encoding,
    /// A marker: the size is its kind, the value its content.
    Marker,
    /// The value is the id of the thread that the following records are of.
    Thread,
    /// Process ids, thread exits, headers.
    Other,
    /// The last record.
    Footer,
    /// Exists between recorder and simulator, but not in a file; or not at all.
    Foreign,
}

/// The marker whose value is a time, in microseconds.
pub(super) const TIMESTAMP: u16 = 2;

/// The marker whose value says what the recording is: `OFFLINE_FILE_TYPE_…` bits.
pub(super) const FILE_TYPE: u16 = 9;

/// Class by type. Types beyond the table are foreign, as is its last entry.
const CLASSES: [Class; 64] = {
    use AccessKind::{Fetch, Load, Store};
    let mut classes = [Class::Foreign; 64];
    let mut number = 0;
    while number < classes.len() {
        classes[number] = match number {
            0 => Class::Reference(Load),
            1 => Class::Reference(Store),
            // 13 is a conditional jump of older files, 48 and 49 are a taken and an untaken one, 31 is sysenter.
            10..=16 | 31 | 48 | 49 => Class::Reference(Fetch),
            // 27 is a prefetch by hardware, which a cache simulator adds.
            2..=9 | 27 | 32..=46 => Class::Prefetch,
            18..=21 => Class::Flush,
            22 => Class::Thread,
            23..=25 => Class::Other,
            26 => Class::Footer,
            28 => Class::Marker,
            29 => Class::Unfetched,
            47 => Class::Encoding,
            // 17 (a bundle of fetches) and 30 (perhaps fetched) only pass between recorder and simulator.
            _ => Class::Foreign,
        };
        number += 1;
    }
    classes
};

/// The fields of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) number: u16,
    pub(super) size: u16,
    pub(super) value: u64,
}

impl Record {
    #[inline(always)]
    pub(super) fn of(bytes: &[u8; SIZE]) -> Self {
        let [n0, n1, s0, s1, value @ ..] = *bytes;
        Self {
            number: u16::from_le_bytes([n0, n1]),
            size: u16::from_le_bytes([s0, s1]),
            value: u64::from_le_bytes(value),
        }
    }

    #[inline(always)]
    pub(super) fn class(self) -> Class {
        CLASSES[usize::from(self.number.min(63))]
    }
}

/// Whether content that starts with `start` starts with a header record.
pub(crate) fn starts_like_a_trace(start: &[u8]) -> bool {
    start.first_chunk().map(Record::of).is_some_and(|record| record.number == HEADER && record.size == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(number: u16) -> Class {
        Record { number, size: 0, value: 0 }.class()
    }

    #[test]
    fn fetches_loads_and_stores_are_the_references() {
        let fetches: Vec<u16> =
            (0..=u16::MAX).filter(|&number| class(number) == Class::Reference(AccessKind::Fetch)).collect();
        assert_eq!(fetches, [10, 11, 12, 13, 14, 15, 16, 31, 48, 49]);
        assert_eq!(class(0), Class::Reference(AccessKind::Load));
        assert_eq!(class(1), Class::Reference(AccessKind::Store));
    }

    #[test]
    fn types_that_do_not_belong_in_a_file_are_foreign() {
        let foreign: Vec<u16> = (0..=52).filter(|&number| class(number) == Class::Foreign).collect();
        assert_eq!(foreign, [17, 30, 50, 51, 52]);
        assert_eq!((class(63), class(64), class(u16::MAX)), (Class::Foreign, Class::Foreign, Class::Foreign));
    }

    #[test]
    fn fields_are_little_endian_and_packed() {
        let bytes = [10, 0, 3, 1, 8, 7, 6, 5, 4, 3, 2, 1];
        let record = Record { number: 10, size: 0x103, value: 0x0102_0304_0506_0708 };
        assert_eq!(Record::of(&bytes), record);
    }
}
