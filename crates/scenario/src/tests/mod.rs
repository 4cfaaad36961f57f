//! A vocabulary, and what the tests of this crate do with it.

mod errors;
mod machine;
mod paths;
mod properties;
mod refusals;
mod whole;

use terrace_addr::{Bytes, Nanos};
use terrace_machine::Override;

use crate::{Limits, ParameterSpec, Range, Run, ScenarioError, Unit, Value, Vocabulary, Word, parse};

/// A file with something for every key.
const FULL: &str = include_str!("full.toml");

/// A file with nothing that it can do without.
const LEAST: &str = r#"name = "least"
[[vm]]
memory = "1 GiB"
[[vm.program]]
workload = "gups"
"#;

/// Of memory as much as can be addressed: other rules are first.
const LIMITS: Limits = Limits { threads: 1024, node: Bytes::new(1 << 52) };

/// The full file without its sweeps.
fn alone() -> &'static str {
    FULL.split("[[sweep]]").next().unwrap()
}

fn parameter(name: &str, unit: Unit, default: Value, range: Range) -> ParameterSpec {
    ParameterSpec {
        name: name.into(),
        unit,
        default,
        range,
        meaning: "for tests".into(),
        source: "assumed: for tests".into(),
    }
}

fn word(name: &str, requests: bool, parameters: Vec<ParameterSpec>) -> Word {
    Word { name: name.into(), summary: "for tests".into(), parameters, requests }
}

fn workloads() -> [Word; 2] {
    let footprint =
        parameter("footprint", Unit::Bytes, Value::Bytes(Bytes::new(1 << 20)), Range::Whole(4096..=1 << 40));
    let passes = parameter("passes", Unit::Count, Value::Count(3), Range::Whole(1..=u64::MAX));
    let rate = parameter("arrivals", Unit::PerSecond, Value::Number(1.0), Range::Number(0.0..=f64::INFINITY));
    [word("zipf-store", true, vec![footprint.clone(), rate]), word("gups", false, vec![footprint, passes])]
}

fn systems() -> [Word; 2] {
    let thp = Unit::Choice(["always", "madvise", "never"].map(String::from).to_vec());
    let scan = Value::Nanos(Nanos::new(10_000_000));
    let linux = vec![
        parameter("thp", thp, Value::Text("madvise".into()), Range::Any),
        parameter("scan", Unit::Nanos, scan, Range::Whole(1000..=1_000_000_000)),
        parameter("tag", Unit::Text, Value::Text(String::new()), Range::Any),
    ];
    let ingens = vec![
        parameter("share", Unit::Share, Value::Number(0.9), Range::Number(0.0..=1.0)),
        parameter("work", Unit::Cycles, Value::Number(100.0), Range::Any),
    ];
    [word("linux", false, linux), word("ingens", false, ingens)]
}

fn read(text: &str, overrides: &[&str]) -> Result<Vec<Run>, ScenarioError> {
    let overrides: Vec<Override> = overrides.iter().map(|text| text.parse().unwrap()).collect();
    let (workloads, systems) = (workloads(), systems());
    let modes = ["native", "2d", "shadow", "nested", "segment"];
    parse(
        text,
        "my.toml",
        &overrides,
        &Vocabulary { workloads: &workloads, systems: &systems, modes: &modes, limits: LIMITS },
    )
}

/// The error of a text with one piece of it replaced.
fn edited(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    read(&text.replacen(from, to, 1), &[]).unwrap_err().to_string()
}

fn refused(overrides: &[&str]) -> String {
    read(FULL, overrides).unwrap_err().to_string()
}
