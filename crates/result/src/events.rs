//! The decisions of runs about pages: `events.parquet`, a row for each.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Row, RowAccessor};
use terrace_addr::{Addr, Bytes, Ghpa, Gpa, Gva, Hpa, Nanos, convert};

use crate::ResultError;
use crate::columns::{Cell, Kind, Presence, Sign, TableColumn, TableWriter};

const fn address(name: &'static str, meaning: &'static str) -> TableColumn {
    TableColumn::new(name, Kind::Wide(Sign::Unsigned, Presence::Sometimes), "address", meaning)
}

const fn text(name: &'static str, unit: &'static str, meaning: &'static str) -> TableColumn {
    TableColumn::new(name, Kind::Text, unit, meaning)
}

/// The columns of `events.parquet`.
pub const EVENT_COLUMNS: [TableColumn; 12] = [
    TableColumn::new("run", Kind::Narrow, "number", "the run: its place in `runs` of the result, from 0"),
    TableColumn::new(
        "time_ns",
        Kind::Wide(Sign::Unsigned, Presence::Always),
        "ns",
        "when, in simulated time since the run began",
    ),
    text("vm", "name", "the virtual machine that it is about; empty if it is about none"),
    text("layer", "name", "whose decision it was: `guest`, `hypervisor` or `host`"),
    text(
        "kind",
        "name",
        "what was done, as the kernel names it: `fault`, `collapse-by-copy`, `split`, `migrate`, …; with a machine's memory \
         as a whole: `segment`, `segment-resize`, `segment-end` (translated by a base and a limit, or no longer), `grow`, \
         `shrink`, `keep`",
    ),
    address("gva", "where the page lies in its program's addresses, if it does"),
    address("gpa", "in its guest's physical addresses"),
    address("ghpa", "in its guest hypervisor's physical addresses"),
    address("hpa", "in the host's physical addresses"),
    TableColumn::new(
        "offset",
        Kind::Wide(Sign::Signed, Presence::Sometimes),
        "bytes",
        "the layer's upper address less its lower one, where both are known",
    ),
    TableColumn::new(
        "bytes",
        Kind::Wide(Sign::Unsigned, Presence::Always),
        "bytes",
        "how much memory it is about",
    ),
    text("reason", "words", "why; where an invariant was given up, what was in the way"),
];

/// A decision of a layer about a page: where it lies, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// The run, from 0, in the order of the result.
    pub run: u32,
    /// When, in simulated time.
    pub time: Nanos,
    /// The VM that it is about; empty if it is about none.
    pub vm: String,
    /// `guest`, `hypervisor` or `host`.
    pub layer: String,
    /// What was done: `fault`, `collapse`, `split`, ….
    pub kind: String,
    /// The address in its program, if it has one.
    pub gva: Option<Addr<Gva>>,
    /// In its guest, if it has one.
    pub gpa: Option<Addr<Gpa>>,
    /// In its guest hypervisor, if it has one.
    pub ghpa: Option<Addr<Ghpa>>,
    /// In the host, if it has one.
    pub hpa: Option<Addr<Hpa>>,
    /// The upper address less the lower one of the layer, where its system keeps that constant.
    pub offset: Option<i64>,
    /// How much memory it is about.
    pub bytes: Bytes,
    /// Why, in a few words; where an invariant was given up, what was in the way.
    pub reason: String,
}

/// Writes `events.parquet`.
#[derive(Debug)]
pub struct EventWriter<W: Write + Send>(TableWriter<W>);

const fn failed(cause: ParquetError) -> ResultError {
    ResultError::Parquet { what: "the events", cause }
}

impl<W: Write + Send> EventWriter<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn new(to: W) -> Result<Self, ResultError> {
        TableWriter::new(to, "events", &EVENT_COLUMNS).map(Self).map_err(failed)
    }

    /// Adds a row. Rows are written in the order in which they come.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn push(&mut self, event: &EventRow) -> Result<(), ResultError> {
        let row = [
            Cell::Narrow(event.run),
            Cell::Wide(Some(event.time.get())),
            Cell::Text(&event.vm),
            Cell::Text(&event.layer),
            Cell::Text(&event.kind),
            Cell::Wide(event.gva.map(Addr::get)),
            Cell::Wide(event.gpa.map(Addr::get)),
            Cell::Wide(event.ghpa.map(Addr::get)),
            Cell::Wide(event.hpa.map(Addr::get)),
            Cell::Wide(event.offset.map(convert::bits)),
            Cell::Wide(Some(event.bytes.get())),
            Cell::Text(&event.reason),
        ];
        self.0.push(row).map_err(failed)
    }

    /// Ends the file.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn finish(self) -> Result<W, ResultError> {
        self.0.finish().map_err(failed)
    }
}

/// Reads an `events.parquet`.
///
/// # Errors
/// If it cannot be read or has other columns.
pub fn read_events(path: &Path) -> Result<Vec<EventRow>, ResultError> {
    let file = File::open(path).map_err(|cause| ResultError::Io { path: path.into(), cause })?;
    let reader = SerializedFileReader::new(file).map_err(failed)?;
    let rows = reader.get_row_iter(None).map_err(failed)?;
    rows.map(|row| row.and_then(|row| read_row(&row)).map_err(failed)).collect()
}

fn read_row(row: &Row) -> Result<EventRow, ParquetError> {
    // A missing value is of no type.
    let wide = |column| row.get_ulong(column).ok();
    let text = |column| row.get_string(column).cloned();
    Ok(EventRow {
        run: row.get_uint(0)?,
        time: Nanos::new(row.get_ulong(1)?),
        vm: text(2)?,
        layer: text(3)?,
        kind: text(4)?,
        gva: wide(5).map(Addr::new),
        gpa: wide(6).map(Addr::new),
        ghpa: wide(7).map(Addr::new),
        hpa: wide(8).map(Addr::new),
        offset: row.get_long(9).ok(),
        bytes: Bytes::new(row.get_ulong(10)?),
        reason: text(11)?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event() -> impl Strategy<Value = EventRow> {
        let head = (any::<u32>(), any::<u64>(), any::<u64>(), any::<Option<i64>>());
        let texts = ("[a-z0-9]{0,4}", "[a-z]{1,5}", "[a-z]{1,5}", any::<String>());
        // Addresses that their spaces have: 47 bits are valid in each.
        let address = || proptest::option::of(0..1_u64 << 47);
        let addresses = (address(), address(), address(), address());
        (head, texts, addresses).prop_map(
            |((run, time, bytes, offset), (vm, layer, kind, reason), (gva, gpa, ghpa, hpa))| EventRow {
                run,
                time: Nanos::new(time),
                vm,
                layer,
                kind,
                gva: gva.map(Addr::new),
                gpa: gpa.map(Addr::new),
                ghpa: ghpa.map(Addr::new),
                hpa: hpa.map(Addr::new),
                offset,
                bytes: Bytes::new(bytes),
                reason,
            },
        )
    }

    fn written(events: &[EventRow]) -> Vec<u8> {
        let mut writer = EventWriter::new(Vec::new()).unwrap();
        for event in events {
            writer.push(event).unwrap();
        }
        writer.finish().unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn events_come_back_and_their_bytes_are_the_same(events in proptest::collection::vec(event(), 0..40)) {
            let bytes = written(&events);
            prop_assert!(bytes == written(&events));
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("events.parquet");
            std::fs::write(&path, &bytes).unwrap();
            prop_assert_eq!(read_events(&path).unwrap(), events);
        }
    }
}
