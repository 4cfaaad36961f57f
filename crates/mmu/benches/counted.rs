//! What the instruction benches and their ceilings agree on.

/// Accesses whose instructions are counted: so many that what the first ones still meet cold does not show.
pub(crate) const ACCESSES: usize = 1 << 15;
