//! A guest and its host.

use terrace_addr::{Addr, Gpa, Gva, Hpa};
use terrace_mmu::{Absent, Extended, Identity, Populate, Stack, Tables};
use terrace_table::{Ept, X86};

use super::super::chain::{Chain, End, Owned};
use super::super::composed::{self, Composed};
use super::super::owner::Owner;
use super::super::{MapError, Rule};
use super::{Mapper, TableLevels};

/// The tables of a guest and its host, with their owners.
type OwnedTables = (Owned<Gva, X86, Gpa>, Owned<Gpa, Ept, Hpa>);

fn tables(rule: &Rule, levels: TableLevels) -> Result<OwnedTables, MapError> {
    let guest = Owner::guest(rule);
    let host = Owner::host(rule, &guest);
    let mut host = Owned::new(Ept::new(levels.extended), host, &mut End)?;
    let guest = Owned::new(X86::new(levels.paging), guest, &mut host.over(End))?;
    Ok((guest, host))
}

/// Two-dimensional: the hardware walks both tables.
pub(crate) struct TwoDimensional {
    guest: Owner<Gpa>,
    host: Owner<Hpa>,
}

impl TwoDimensional {
    /// The empty tables, and what maps them.
    ///
    /// # Errors
    /// If the rule's memory has no room for the roots.
    pub(crate) fn new(rule: &Rule, levels: TableLevels) -> Result<(Stack<Extended>, Self), MapError> {
        let (guest, host) = tables(rule, levels)?;
        let stack = Stack { first: guest.table, below: host.table };
        Ok((stack, Self { guest: guest.owner, host: host.owner }))
    }
}

impl Mapper<Extended> for TwoDimensional {
    fn memory_end(&self) -> Addr<Hpa> {
        self.host.frames.end()
    }
}

impl Populate<Extended> for TwoDimensional {
    type Error = MapError;

    #[cold]
    fn populate(&mut self, stack: &mut Tables<'_, Extended>, addr: Addr<Gva>) -> Result<Absent, MapError> {
        let host = self.host.over(End, stack.below);
        self.guest.over(host, stack.first).ensure(addr)?;
        Ok(Absent::Mapped)
    }
}

/// Shadow paging: the hardware walks one table, composed of both.
pub(crate) struct Shadow {
    pub(super) guest: Owned<Gva, X86, Gpa>,
    pub(super) host: Owned<Gpa, Ept, Hpa>,
}

impl Shadow {
    /// The empty tables, and what maps them.
    ///
    /// # Errors
    /// If the rule's memory has no room for the roots.
    pub(crate) fn new(rule: &Rule, levels: TableLevels) -> Result<(Stack<Identity>, Self), MapError> {
        let (mut guest, mut host) = tables(rule, levels)?;
        let first = composed::empty(X86::new(levels.paging), guest.over(host.over(End)))?;
        Ok((Stack { first, below: Identity }, Self { guest, host }))
    }
}

impl Mapper<Identity> for Shadow {
    fn memory_end(&self) -> Addr<Hpa> {
        self.host.owner.frames.end()
    }
}

impl Populate<Identity> for Shadow {
    type Error = MapError;

    #[cold]
    fn populate(&mut self, stack: &mut Tables<'_, Identity>, addr: Addr<Gva>) -> Result<Absent, MapError> {
        let chain = self.guest.over(self.host.over(End));
        Composed { table: stack.first, chain }.ensure(addr)?;
        Ok(Absent::Mapped)
    }
}
