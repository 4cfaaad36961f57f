//! What asking costs, and why an answer may be refused.

use terrace_addr::Cycles;
use thiserror::Error;

use crate::Abilities;

/// A value, and the work of a kernel that it took.
#[must_use = "the work belongs in an account"]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charged<T> {
    /// The value.
    pub value: T,
    /// The work; the layer has charged it already.
    pub cost: Cycles,
}

impl<T> Charged<T> {
    /// A value that cost nothing worth counting.
    pub const fn free(value: T) -> Self {
        Self { value, cost: Cycles::ZERO }
    }
}

/// What came of asking a layer for something.
pub type Outcome<T> = Result<Charged<T>, Refused>;

/// Why a layer refused. Nothing has changed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refused {
    /// It cannot do that at all.
    #[error("the layer cannot do that: it lacks {0}")]
    Unsupported(Abilities),
    /// There is no free memory for it.
    #[error("no free memory of that kind")]
    NoMemory,
    /// What it needs is in use.
    #[error("a frame that it needs is in use")]
    Busy,
    /// What it names is not there, or no longer.
    #[error("what was named is not there")]
    Gone,
    /// The page may not be changed in that way.
    #[error("the page does not permit that")]
    Denied,
}
