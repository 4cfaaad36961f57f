//! Filling in what a walk finds absent.

use terrace_addr::{Addr, Gva};

use crate::{Below, Fault, Tables};

/// Software that fills in what a walk finds absent in the first dimension, as if it had always been there.
///
/// A replay of a trace, whose pages are mapped when they are first touched, has no other sign of a touch than a
/// walk that finds nothing. Whatever is filled in lies at or below the absent entry, so the walk goes on there,
/// and every count is that of tables that were complete from the start.
pub trait Populate<B: Below> {
    /// What can go wrong.
    type Error;

    /// A walk for `addr` met an entry that is not present.
    ///
    /// # Errors
    /// Whatever ends the run.
    fn populate(&mut self, tables: &mut Tables<'_, B>, addr: Addr<Gva>) -> Result<Absent, Self::Error>;
}

/// What became of an absent entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// The page is mapped now, and all that lies below it.
    Mapped,
    /// Nothing was changed: the walk faults.
    Stays,
}

/// Nothing is filled in: absent entries fault.
#[derive(Debug, Clone, Copy, Default)]
pub struct AsTheyAre;

impl<B: Below> Populate<B> for AsTheyAre {
    type Error = core::convert::Infallible;

    #[inline(always)]
    fn populate(&mut self, _: &mut Tables<'_, B>, _: Addr<Gva>) -> Result<Absent, Self::Error> {
        Ok(Absent::Stays)
    }
}

/// Why one access ended early.
pub enum Ended {
    Fault(Fault),
    /// Whoever fills in has the error.
    Populate,
}

impl From<Fault> for Ended {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// [`Populate`] as walks use it: what its error is does not matter to them.
pub(super) trait Fill<B: Below> {
    /// As [`Populate::populate`]; `None` if that failed.
    fn fill(&mut self, tables: &mut Tables<'_, B>, addr: Addr<Gva>) -> Option<Absent>;
}

/// Who fills in, and what went wrong.
pub(super) struct Filling<'a, P, E> {
    pub(super) populate: &'a mut P,
    pub(super) error: Option<E>,
}

impl<B: Below, P: Populate<B>> Fill<B> for Filling<'_, P, P::Error> {
    fn fill(&mut self, tables: &mut Tables<'_, B>, addr: Addr<Gva>) -> Option<Absent> {
        match self.populate.populate(tables, addr) {
            Ok(absent) => Some(absent),
            Err(error) => {
                self.error = Some(error);
                None
            }
        }
    }
}

impl<B: Below> Fill<B> for AsTheyAre {
    fn fill(&mut self, _: &mut Tables<'_, B>, _: Addr<Gva>) -> Option<Absent> {
        Some(Absent::Stays)
    }
}
