//! Which format content is of, by its first bytes.

use std::path::Path;

use crate::container::{Container, foreign};
use crate::{
    Format, Place, TraceError, TraceErrorKind, champsim, drmemtrace, lackey, perf_script, terrace, text,
};

/// How much of content that is no trace is looked at to tell text, in bytes.
const LOOKED_AT: usize = 256;

/// How much of it an error shows: characters of text, or bytes.
const SHOWN: usize = 40;
const SHOWN_BYTES: usize = 12;

/// The format of content that starts with `start`, which must be `wanted` if that is given.
///
/// Terrace's format is told by its magic, drmemtrace by its header record, lackey by its banner or first access. `ChampSim` has no such thing:
/// content is taken for it if its first records make sense. Text never is: a record begins with an address, and one
/// whose upper byte is a character is not canonical. What is none of these, and nothing else that is known, is
/// `CloudSuite`'s if its records make sense as that, and perf's or a plain text by its first line.
///
/// A format that has no mark of its own is also read if it is wanted and the content is not recognised as something
/// else, or only as one that is told as weakly.
pub(super) fn format(
    path: &Path,
    container: Container,
    start: &[u8],
    wanted: Option<Format>,
) -> Result<Format, TraceError> {
    let error = |found: String| TraceError::new(path, TraceErrorKind::Format, Place::Whole).found(found);
    let implausible = champsim::implausible(start);
    let found = found(start, implausible.is_none());
    match (found, wanted) {
        (Some(found), Some(wanted)) if found != wanted && !may_be_read_as(start, found, wanted) => {
            return Err(error(format!("a {found} trace"))
                .expected(format!("a {wanted} trace"))
                .advice(format!("Ask for {found}, or let the format be found.")));
        }
        (Some(_), Some(wanted)) => return Ok(wanted),
        (Some(found), None) => return Ok(found),
        (None, Some(wanted)) if readable_if_wanted(start, wanted) => return Ok(wanted),
        (None, _) => {}
    }
    let expected = match wanted {
        None => "a drmemtrace, champsim, cloudsuite, lackey, perf-script, terrace or text trace",
        Some(Format::DrMemtrace) => "a drmemtrace trace (a header record of type 25 first)",
        Some(Format::ChampSim) => "a champsim trace (records of 64 bytes)",
        Some(Format::CloudSuite) => "a cloudsuite trace (records of 96 bytes)",
        Some(Format::Lackey) => "a lackey trace (lines of text)",
        Some(Format::PerfScript) => "a perf-script trace (lines of text)",
        Some(Format::Terrace) => "a terrace trace (its magic first)",
        Some(Format::Text) => "a text trace (lines of address,size,kind,thread)",
    };
    let (found, advice) = describe(container, start, implausible);
    Err(error(found).expected(expected).advice(advice))
}

/// The format that content that starts with `start` seems to have. The order matters: what was once found of one
/// format stays of that format.
fn found(start: &[u8], champsim: bool) -> Option<Format> {
    if terrace::starts_like_a_trace(start) {
        Some(Format::Terrace)
    } else if drmemtrace::starts_like_a_trace(start) {
        Some(Format::DrMemtrace)
    } else if lackey::starts_like_a_trace(start) {
        Some(Format::Lackey)
    } else if champsim {
        Some(Format::ChampSim)
    } else if foreign(start).is_some() {
        None
    } else if champsim::implausible_cloudsuite(start).is_none() {
        Some(Format::CloudSuite)
    } else if perf_script::starts_like_a_trace(start) {
        Some(Format::PerfScript)
    } else if text::starts_like_a_trace(start) {
        Some(Format::Text)
    } else {
        None
    }
}

/// Whether content that seems to be of the format `found` may be of `wanted` all the same.
fn may_be_read_as(start: &[u8], found: Format, wanted: Format) -> bool {
    use Format::{ChampSim, CloudSuite, Lackey, PerfScript, Text};
    match (found, wanted) {
        (ChampSim, CloudSuite) | (CloudSuite, ChampSim) => readable_if_wanted(start, wanted),
        // A log may begin with what the program printed.
        (PerfScript | Text, Lackey) | (Text, PerfScript) => true,
        _ => false,
    }
}

/// Whether content that is not recognised as anything is read as `wanted`.
fn readable_if_wanted(start: &[u8], wanted: Format) -> bool {
    let least = match wanted {
        Format::DrMemtrace | Format::Terrace => return false,
        Format::ChampSim => champsim::SIZE,
        Format::CloudSuite => champsim::CLOUDSUITE_SIZE,
        Format::Lackey | Format::PerfScript | Format::Text => 1,
    };
    start.len() >= least && foreign(start).is_none()
}

/// What content of no known format is, and what to do.
fn describe(container: Container, start: &[u8], implausible: Option<String>) -> (String, String) {
    const KNOWN: &str =
        "Files may be plain, gzip, xz, bzip2, lz4, snappy, zstd or zip; a directory holds drmemtrace files.";
    const TEXT: &str =
        "Give the path of a trace. Text is lackey's, perf script's with addr, or address,size,kind,thread.";
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
    if let Some(text) = words(start) {
        let line = text.trim_start().lines().next().unwrap_or_default();
        let shown: String = line.chars().take(SHOWN).collect();
        return (format!("text that begins with {shown:?}"), TEXT.to_owned());
    }
    let bytes: Vec<String> = start.iter().take(SHOWN_BYTES).map(|byte| format!("{byte:02x}")).collect();
    let why = implausible.map_or(String::new(), |why| format!(" (as champsim: {why})"));
    (format!("{container} content that begins with {}{why}", bytes.join(" ")), KNOWN.to_owned())
}

/// The beginning of content that is text, if it is.
fn words(start: &[u8]) -> Option<&str> {
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
