//! The directory of a zip file.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use crate::{Place, TraceError, TraceErrorKind};

/// Where a member's data lies and what it must come to.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) name: String,
    /// The offset of its data in the file.
    pub(super) start: u64,
    /// Its length as stored.
    pub(super) stored: u64,
    /// Its length inflated, as declared: compared at its end, never believed before.
    pub(super) size: u64,
    /// The check sum of its inflated content.
    pub(super) crc: u32,
    pub(super) method: Method,
}

/// How a member is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Deflated,
}

/// The members of a zip file of `total` bytes, in the order of its directory.
pub(super) fn read(path: &Path, file: File, total: u64) -> Result<Vec<Member>, TraceError> {
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|error| damaged(path, error))?;
    if archive.has_duplicate_names() {
        return Err(unusable(path).found("two members of one name").expected("one member for each chunk"));
    }
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|error| damaged(path, error))?;
        let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        let refused = |found: String, expected: &str| {
            let place = Place::Member { name: name.clone(), offset: 0 };
            TraceError::new(path, TraceErrorKind::Damaged, place).found(found).expected(expected)
        };
        if entry.encrypted() {
            return Err(refused("encrypted data".into(), "plain data"));
        }
        let method = match entry.compression() {
            CompressionMethod::Stored => Method::Stored,
            CompressionMethod::Deflated => Method::Deflated,
            other => return Err(refused(format!("compression method {other}"), "deflated or stored data")),
        };
        let (start, stored) = (entry.data_start().unwrap_or(total), entry.compressed_size());
        if start.checked_add(stored).is_none_or(|end| end > total) {
            return Err(refused(
                format!("{stored} bytes of data from byte {start} on, declared"),
                &format!("data that lies inside the file of {total} bytes"),
            )
            .advice("The file is cut short or its directory damaged: copy it again, or record it again."));
        }
        if entry.is_dir() {
            continue;
        }
        members.push(Member {
            start,
            stored,
            size: entry.size(),
            crc: entry.crc32(),
            method,
            name: name.clone(),
        });
    }
    if members.is_empty() {
        return Err(unusable(path).found("a zip file without members").expected("a member for each chunk"));
    }
    Ok(members)
}

fn unusable(path: &Path) -> TraceError {
    TraceError::new(path, TraceErrorKind::Damaged, Place::Whole)
        .advice("Record it again, or check how it was packed.")
}

fn damaged(path: &Path, error: ZipError) -> TraceError {
    match error {
        ZipError::Io(cause) if cause.raw_os_error().is_some() => TraceError::unreadable(path, cause),
        error => TraceError::new(path, TraceErrorKind::Damaged, Place::Whole)
            .found(format!("a zip file whose directory cannot be read ({error})"))
            .expected("the directory of members at its end")
            .advice("The file is probably cut short: copy it again, or record it again."),
    }
}
