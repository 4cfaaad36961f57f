//! One record.

use terrace_addr::{Addr, Gva};

/// Bytes in a record.
pub(crate) const SIZE: usize = 64;

/// The fields that are used: numbers of 64 bits at these offsets, little-endian.
const LOADS: [usize; 4] = [32, 40, 48, 56];
const STORES: [usize; 2] = [16, 24];

/// How many records at the start of a file must make sense for it to be taken for a trace.
const PROBED: usize = 64;

/// The addresses in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) instruction: u64,
    /// 0 where there is none.
    pub(super) loads: [u64; 4],
    /// 0 where there is none.
    pub(super) stores: [u64; 2],
}

#[inline(always)]
fn number(bytes: &[u8; SIZE], offset: usize) -> u64 {
    let mut field = [0; 8];
    field.copy_from_slice(&bytes[offset..offset + 8]);
    u64::from_le_bytes(field)
}

impl Record {
    #[inline(always)]
    pub(super) fn of(bytes: &[u8; SIZE]) -> Self {
        Self {
            instruction: number(bytes, 0),
            loads: LOADS.map(|offset| number(bytes, offset)),
            stores: STORES.map(|offset| number(bytes, offset)),
        }
    }
}

/// Why content that starts with `start` cannot be a trace, if so.
pub(crate) fn implausible(start: &[u8]) -> Option<String> {
    let (records, rest) = start.as_chunks::<SIZE>();
    if records.is_empty() {
        return Some(format!("only {} bytes", rest.len()));
    }
    records.iter().take(PROBED).enumerate().find_map(|(index, bytes)| {
        let instruction = number(bytes, 0);
        let why = if instruction == 0 {
            "an instruction address of 0".to_owned()
        } else if Addr::<Gva>::try_new(instruction).is_err() {
            format!("the instruction address {instruction:#x}, which is not canonical")
        } else if bytes[8] > 1 || bytes[9] > 1 {
            format!("branch flags of {} and {}, which can be 0 and 1", bytes[8], bytes[9])
        } else {
            return None;
        };
        Some(format!("{why}, in record {index}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lie_where_input_instr_has_them() {
        let mut bytes = [0; SIZE];
        for (place, value) in [(0, 1_u8), (16, 2), (24, 3), (32, 4), (40, 5), (48, 6), (56, 7)] {
            bytes[place] = value;
        }
        let record = Record::of(&bytes);
        assert_eq!(record, Record { instruction: 1, stores: [2, 3], loads: [4, 5, 6, 7] });
    }

    #[test]
    fn what_cannot_be_a_record_is_told() {
        let mut bytes = [0; SIZE];
        assert!(implausible(&bytes).is_some_and(|why| why.contains("address of 0")));
        bytes[2] = 0x40;
        assert_eq!(implausible(&bytes), None);
        bytes[9] = 2;
        assert!(implausible(&bytes).is_some_and(|why| why.contains("branch flags of 0 and 2")));
        bytes[7] = 0x40;
        assert!(implausible(&bytes).is_some_and(|why| why.contains("not canonical")));
        assert!(implausible(&bytes[..63]).is_some_and(|why| why.contains("only 63 bytes")));
    }
}
