//! Which format content is of, by its first bytes.

use std::path::Path;

use crate::container::{Container, foreign};
use crate::{Format, Place, TraceError, TraceErrorKind, champsim, drmemtrace, lackey};

/// How much of content that is no trace is looked at to tell text, in bytes.
const LOOKED_AT: usize = 256;

/// How much of it an error shows: characters of text, or bytes.
const SHOWN: usize = 40;
const SHOWN_BYTES: usize = 12;

/// The format of content that starts with `start`, which must be `wanted` if that is given.
///
/// drmemtrace is told by its header record, lackey by its banner or first access. `ChampSim` has no such thing:
/// content is taken for it if its first records make sense. Text never is: a record begins with an address, and one
/// whose upper byte is a character is not canonical. `ChampSim` and lackey are also read if they are wanted and the
/// content is not recognised as something else.
pub(super) fn format(
    path: &Path,
    container: Container,
    start: &[u8],
    wanted: Option<Format>,
) -> Result<Format, TraceError> {
    let error = |found: String| TraceError::new(path, TraceErrorKind::Format, Place::Whole).found(found);
    let implausible = champsim::implausible(start);
    let format = if drmemtrace::starts_like_a_trace(start) {
        Some(Format::DrMemtrace)
    } else if lackey::starts_like_a_trace(start) {
        Some(Format::Lackey)
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
        (None, Some(Format::Lackey)) if !start.is_empty() && foreign(start).is_none() => {
            return Ok(Format::Lackey);
        }
        (None, _) => {}
    }
    let expected = match wanted {
        None => "a drmemtrace, champsim or lackey trace",
        Some(Format::DrMemtrace) => "a drmemtrace trace (a header record of type 25 first)",
        Some(Format::ChampSim) => "a champsim trace (records of 64 bytes)",
        Some(Format::Lackey) => "a lackey trace (lines of text)",
    };
    let (found, advice) = describe(container, start, implausible);
    Err(error(found).expected(expected).advice(advice))
}

/// What content of no known format is, and what to do.
fn describe(container: Container, start: &[u8], implausible: Option<String>) -> (String, String) {
    const KNOWN: &str = "Files may be plain, gzip, xz or zip; a directory may hold drmemtrace files.";
    const TEXT: &str =
        "Give the path of a trace. The only text that is read is what lackey writes with --trace-mem=yes.";
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
    if let Some(text) = text(start) {
        let line = text.trim_start().lines().next().unwrap_or_default();
        let shown: String = line.chars().take(SHOWN).collect();
        return (format!("text that begins with {shown:?}"), TEXT.to_owned());
    }
    let bytes: Vec<String> = start.iter().take(SHOWN_BYTES).map(|byte| format!("{byte:02x}")).collect();
    let why = implausible.map_or(String::new(), |why| format!(" (as champsim: {why})"));
    (format!("{container} content that begins with {}{why}", bytes.join(" ")), KNOWN.to_owned())
}

/// The beginning of content that is text, if it is.
fn text(start: &[u8]) -> Option<&str> {
    let start = &start[..start.len().min(LOOKED_AT)];
    let text = match str::from_utf8(start) {
        Ok(text) => text,
        // A character that goes on beyond what is looked at.
        Err(error) if error.error_len().is_none() => str::from_utf8(&start[..error.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    let control = |character: char| character.is_control() && !character.is_ascii_whitespace();
    (!text.contains(control)).then_some(text)
}
