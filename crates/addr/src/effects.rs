//! What a change of mappings leaves to be done.

use alloc::vec::Vec;

use crate::{Addr, Cycles, Page, Space};

/// A range of addresses of one space, `start` included and `end` not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span<S: Space> {
    /// The first address.
    pub start: Addr<S>,
    /// The length in bytes.
    pub bytes: u64,
}

impl<S: Space> From<Page<S>> for Span<S> {
    fn from(page: Page<S>) -> Self {
        Self { start: page.start(), bytes: page.size().bytes() }
    }
}

/// What work is charged to: the causes that every result breaks time down into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// The program itself.
    Application,
    /// Page faults.
    Fault,
    /// Exits from a guest to its hypervisor.
    Exit,
    /// Finding out which pages are used.
    Tracking,
    /// Deciding what to do with them.
    Classification,
    /// Moving, zeroing and copying them.
    Migration,
    /// Other background work.
    Daemon,
}

/// What a change of a layer's mappings leaves for its caller: the translations of the upper space `S` that
/// caches may still hold and must drop, and the work that the change cost.
///
/// Software that writes tables returns it instead of reaching into an MMU. Dropping it unread would leave stale
/// translations in use, so it must be used.
#[must_use = "translations that caches still hold must be invalidated, and the work charged"]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effects<S: Space> {
    stale: Vec<Span<S>>,
    charges: Vec<(Account, Cycles)>,
}

impl<S: Space> Effects<S> {
    /// No effect.
    pub const fn none() -> Self {
        Self { stale: Vec::new(), charges: Vec::new() }
    }

    /// One range of stale translations.
    pub fn stale(span: impl Into<Span<S>>) -> Self {
        Self { stale: alloc::vec![span.into()], charges: Vec::new() }
    }

    /// Adds work to an account.
    pub fn charge(&mut self, account: Account, work: Cycles) {
        self.charges.push((account, work));
    }

    /// Takes over what another change left.
    pub fn merge(&mut self, mut other: Self) {
        self.stale.append(&mut other.stale);
        self.charges.append(&mut other.charges);
    }

    /// The ranges whose translations must be invalidated, in the order in which they became stale.
    pub fn stale_spans(&self) -> &[Span<S>] {
        &self.stale
    }

    /// The work to charge, in order.
    pub fn charges(&self) -> &[(Account, Cycles)] {
        &self.charges
    }
}
