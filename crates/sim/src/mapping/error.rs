//! Why something could not be mapped.

use terrace_addr::PageSize;
use terrace_table::TableError;
use thiserror::Error;

use super::MemoryFull;

/// Why something could not be mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MapError {
    /// No frame was left.
    #[error(
        "the {} memory for {} is full: {} MiB", .0.space,
        .0.size.map_or("page tables", PageSize::name), .0.memory.get() >> 20
    )]
    Full(MemoryFull),
    /// The tables refused the mapping.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl From<MemoryFull> for MapError {
    fn from(full: MemoryFull) -> Self {
        Self::Full(full)
    }
}
