//! The files of a directory that `DynamoRIO` wrote.

use std::path::{Path, PathBuf};

use crate::{Place, TraceError, TraceErrorKind};

/// The folder inside `DynamoRIO`'s output directory that holds a file for each thread.
const TRACE_FOLDER: &str = "trace";

/// The folder that holds what the recorder wrote, before `drraw2trace` made a trace of it.
const RAW_FOLDER: &str = "raw";

/// How the names of files begin that `DynamoRIO` puts beside traces: schedules, page mappings, lists of functions
/// and modules. Any other file must be a trace: passing over it would shorten the stream unnoticed.
const BESIDE: [&str; 6] =
    [".", "serial_schedule.bin", "cpu_schedule.bin", "funclist.log", "modules.log", "encodings.bin"];

/// How the names of files end that lie beside traces: page mappings and descriptions, and, in version 1 of Google's
/// workload traces, counts for each thread.
const BESIDE_ENDS: [&str; 2] = [".textproto", ".threadstats.csv"];

/// What the names of branch traces have in them, also of that version.
const BRANCHES: &str = ".branch_trace.";

fn is_beside(name: &str) -> bool {
    BESIDE.iter().any(|start| name.starts_with(start))
        || BESIDE_ENDS.iter().any(|end| name.ends_with(end))
        || (name.contains(BRANCHES) && name.contains(".csv"))
}

/// The thread files of a directory: its own, or those of the folder `trace` in it. In order of their names.
pub(crate) fn thread_files(directory: &Path) -> Result<Vec<PathBuf>, TraceError> {
    let inner = directory.join(TRACE_FOLDER);
    let searched = if inner.is_dir() { inner } else { directory.to_owned() };
    let refused = |error| TraceError::unreadable(&searched, error);
    let mut files = Vec::new();
    for entry in searched.read_dir().map_err(refused)? {
        let entry = entry.map_err(refused)?;
        if !is_beside(&entry.file_name().to_string_lossy()) && !entry.path().is_dir() {
            files.push(entry.path());
        }
    }
    if files.is_empty() {
        let advice = if directory.join(RAW_FOLDER).is_dir() {
            "It holds a raw recording: turn that into a trace with drraw2trace, or replay it once with drrun."
                .to_owned()
        } else if let Some(folder) = folder_with_traces(directory) {
            format!("Give one of its folders that hold a trace, such as {folder}.")
        } else {
            "Give DynamoRIO's output directory (drmemtrace.*.dir), the folder trace in it, or a trace file."
                .to_owned()
        };
        return Err(TraceError::new(&searched, TraceErrorKind::Directory, Place::Whole)
            .found("a directory without trace files")
            .expected("drmemtrace files, one for each thread")
            .advice(advice));
    }
    files.sort();
    Ok(files)
}

/// The name of the first folder that has thread files, its own or in a folder `trace`. Google's traces have one for
/// each workload, and in version 1 one for each recording (`trace-1`).
fn folder_with_traces(directory: &Path) -> Option<String> {
    let entries = directory.read_dir().ok()?.filter_map(Result::ok);
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    let has_files = |folder: &Path| {
        let inner = folder.join(TRACE_FOLDER);
        let searched = if inner.is_dir() { &inner } else { folder };
        searched.read_dir().is_ok_and(|entries| {
            entries
                .filter_map(Result::ok)
                .any(|entry| !entry.path().is_dir() && !is_beside(&entry.file_name().to_string_lossy()))
        })
    };
    let folder = folders.into_iter().find(|folder| has_files(folder))?;
    Some(folder.file_name()?.to_string_lossy().into_owned())
}
