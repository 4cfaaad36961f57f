//! The time series of runs: `series.parquet`, a row for each run, interval, scope and metric.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Row, RowAccessor};
use terrace_addr::Nanos;

use crate::columns::{Cell, Kind, Presence, Sign, TableColumn, TableWriter};
use crate::{MetricValue, ResultError, RunMetric, ScopeName, run_metric};

/// The columns of `series.parquet`.
pub const SERIES_COLUMNS: [TableColumn; 5] = [
    TableColumn::new("run", Kind::Narrow, "number", "the run: its place in `runs` of the result, from 0"),
    TableColumn::new(
        "end_ns",
        Kind::Wide(Sign::Unsigned, Presence::Always),
        "ns",
        "the end of the interval, in simulated time since measuring began",
    ),
    TableColumn::new(
        "scope",
        Kind::Text,
        "name",
        "what the value is of: `run`, a virtual machine (`vm0`), a layer (`vm0/guest`, `host`) or a program \
         (`vm0/program/gups`)",
    ),
    TableColumn::new("metric", Kind::Text, "name", "the metric: one of those of a result"),
    TableColumn::new(
        "value",
        Kind::Number,
        "the metric's",
        "its value in the interval; of what is no flow but a state, at its end",
    ),
];

/// One value of the series, of a metric of some registry.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesRow<M = &'static RunMetric> {
    /// The run, from 0, in the order of the result.
    pub run: u32,
    /// The end of the interval, in simulated time since measuring began.
    pub end: Nanos,
    /// What the value is of, as [`ScopeName`] writes it.
    pub scope: String,
    /// The metric.
    pub metric: M,
    /// Its value in the interval; of what is no flow but a state, at its end.
    pub value: f64,
}

/// Writes `series.parquet`.
#[derive(Debug)]
pub struct SeriesWriter<W: Write + Send> {
    table: TableWriter<W>,
    /// The scope of the row before, as text.
    scope: String,
}

const fn failed(cause: ParquetError) -> ResultError {
    ResultError::Parquet { what: "the series", cause }
}

impl<W: Write + Send> SeriesWriter<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn new(to: W) -> Result<Self, ResultError> {
        let table = TableWriter::new(to, "series", &SERIES_COLUMNS).map_err(failed)?;
        Ok(Self { table, scope: String::new() })
    }

    /// Adds a row. Rows are written in the order in which they come.
    ///
    /// # Errors
    /// If there is no such metric, or the writer fails.
    pub fn push(
        &mut self,
        run: u32,
        end: Nanos,
        scope: ScopeName<'_>,
        metric: &str,
        value: impl Into<MetricValue>,
    ) -> Result<(), ResultError> {
        use std::fmt::Write;
        let Some(metric) = run_metric(metric) else {
            return Err(ResultError::UnknownMetric { name: metric.to_owned() });
        };
        let value = value.into();
        if !value.as_f64().is_finite() {
            return Err(ResultError::WrongValue { metric: metric.name, value });
        }
        self.scope.clear();
        // Writing to a string cannot fail.
        let _ = write!(self.scope, "{scope}");
        self.table.push(cells(run, end, &self.scope, metric.name, value.as_f64())).map_err(failed)
    }

    /// Adds a row of a metric that the registry of runs does not have.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn push_other(
        &mut self,
        run: u32,
        end: Nanos,
        scope: &str,
        metric: &str,
        value: f64,
    ) -> Result<(), ResultError> {
        self.table.push(cells(run, end, scope, metric, value)).map_err(failed)
    }

    /// Ends the file.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn finish(self) -> Result<W, ResultError> {
        self.table.finish().map_err(failed)
    }
}

fn cells<'a>(run: u32, end: Nanos, scope: &'a str, metric: &'a str, value: f64) -> [Cell<'a>; 5] {
    [
        Cell::Narrow(run),
        Cell::Wide(Some(end.get())),
        Cell::Text(scope),
        Cell::Text(metric),
        Cell::Number(value),
    ]
}

/// Reads a `series.parquet` of runs.
///
/// # Errors
/// If it cannot be read or has other columns, or names a metric that there is not.
pub fn read_series(path: &Path) -> Result<Vec<SeriesRow>, ResultError> {
    read_series_by(path, run_metric)
}

