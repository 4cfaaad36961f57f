//! The JSON Schema of scenario files, and what else their structs tell of themselves.

use std::sync::LazyLock;

use schemars::{JsonSchema, schema_for};

use crate::sweep::Sweep;
use crate::{Program, Resize, Scenario, Vm};

/// A scenario file: a scenario, and the sweeps over it.
#[derive(JsonSchema)]
#[schemars(title = "Scenario file")]
#[expect(dead_code, reason = "only its schema is used")]
struct ScenarioFile {
    #[serde(flatten)]
    scenario: Scenario,
    /// The sweep axes, in order: the runs are the product of their values, those of the last axis changing first.
    /// Default: none, which is one run.
    #[serde(default)]
    sweep: Vec<Sweep>,
}

/// The JSON Schema of scenario files, with the documentation of every key.
pub fn schema() -> serde_json::Value {
    schema_for!(ScenarioFile).to_value()
}

/// The keys of the elements of the list with this key, none if its elements are no tables; for the empty key those of
/// a scenario.
pub(crate) fn keys_of(list: &str) -> &'static [String] {
    static VM: LazyLock<Vec<String>> = LazyLock::new(|| properties(&schema_for!(Vm)));
    static PROGRAM: LazyLock<Vec<String>> = LazyLock::new(|| properties(&schema_for!(Program)));
    static RESIZE: LazyLock<Vec<String>> = LazyLock::new(|| properties(&schema_for!(Resize)));
    static SCENARIO: LazyLock<Vec<String>> = LazyLock::new(|| properties(&schema_for!(Scenario)));
    match list {
        "" => &SCENARIO,
        "vm" => &VM,
        "program" => &PROGRAM,
        "resize" => &RESIZE,
        _ => &[],
    }
}

/// The names of the properties of a struct.
fn properties(schema: &schemars::Schema) -> Vec<String> {
    let properties = schema.get("properties").and_then(serde_json::Value::as_object);
    properties.into_iter().flat_map(|it| it.keys().cloned()).collect()
}
