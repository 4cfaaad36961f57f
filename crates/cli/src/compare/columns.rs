//! Results, read back as columns that can be compared.

use std::path::{Path, PathBuf};

use serde_json::Value;
use terrace_result::{Better, Metric, MetricValue, REPLAY_SCHEMA, RUNS_KIND, RunMetric};

use super::{replays, runs};
use crate::CliError;

/// What a result is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `terrace replay`.
    Replay,
    /// `terrace run`.
    Run,
}

/// One mode of one trace, or one run of one scenario.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// How it is headed.
    pub(super) name: String,
    /// The trace, or the scenario.
    pub(super) subject: String,
    /// The mode, or the values of the sweep axes.
    pub(super) which: Vec<(String, String)>,
    /// By the names of parts of a run (of a replay there is one) and of metrics.
    pub(super) values: Vec<(String, Vec<(String, MetricValue)>)>,
    /// What the values depend on.
    pub(super) depends: Vec<(String, String)>,
}

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Compared {
    pub(super) name: &'static str,
    pub(super) better: Better,
}

/// The part of a run that is all of it.
pub(super) const WHOLE: &str = "run";

impl Kind {
    /// As messages name it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Replay => "terrace replay",
            Self::Run => "terrace run",
        }
    }

    /// What results of the kind have in common, if they can be compared.
    pub(super) const fn common(self) -> &'static str {
        match self {
            Self::Replay => "mode",
            Self::Run => "run",
        }
    }

    /// Everything that results of the kind hold.
    pub(super) fn metrics(self) -> Vec<Compared> {
        match self {
            // Which of two counts of a replay is better, its registry does not say.
            Self::Replay => {
                let metrics = Metric::ALL.iter();
                metrics.map(|metric| Compared { name: metric.name, better: Better::Neither }).collect()
            }
            Self::Run => {
                let metrics = RunMetric::ALL.iter();
                metrics.map(|metric| Compared { name: metric.name, better: metric.better }).collect()
            }
        }
    }

    /// What is compared unless something else is asked for.
    pub(super) const fn default_metrics(self) -> &'static [&'static str] {
        match self {
            Self::Replay => &["stlb_misses", "walks", "walk_references", "walk_cycles", "cycles"],
            Self::Run => &[
                "operations_per_second",
                "accesses_per_second",
                "latency_p50_ns",
                "latency_p99_ns",
                "cycles",
                "walks",
                "exits",
                "well_aligned_share",
            ],
        }
    }
}

impl Column {
    /// The same under another heading.
    pub(super) fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// What is compared, in words.
    pub(super) fn which(&self) -> String {
        self.which.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// A value of a part of it.
    pub(super) fn value(&self, part: &str, metric: &str) -> Option<MetricValue> {
        let (_, values) = self.values.iter().find(|(name, _)| name == part)?;
        values.iter().find(|(name, _)| name == metric).map(|(_, value)| *value)
    }

    /// What another column depends on that this one does not.
    pub(super) fn differences(&self, other: &Self) -> Vec<String> {
        let of = |column: &Self, what: &str| {
            column.depends.iter().find(|(name, _)| name == what).map(|(_, value)| value.clone())
        };
        let whats = self.depends.iter().chain(&other.depends).map(|(what, _)| what);
        let mut differences = Vec::new();
        for what in whats {
            let (mine, its) = (of(self, what), of(other, what));
            // Another system or workload has other parameters: its name says it all.
            if what.contains(".parameters.") && (mine.is_none() || its.is_none()) {
                continue;
            }
            let shown = |value: Option<String>| value.unwrap_or_else(|| "nothing".to_owned());
            let difference = format!("{what} {}, not {}", shown(its.clone()), shown(mine.clone()));
            if mine != its && !differences.contains(&difference) {
                differences.push(difference);
            }
        }
        differences
    }
}

/// The columns of a file, or of a result folder.
pub(super) fn read(path: &Path) -> Result<(Kind, Vec<Column>), CliError> {
    let file: PathBuf = if path.is_dir() { path.join("result.json") } else { path.to_owned() };
    let text = std::fs::read(&file).map_err(|error| CliError::Read { path: file.clone(), error })?;
    let unfit = |found: String| CliError::Result { path: file.clone(), found };
    let document: Value = serde_json::from_slice(&text).map_err(|error| unfit(error.to_string()))?;
    if document["kind"] == RUNS_KIND {
        let text = String::from_utf8(text).map_err(|error| unfit(error.to_string()))?;
        return Ok((Kind::Run, runs::columns(&text, &file)?));
    }
    let results = match document {
        Value::Array(results) => results,
        other => vec![other],
    };
    let mut columns = Vec::new();
    for result in &results {
        match result["schema"].as_str().or(result["kind"].as_str()) {
            Some(REPLAY_SCHEMA) => {}
            Some(other) => return Err(unfit(format!("the schema {other}"))),
            None => return Err(unfit("JSON without a schema".to_owned())),
        }
        columns.extend(replays::columns(result).ok_or_else(|| unfit("no modes".to_owned()))?);
    }
    Ok((Kind::Replay, columns))
}
