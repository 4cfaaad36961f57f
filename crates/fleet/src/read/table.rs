//! Tables as text: lines of columns.

use std::io;

use csv::{ByteRecord, Reader, ReaderBuilder, Terminator};

use super::{Bad, Rows, cut_off};
use crate::FleetError;
use crate::error::RowPlace;
use crate::units::Cores;

/// The lines of a table, which says for each where it is.
pub(super) struct Lines<R> {
    reader: Reader<R>,
    record: ByteRecord,
}

impl<R: io::Read> Lines<R> {
    pub(super) fn new(from: R, delimiter: u8) -> Self {
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .terminator(Terminator::CRLF)
            .buffer_capacity(1 << 16)
            .from_reader(from);
        Self { reader, record: ByteRecord::new() }
    }

    /// The next line that is not empty, and its number from 1.
    pub(super) fn next(&mut self, rows: &Rows) -> Result<Option<(u64, Line<'_>)>, FleetError> {
        let before = self.reader.position().line();
        match self.reader.read_byte_record(&mut self.record) {
            Ok(false) => Ok(None),
            Ok(true) => {
                let line = self.record.position().map_or(before, csv::Position::line);
                Ok(Some((line, Line(&self.record))))
            }
            Err(error) => match error.into_kind() {
                csv::ErrorKind::Io(cause) => Err(cut_off(rows.path(), before.saturating_sub(1))(cause)),
                other => Err(cut_off(rows.path(), before)(io::Error::other(format!("{other:?}")))),
            },
        }
    }
}

/// The columns of a line.
pub(super) struct Line<'a>(&'a ByteRecord);

impl Line<'_> {
    /// Checks how many columns there are.
    pub(super) fn has(&self, columns: usize) -> Result<(), Bad> {
        let found = self.0.len();
        if found == columns {
            return Ok(());
        }
        Err(Bad::new("columns", found.to_string(), columns.to_string()))
    }

    /// A column, without blanks around it.
    pub(super) fn bytes(&self, column: usize) -> &[u8] {
        self.0.get(column).unwrap_or_default().trim_ascii()
    }

    pub(super) fn text(&self, column: usize, what: &'static str) -> Result<&str, Bad> {
        let bytes = self.bytes(column);
        std::str::from_utf8(bytes).map_err(|_| Bad::new(what, shown(bytes), "text in UTF-8"))
    }

    /// All columns, for people.
    pub(super) fn shown(&self) -> String {
        self.0.iter().map(shown).collect::<Vec<_>>().join(",")
    }
}

/// Some bytes for people, not more than they would read.
fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(40).collect()
}

/// A number of cores above 0.
pub(super) fn cores(text: &str) -> Result<Cores, Bad> {
    let cores: Cores = text.parse().map_err(|error| {
        let error: crate::units::NoCores = error;
        let expected = error.to_string();
        Bad::new("cores", quoted(text), expected.strip_prefix("expected ").unwrap_or(&expected))
    })?;
    if cores == Cores::ZERO { Err(Bad::new("cores", quoted(text), "more than 0")) } else { Ok(cores) }
}

/// An amount of memory above 0, in units of so many bytes, rounded up to bytes.
pub(super) fn memory(text: &str, unit: f64, name: &str) -> Result<u64, Bad> {
    let bad = || Bad::new("memory", quoted(text), format!("a number of {name} above 0 and below 2^62 bytes"));
    let value: f64 = text.parse().map_err(|_| bad())?;
    let bytes = libm::ceil(value * unit);
    // 2^62
    if value > 0.0 && bytes < 4_611_686_018_427_387_904.0 {
        Ok(terrace_addr::convert::floor(bytes).max(1))
    } else {
        Err(bad())
    }
}

pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", text.chars().take(40).collect::<String>())
}

pub(super) const fn line(number: u64) -> RowPlace {
    RowPlace::Line(number)
}
