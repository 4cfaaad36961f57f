//! Which format content is of, by its first bytes.

use std::path::Path;

use crate::container::{Container, foreign};
use crate::{Format, Place, TraceError, TraceErrorKind, champsim, drmemtrace};

/// The format of content that starts with `start`, which must be `wanted` if that is given.
///
/// drmemtrace is told by its header record. `ChampSim` has no such thing: content is taken for it if its first
/// records make sense, or if it is wanted and is not recognised as something else.
pub(super) fn format(
    path: &Path,
    container: Container,
    start: &[u8],
    wanted: Option<Format>,
) -> Result<Format, TraceError> {
    let error = |found: String| TraceError::new(path, TraceErrorKind::Format, Place::Whole).found(found);
    let implausible = champsim::implausible(start);
    let format = if start.is_empty() {
        None
    } else if drmemtrace::starts_like_a_trace(start) {
        Some(Format::DrMemtrace)
    } else if implausible.is_none() {
        Some(Format::ChampSim)
    } else {
        None
    };
    match (format, wanted) {
        (Some(format), Some(wanted)) if format != wanted => {
            return Err(error(format!("a {format} trace"))
                .expected(format!("a {wanted} trace"))
                .advice(format!("Ask for {format}, or let the format be found.")));
        }
        (Some(format), _) => return Ok(format),
        (None, Some(Format::ChampSim)) if start.len() >= champsim::SIZE && foreign(start).is_none() => {
            return Ok(Format::ChampSim);
        }
        (None, _) => {}
    }
    let expected = match wanted {
        None => {
            "a drmemtrace trace (a header record of type 25 first), or a champsim trace (records of 64 bytes)"
                .to_owned()
        }
        Some(Format::DrMemtrace) => "a drmemtrace trace (a header record of type 25 first)".to_owned(),
        Some(Format::ChampSim) => "a champsim trace (records of 64 bytes)".to_owned(),
    };
    let (found, advice) = describe(container, start, implausible);
    Err(error(found).expected(expected).advice(advice))
}

/// What content of no known format is, and what to do.
fn describe(container: Container, start: &[u8], implausible: Option<String>) -> (String, String) {
    const KNOWN: &str = "Files may be plain, gzip, xz or zip; a directory may hold drmemtrace files.";
    if start.is_empty() {
        let found = match container {
            Container::Plain => "an empty file".to_owned(),
            _ => format!("{container} content of 0 bytes"),
        };
        return (found, "Copy it again, or record it again.".to_owned());
    }
    if let Some((what, advice)) = foreign(start) {
        return (what.to_owned(), format!("{advice} {KNOWN}"));
    }
    let bytes: Vec<String> = start.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let why = implausible.map_or(String::new(), |why| format!(", and as champsim: {why}"));
    (format!("{container} content that begins with {}{why}", bytes.join(" ")), KNOWN.to_owned())
}
