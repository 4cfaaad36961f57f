//! What a trace holds.

use std::io::{self, Write};

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::Input;

/// The name of the schema.
pub const TRACE_INFO_SCHEMA: &str = "terrace.trace-info";
/// Its version: it rises when a field changes its meaning or disappears. New fields may be added without.
pub const TRACE_INFO_SCHEMA_VERSION: u32 = 1;

/// What a trace holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TraceInfo {
    /// [`TRACE_INFO_SCHEMA`].
    pub schema: &'static str,
    /// [`TRACE_INFO_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The version of Terrace.
    pub terrace_version: &'static str,
    /// The trace.
    pub input: Input,
    /// Its length as stored; 0 of a stream.
    pub bytes: u64,
    /// False if reading was interrupted: all that follows is of the part that was read.
    pub complete: bool,
    /// Fetches, loads and stores.
    pub references: u64,
    /// Instructions fetched.
    pub fetches: u64,
    /// Loads.
    pub loads: u64,
    /// Stores.
    pub stores: u64,
    /// The time between the first and the last timestamp, in microseconds, where the trace has some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub microseconds: Option<u64>,
    /// The threads.
    pub threads: Vec<ThreadTraced>,
    /// The pages that were touched, by size.
    pub pages: Vec<PagesTouched>,
    /// What a user should know of this trace.
    pub notes: Vec<String>,
    /// Where it came from, where the format says so: names and texts.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "by_name")]
    pub provenance: Vec<(String, String)>,
}

/// A thread of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ThreadTraced {
    /// Its id in the trace.
    pub id: u64,
    /// Its references.
    pub references: u64,
}

/// The pages of one size that were touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PagesTouched {
    /// `4K` or `2M`.
    pub size: &'static str,
    /// Different pages.
    pub pages: u64,
    /// Touches of pages: a reference touches each page that it lies in.
    pub touches: u64,
    /// For TLBs of so many entries, fully associative with true LRU, the touches that they serve.
    #[serde(serialize_with = "by_entries")]
    pub hits: Vec<(u64, u64)>,
}

fn by_entries<S: Serializer>(hits: &[(u64, u64)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(hits.len()))?;
    for (entries, served) in hits {
        map.serialize_entry(&entries.to_string(), served)?;
    }
    map.end()
}

fn by_name<S: Serializer>(texts: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(texts.iter().map(|(name, text)| (name, text)))
}

impl TraceInfo {
    /// Writes it as one JSON document.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_json(&self, mut to: impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut to, self)?;
        writeln!(to)
    }
}
