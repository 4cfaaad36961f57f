//! Results of replays: a column for each mode.

use serde_json::Value;
use terrace_result::MetricValue;

use super::columns::{Column, Repetition, WHOLE};

/// The modes of a result, if it has some.
pub(super) fn columns(result: &Value) -> Option<Vec<Column>> {
    let subject = result["inputs"][0]["name"].as_str().unwrap_or("?").to_owned();
    let depends = depends(result);
    let modes = result["modes"].as_array()?.iter();
    let columns = modes.map(|counts| {
        let values = counts.as_object().into_iter().flatten();
        let values =
            values.filter_map(|(name, value)| Some((name.clone(), MetricValue::Count(value.as_u64()?))));
        let mode = counts["mode"].as_str().unwrap_or("?").to_owned();
        Column {
            name: String::new(),
            subject: subject.clone(),
            which: vec![("mode".to_owned(), mode)],
            repetitions: vec![Repetition {
                seed: result["seed"].to_string(),
                values: vec![(WHOLE.to_owned(), values.collect())],
            }],
            depends: depends.clone(),
        }
    });
    Some(columns.collect())
}

fn depends(result: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let overrides = result["machine"]["overrides"].as_array().map(Vec::as_slice).unwrap_or_default();
    let machine: Vec<_> =
        [text(&result["machine"]["name"])].into_iter().chain(overrides.iter().map(text)).collect();
    let pages = result["mapping"]["pages"].as_object();
    let pages: Vec<_> =
        pages.into_iter().flatten().map(|(layer, rule)| format!("{layer} {}", text(rule))).collect();
    let all = [
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
    ];
    all.into_iter().map(|(what, value)| (what.to_owned(), value)).collect()
}
