//! Which runs of a sweep are run.

use std::collections::BTreeSet;

use terrace_machine::files::nearest;
use terrace_scenario::Run;

use crate::CliError;

/// Some values of an axis: `AXIS=VALUE,VALUE`.
#[derive(Debug, Clone)]
pub(crate) struct Only {
    axis: String,
    values: Vec<String>,
}

impl std::str::FromStr for Only {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || format!("found `{text}`; expected AXIS=VALUE, several values with commas between them");
        let (axis, values) = text.split_once('=').ok_or_else(expected)?;
        let values: Vec<_> = values.split(',').map(|value| value.trim().to_owned()).collect();
        if axis.trim().is_empty() || values.iter().any(String::is_empty) {
            return Err(expected());
        }
        Ok(Self { axis: axis.trim().to_owned(), values })
    }
}

/// Leaves out the runs that one of these does not have.
pub(crate) fn choose(runs: &mut Vec<Run>, only: &[Only]) -> Result<(), CliError> {
    for Only { axis, values } in only {
        let names = distinct(runs.iter().flat_map(|run| run.labels.iter().map(|(name, _)| name.as_str())));
        if !names.contains(axis.as_str()) {
            return Err(unknown("an axis", axis, &names, "axes of the sweep"));
        }
        let of_axis =
            |run: &Run| run.labels.iter().find(|(name, _)| name == axis).map(|(_, value)| value.clone());
        let found: Vec<_> = runs.iter().filter_map(of_axis).collect();
        let known = distinct(found.iter().map(String::as_str));
        if let Some(value) = values.iter().find(|value| !known.contains(value.as_str())) {
            return Err(unknown(&format!("a value of {axis}"), value, &known, "values that are left of it"));
        }
        runs.retain(|run| of_axis(run).is_some_and(|value| values.contains(&value)));
    }
    Ok(())
}

fn distinct<'a>(all: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    all.collect()
}

fn unknown(what: &str, found: &str, known: &BTreeSet<&str>, of_what: &str) -> CliError {
    let known_list = known.iter().copied().collect::<Vec<_>>().join(", ");
    let help = nearest(found, known.iter().copied()).map(|near| format!("; did you mean {near}?"));
    let expected = if known.is_empty() {
        "a scenario with a sweep: this one is a single run".to_owned()
    } else {
        format!("one of the {of_what}: {known_list}")
    };
    CliError::Only {
        what: what.to_owned(),
        found: found.to_owned(),
        expected,
        help: help.unwrap_or_default(),
    }
}
