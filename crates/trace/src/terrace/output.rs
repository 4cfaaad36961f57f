//! A file that is being written, section by section.

use std::io::{self, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use terrace_addr::convert;

use super::digest::TraceDigest;
use super::layout::{END_MAGIC, header};
use super::section::{Head, Kind};
use crate::write::{Whole, WriteError};

/// What was written of a file: its header and some sections.
pub(super) struct Output {
    file: Whole,
    /// All that was written goes through this as well.
    hash: Sha256,
    /// Bytes that were written.
    offset: u64,
    /// Whether something could not be written: then the file is never finished.
    failed: bool,
}

impl Output {
    /// A file with a header.
    pub(super) fn create(path: &Path) -> Result<Self, WriteError> {
        let file = Whole::create(path)?;
        let mut output = Self { file, hash: Sha256::new(), offset: 0, failed: false };
        output.put(&header())?;
        Ok(output)
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Where the next section will begin.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The digest of what was written.
    pub(super) fn digest(&self) -> TraceDigest {
        TraceDigest::of(self.hash.clone())
    }

    /// Appends a section; `body` is what packing it gave.
    pub(super) fn section(&mut self, kind: Kind, body: io::Result<Vec<u8>>) -> Result<(), WriteError> {
        let body = body.map_err(|error| self.refused(error))?;
        self.put(&Head::of(kind, &body).bytes())?;
        self.put(&body)
    }

    /// Appends the footer and what says where it is, puts the file into place, and returns its bytes.
    pub(super) fn finish(mut self, footer: Vec<u8>) -> Result<u64, WriteError> {
        let start = self.offset;
        self.section(Kind::FOOTER, Ok(footer))?;
        let mut trailer = start.to_le_bytes().to_vec();
        trailer.extend((self.offset - start).to_le_bytes());
        trailer.extend(END_MAGIC);
        self.put(&trailer)?;
        if self.failed {
            return Err(self.refused(io::Error::other("that an earlier part could not be written")));
        }
        self.file.finish()?;
        Ok(self.offset)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.hash.update(bytes);
        self.offset += convert::count(bytes.len());
        self.file.write_all(bytes).map_err(|error| self.refused(error))
    }

    fn refused(&mut self, error: io::Error) -> WriteError {
        self.failed = true;
        WriteError::refused(self.file.path(), error)
    }
}
