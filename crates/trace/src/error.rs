//! What is wrong with an input: where, what was found, what was expected, what to do.

use core::fmt;
use std::io;
use std::path::Path;

/// An input that cannot be read as a trace.
///
/// Its text is one line with the path, the place, what was found and what was expected, and a second line with
/// what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{facts}")]
pub struct TraceError {
    facts: Box<Facts>,
    #[source]
    cause: Option<io::Error>,
}

/// What a [`TraceError`] knows.
#[derive(Debug)]
#[non_exhaustive]
pub struct Facts {
    /// The file or directory.
    pub path: Box<Path>,
    /// What sort of fault it is.
    pub kind: TraceErrorKind,
    /// Where in the file.
    pub place: Place,
    /// What is there.
    pub found: String,
    /// What should be there.
    pub expected: String,
    /// What to do; may be empty.
    pub advice: String,
}

/// The sorts of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TraceErrorKind {
    /// The operating system could not open or read it.
    Unreadable,
    /// It is no trace of a known format, or not of the one asked for.
    Format,
    /// It ends too early.
    Truncated,
    /// Its compressed data or the directory of its zip members is damaged.
    Damaged,
    /// It was unpacked without fault, and a record of it makes no sense.
    Record,
    /// The files of a directory do not make up a trace.
    Directory,
}

/// A place in an input. Offsets are in bytes from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The file or directory as a whole.
    Whole,
    /// This many bytes into what it unpacks to.
    Content {
        /// Bytes unpacked before it.
        offset: u64,
    },
    /// In a member of a zip file.
    Member {
        /// The member's name.
        name: String,
        /// Bytes inflated from the member before it.
        offset: u64,
    },
    /// A record.
    Record {
        /// Records before it.
        index: u64,
        /// Bytes before it in what the file unpacks to.
        offset: u64,
    },
    /// A line of text.
    Line {
        /// The line, counted from 1.
        number: u64,
        /// Bytes before it in what the file unpacks to.
        offset: u64,
    },
}

impl TraceError {
    pub(crate) fn new(path: &Path, kind: TraceErrorKind, place: Place) -> Self {
        let facts = Facts {
            path: path.into(),
            kind,
            place,
            found: String::new(),
            expected: String::new(),
            advice: String::new(),
        };
        Self { facts: Box::new(facts), cause: None }
    }

    pub(crate) fn found(mut self, found: impl Into<String>) -> Self {
        self.facts.found = found.into();
        self
    }

    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.facts.expected = expected.into();
        self
    }

    pub(crate) fn advice(mut self, advice: impl Into<String>) -> Self {
        self.facts.advice = advice.into();
        self
    }

    pub(crate) fn cause(mut self, cause: io::Error) -> Self {
        self.cause = Some(cause);
        self
    }

    /// The operating system's refusal to open or read `path`.
    pub(crate) fn unreadable(path: &Path, cause: io::Error) -> Self {
        Self::new(path, TraceErrorKind::Unreadable, Place::Whole)
            .found(cause.to_string())
            .expected("a readable trace file, or a directory of them")
            .cause(cause)
    }

    /// What is known.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The sort of fault.
    pub fn kind(&self) -> TraceErrorKind {
        self.facts.kind
    }
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, kind: _, place, found, expected, advice } = self;
        write!(f, "{}: ", path.display())?;
        if *place != Place::Whole {
            write!(f, "{place}: ")?;
        }
        write!(f, "found {found}, expected {expected}")?;
        if !advice.is_empty() {
            write!(f, "\n{advice}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("as a whole"),
            Self::Content { offset } => write!(f, "byte {offset} of its unpacked content"),
            Self::Member { name, offset } => {
                write!(f, "zip member {name}, byte {offset} of its inflated content")
            }
            Self::Record { index, offset } => {
                write!(f, "record {index} (byte {offset} of its unpacked content)")
            }
            Self::Line { number, offset } => {
                write!(f, "line {number} (byte {offset} of its unpacked content)")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_one_line_of_facts_and_one_of_advice() {
        let place = Place::Record { index: 3, offset: 36 };
        let error = TraceError::new(Path::new("t.zip"), TraceErrorKind::Record, place)
            .found("a record of type 17")
            .expected("a type that belongs in a file")
            .advice("record it again");
        assert_eq!(
            error.to_string(),
            "t.zip: record 3 (byte 36 of its unpacked content): found a record of type 17, \
             expected a type that belongs in a file\nrecord it again"
        );
    }
}
