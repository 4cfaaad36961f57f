//! Systems and workloads, and their parameters.

use std::fmt::Write as _;

use terrace_addr::{Bytes, Nanos};
use terrace_machine::files::nearest;
use terrace_scenario::{ParameterSpec, Range, Unit, Value, Word};

use super::table;
use crate::CliError;

/// A line for each word.
pub(super) fn all(what: &str, words: &[Word]) -> String {
    let list = table([what, "what it is"], |table| {
        for word in words {
            table.add_row([&word.name, &word.summary]);
        }
    });
    format!("{list}Parameters of one: terrace list {what}s NAME\n")
}

/// A word with its parameters.
pub(super) fn one(
    what: &'static str,
    name: &str,
    words: &[Word],
    source: Option<&str>,
) -> Result<String, CliError> {
    let word = words.iter().find(|word| word.name == name);
    let word = word.ok_or_else(|| unknown(what, name, words.iter().map(|word| word.name.as_str())))?;
    let source = source.map(|source| format!("Source: {source}\n")).unwrap_or_default();
    let head = format!("{}: {}\n{source}", word.name, word.summary);
    if word.parameters.is_empty() {
        return Ok(format!("{head}It has no parameters.\n"));
    }
    let mut text = head;
    for parameter in &word.parameters {
        let ParameterSpec { name, default, meaning, source, .. } = parameter;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n{name} = {default}    ({}: {})", unit(&parameter.unit), values(parameter));
        let _ = writeln!(text, "    {meaning}\n    source: {source}");
    }
    Ok(text)
}

/// The error for a name that there is not.
pub(super) fn unknown<'a>(
    what: &'static str,
    name: &str,
    names: impl Iterator<Item = &'a str> + Clone,
) -> CliError {
    CliError::Unknown {
        what,
        name: name.to_owned(),
        near: nearest(name, names.clone()).map(str::to_owned),
        expected: names.collect::<Vec<_>>().join(", "),
    }
}

fn unit(unit: &Unit) -> &'static str {
    match unit {
        Unit::Bytes => "size",
        Unit::Nanos => "time",
        Unit::Count => "count",
        Unit::Share => "number",
        Unit::Cycles => "cycles",
        Unit::PerSecond => "1/s",
        Unit::Choice(_) => "word",
        Unit::Text => "text",
    }
}

/// Which values a parameter can have.
fn values(parameter: &ParameterSpec) -> String {
    match (&parameter.unit, &parameter.range) {
        (Unit::Choice(words), _) => words.join(", "),
        (_, Range::Any) => "any".to_owned(),
        (unit, Range::Whole(range)) => {
            let shown = |bound: u64| match unit {
                Unit::Bytes => Value::Bytes(Bytes::new(bound)),
                Unit::Nanos => Value::Nanos(Nanos::new(bound)),
                _ => Value::Count(bound),
            };
            between(&shown(*range.start()), (*range.end() < u64::MAX).then(|| shown(*range.end())))
        }
        (_, Range::Number(range)) => {
            let most = (*range.end() < f64::MAX).then(|| Value::Number(*range.end()));
            between(&Value::Number(*range.start()), most)
        }
    }
}

fn between(least: &Value, most: Option<Value>) -> String {
    match most {
        Some(most) => format!("{least} to {most}"),
        None => format!("{least} or more"),
    }
}
