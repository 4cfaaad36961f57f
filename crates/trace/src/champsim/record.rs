//! One record.

use terrace_addr::{Addr, Gva};

/// Bytes in a record of `ChampSim`'s own, and the stores that it has room for.
pub(crate) const SIZE: usize = 64;
pub(super) const STORES: usize = 2;

/// Bytes in a `CloudSuite` record, and the stores that it has room for.
pub(crate) const CLOUDSUITE_SIZE: usize = 96;
pub(super) const CLOUDSUITE_STORES: usize = 4;

/// The loads that a record has room for, in either layout.
pub(super) const LOADS: usize = 4;

/// How many records at the start of a file must make sense for it to be taken for a trace.
const PROBED: usize = 64;

/// Where the store addresses begin: behind the instruction's address, two flags and a byte for each register, on the
/// next multiple of 8, as C lays a structure out.
const fn first_store(stores: usize) -> usize {
    (8 + 2 + stores + LOADS).next_multiple_of(8)
}

/// The addresses in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record<const STORES: usize> {
    pub(super) instruction: u64,
    /// 0 where there is none.
    pub(super) loads: [u64; LOADS],
    /// 0 where there is none.
    pub(super) stores: [u64; STORES],
}

/// The number of 64 bits at `offset`, little-endian.
#[inline(always)]
fn number<const SIZE: usize>(bytes: &[u8; SIZE], offset: usize) -> u64 {
    let mut field = [0; 8];
    field.copy_from_slice(&bytes[offset..offset + 8]);
    u64::from_le_bytes(field)
}

impl<const STORES: usize> Record<STORES> {
    #[inline(always)]
    pub(super) fn of<const SIZE: usize>(bytes: &[u8; SIZE]) -> Self {
        let (mut loads, mut stores) = ([0; LOADS], [0; STORES]);
        let first_load = first_store(STORES) + 8 * STORES;
        for (index, store) in stores.iter_mut().enumerate() {
            *store = number(bytes, first_store(STORES) + 8 * index);
        }
        for (index, load) in loads.iter_mut().enumerate() {
            *load = number(bytes, first_load + 8 * index);
        }
        Self { instruction: number(bytes, 0), loads, stores }
    }

    /// The first of its addresses that is not canonical, with its name.
    pub(super) fn uncanonical(&self) -> Option<(&'static str, u64)> {
        let instruction = [("instruction", self.instruction)];
        let loads = self.loads.into_iter().map(|load| ("load", load));
        let stores = self.stores.into_iter().map(|store| ("store", store));
        let mut fields = instruction.into_iter().chain(loads).chain(stores);
        fields.find(|&(_, raw)| Addr::<Gva>::try_new(raw).is_err())
    }
}

/// Why content that starts with `start` cannot be a trace, if so.
pub(crate) fn implausible(start: &[u8]) -> Option<String> {
    implausible_records::<SIZE>(start)
}

/// Why content that starts with `start` cannot be a `CloudSuite` trace, if so. Its operands must be canonical too:
/// what is looked at has already turned out not to be `ChampSim`'s own.
pub(crate) fn implausible_cloudsuite(start: &[u8]) -> Option<String> {
    implausible_records::<CLOUDSUITE_SIZE>(start).or_else(|| {
        let (records, _) = start.as_chunks::<CLOUDSUITE_SIZE>();
        records.iter().take(PROBED).enumerate().find_map(|(index, bytes)| {
            let (name, raw) = Record::<CLOUDSUITE_STORES>::of(bytes).uncanonical()?;
            Some(format!("the {name} address {raw:#x}, which is not canonical, in record {index}"))
        })
    })
}

/// What both layouts begin with must make sense: the instruction's address and the flags of a branch.
fn implausible_records<const SIZE: usize>(start: &[u8]) -> Option<String> {
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
    fn fields_lie_where_cloudsuite_instr_has_them() {
        let mut bytes = [0; CLOUDSUITE_SIZE];
        // Address-space ids and padding, which are not looked at.
        bytes[88..].fill(0xff);
        bytes[18..24].fill(0xff);
        for (index, place) in [0, 24, 32, 40, 48, 56, 64, 72, 80].into_iter().enumerate() {
            bytes[place] = u8::try_from(index + 1).unwrap();
        }
        let record = Record::of(&bytes);
        assert_eq!(record, Record { instruction: 1, stores: [2, 3, 4, 5], loads: [6, 7, 8, 9] });
        assert_eq!(implausible_cloudsuite(&bytes), None);
        bytes[87] = 0x40;
        assert!(implausible_cloudsuite(&bytes).is_some_and(|why| why.contains("the load address 0x40")));
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
