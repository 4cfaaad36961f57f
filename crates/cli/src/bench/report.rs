//! What was measured, for people and for programs.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, ContentArrangement};
use serde_json::{Value, json};
use terrace_mmu::Vectors;
use terrace_sim::bench::{Bench, Size};

use super::line::Line;
use crate::style;

/// All lines of a run, and what it ran on.
pub(super) struct Report {
    machine: String,
    vectors: Vectors,
    size: Size,
    data_lines: bool,
    pub(super) lines: Vec<Line>,
}

impl Report {
    /// Nothing measured yet.
    pub(super) fn new(bench: &Bench<'_>) -> Self {
        Self {
            machine: bench.machine.name.clone(),
            vectors: bench.vectors.unwrap_or_else(Vectors::best),
            size: bench.size,
            data_lines: bench.data_lines,
            lines: Vec::new(),
        }
    }

    /// For people.
    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}, simulated on one core of {} with {} vectors; gups over {} MiB{}{}",
            self.machine,
            processor(),
            self.vectors,
            self.size.bytes >> 20,
            if self.data_lines { "; data lines in all rows" } else { "" },
            if self.size == Size::FULL { "" } else { "; a part of the work, so no verdicts" },
        );
        let mut table = style::table();
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(["row", "work", "must reach", "measured", "", "verdict"]);
        for line in &self.lines {
            let must = line.must.map_or(String::new(), |must| must.to_string());
            let figure = line.measured.as_ref().map_or("-".to_owned(), |figure| format!("{figure:.1}"));
            // What belongs to the row above is not chosen by a name.
            let name = if line.work.starts_with(' ') { "" } else { &line.name };
            table.add_row([name, &line.work, &must, &figure, line.unit, &line.verdict()]);
        }
        for column in [2, 3] {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let _ = writeln!(text, "{table}");
        for line in &self.lines {
            if let Err(reason) = &line.measured {
                let _ = writeln!(text, "{} is not measured: {reason}", line.name);
            }
        }
        text
    }

    /// For programs.
    pub(super) fn json(&self) -> String {
        let rows: Vec<Value> = self.lines.iter().map(Line::json).collect();
        let document = json!({
            "schema": "terrace.bench",
            "schema_version": 1,
            "machine": self.machine,
            "processor": processor(),
            "vectors": self.vectors.name(),
            "quick": self.size != Size::FULL,
            "data_lines": self.data_lines,
            "gups_bytes": self.size.bytes,
            "rows": rows,
        });
        format!("{document:#}\n")
    }
}

/// The processor's name, where the system tells.
pub(crate) fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut names = text.lines().filter_map(|line| line.strip_prefix("model name")?.split_once(':'));
    names.next().map_or_else(|| "this machine".to_owned(), |(_, name)| name.trim().to_owned())
}
