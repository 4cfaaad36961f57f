//! One line of the result.

use std::fmt;

use serde_json::{Value, json};
use terrace_addr::convert;
use terrace_sim::bench::{Measured, Row, Size, Touched};

/// One measured figure.
pub(super) struct Line {
    pub(super) name: String,
    /// What was done; with spaces before it, about the row above.
    pub(super) work: String,
    pub(super) unit: &'static str,
    /// What it must be, where that is stated.
    pub(super) must: Option<Must>,
    /// The figure, or why there is none.
    pub(super) measured: Result<f64, String>,
}

/// What a figure must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Must {
    AtLeast(f64),
    AtMost(f64),
}

impl fmt::Display for Must {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(f, "≥ {bound}"),
            Self::AtMost(bound) => write!(f, "≤ {bound}"),
        }
    }
}

impl Must {
    /// `reached`, or by which factor it is missed.
    fn verdict(self, found: f64) -> String {
        let missed = match self {
            Self::AtLeast(bound) => bound / found,
            Self::AtMost(bound) => found / bound,
        };
        if missed <= 1.0 { "reached".to_owned() } else { format!("missed {missed:.2} ×") }
    }
}

/// The rate of a row.
pub(super) fn of_rate(row: &Row, size: Size, measured: Result<Measured, String>) -> Line {
    let work = match &measured {
        Ok(measured) if measured.walks > 0 => format!(
            "{}; {:.1} % walk, {:.1} reads each",
            row.what,
            100.0 * convert::ratio(measured.walks, measured.accesses),
            convert::ratio(measured.walk_references, measured.walks)
        ),
        _ => row.what.to_owned(),
    };
    let unit = match row.unit {
        "references" => "M references/s",
        "instructions" => "M instructions/s",
        _ => "M accesses/s",
    };
    // A part of the work says little about all of it.
    let must = row.must.filter(|_| size == Size::FULL).map(Must::AtLeast);
    Line { name: row.name.to_owned(), work, unit, must, measured: measured.map(|measured| measured.rate()) }
}

/// The first touch of a row's pages.
pub(super) fn of_first_touch(row: &Row, touched: Touched) -> Line {
    Line {
        name: format!("{}-first-touch", row.name),
        work: "  first touch of its pages".to_owned(),
        unit: "M pages/s",
        must: None,
        measured: Ok(touched.rate()),
    }
}

/// The peak of resident memory in a process of its own that touched the row's pages.
pub(super) fn of_memory(row: &Row, size: Size, peak: Result<u64, String>) -> Line {
    let pages = size.bytes >> 12;
    Line {
        name: format!("{}-memory", row.name),
        work: "  resident memory at its peak".to_owned(),
        unit: "bytes/page",
        must: row.most_bytes_a_page().filter(|_| size == Size::FULL).map(Must::AtMost),
        measured: peak.map(|bytes| convert::ratio(bytes, pages)),
    }
}

impl Line {
    /// What the verdict is, if there can be one.
    pub(super) fn verdict(&self) -> String {
        match (self.must, &self.measured) {
            (Some(must), Ok(found)) => must.verdict(*found),
            _ => String::new(),
        }
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let bound = |wanted: fn(Must) -> Option<f64>| self.must.and_then(wanted);
        json!({
            "row": self.name,
            "work": self.work.trim_start(),
            "unit": self.unit,
            "at_least": bound(|must| if let Must::AtLeast(bound) = must { Some(bound) } else { None }),
            "at_most": bound(|must| if let Must::AtMost(bound) = must { Some(bound) } else { None }),
            "measured": self.measured.as_ref().ok(),
            "not_measured": self.measured.as_ref().err(),
            "reached": self.must.and_then(|must| Some(must.verdict(*self.measured.as_ref().ok()?) == "reached")),
        })
    }
}
