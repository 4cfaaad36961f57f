//! Results, read back as columns that can be compared.

use std::path::{Path, PathBuf};

use serde_json::Value;
use terrace_result::{
    Better, Difference, Metric, MetricValue, REPLAY_SCHEMA, RUNS_KIND, RunMetric, Unit, mean,
};

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
    /// What was measured: once, or with several seeds.
    pub(super) repetitions: Vec<Repetition>,
    /// What the values depend on.
    pub(super) depends: Vec<(String, String)>,
}

/// What was measured with one seed.
#[derive(Debug, Clone)]
pub(super) struct Repetition {
    pub(super) seed: String,
    /// By the names of parts of a run (of a replay there is one) and of metrics.
    pub(super) values: Vec<(String, Vec<(String, MetricValue)>)>,
}

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Compared {
    pub(super) name: &'static str,
    pub(super) better: Better,
    /// Which of two values is the faster one, if it is a speed or a time that says how fast something was.
    pub(super) faster: Option<Better>,
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
                let compared = |metric: &Metric| Compared {
                    name: metric.name,
                    better: Better::Neither,
                    faster: (metric.unit == Unit::Cycles).then_some(Better::Lower),
                };
                metrics.map(compared).collect()
            }
            Self::Run => {
                let metrics = RunMetric::ALL.iter();
                // A run lasts as long as its scenario says: its cycles are no measure of how fast it was.
                let compared = |metric: &RunMetric| Compared {
                    name: metric.name,
                    better: metric.better,
                    faster: matches!(metric.unit, Unit::PerSecond | Unit::Nanos).then_some(metric.better),
                };
                metrics.map(compared).collect()
            }
        }
    }

    /// What says how fast something was, the best of it first.
    pub(super) const fn speeds(self) -> &'static [&'static str] {
        match self {
            Self::Replay => &["cycles"],
            Self::Run => &["operations_per_second", "accesses_per_second"],
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

impl Repetition {
    fn value(&self, part: &str, metric: &str) -> Option<MetricValue> {
        let (_, values) = self.values.iter().find(|(name, _)| name == part)?;
        values.iter().find(|(name, _)| name == metric).map(|(_, value)| *value)
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

    /// A value of a part of it; with several seeds their mean.
    pub(super) fn value(&self, part: &str, metric: &str) -> Option<MetricValue> {
        if let [one] = self.repetitions.as_slice() {
            return one.value(part, metric);
        }
        let sample = self.sample(part, metric);
        (!sample.is_empty()).then(|| MetricValue::Number(mean(&sample)))
    }

    /// The values of all seeds that have one.
    pub(super) fn sample(&self, part: &str, metric: &str) -> Vec<f64> {
        let values = self.repetitions.iter().filter_map(|it| it.value(part, metric));
        values.map(MetricValue::as_f64).collect()
    }

    /// How far the mean of another column is from the mean of this one, where both have several seeds.
    pub(super) fn difference(&self, other: &Self, part: &str, metric: &str) -> Option<Difference> {
        let (first, second) = (self.sample(part, metric), other.sample(part, metric));
        let seeds = |column: &Self| column.repetitions.iter().map(|it| it.seed.clone()).collect::<Vec<_>>();
        // The same seeds draw the same numbers: what they have in common is no difference.
        if seeds(self) == seeds(other) && first.len() == self.repetitions.len() && first.len() == second.len()
        {
            Difference::paired(&first, &second)
        } else {
            Difference::unpaired(&first, &second)
        }
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
