//! Results of runs as JSON and CSV.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::{Metrics, RUNS_KIND, RUNS_SCHEMA_VERSION, RunResult, RunsResult, ScopeName};
use crate::{Notation, ResultError};

impl RunsResult {
    /// Writes the result: as JSON one document; as CSV a header, and a row for each run, scope and metric.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write(&self, notation: Notation, mut to: impl Write) -> io::Result<()> {
        match notation {
            Notation::Json => {
                serde_json::to_writer_pretty(&mut to, self)?;
                writeln!(to)
            }
            Notation::Csv => self.write_csv(to),
        }
    }

    /// Reads what [`RunsResult::write`] has written as JSON. `origin` is how errors name the text.
    ///
    /// # Errors
    /// If the text is no such document, or one of another version of the schema.
    pub fn read(text: &str, origin: &str) -> Result<Self, ResultError> {
        #[derive(serde::Deserialize)]
        struct Head {
            kind: String,
            schema_version: u32,
        }
        let expected = format!("a result of runs with the schema version {RUNS_SCHEMA_VERSION}");
        let unreadable = |cause| ResultError::Unreadable { origin: origin.into(), cause };
        let no_result = |found: String| ResultError::NoResult {
            origin: origin.into(),
            found,
            expected: expected.clone(),
        };
        // Of another version only the head can be read.
        let head: Head = serde_json::from_str(text).map_err(unreadable)?;
        if head.kind != RUNS_KIND {
            return Err(no_result(format!("a result of the kind {:?}", head.kind)));
        }
        if head.schema_version != RUNS_SCHEMA_VERSION {
            return Err(no_result(format!("one with the schema version {}", head.schema_version)));
        }
        serde_json::from_str(text).map_err(unreadable)
    }

    fn write_csv(&self, to: impl Write) -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(to);
        let mut seen = BTreeSet::new();
        let labels = self.runs.iter().flat_map(|run| &run.labels).map(|(axis, _)| axis.as_str());
        let axes: Vec<&str> = labels.filter(|axis| seen.insert(*axis)).collect();
        csv.write_record(
            ["run"].into_iter().chain(axes.iter().copied()).chain(["scope", "metric", "value"]),
        )?;
        for (number, run) in self.runs.iter().enumerate() {
            let value_of =
                |axis: &&str| run.labels.iter().find(|(name, _)| name == axis).map(|(_, value)| value);
            let labels: Vec<&str> =
                axes.iter().map(|axis| value_of(axis).map_or("", String::as_str)).collect();
            let number = number.to_string();
            for (scope, metrics) in run.scopes() {
                let scope = scope.to_string();
                for (metric, value) in metrics.iter() {
                    let value = value.to_string();
                    let row = [number.as_str()].into_iter().chain(labels.iter().copied());
                    csv.write_record(row.chain([scope.as_str(), metric.name, value.as_str()]))?;
                }
            }
        }
        csv.flush()
    }
}

impl RunResult {
    /// Every part of the run that was measured: all of it, its VMs, their layers, their programs.
    pub fn scopes(&self) -> impl Iterator<Item = (ScopeName<'_>, &Metrics)> {
        let vms = self.vms.iter().map(|it| (ScopeName::Vm(&it.name), &it.metrics));
        let layers =
            self.layers.iter().map(|it| (ScopeName::Layer(it.vm.as_deref(), &it.layer), &it.metrics));
        let programs = self.programs.iter().map(|it| (ScopeName::Program(&it.vm, &it.name), &it.metrics));
        [(ScopeName::Run, &self.totals)].into_iter().chain(vms).chain(layers).chain(programs)
    }
}
