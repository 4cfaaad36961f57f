//! The result of a replay.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::{Metric, Sha256};

/// The name of the schema.
pub const REPLAY_SCHEMA: &str = "terrace.replay";
/// Its version: it rises when a field changes its meaning or disappears. New fields may be added without.
pub const REPLAY_SCHEMA_VERSION: u32 = 1;

/// What a replay found, with everything that it depends on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReplayResult {
    /// [`REPLAY_SCHEMA`].
    pub schema: &'static str,
    /// [`REPLAY_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The version of Terrace.
    pub terrace_version: &'static str,
    /// [`MODEL_VERSION`](crate::MODEL_VERSION).
    pub model_version: u32,
    /// The machine.
    pub machine: MachineUsed,
    /// The traces, in the order in which they were given.
    pub inputs: Vec<Input>,
    /// How what the traces touch was mapped.
    pub mapping: Mapping,
    /// The seed of everything random.
    pub seed: u64,
    /// Which accesses were replayed: `all`, `data` or `fetch`.
    pub kinds: &'static str,
    /// Whether data went through the caches beside the tables' entries.
    pub data_lines: bool,
    /// Which references were replayed, if not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowUsed>,
    /// What the program was said to be, if a time was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<ProgramUsed>,
    /// Threads of the traces; each has a virtual CPU.
    pub threads: u64,
    /// Instructions of the traces, of those references that were counted.
    pub instructions: u64,
    /// False if the replay was interrupted: the counts are those of the part that was replayed.
    pub complete: bool,
    /// What was counted, for each mode, in the order in which they were asked for.
    pub modes: Vec<ModeCounts>,
}

/// A machine that a result depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MachineUsed {
    /// Its name.
    pub name: String,
    /// The digest of its file.
    pub sha256: Sha256,
    /// The values that were overridden, as they were given.
    pub overrides: Vec<String>,
}

/// One trace.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Input {
    /// Its file name, without the folders that lead to it.
    pub name: String,
    /// Its format.
    pub format: String,
    /// Its digest.
    pub sha256: Sha256,
}

/// How what a trace touches was mapped.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mapping {
    /// The page-size rule of each layer.
    pub pages: BTreeMap<String, String>,
    /// `scattered` or `contiguous`.
    pub frames: String,
    /// The memory of the guest (of the host, where nothing is virtual) for each page size, in bytes.
    pub memory: u64,
    /// The digest of the mapping file, if there was one.
    pub file_sha256: Option<Sha256>,
}

/// Which references of a trace were replayed, in its order and of all kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WindowUsed {
    /// So many were passed over.
    pub skip: u64,
    /// So many after them were replayed and not counted.
    pub warmup: u64,
    /// At most so many after these were replayed and counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// What a program was said to be: declared, never measured here.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ProgramUsed {
    /// Cycles of its own instructions for each access, first-level hits included.
    pub core_cycles: f64,
    /// Misses that it has in flight at the same time; 1 in a pointer chase.
    pub parallelism: f64,
}

/// How long a mode took, in cycles of the machine's core, by the time model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Time {
    /// Until the longest virtual CPU was done and all traffic had been moved.
    pub duration: f64,
    /// All virtual CPUs added up: the program's own instructions.
    pub core: f64,
    /// Waiting for data beyond the first level.
    pub data: f64,
    /// Waiting for translations, as far as that is not hidden behind other work.
    pub translation: f64,
    /// The same as if nothing were hidden, and nobody else used the memory: everything added up.
    pub additive: f64,
    /// For each memory node the share of its bandwidth that was used.
    pub utilisation: BTreeMap<String, f64>,
}

/// The counts of one mode.
#[derive(Debug, Clone, PartialEq)]
pub struct ModeCounts {
    /// The mode's name.
    pub mode: String,
    /// A value for each metric of [`Metric::ALL`], in that order.
    pub values: Vec<u64>,
    /// How long it took, if that was asked for.
    pub time: Option<Time>,
}

impl ModeCounts {
    /// The value of a metric.
    pub fn get(&self, name: &str) -> Option<u64> {
        let place = Metric::ALL.iter().position(|metric| metric.name == name)?;
        self.values.get(place).copied()
    }
}

impl Serialize for ModeCounts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("mode", &self.mode)?;
        for (metric, value) in Metric::ALL.iter().zip(&self.values) {
            map.serialize_entry(metric.name, value)?;
        }
        if let Some(time) = &self.time {
            map.serialize_entry("time", time)?;
        }
        map.end()
    }
}

impl ReplayResult {
    /// Writes the result as one JSON document.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_json(&self, mut to: impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut to, self)?;
        writeln!(to)
    }

    /// The name of the trace, for rows of several.
    fn trace(&self) -> &str {
        self.inputs.first().map_or("", |input| &input.name)
    }
}

/// How results are written for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// Everything.
    Json,
    /// The counts.
    Csv,
}

/// Writes the results of one command: as JSON one document, which is an array if there are several; as CSV a header,
/// and a row for each trace and mode.
///
/// # Errors
/// If the writer fails.
pub fn write_replays(results: &[ReplayResult], notation: Notation, mut to: impl Write) -> io::Result<()> {
    match (notation, results) {
        (Notation::Json, [result]) => result.write_json(to),
        (Notation::Json, _) => {
            serde_json::to_writer_pretty(&mut to, results)?;
            writeln!(to)
        }
        (Notation::Csv, _) => {
            let mut csv = csv::Writer::from_writer(to);
            csv.write_record(
                ["trace", "mode"].into_iter().chain(Metric::ALL.iter().map(|metric| metric.name)),
            )?;
            for result in results {
                for counts in &result.modes {
                    let values = counts.values.iter().map(u64::to_string);
                    let row = [result.trace().to_owned(), counts.mode.clone()];
                    csv.write_record(row.into_iter().chain(values))?;
                }
            }
            csv.flush()
        }
    }
}
