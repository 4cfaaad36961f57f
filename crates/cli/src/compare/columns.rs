//! Results of replays, read back.

use std::path::Path;

use serde_json::Value;
use terrace_result::REPLAY_SCHEMA;

use crate::CliError;

/// One mode of one trace in a result.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// How it is headed.
    pub(super) name: String,
    pub(super) trace: String,
    pub(super) mode: String,
    counts: Value,
    /// What the counts depend on.
    depends: Vec<(&'static str, String)>,
}

impl Column {
    /// The same under another heading.
    pub(super) fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// A count.
    pub(super) fn value(&self, metric: &str) -> Option<u64> {
        self.counts.get(metric)?.as_u64()
    }

    /// What another column depends on that this one does not.
    pub(super) fn differences(&self, other: &Self) -> Vec<String> {
        let pairs = self.depends.iter().zip(&other.depends).filter(|(mine, its)| mine != its);
        pairs.map(|((what, mine), (_, its))| format!("{what} {its}, not {mine}")).collect()
    }
}

/// The columns of a file: a result, or an array of them.
pub(super) fn read(path: &Path) -> Result<Vec<Column>, CliError> {
    let text = std::fs::read(path).map_err(|error| CliError::Read { path: path.to_owned(), error })?;
    let unfit = |found: String| CliError::Result { path: path.to_owned(), found };
    let document: Value = serde_json::from_slice(&text).map_err(|error| unfit(error.to_string()))?;
    let results = match document {
        Value::Array(results) => results,
        other => vec![other],
    };
    let mut columns = Vec::new();
    for result in &results {
        match result["schema"].as_str() {
            Some(REPLAY_SCHEMA) => {}
            Some(other) => return Err(unfit(format!("the schema {other}"))),
            None => return Err(unfit("JSON without a schema".to_owned())),
        }
        let modes = result["modes"].as_array().ok_or_else(|| unfit("no modes".to_owned()))?;
        let trace = result["inputs"][0]["name"].as_str().unwrap_or("?").to_owned();
        for counts in modes {
            let mode = counts["mode"].as_str().unwrap_or("?").to_owned();
            columns.push(Column {
                name: String::new(),
                trace: trace.clone(),
                mode,
                counts: counts.clone(),
                depends: depends(result),
            });
        }
    }
    Ok(columns)
}

fn depends(result: &Value) -> Vec<(&'static str, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let overrides = result["machine"]["overrides"].as_array().map(Vec::as_slice).unwrap_or_default();
    let machine: Vec<_> =
        [text(&result["machine"]["name"])].into_iter().chain(overrides.iter().map(text)).collect();
    let pages = result["mapping"]["pages"].as_object();
    let pages: Vec<_> =
        pages.into_iter().flatten().map(|(layer, rule)| format!("{layer} {}", text(rule))).collect();
    vec![
        ("model", text(&result["model_version"])),
        ("machine", machine.join(" ")),
        ("trace", text(&result["inputs"][0]["name"])),
        ("pages", pages.join(", ")),
        ("frames", text(&result["mapping"]["frames"])),
        ("accesses", text(&result["kinds"])),
        ("data lines", text(&result["data_lines"])),
        ("seed", text(&result["seed"])),
        (
            "references",
            if result["window"].is_null() { "all".to_owned() } else { result["window"].to_string() },
        ),
        ("complete", text(&result["complete"])),
    ]
}
