//! Holds the instructions of the engine's paths against the committed ceilings, `ceilings.txt` beside this file.
//!
//! ```text
//! cargo bench -p terrace-mmu --features instructions --bench ceilings
//! cargo bench -p terrace-mmu --features instructions --bench ceilings -- --accept
//! ```
//! The first fails if a path takes over 3 % more than its ceiling; the second writes the ceilings anew. Needed are
//! Valgrind and `gungraun-runner` in the version that Cargo.toml names.

mod counted;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use counted::ACCESSES;
use serde_json::Value;
use terrace_addr::convert;

/// How far above its ceiling a path may be.
const TOLERANCE: f64 = 0.03;
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/ceilings.txt");
const ACCEPT: &str = "cargo bench -p terrace-mmu --features instructions --bench ceilings -- --accept";
const HEADER: &str = "\
# Instructions for each access, by path and vector instructions, of the bench `instructions`.
# A rise of more than 3 % fails the check. Written by:
#   ";

/// Instructions for each access, by path.
type Figures = BTreeMap<String, f64>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = |name: &str| arguments.iter().any(|argument| argument == name);
    // Cargo asks every bench to be quick then; a part of these instructions would mean nothing.
    if given("--test") {
        println!("ceilings: nothing to do in a test run");
        return ExitCode::SUCCESS;
    }
    match check(given("--accept")) {
        Ok(report) => {
            print!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn check(accept: bool) -> Result<String, String> {
    let counted = count()?;
    if accept {
        std::fs::write(FILE, text(&counted)).map_err(|error| format!("{FILE}: {error}"))?;
        return Ok(format!("{FILE} is written\n"));
    }
    let ceilings = read(Path::new(FILE))?;
    judge(&counted, &ceilings)
}

/// Runs the bench `instructions`.
fn count() -> Result<Figures, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["bench", "--quiet", "--package", "terrace-mmu", "--features", "instructions"])
        .args(["--bench", "instructions", "--", "--output-format=json"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "the bench `instructions` failed ({}); it needs valgrind, and gungraun-runner of the version in Cargo.toml \
             (`cargo install gungraun-runner --version …`)",
            output.status
        ));
    }
    let text = String::from_utf8(output.stdout).map_err(|error| format!("its output: {error}"))?;
    let figures: Figures = text.lines().map(figure).collect::<Result<_, _>>()?;
    if figures.is_empty() { Err("the bench `instructions` counted nothing".to_owned()) } else { Ok(figures) }
}

/// One line of the runner's output: a bench's summary as JSON.
fn figure(line: &str) -> Result<(String, f64), String> {
    let unexpected = || format!("found the line `{line}`; expected the summary of a bench as JSON");
    let summary: Value = serde_json::from_str(line).map_err(|_| unexpected())?;
    let name = |field: &str| summary[field].as_str().ok_or_else(unexpected);
    let path = format!("{} {}", name("function_name")?, name("id")?);
    let total = &summary["profiles"][0]["data"]["total"]["metrics"]["Ir"]["values"]["new"];
    let instructions = total.as_u64().ok_or_else(unexpected)?;
    Ok((path, convert::ratio(instructions, convert::count(ACCESSES))))
}

/// The ceilings as their file has them.
fn text(figures: &Figures) -> String {
    let mut text = format!("{HEADER}{ACCEPT}\n");
    for (path, instructions) in figures {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{path} {instructions:.1}");
    }
    text
}

fn read(file: &Path) -> Result<Figures, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.starts_with('#'));
    let ceiling = |(line, number): (&str, u32)| {
        let parsed = line.rsplit_once(' ').and_then(|(path, figure)| Some((path, figure.parse().ok()?)));
        let (path, figure) = parsed.ok_or_else(|| {
            format!("{}:{number}: found `{line}`; expected PATH VECTORS INSTRUCTIONS", file.display())
        })?;
        Ok((path.to_owned(), figure))
    };
    lines.map(ceiling).collect()
}

/// A line for each path; an error that lists them all if one is above its ceiling, or has none.
fn judge(counted: &Figures, ceilings: &Figures) -> Result<String, String> {
    let mut report =
        format!("{:<24} {:>10} {:>10} {:>8}\n", "instructions an access", "ceiling", "counted", "change");
    let mut wrong = Vec::new();
    for path in counted.keys().chain(ceilings.keys().filter(|path| !counted.contains_key(*path))) {
        let (Some(found), Some(ceiling)) = (counted.get(path), ceilings.get(path)) else {
            wrong.push(format!("{path}: in only one of {FILE} and the bench"));
            continue;
        };
        let change = 100.0 * (found / ceiling - 1.0);
        let _ = writeln!(report, "{path:<24} {ceiling:>10.1} {found:>10.1} {change:>+7.1} %");
        if *found > ceiling * (1.0 + TOLERANCE) {
            wrong.push(format!(
                "{path}: {found:.1} instructions an access, {change:.1} % above its ceiling of {ceiling:.1}"
            ));
        }
    }
    if wrong.is_empty() {
        return Ok(report);
    }
    Err(format!(
        "{}\n{report}at most {:.0} % above is allowed. If the rise buys something, accept it:\n  {ACCEPT}",
        wrong.join("\n"),
        100.0 * TOLERANCE
    ))
}
