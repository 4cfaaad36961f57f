//! Which machine runs a scenario, and which of its values are changed.
//!
//! In a file it is a name, or a table of the name and the changes, whose keys are those of a machine file.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use terrace_machine::files::value_of;
use terrace_machine::{Fault, MachineError, Origin, Override};
use toml::de::DeValue;

use crate::error::Problem;

/// The machine of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct MachineChoice {
    /// A built-in machine or the path of a machine file.
    pub name: String,
    /// What is changed in it: values by their whole paths.
    pub(crate) changes: BTreeMap<String, toml::Value>,
}

/// The key of the scenario that says which machine it is.
pub(crate) const MACHINE: &str = "machine";

/// The key of the table that is no value of a machine.
pub(crate) const NAME: &str = "name";

impl Default for MachineChoice {
    fn default() -> Self {
        Self { name: "broadwell-e5-2620v4".into(), changes: BTreeMap::new() }
    }
}

impl MachineChoice {
    /// What is changed in the machine file, as `--set` of commands that take a machine has it.
    ///
    /// # Errors
    /// Never of a scenario that was read: its changes were tried.
    pub fn overrides(&self) -> Result<Vec<Override>, MachineError> {
        self.changes.iter().map(|(path, value)| format!("{path}={}", text_of(value)).parse()).collect()
    }

    /// The first change that the machine does not take. That there is no such machine is found by who runs it.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        if self.changes.is_empty() || terrace_machine::find(&self.name, &[]).is_err() {
            return Ok(());
        }
        let found = self.overrides().and_then(|overrides| terrace_machine::find(&self.name, &overrides));
        let Err(fault) = found else { return Ok(()) };
        let mut problem = Problem::new("machine", fault.found.clone(), fault.expected.clone());
        if matches!(fault.origin, Origin::Override(_)) {
            problem.path.extend(fault.path.iter().cloned());
            problem.help.clone_from(&fault.help);
        } else {
            // A value that is as it was no longer fits those that were changed.
            problem.found = format!("{} at {}", fault.found, fault.path.join("."));
            let near = self.changes.keys().rev().find(|path| path.split('.').next() == first(&fault.path));
            problem.path.extend(near.into_iter().flat_map(|path| path.split('.')).map(str::to_owned));
        }
        Err(problem)
    }

    /// That no machine has this name, if that is the fault: what is wrong in a machine's own file has its place there.
    pub(crate) fn misnamed(fault: &Fault) -> Option<Problem> {
        let found = match &fault.origin {
            Origin::Name(name) => format!("{name:?}"),
            Origin::File(path) if fault.cause.is_some() => format!("{} at {path:?}", fault.found),
            _ => return None,
        };
        Some(Problem::new("machine.name", found, fault.expected.clone()).helped(fault.help.clone()))
    }

    fn flatten<E: Error>(&mut self, above: &str, key: &str, value: toml::Value) -> Result<(), E> {
        let path = if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") };
        if let toml::Value::Table(table) = value {
            return table.into_iter().try_for_each(|(key, value)| self.flatten(&path, &key, value));
        }
        match self.changes.insert(path.clone(), value) {
            None => Ok(()),
            Some(_) => Err(E::custom(format_args!("found the key `{path}` twice; expected it once"))),
        }
    }

    /// As a table of tables.
    fn table(&self) -> toml::Table {
        let mut all = toml::Table::new();
        all.insert(NAME.into(), toml::Value::String(self.name.clone()));
        for (path, value) in &self.changes {
            let mut keys = path.split('.');
            let last = keys.next_back().unwrap_or_default();
            let mut table = &mut all;
            for key in keys {
                let below = table.entry(key).or_insert_with(|| toml::Value::Table(toml::Table::new()));
                if !below.is_table() {
                    // A machine has no values below a value that is no table: such a change was refused.
                    *below = toml::Value::Table(toml::Table::new());
                }
                let toml::Value::Table(below) = below else { unreachable!("it was just made one") };
                table = below;
            }
            table.insert(last.to_owned(), value.clone());
        }
        all
    }
}

fn first(path: &[String]) -> Option<&str> {
    path.first().map(String::as_str)
}

/// A value as an override has it: a text without quotes, unless it would be something else without them.
fn text_of(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) if matches!(value_of(text, 0), Ok(DeValue::String(same)) if same == text.as_str()) => {
            text.clone()
        }
        other => other.to_string(),
    }
}

impl Serialize for MachineChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.changes.is_empty() {
            serializer.serialize_str(&self.name)
        } else {
            self.table().serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for MachineChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NameOrTable)
    }
}

struct NameOrTable;

impl<'de> Visitor<'de> for NameOrTable {
    type Value = MachineChoice;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a machine, or a table of its name and of changes")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<MachineChoice, E> {
        Ok(MachineChoice { name: name.into(), changes: BTreeMap::new() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MachineChoice, A::Error> {
        let mut machine = MachineChoice::default();
        while let Some(key) = map.next_key::<String>()? {
            if key == NAME {
                machine.name = map.next_value()?;
            } else {
                let value = map.next_value()?;
                machine.flatten("", &key, value)?;
            }
        }
        Ok(machine)
    }
}

impl JsonSchema for MachineChoice {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MachineChoice".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The name of a built-in machine or the path of a machine file; or a table of that as `name`, \
                            and of the machine's values that are changed, by the keys of machine files.",
            "anyOf": [
                { "type": "string" },
                { "type": "object", "properties": { "name": { "type": "string" } }, "additionalProperties": true },
            ],
        })
    }
}
