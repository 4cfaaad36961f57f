//! Why a walk ended without a translation.

use core::fmt;

use terrace_addr::{AccessKind, Addr, Gpa, Gva};

/// Why an entry stopped a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// It is not present, or the address is outside what the table translates.
    NotPresent,
    /// It, or one above it, does not allow the access.
    Protection,
}

/// A walk that ended without a translation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// A page fault: in the first dimension.
    Page {
        /// The address that was to be translated.
        addr: Addr<Gva>,
        /// Why.
        cause: Cause,
    },
    /// An EPT violation: in the second dimension.
    Extended {
        /// The guest-physical address, of data or of a table's entry, that was to be translated.
        addr: Addr<Gpa>,
        /// What was to be done there (the exit qualification's bits 0 to 2): with accessed and dirty bits on, a walk that
        /// reads a guest's table counts as a store, and a walk that writes one always is one.
        kind: AccessKind,
        /// Why.
        cause: Cause,
    },
    /// A segment violation: outside the guest's block of memory.
    Segment {
        /// The guest-physical address, of data or of a table's entry, that lies outside.
        addr: Addr<Gpa>,
    },
    /// The page-modification log is full.
    LogFull {
        /// The guest-physical address, rounded down to 4 KiB, that was to be logged.
        addr: Addr<Gpa>,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = |cause: &Cause| match cause {
            Cause::NotPresent => "not present",
            Cause::Protection => "not allowed",
        };
        match self {
            Self::Page { addr, cause } => write!(f, "page fault at {addr:?}: {}", why(cause)),
            Self::Extended { addr, kind, cause } => {
                write!(f, "EPT violation at {addr:?}, {kind}: {}", why(cause))
            }
            Self::Segment { addr } => write!(f, "segment violation at {addr:?}"),
            Self::LogFull { addr } => write!(f, "the page-modification log is full at {addr:?}"),
        }
    }
}
