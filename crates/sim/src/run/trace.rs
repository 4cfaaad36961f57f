//! A trace as a workload.

use std::io::Write;
use std::path::PathBuf;

use tempfile::NamedTempFile;
use terrace_scenario::{self as scenario, ParameterSpec, Range, Unit, Value, Word};
use terrace_trace::{Source, TraceError};
use terrace_workload::{Program, Replay, Reported, WorkloadError};

use super::RunError;

/// The workload that replays a trace.
pub(super) const NAME: &str = "trace";

/// The trace that comes with the program, for scenarios that come with it too.
const BUILTIN: &str = "builtin:gups";
const GUPS: &[u8] = include_bytes!("../../../../tests/data/gups.drmemtrace.zip");

/// What scenarios may say of it.
pub(super) fn word() -> Word {
    let number = |name: &str, default: f64, meaning: &str, source: &str| ParameterSpec {
        name: name.into(),
        unit: Unit::Cycles,
        default: Value::Number(default),
        range: Range::Number(0.0..=1e6),
        meaning: meaning.into(),
        source: source.into(),
    };
    Word {
        name: NAME.into(),
        summary: "the accesses of a trace, thread by thread: instruction fetches, loads and stores".into(),
        parameters: vec![
            ParameterSpec {
                name: "file".into(),
                unit: Unit::Text,
                default: Value::Text(BUILTIN.into()),
                range: Range::Any,
                meaning: "the trace's path, in any format that `terrace replay` reads; builtin:gups is a small real one, \
                          of random updates"
                    .into(),
                source: "tests/data/README.md says how builtin:gups was made".into(),
            },
            number(
                "core_cycles",
                0.5,
                "core cycles of an access, of which most are fetches",
                "assumed: two instructions a cycle, 0.25 to 1",
            ),
            number(
                "parallelism",
                4.0,
                "misses that are in flight at a time",
                "assumed: what out-of-order cores reach on mixed code, 1 to 10",
            ),
        ],
        requests: false,
    }
}

/// The trace as a program.
///
/// # Errors
/// As `failed` makes it of the workload's own, if it cannot be read.
pub(super) fn build(
    parameters: &scenario::Parameters,
    failed: impl FnOnce(WorkloadError) -> RunError,
) -> Result<Box<dyn Program>, RunError> {
    let file = parameters.text("file").unwrap_or(BUILTIN).to_owned();
    let reported = Reported {
        name: NAME.into(),
        core_cycles: parameters.number("core_cycles").unwrap_or(0.5),
        parallelism: parameters.number("parallelism").unwrap_or(4.0).max(1.0),
        instructions_per_access: 1.0,
    };
    let opened = if file == BUILTIN {
        let copy = builtin().map_err(RunError::BuiltinTrace)?;
        let open = move || terrace_trace::open(copy.path());
        Replay::new(open, reported)
    } else {
        let path = PathBuf::from(file);
        let open = move || -> Result<Box<dyn Source>, TraceError> { terrace_trace::open(&path) };
        Replay::new(open, reported)
    };
    opened.map(|program| -> Box<dyn Program> { Box::new(program) }).map_err(failed)
}

/// A copy of the trace that comes with the program, in a file: its index is at its end, so that it has to be one.
fn builtin() -> std::io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new().suffix(".drmemtrace.zip").tempfile()?;
    file.write_all(GUPS)?;
    file.flush()?;
    Ok(file)
}
