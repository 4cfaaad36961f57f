//! `vmtable.csv` of the Azure Public Dataset, V1 (2017) and V2 (2019): no header, eleven columns.
//!
//! vm id, subscription id, deployment id, created, deleted (seconds since the trace began, multiples of 300 up to
//! 2,591,700), maximum, average and 95th percentile of CPU utilisation, category, cores, memory in GB. V2 has classes
//! instead of the last two, of which the highest, `>24` cores and `>64` GB, are taken for 30 and 70, as the dataset's own
//! notebook does. A VM that was created at 0 may be older; one that was deleted at the last time may have lived on: both
//! live within the trace for as long as it says, and the second does not leave. The notebook counts at least one interval
//! of 300 s for each VM, and so does this.

use std::collections::HashSet;
use std::io;

use terrace_addr::Nanos;

use super::table::{Line, Lines, cores, line, memory, quoted};
use super::{Bad, Rows};
use crate::FleetError;
use crate::spec::{Demand, FleetSpec};
use crate::trace::{Shape, Trace, TraceBuilder};

/// Columns of a row.
pub(super) const COLUMNS: usize = 11;

const LAST: u64 = 2_591_700;
const STEP: u64 = 300;
const SECOND: u64 = 1_000_000_000;
/// As clouds sell memory.
const GIBIBYTE: f64 = 1_073_741_824.0;

/// One VM.
struct Row {
    id: u128,
    created: u64,
    deleted: u64,
    demand: Demand,
}

pub(super) fn read(rows: &mut Rows, from: impl io::Read, fleet: &FleetSpec) -> Result<Trace, FleetError> {
    let mut lines = Lines::new(from, b',');
    let mut builder = TraceBuilder::new();
    builder.until(Nanos::new((LAST + STEP) * SECOND));
    let mut seen = HashSet::new();
    while let Some((number, columns)) = lines.next(rows)? {
        let row = row(&columns).and_then(|row| {
            let shape = Shape::Same(row.demand);
            if let Some(bad) = Bad::too_large(&shape, fleet) {
                return Err(bad);
            }
            if !seen.insert(row.id) {
                return Err(Bad::new("vm id", "one that an earlier line has", "each VM once"));
            }
            let shape = builder.shape(shape);
            let lived = (row.deleted - row.created).max(STEP);
            let leaves = (row.deleted < LAST).then(|| Nanos::new((row.created + lived) * SECOND));
            let added = builder.add(shape, Nanos::new(row.created * SECOND), leaves);
            added.map(drop).ok_or_else(|| Bad::new("vm id", "a further VM", "fewer than 2^32 VMs"))
        });
        if let Err(bad) = row {
            rows.bad(line(number), bad)?;
        }
    }
    Ok(builder.sorted())
}

fn row(columns: &Line<'_>) -> Result<Row, Bad> {
    columns.has(COLUMNS)?;
    let id = columns.bytes(0);
    if id.is_empty() {
        return Err(Bad::new("vm id", "nothing", "an id"));
    }
    let created = seconds(columns.text(3, "created")?, "created")?;
    let deleted = seconds(columns.text(4, "deleted")?, "deleted")?;
    if deleted < created {
        let found = format!("{deleted}, before it was created at {created}");
        return Err(Bad::new("deleted", found, "no earlier time than that of its creation"));
    }
    let cores = match columns.text(9, "cores")? {
        ">24" => cores("30"),
        text => cores(text),
    }?;
    let memory = match columns.text(10, "memory")? {
        ">64" => memory("70", GIBIBYTE, "GB"),
        text => memory(text, GIBIBYTE, "GB"),
    }?;
    Ok(Row { id: digest(id), created, deleted, demand: Demand { cores, memory } })
}

fn seconds(text: &str, what: &'static str) -> Result<u64, Bad> {
    let seconds: Option<u64> = text.parse().ok();
    let expected = || format!("seconds from 0 to {LAST}");
    seconds.filter(|seconds| *seconds <= LAST).ok_or_else(|| Bad::new(what, quoted(text), expected()))
}

/// FNV-1a, 128 bits (RFC 9923): ids are hashes of 64 characters, and millions of them are held against each other.
fn digest(bytes: &[u8]) -> u128 {
    let offset = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    let prime = 0x0000_0000_0100_0000_0000_0000_0000_013b_u128;
    bytes.iter().fold(offset, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(prime))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_is_the_published_one() {
        // RFC 9923's test vectors: of nothing, and of "a".
        assert_eq!(digest(b""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(digest(b"a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }
}
