//! A published system.

use alloc::boxed::Box;
use core::fmt;

use crate::{Parameter, ParameterError, Policy, Role, Values};

/// Makes the policy of a layer.
pub type Build = fn(Role, &Values) -> Result<Box<dyn Policy>, ParameterError>;

/// A published system: the policies that it places at the layers.
#[derive(Clone, Copy)]
pub struct System {
    /// Its name in scenarios.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub summary: &'static str,
    /// Where it is described.
    pub source: &'static str,
    /// What can be set.
    pub parameters: &'static [Parameter],
    /// Its policy at a layer.
    pub build: Build,
}

impl fmt::Debug for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("System").field("name", &self.name).finish_non_exhaustive()
    }
}
