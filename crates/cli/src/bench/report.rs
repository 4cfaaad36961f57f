//! What was measured, for people and for programs.

use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::CellAlignment;
use serde_json::{Value, json};
use terrace_addr::convert;
use terrace_mmu::Vectors;
use terrace_sim::Mode;
use terrace_sim::bench::{Measured, Row};

use super::BenchArguments;
use crate::style;

/// All rows of a run.
pub(super) struct Report {
    machine: String,
    vectors: Vectors,
    quick: bool,
    /// The machine's own random updates: bytes, updates, time.
    pub(super) native: Option<(u64, u64, Duration)>,
    pub(super) lines: Vec<Line>,
}

/// One row.
pub(super) struct Line {
    pub(super) row: &'static Row,
    pub(super) measured: Result<Measured, String>,
    /// The peak of resident memory for each 4K page that GUPS maps.
    pub(super) bytes_a_page: Option<f64>,
}

/// What a mapped page may take: engine.md's figures of the design.
const fn most_bytes(mode: Mode) -> f64 {
    match mode.layers().len() {
        3 => 72.0,
        _ => 40.0,
    }
}

impl Report {
    pub(super) fn new(machine: &str, arguments: &BenchArguments) -> Self {
        Self {
            machine: machine.to_owned(),
            vectors: arguments.vectors.unwrap_or_else(Vectors::best),
            quick: arguments.quick,
            native: None,
            lines: Vec::new(),
        }
    }

    /// Millions of updates a second of the machine itself.
    fn native_rate(&self) -> Option<f64> {
        self.native.map(|(_, updates, took)| {
            let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).max(1);
            1000.0 * convert::ratio(updates, nanoseconds)
        })
    }

    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}, simulated on one core of {}, vectors: {}{}",
            self.machine,
            processor(),
            self.vectors,
            if self.quick { ", a hundredth of the work" } else { "" }
        );
        let mut table = style::table();
        table.set_header(["row", "work", "must reach", "M/s", "", "bytes a page"]);
        for line in &self.lines {
            let Line { row, measured, .. } = line;
            let must = row.must.map_or(String::new(), |must| format!("{must:.0}"));
            let (rate, verdict) = match measured {
                Ok(measured) => (format!("{:.1}", measured.rate()), verdict(row, measured, self.quick)),
                Err(error) => (error.clone(), String::new()),
            };
            table.add_row([row.name.to_owned(), row.what.to_owned(), must, rate, verdict, line.memory()]);
        }
        if let (Some((bytes, ..)), Some(rate)) = (self.native, self.native_rate()) {
            let what = format!("this machine itself: GUPS, {} MiB, an update", bytes >> 20);
            let row = [
                "machine".to_owned(),
                what,
                String::new(),
                format!("{rate:.1}"),
                String::new(),
                String::new(),
            ];
            table.add_row(row);
        }
        for column in [2, 3, 5] {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let _ = writeln!(text, "{table}");
        if let (Some(native), Some(ours)) = (self.native_rate(), self.rate_of("gups")) {
            let _ = writeln!(
                text,
                "GUPS in 2d is {:.1} times slower than the machine itself; at most 3.5 is what it must be.",
                native / ours
            );
        }
        let touches = self.lines.iter().filter_map(|line| {
            let first_touch = line.measured.as_ref().ok()?.first_touch?;
            Some(format!("{} {} ns", line.row.name, first_touch.as_nanos()))
        });
        let touches: Vec<_> = touches.collect();
        if !touches.is_empty() {
            let _ = writeln!(text, "First touch of a page: {}.", touches.join(", "));
        }
        text
    }

    fn rate_of(&self, name: &str) -> Option<f64> {
        let line = self.lines.iter().find(|line| line.row.name == name)?;
        line.measured.as_ref().ok().map(Measured::rate)
    }

    pub(super) fn json(&self) -> String {
        let rows: Vec<Value> = self.lines.iter().map(Line::json).collect();
        let document = json!({
            "schema": "terrace.bench",
            "schema_version": 1,
            "machine": self.machine,
            "processor": processor(),
            "vectors": self.vectors.name(),
            "quick": self.quick,
            "rows": rows,
            "native": self.native.map(|(bytes, updates, _)| json!({
                "bytes": bytes, "updates": updates, "millions_per_second": self.native_rate(),
            })),
        });
        format!("{document:#}\n")
    }
}

impl Line {
    /// Bytes for each mapped page, and what they may be.
    fn memory(&self) -> String {
        match (self.bytes_a_page, self.row.peak_mode()) {
            (Some(bytes), Some(mode)) => format!("{bytes:.1} (at most {:.0})", most_bytes(mode)),
            _ => String::new(),
        }
    }

    fn json(&self) -> Value {
        let measured = self.measured.as_ref();
        json!({
            "row": self.row.name,
            "work": self.row.what,
            "unit": self.row.unit,
            "must_reach": self.row.must,
            "done": measured.ok().map(|measured| measured.done),
            "millions_per_second": measured.ok().map(Measured::rate),
            "references_per_walk": measured.ok().map(|measured| measured.references_a_walk),
            "bytes_per_page": self.bytes_a_page,
            "error": measured.err(),
        })
    }
}

fn verdict(row: &Row, measured: &Measured, quick: bool) -> String {
    match row.must {
        // A hundredth of the work says little about the rest.
        Some(_) if quick => String::new(),
        Some(must) if measured.rate() >= must => "reached".to_owned(),
        Some(must) => format!("short by {:.1}", must / measured.rate()),
        None => String::new(),
    }
}

/// The processor's name, where the system tells.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name =
        text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name));
    name.map_or_else(|| "this machine".to_owned(), |name| name.trim().to_owned())
}
