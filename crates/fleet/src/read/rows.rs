//! Rows that cannot be.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::BadRows;
use crate::error::{FleetError, RowPlace, RowProblem, kinds, takes};
use crate::spec::FleetSpec;
use crate::trace::Shape;

/// Rows that were left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Skipped {
    /// How many.
    pub rows: u64,
    /// How many for each value that was wrong.
    pub by_value: BTreeMap<&'static str, u64>,
    /// The first of them, at most [`Skipped::SHOWN`].
    pub first: Vec<RowProblem>,
}

impl Skipped {
    /// How many are kept to be shown.
    pub const SHOWN: usize = 5;
}

/// What is wrong with a value.
pub(crate) struct Bad {
    pub(crate) what: &'static str,
    pub(crate) found: String,
    pub(crate) expected: String,
}

impl Bad {
    pub(crate) fn new(what: &'static str, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { what, found: found.into(), expected: expected.into() }
    }

    /// A VM that none of the servers holds.
    pub(crate) fn too_large(shape: &Shape, fleet: &FleetSpec) -> Option<Self> {
        let mut classes = fleet.classes.iter().enumerate();
        let fits =
            classes.any(|(number, class)| shape.demand(number).is_some_and(|it| fleet.holds(class, it)));
        let expected = || format!("at most what a server has: {}", kinds(fleet));
        (!fits).then(|| Self::new("size", format!("a VM of {}", takes(shape)), expected()))
    }
}

/// The rows of a file, and what is done about bad ones.
#[derive(Debug)]
pub(crate) struct Rows {
    path: PathBuf,
    bad: BadRows,
    skipped: Skipped,
}

impl Rows {
    pub(crate) fn new(path: &Path, bad: BadRows) -> Self {
        Self { path: path.to_path_buf(), bad, skipped: Skipped::default() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// From now on rows are those of this file.
    pub(crate) fn of(&mut self, path: &Path) {
        self.path = path.to_path_buf();
    }

    /// Refuses a row, or leaves it out.
    pub(crate) fn bad(&mut self, place: RowPlace, bad: Bad) -> Result<(), FleetError> {
        let Bad { what, found, expected } = bad;
        let problem = RowProblem { place, what, found, expected };
        if self.bad == BadRows::Refuse {
            return Err(FleetError::Row { path: self.path.clone(), problem });
        }
        self.skipped.rows += 1;
        *self.skipped.by_value.entry(what).or_insert(0) += 1;
        if self.skipped.first.len() < Skipped::SHOWN {
            self.skipped.first.push(problem);
        }
        Ok(())
    }

    pub(crate) const fn skipped(&self) -> &Skipped {
        &self.skipped
    }

    pub(crate) fn into_skipped(self) -> Skipped {
        self.skipped
    }
}
