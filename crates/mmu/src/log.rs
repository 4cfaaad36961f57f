//! The page-modification log.

use terrace_addr::{Addr, Gpa, PageSize};

use crate::Fault;

/// The guest-physical pages that a CPU made dirty in EPT, oldest first (Intel SDM vol. 3, "Page-modification
/// logging").
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    addresses: Vec<Addr<Gpa>>,
}

/// A log is one 4 KiB page of 8-byte addresses.
const CAPACITY: usize = 512;

impl Log {
    /// Notes that the page around `addr` is about to become dirty.
    #[cold]
    pub(crate) fn note(&mut self, addr: Addr<Gpa>) -> Result<(), Fault> {
        let addr = addr.align_down(PageSize::Size4K);
        if self.addresses.len() == CAPACITY {
            return Err(Fault::LogFull { addr });
        }
        self.addresses.push(addr);
        Ok(())
    }

    /// Takes everything out.
    pub(crate) fn take(&mut self) -> Vec<Addr<Gpa>> {
        core::mem::take(&mut self.addresses)
    }
}
