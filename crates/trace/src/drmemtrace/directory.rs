//! The files of a directory that `DynamoRIO` wrote.

use std::path::{Path, PathBuf};

use crate::{Place, TraceError, TraceErrorKind};

/// The folder inside `DynamoRIO`'s output directory that holds a file for each thread.
const TRACE_FOLDER: &str = "trace";

/// The folder that holds what the recorder wrote, before `drraw2trace` made a trace of it.
const RAW_FOLDER: &str = "raw";

/// How the names of files begin that `DynamoRIO` puts beside traces: schedules, page mappings, lists of functions
/// and modules. Any other file must be a trace: passing over it would shorten the stream unnoticed.
const BESIDE: [&str; 7] = [
    ".",
    "serial_schedule.bin",
    "cpu_schedule.bin",
    "v2p.textproto",
    "funclist.log",
    "modules.log",
    "encodings.bin",
];

/// The thread files of a directory: its own, or those of the folder `trace` in it. In order of their names.
pub(crate) fn thread_files(directory: &Path) -> Result<Vec<PathBuf>, TraceError> {
    let inner = directory.join(TRACE_FOLDER);
    let searched = if inner.is_dir() { inner } else { directory.to_owned() };
    let refused = |error| TraceError::unreadable(&searched, error);
    let mut files = Vec::new();
    for entry in searched.read_dir().map_err(refused)? {
        let entry = entry.map_err(refused)?;
        let name = entry.file_name();
        let beside = BESIDE.iter().any(|start| name.as_encoded_bytes().starts_with(start.as_bytes()));
        if !beside && !entry.path().is_dir() {
            files.push(entry.path());
        }
    }
    if files.is_empty() {
        let advice = if directory.join(RAW_FOLDER).is_dir() {
            "It holds a raw recording: turn that into a trace with drraw2trace, or replay it once with drrun."
        } else {
            "Give DynamoRIO's output directory (drmemtrace.*.dir), the folder trace in it, or a trace file."
        };
        return Err(TraceError::new(&searched, TraceErrorKind::Directory, Place::Whole)
            .found("a directory without trace files")
            .expected("drmemtrace files, one for each thread")
            .advice(advice));
    }
    files.sort();
    Ok(files)
}
