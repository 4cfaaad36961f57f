//! What maps pages in each mode.
//!
//! A mapper has what software keeps: the owners of all layers, and the tables that the hardware does not
//! walk. Those that it walks are in the [`Stack`](terrace_mmu::Stack). Each mapper says in `populate` how its
//! layers lie on each other: that is the mode.

use terrace_addr::{Addr, Hpa};
use terrace_mmu::{Below, Populate};
use terrace_table::Levels;

use super::MapError;

mod one;
mod three;
mod two;

#[cfg(test)]
mod tests;

pub(crate) use one::OneLayer;
pub(crate) use three::{Nested, ShadowOnExtended, ShadowOnShadow};
pub(crate) use two::{Shadow, TwoDimensional};

/// Maps what a trace touches, by a rule, when a walk first looks for it. A page that is mapped has everything
/// below it mapped, so that a walk never finds anything absent in the second dimension.
pub(crate) trait Mapper<B: Below>: Populate<B, Error = MapError> + Send {
    /// The first address behind everything that may be mapped.
    fn memory_end(&self) -> Addr<Hpa>;
}

/// Levels of the tables, whoever keeps them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TableLevels {
    /// Of tables that translate virtual addresses.
    pub(crate) paging: Levels,
    /// Of tables that translate physical addresses.
    pub(crate) extended: Levels,
}
