//! Which free extent of a server a VM gets.

/// Which free extent of a server a VM gets, if there are several that hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtentPolicy {
    /// The lowest one. A VM that no extent holds is spread over the lowest ones. (The thesis's rule.)
    FirstFit,
    /// The smallest one. A VM that no extent holds is spread over the largest ones: fewest blocks.
    BestFit,
    /// The largest one. A VM that no extent holds is spread over the largest ones: fewest blocks.
    WorstFit,
}

impl ExtentPolicy {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::FirstFit, Self::BestFit, Self::WorstFit];

    /// The name on the command line and in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FirstFit => "first-fit",
            Self::BestFit => "best-fit",
            Self::WorstFit => "worst-fit",
        }
    }
}
