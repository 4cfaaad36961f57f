//! Whether a machine can exist: what types alone do not say.
//!
//! The checks run in the order of the file's tables and stop at the first problem, which names the key to change.

mod arrays;
mod caches;
mod costs;
mod limits;
mod memory;
mod schemes;
mod sources;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::Machine;

/// Why a machine cannot exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The keys that lead to the value: `["tlb", "l1d", "ways"]`.
    pub path: Vec<String>,
    /// What is there.
    pub found: String,
    /// What has to be there.
    pub expected: String,
    /// What else helps to correct it.
    pub help: Option<String>,
}

impl Problem {
    fn new(path: &[&str], found: impl Into<String>, expected: impl Into<String>) -> Self {
        let path = path.iter().map(ToString::to_string).collect();
        Self { path, found: found.into(), expected: expected.into(), help: None }
    }

    fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: found {}; expected {}", self.path.join("."), self.found, self.expected)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "\n{help}"))
    }
}

impl core::error::Error for Problem {}

impl Machine {
    /// Whether this machine can exist and every number of it has a source.
    ///
    /// # Errors
    /// The first problem: a structure whose entries and ways give no shape, two arrays for the same pages, levels
    /// that no hardware has, no memory, a quantity of zero or beyond its limit, the cost of an instruction that the
    /// vendor does not have, a number without a source.
    pub fn validate(&self) -> Result<(), Problem> {
        limits::topology(&self.topology)?;
        limits::clock(&self.clock)?;
        limits::paging(&self.paging)?;
        arrays::tlbs(&self.tlb)?;
        arrays::walk_caches("walk_cache", &self.walk_cache)?;
        arrays::nested_tlbs(&self.nested_tlb)?;
        arrays::walk_caches("nested_walk_cache", &self.nested_walk_cache)?;
        caches::check(&self.cache)?;
        memory::check(&self.memory, self.topology.sockets)?;
        costs::core(self.core.as_ref())?;
        costs::check(self.cost.as_ref(), self.vendor)?;
        schemes::check(self.scheme.as_ref(), &self.paging)?;
        sources::check(self)
    }
}

/// `1 entry`, `2 entries`.
fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(all(test, feature = "files"))]
mod tests;
