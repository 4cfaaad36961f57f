//! Addresses of any space.

use core::fmt;

use terrace_addr::{Addr, Space};

/// An address together with the space that it belongs to: a walk meets addresses of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnyAddr {
    space: &'static str,
    raw: u64,
}

impl AnyAddr {
    /// The space as the field abbreviates it: `GVA`, `GPA`, `GHPA` or `HPA`.
    pub const fn space(self) -> &'static str {
        self.space
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.raw
    }
}

impl<S: Space> From<Addr<S>> for AnyAddr {
    fn from(addr: Addr<S>) -> Self {
        Self { space: S::NAME, raw: addr.get() }
    }
}

impl fmt::Display for AnyAddr {
    /// `GPA 0xa70d7f0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:#x}", self.space, self.raw)
    }
}
