//! What a translation, or a prefix of one, allows (MODEL.md, "Allowed" and "The walk").

use terrace_addr::AccessKind;
use terrace_table::{Entry, Format};

/// The kinds of access that are allowed. Loads always are: the tables hold no execute-only mappings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rights {
    /// Data may be written.
    pub(crate) store: bool,
    /// Instructions may be fetched.
    pub(crate) fetch: bool,
}

impl Rights {
    /// Where nothing has been walked yet.
    pub(crate) const ALL: Self = Self { store: true, fetch: true };

    /// What one present entry of a table of the format `F` permits.
    pub(crate) fn of_entry<F: Format>(entry: Entry) -> Self {
        Self { store: F::allows_store(entry), fetch: F::allows_fetch(entry) }
    }

    /// What both allow.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { store: self.store && other.store, fetch: self.fetch && other.fetch }
    }

    /// Whether an access of `kind` is allowed.
    pub(crate) fn allow(self, kind: AccessKind) -> bool {
        match kind {
            AccessKind::Fetch => self.fetch,
            AccessKind::Load => true,
            AccessKind::Store => self.store,
        }
    }
}
