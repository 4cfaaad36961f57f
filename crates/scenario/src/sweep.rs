//! Sweeps: axes whose values change a scenario, and the runs that are their product.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;
use toml::de::{DeArray, DeTable, DeValue};

use crate::error::{Problem, Side};
use crate::tree::Setting;

/// The most runs that a scenario file may have.
pub(crate) const MAX_RUNS: usize = 10_000;

/// A sweep axis.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sweep {
    /// Its name, which no other axis has.
    pub(crate) name: String,
    /// Its values, in order; at least one.
    pub(crate) value: Vec<SweepValue>,
}

/// A value of a sweep axis.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SweepValue {
    /// Its name, which no other value of the axis has.
    pub(crate) name: String,
    /// What it changes: values by their paths, `guest.parameters.thp = "never"`. A list is entered by an index
    /// (`vm.0.mode`) or by a name (`vm.web.memory`); a path without either changes every element (`vm.mode`).
    /// Default: nothing.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub(crate) set: BTreeMap<String, toml::Value>,
}

/// An axis whose values can be applied to a tree.
#[derive(Debug)]
pub(crate) struct Axis<'a> {
    /// Its name; none if it is one change that every run has.
    pub(crate) name: Option<String>,
    pub(crate) values: Vec<(String, Vec<Setting<'a>>)>,
}

/// The axes as their types say that they have to be, without which they cannot be used.
pub(crate) fn check(sweeps: &[Sweep]) -> Result<(), Problem> {
    let mut axes = BTreeSet::new();
    for (index, sweep) in sweeps.iter().enumerate() {
        let path = format!("sweep.{index}");
        if sweep.name.trim().is_empty() {
            return Err(Problem::new(&format!("{path}.name"), "an empty text", "the name of the axis"));
        }
        if !axes.insert(&sweep.name) {
            let found = format!("a second axis {:?}", sweep.name);
            return Err(Problem::new(&format!("{path}.name"), found, "a name that no other axis has"));
        }
        if sweep.value.is_empty() {
            return Err(Problem::new(&format!("{path}.value"), "no value", "at least one [[sweep.value]]"));
        }
        let mut values = BTreeSet::new();
        for (index, value) in sweep.value.iter().enumerate() {
            let path = format!("{path}.value.{index}");
            if value.name.trim().is_empty() {
                return Err(Problem::new(&format!("{path}.name"), "an empty text", "the name of the value"));
            }
            if !values.insert(&value.name) {
                let found = format!("a second value {:?}", value.name);
                let expected = format!("a name that no other value of {:?} has", sweep.name);
                return Err(Problem::new(&format!("{path}.name"), found, expected));
            }
            if let Some(key) = value.set.keys().find(|key| key.split('.').any(|part| part.trim().is_empty()))
            {
                let problem =
                    Problem::new(&format!("{path}.set"), format!("{key:?}"), "keys joined by points");
                return Err(problem.below(key, Side::Key));
            }
        }
    }
    Ok(())
}

/// The axes that `sweeps` were read from, in the tree of `text` with their places.
pub(crate) fn axes<'a>(sweeps: &[Sweep], tree: &DeArray<'a>, text: &str) -> Vec<Axis<'a>> {
    let axes = sweeps.iter().zip(tables(tree));
    let axes = axes.map(|(sweep, table)| {
        let values = table.get("value").and_then(|it| it.get_ref().as_array()).into_iter().flat_map(tables);
        let values = sweep.value.iter().zip(values).map(|(value, table)| {
            let set = table.get("set").and_then(|it| it.get_ref().as_table());
            (value.name.clone(), set.map(|set| settings(set, text)).unwrap_or_default())
        });
        Axis { name: Some(sweep.name.clone()), values: values.collect() }
    });
    axes.collect()
}

fn tables<'t, 'a>(list: &'t DeArray<'a>) -> impl Iterator<Item = &'t DeTable<'a>> {
    list.iter().filter_map(|item| item.get_ref().as_table())
}

/// What a `set` table changes, in the order of the text. Keys that TOML's own points join are one path like those in
/// quotes; a table in braces is a value.
fn settings<'a>(set: &DeTable<'a>, text: &str) -> Vec<Setting<'a>> {
    let mut settings = Vec::new();
    collect(set, &[], text, &mut settings);
    settings.sort_by_key(|setting| setting.key.start);
    settings
}

fn collect<'a>(set: &DeTable<'a>, above: &[String], text: &str, settings: &mut Vec<Setting<'a>>) {
    for (key, value) in set {
        let path = above.iter().cloned().chain(key.get_ref().split('.').map(|part| part.trim().to_owned()));
        let path: Vec<String> = path.collect();
        let is_value = text.get(value.span().start..).is_none_or(|it| it.starts_with('{'));
        match value.get_ref() {
            DeValue::Table(below) if !is_value => collect(below, &path, text, settings),
            _ => settings.push(Setting { path, key: key.span(), value: value.clone() }),
        }
    }
}
