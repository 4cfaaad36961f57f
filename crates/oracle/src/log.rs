//! The page-modification log (MODEL.md, "Page-modification log").

use terrace_addr::{Addr, Gpa};

/// Addresses that a log holds.
const LENGTH: usize = 512;

/// The log of one CPU.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    kept: bool,
    addresses: Vec<Addr<Gpa>>,
}

impl Log {
    /// Keeps it from now on, or no longer; what it holds is gone.
    pub(crate) fn keep(&mut self, on: bool) {
        *self = Self { kept: on, addresses: Vec::new() };
    }

    /// Empties it.
    pub(crate) fn take(&mut self) -> Vec<Addr<Gpa>> {
        core::mem::take(&mut self.addresses)
    }

    /// Logs an address, if the log is kept; false if it is full.
    pub(crate) fn add(&mut self, addr: Addr<Gpa>) -> bool {
        if self.kept && self.addresses.len() == LENGTH {
            return false;
        }
        if self.kept {
            self.addresses.push(addr);
        }
        true
    }
}
