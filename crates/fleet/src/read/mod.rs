//! Reading published traces, and Terrace's own.
//!
//! The rule: a row that cannot be is an error that says where, or is left out and counted; it never becomes a number.
//!
//! | trace | file | what it says of a VM |
//! | --- | --- | --- |
//! | Azure V1 (2017) and V2 (2019) | `vmtable.csv`, also gzipped | arrival, departure, cores, memory (V2: in classes) |
//! | Azure packing 2020 | the SQLite file, also in its zip | arrival, departure, shares of machines by their type |
//! | Bitbrains GWA-T-12 | the folder of a file for each VM | cores and memory, every five minutes |
//! | Terrace | CSV, also gzipped | arrival, changes of size, departure |

mod azure;
mod bitbrains;
mod packing;
mod rows;
mod table;
mod terrace;

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::FleetError;
use crate::spec::FleetSpec;
use crate::trace::Trace;
pub use rows::Skipped;
pub(crate) use rows::{Bad, Rows};
pub use terrace::HEADER;

/// A format of traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The `vmtable.csv` of the Azure Public Dataset, V1 or V2.
    Azure,
    /// The Azure packing trace of 2020.
    AzurePacking,
    /// Bitbrains, GWA-T-12: fastStorage or Rnd.
    Bitbrains,
    /// Terrace's own CSV.
    Terrace,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Azure, Self::AzurePacking, Self::Bitbrains, Self::Terrace];

    /// The name on the command line and in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Azure => "azure",
            Self::AzurePacking => "azure-packing",
            Self::Bitbrains => "bitbrains",
            Self::Terrace => "terrace",
        }
    }
}

/// What is done about rows that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadRows {
    /// The first of them is an error.
    Refuse,
    /// They are left out and counted.
    Skip,
}

/// A trace that was read.
#[derive(Debug)]
pub struct Reading {
    /// It.
    pub trace: Trace,
    /// The servers: those that were given; for a trace with types of machines, of each type as many.
    pub fleet: FleetSpec,
    /// Its format.
    pub format: Format,
    /// Rows that were left out.
    pub skipped: Skipped,
}

/// Reads a trace for these servers, in the format that it says or has.
///
/// # Errors
/// If it cannot be read, is no such trace, or has a row that cannot be and that is not to be left out; a VM that no server
/// holds is such a row.
pub fn read(
    path: &Path,
    format: Option<Format>,
    fleet: &FleetSpec,
    bad: BadRows,
) -> Result<Reading, FleetError> {
    fleet.check()?;
    let format = format.map_or_else(|| detect(path), Ok)?;
    let mut rows = Rows::new(path, bad);
    let (trace, fleet) = match format {
        Format::Azure => (azure::read(&mut rows, text(path)?, fleet)?, fleet.clone()),
        Format::Terrace => (terrace::read(&mut rows, text(path)?, fleet)?, fleet.clone()),
        Format::Bitbrains => (bitbrains::read(&mut rows, path, fleet)?, fleet.clone()),
        Format::AzurePacking => packing::read(&mut rows, path, fleet)?,
    };
    if trace.vms() == 0 {
        let found = match rows.skipped().rows {
            0 => "no VM".to_owned(),
            skipped => format!("no VM beside {skipped} rows that cannot be"),
        };
        return Err(no_trace(path, found, format!("a trace of the format {}", format.name())));
    }
    Ok(Reading { trace, fleet, format, skipped: rows.into_skipped() })
}

/// The format that a file or folder has.
fn detect(path: &Path) -> Result<Format, FleetError> {
    if path.is_dir() {
        return Ok(Format::Bitbrains);
    }
    let mut start = Vec::new();
    let file = File::open(path).map_err(failed(path))?;
    file.take(16).read_to_end(&mut start).map_err(failed(path))?;
    if start.starts_with(packing::SQLITE) || start.starts_with(packing::ZIP) {
        return Ok(Format::AzurePacking);
    }
    let mut line = Vec::new();
    let mut reader = BufReader::new(text(path)?.take(1 << 16));
    reader.read_until(b'\n', &mut line).map_err(cut_off(path, 0))?;
    let line = String::from_utf8_lossy(&line);
    let line = line.trim_end();
    if line == HEADER {
        Ok(Format::Terrace)
    } else if line.split(',').count() == azure::COLUMNS {
        Ok(Format::Azure)
    } else if line.starts_with(bitbrains::FIRST_COLUMN) {
        let expected = "the folder that it is in: Bitbrains has a file for each VM".to_owned();
        Err(no_trace(path, "the file of one VM".to_owned(), expected))
    } else {
        let shown: String = line.chars().take(60).flat_map(char::escape_debug).collect();
        let found = if shown.is_empty() {
            "nothing in its first line".to_owned()
        } else {
            format!("the first line `{shown}`")
        };
        let expected = format!(
            "Azure's vmtable.csv with {} columns, Terrace's `{HEADER}`, the packing trace's SQLite file, or the folder of \
             Bitbrains\nName the format with --input-format if it is one of these.",
            azure::COLUMNS
        );
        Err(no_trace(path, found, expected))
    }
}

/// The text of a file, decompressed if it is gzipped.
fn text(path: &Path) -> Result<Box<dyn std::io::Read>, FleetError> {
    let file = File::open(path).map_err(failed(path))?;
    let mut file = BufReader::with_capacity(1 << 18, file);
    let start = file.fill_buf().map_err(failed(path))?;
    Ok(if start.starts_with(&[0x1f, 0x8b]) { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

pub(crate) fn failed(path: &Path) -> impl Fn(std::io::Error) -> FleetError + use<> {
    let path = path.to_path_buf();
    move |cause| FleetError::Io { path: path.clone(), cause }
}

/// The same, of a stream of which so many lines were whole.
fn cut_off(path: &Path, line: u64) -> impl Fn(std::io::Error) -> FleetError + use<> {
    let path = path.to_path_buf();
    move |cause| match cause.kind() {
        std::io::ErrorKind::UnexpectedEof => FleetError::Truncated { path: path.clone(), line },
        // What decompresses says of data that are none.
        std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData => {
            let expected = "a whole file\nIt was damaged: fetch it again.".to_owned();
            no_trace(
                &path,
                format!("compressed data that are damaged ({cause}), after line {line}"),
                expected,
            )
        }
        _ => FleetError::Io { path: path.clone(), cause },
    }
}

fn no_trace(path: &Path, found: String, expected: String) -> FleetError {
    FleetError::NoTrace { path: path.to_path_buf(), found, expected }
}
