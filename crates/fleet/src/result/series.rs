//! The samples of simulations: `series.parquet`, a row for each run, sample and value, in the columns that the series of
//! other runs have.

use std::io::Write;
use std::path::Path;

use terrace_addr::convert;
use terrace_result::{ResultError, SeriesRow, SeriesWriter, read_series_by};

use crate::sim::Sample;

/// A value of a sample.
type ValueOf = fn(&Sample) -> f64;

/// The values of a sample, by their names.
const VALUES: [(&str, ValueOf); 8] = [
    ("vms", |sample| real(sample.vms)),
    ("contiguous_vms", |sample| real(sample.contiguous_vms)),
    ("servers_on", |sample| real(sample.servers_on)),
    ("servers_occupied", |sample| real(sample.servers_occupied)),
    ("free_bytes", |sample| real(sample.free)),
    ("largest_extent_bytes", |sample| real(sample.largest)),
    ("mean_largest_extent_bytes", |sample| sample.mean_largest),
    ("repair_bytes", |sample| real(sample.repaired)),
];

/// What the values are of.
const SCOPE: &str = "fleet";

const fn real(count: u64) -> f64 {
    convert::ratio(count, 1)
}

/// Writes the samples of all runs.
///
/// # Errors
/// If the writer fails.
pub fn write_series<W: Write + Send>(to: W, runs: &[&[Sample]]) -> Result<W, ResultError> {
    let mut writer = SeriesWriter::new(to)?;
    for (run, samples) in (0..).zip(runs) {
        for sample in *samples {
            for (name, value) in VALUES {
                writer.push_other(run, sample.end, SCOPE, name, value(sample))?;
            }
        }
    }
    writer.finish()
}

/// Reads what [`write_series`] has written.
///
/// # Errors
/// If it cannot be read, or is no series of a fleet.
pub fn read_samples(path: &Path) -> Result<Vec<SeriesRow<&'static str>>, ResultError> {
    read_series_by(path, |name| VALUES.iter().map(|(known, _)| *known).find(|known| *known == name))
}
