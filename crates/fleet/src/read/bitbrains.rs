//! Bitbrains, GWA-T-12 (fastStorage and Rnd): a folder with a file for each VM, a line each five minutes.
//!
//! Columns, with a `;` and a tab between them: timestamp, CPU cores, CPU capacity provisioned (MHz), CPU usage (MHz and %),
//! memory capacity provisioned and usage (KB), disk read and write throughput, network received and transmitted throughput.
//! The header calls the timestamps milliseconds; in fastStorage they are seconds since 1970: what is below 10^11 is taken
//! for seconds, which that many milliseconds reach in 1973. A KB is 1024 bytes (assumed). A VM arrives with its
//! first line, changes its size when what is provisioned changes, and leaves five minutes after its last line, if others go
//! on for longer.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use terrace_addr::Nanos;

use super::table::{Line, Lines, cores, line, memory, quoted};
use super::{Bad, Rows, failed, no_trace};
use crate::FleetError;
use crate::spec::{Demand, FleetSpec};
use crate::trace::{Change, Shape, Trace, TraceBuilder};

pub(super) const FIRST_COLUMN: &str = "Timestamp [ms]";
const COLUMNS: usize = 11;
const MILLISECOND: u64 = 1_000_000;
/// Between two lines: five minutes, in milliseconds.
const STEP: u64 = 300_000;
/// Timestamps from here on are milliseconds.
const MILLISECONDS_FROM: u64 = 100_000_000_000;
const KIBIBYTE: f64 = 1024.0;

/// What one file says.
struct Life {
    /// When a size begins, in milliseconds; the first is the arrival.
    sizes: Vec<(u64, Demand)>,
    /// The last line.
    last: u64,
}

pub(super) fn read(rows: &mut Rows, folder: &Path, fleet: &FleetSpec) -> Result<Trace, FleetError> {
    let mut lives = Vec::new();
    for file in files(folder)? {
        rows.of(&file);
        lives.extend(life(rows, &file, fleet)?);
    }
    rows.of(folder);
    let start = lives.iter().filter_map(|life| Some(life.sizes.first()?.0)).min().unwrap_or(0);
    let end = lives.iter().map(|life| life.last).max().unwrap_or(start);
    let at = |time: u64| Nanos::new((time - start).saturating_mul(MILLISECOND));
    let mut builder = TraceBuilder::new();
    for life in &lives {
        let mut sizes = life.sizes.iter();
        let Some((arrival, demand)) = sizes.next() else {
            continue;
        };
        let shape = builder.shape(Shape::Same(*demand));
        let leaves = (life.last < end).then(|| at(life.last + STEP));
        // There are fewer files than 2^32.
        let Some(vm) = builder.add(shape, at(*arrival), leaves) else {
            break;
        };
        for (time, demand) in sizes {
            let shape = builder.shape(Shape::Same(*demand));
            builder.push(at(*time), vm, Change::Resize(shape));
        }
    }
    builder.until(at(end + STEP));
    Ok(builder.sorted())
}

/// The files of a folder, in the order of their numbers.
fn files(folder: &Path) -> Result<Vec<PathBuf>, FleetError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        if path.extension().is_some_and(|ending| ending == "csv") {
            files.push(path);
        }
    }
    if files.is_empty() {
        let expected = "a file for each VM, named NUMBER.csv".to_owned();
        return Err(no_trace(folder, "a folder without files that end in .csv".to_owned(), expected));
    }
    let number = |path: &PathBuf| path.file_stem().and_then(|name| name.to_str()?.parse::<u64>().ok());
    files.sort_by_cached_key(|path| (number(path).unwrap_or(u64::MAX), path.clone()));
    Ok(files)
}

fn life(rows: &mut Rows, file: &Path, fleet: &FleetSpec) -> Result<Option<Life>, FleetError> {
    let from = BufReader::new(File::open(file).map_err(failed(file))?);
    let mut lines = Lines::new(from, b';');
    let header = lines.next(rows)?.map(|(_, line)| line.shown()).unwrap_or_default();
    if !header.starts_with(FIRST_COLUMN) {
        let shown: String = header.chars().take(40).collect();
        let expected = format!("a header whose first column is `{FIRST_COLUMN}`");
        return Err(no_trace(file, format!("the first line `{shown}`"), expected));
    }
    let mut life = Life { sizes: Vec::new(), last: 0 };
    while let Some((number, columns)) = lines.next(rows)? {
        match sample(&columns, life.last, fleet) {
            Ok((time, demand)) => {
                life.last = time;
                if life.sizes.last().is_none_or(|(_, before)| *before != demand) {
                    life.sizes.push((time, demand));
                }
            }
            Err(bad) => rows.bad(line(number), bad)?,
        }
    }
    Ok((!life.sizes.is_empty()).then_some(life))
}

/// When, in milliseconds, and what was provisioned.
fn sample(columns: &Line<'_>, before: u64, fleet: &FleetSpec) -> Result<(u64, Demand), Bad> {
    columns.has(COLUMNS)?;
    let text = columns.text(0, "timestamp")?;
    let stamp: Option<u64> = text.parse().ok();
    let time =
        stamp.and_then(|stamp| if stamp < MILLISECONDS_FROM { stamp.checked_mul(1000) } else { Some(stamp) });
    // Sums and multiples of it stay within 64 bits: that is in the year 10889.
    let time = time.filter(|time| *time < 1 << 48);
    let time =
        time.ok_or_else(|| Bad::new("timestamp", quoted(text), "seconds or milliseconds since 1970"))?;
    if time < before {
        let found = format!("{}, before the line above", quoted(text));
        return Err(Bad::new("timestamp", found, "times that never fall"));
    }
    let cores = cores(columns.text(1, "cores")?)?;
    let memory = memory(columns.text(5, "memory")?, KIBIBYTE, "KB")?;
    let demand = Demand { cores, memory };
    match Bad::too_large(&Shape::Same(demand), fleet) {
        Some(bad) => Err(bad),
        None => Ok((time, demand)),
    }
}
