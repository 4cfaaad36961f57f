//! What is wrong with a part of a file, before it is said of which file and where.

use std::path::Path;

use crate::{Place, TraceError, TraceErrorKind};

/// A part that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    kind: TraceErrorKind,
    found: String,
    expected: String,
}

/// What to do about a damaged file.
const COPY: &str = "The file is damaged: copy it again, or convert or record the trace again.";

/// What to do about a file that ends too early.
const CUT: &str = "The file is cut short, or its writer was interrupted: copy it again, or convert again.";

impl Fault {
    /// Bytes that are not the ones that were written.
    pub(super) fn damaged(found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { kind: TraceErrorKind::Damaged, found: found.into(), expected: expected.into() }
    }

    /// Bytes that are as they were written, and make no sense.
    pub(super) fn senseless(found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { kind: TraceErrorKind::Record, found: found.into(), expected: expected.into() }
    }

    pub(super) fn cut(found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { kind: TraceErrorKind::Truncated, found: found.into(), expected: expected.into() }
    }

    /// A number that differs from what follows from others.
    pub(super) fn unless_equal(what: &str, found: u64, expected: u64) -> Result<(), Self> {
        if found == expected {
            return Ok(());
        }
        Err(Self::senseless(format!("{found} {what}"), format!("{expected}")))
    }

    /// The fault in the part of the file that begins at `offset`.
    pub(super) fn at(self, path: &Path, offset: u64) -> TraceError {
        let advice = if self.kind == TraceErrorKind::Truncated { CUT } else { COPY };
        TraceError::new(path, self.kind, Place::Content { offset })
            .found(self.found)
            .expected(self.expected)
            .advice(advice)
    }
}