/// Reads a `series.parquet` with the metrics of another registry.
///
/// # Errors
/// If it cannot be read or has other columns, or names a metric that there is not.
pub fn read_series_by<M>(
    path: &Path,
    metric: impl Fn(&str) -> Option<M>,
) -> Result<Vec<SeriesRow<M>>, ResultError> {
    let file = File::open(path).map_err(|cause| ResultError::Io { path: path.into(), cause })?;
    let reader = SerializedFileReader::new(file).map_err(failed)?;
    let rows = reader.get_row_iter(None).map_err(failed)?;
    rows.map(|row| read_row(&row.map_err(failed)?, &metric)).collect()
}

fn read_row<M>(row: &Row, metric: impl Fn(&str) -> Option<M>) -> Result<SeriesRow<M>, ResultError> {
    let name = row.get_string(3).map_err(failed)?;
    let Some(metric) = metric(name) else {
        return Err(ResultError::UnknownMetric { name: name.clone() });
    };
    Ok(SeriesRow {
        run: row.get_uint(0).map_err(failed)?,
        end: Nanos::new(row.get_ulong(1).map_err(failed)?),
        scope: row.get_string(2).map_err(failed)?.clone(),
        metric,
        value: row.get_double(4).map_err(failed)?,
    })
}

#[cfg(test)]
mod tests {
    use parquet::file::metadata::RowGroupMetaData;

    use super::*;

    fn written(rows: u32) -> Vec<u8> {
        let mut writer = SeriesWriter::new(Vec::new()).unwrap();
        for row in 0..rows {
            let scope = [ScopeName::Run, ScopeName::Layer(Some("vm0"), "guest")][usize::from(row % 2 == 1)];
            let metric = ["walks", "fmfi", "bloat"][usize::try_from(row % 3).unwrap()];
            writer
                .push(row / 100, Nanos::new(u64::MAX - u64::from(row)), scope, metric, f64::from(row) / 7.0)
                .unwrap();
        }
        writer.finish().unwrap()
    }

    #[test]
    fn rows_come_back_and_their_bytes_are_the_same() {
        // Two full row groups and a third one.
        let rows = u32::try_from(2 * crate::columns::GROUP + 5).unwrap();
        let bytes = written(rows);
        assert!(bytes == written(rows), "the same rows, other bytes");
        assert!(bytes != written(rows - 1), "other rows, the same bytes");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("series.parquet");
        std::fs::write(&path, &bytes).unwrap();
        let read = read_series(&path).unwrap();
        assert_eq!(read.len(), usize::try_from(rows).unwrap());
        for (row, read) in (0..rows).zip(&read) {
            assert_eq!((read.run, read.end.get()), (row / 100, u64::MAX - u64::from(row)));
            assert_eq!(read.scope, ["run", "vm0/guest"][usize::from(row % 2 == 1)]);
            assert_eq!(read.metric.name, ["walks", "fmfi", "bloat"][usize::try_from(row % 3).unwrap()]);
            assert_eq!(read.value.to_bits(), (f64::from(row) / 7.0).to_bits());
        }
        let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
        let groups = reader.metadata().row_groups().iter();
        assert_eq!(groups.map(RowGroupMetaData::num_rows).collect::<Vec<_>>(), [65_536, 65_536, 5]);
        assert_eq!(reader.metadata().file_metadata().created_by(), Some("terrace"));
    }

    #[test]
    fn a_series_without_rows_is_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("series.parquet");
        std::fs::write(&path, written(0)).unwrap();
        assert_eq!(read_series(&path).unwrap(), []);
    }

    #[test]
    fn what_is_no_series_is_an_error() {
        let mut writer = SeriesWriter::new(Vec::new()).unwrap();
        let mut push = |metric: &str, value: f64| {
            writer.push(0, Nanos::ZERO, ScopeName::Run, metric, value).unwrap_err().to_string()
        };
        assert_eq!(push("wlaks", 0.0), "found the metric \"wlaks\"; expected one of `terrace list metrics`");
        assert_eq!(
            push("fmfi", f64::NAN),
            "fmfi: found NaN; expected a finite number, and a whole one where things or bytes are counted"
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("series.parquet");
        assert!(matches!(read_series(&path), Err(ResultError::Io { .. })));
        std::fs::write(&path, "no Parquet file").unwrap();
        assert!(matches!(read_series(&path), Err(ResultError::Parquet { what: "the series", .. })));
    }
}
