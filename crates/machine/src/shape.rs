//! Sets and ways.

use thiserror::Error;

/// The shape of a set-associative structure: a power of two of sets, of some ways each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    sets: u32,
    ways: u32,
}

/// Numbers that give no shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ShapeError {
    /// A structure without entries.
    #[error("0 entries: leave the structure out to have none")]
    NoEntries,
    /// Sets without ways.
    #[error("0 ways: a set holds at least one entry")]
    NoWays,
    /// Ways that do not divide the entries.
    #[error("{entries} entries in {ways} ways leave {rest} over: the ways must divide the entries")]
    Ragged {
        /// Entries in all.
        entries: u32,
        /// Ways of a set.
        ways: u32,
        /// Entries that belong to no set.
        rest: u32,
    },
    /// A number of sets that no address bits select.
    #[error("{entries} entries in {ways} ways are {sets} sets: the number of sets must be a power of two")]
    SetsNoPowerOfTwo {
        /// Entries in all.
        entries: u32,
        /// Ways of a set.
        ways: u32,
        /// Sets.
        sets: u32,
    },
}

impl Shape {
    /// The shape of `entries` entries in sets of `ways`.
    ///
    /// # Errors
    /// If that leaves no power of two of full sets.
    pub const fn new(entries: u32, ways: u32) -> Result<Self, ShapeError> {
        if ways == 0 {
            return Err(ShapeError::NoWays);
        }
        if entries == 0 {
            return Err(ShapeError::NoEntries);
        }
        if !entries.is_multiple_of(ways) {
            return Err(ShapeError::Ragged { entries, ways, rest: entries % ways });
        }
        let sets = entries / ways;
        if !sets.is_power_of_two() {
            return Err(ShapeError::SetsNoPowerOfTwo { entries, ways, sets });
        }
        Ok(Self { sets, ways })
    }

    /// Sets.
    pub const fn sets(self) -> u32 {
        self.sets
    }

    /// Ways of a set.
    pub const fn ways(self) -> u32 {
        self.ways
    }
}
