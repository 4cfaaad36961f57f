//! A guest, a guest hypervisor and the host.

use terrace_addr::{Addr, Ghpa, Gpa, Gva, Hpa};
use terrace_mmu::{Absent, Extended, Identity, Populate, Stack, Tables};
use terrace_table::{Ept, X86};

use super::super::chain::{Chain, End, Owned};
use super::super::composed::{self, Composed};
use super::super::hardware_guest::HardwareGuest;
use super::super::owner::Owner;
use super::super::{MapError, Rule};
use super::{Mapper, TableLevels};

/// The owners of the three layers.
fn owners(rule: &Rule) -> (Owner<Gpa>, Owner<Ghpa>, Owner<Hpa>) {
    let guest = Owner::guest(rule);
    let hypervisor = Owner::hypervisor(rule, &guest);
    let host = Owner::host(rule, &hypervisor);
    (guest, hypervisor, host)
}

/// EPT on EPT: the hardware walks the guest's table, and for every guest-physical address on the way one EPT,
/// which the host composes of the guest hypervisor's and its own.
pub(crate) struct Nested {
    guest: Owner<Gpa>,
    pub(super) hypervisor: Owned<Gpa, Ept, Ghpa>,
    pub(super) host: Owned<Ghpa, Ept, Hpa>,
}

impl Nested {
    /// The empty tables, and what maps them.
    ///
    /// # Errors
    /// If the rule's memory has no room for the roots.
    pub(crate) fn new(rule: &Rule, levels: TableLevels) -> Result<(Stack<Extended>, Self), MapError> {
        let (guest, hypervisor, host) = owners(rule);
        let format = Ept::new(levels.extended);
        let mut host = Owned::new(format, host, &mut End)?;
        let mut hypervisor = Owned::new(format, hypervisor, &mut host.over(End))?;
        let mut table = composed::empty(format, hypervisor.over(host.over(End)))?;
        let mut below = Composed { table: &mut table, chain: hypervisor.over(host.over(End)) };
        let guest = Owned::new(X86::new(levels.paging), guest, &mut below)?;
        let stack = Stack { first: guest.table, below: table };
        Ok((stack, Self { guest: guest.owner, hypervisor, host }))
    }
}

impl Mapper<Extended> for Nested {
    fn memory_end(&self) -> Addr<Hpa> {
        self.host.owner.frames.end()
    }
}

impl Populate<Extended> for Nested {
    type Error = MapError;

    #[cold]
    fn populate(&mut self, stack: &mut Tables<'_, Extended>, addr: Addr<Gva>) -> Result<Absent, MapError> {
        let chain = self.hypervisor.over(self.host.over(End));
        let below = Composed { table: stack.below, chain };
        self.guest.over(below, stack.first).ensure(addr)?;
        Ok(Absent::Mapped)
    }
}

/// Shadow paging on EPT: the guest hypervisor composes one table of the guest's and its own, which the
/// hardware walks as a guest's, on the host's EPT.
pub(crate) struct ShadowOnExtended {
    pub(super) guest: Owned<Gva, X86, Gpa>,
    pub(super) hypervisor: Owned<Gpa, Ept, Ghpa>,
    host: Owner<Hpa>,
}

impl ShadowOnExtended {
    /// The empty tables, and what maps them.
    ///
    /// # Errors
    /// If the rule's memory has no room for the roots.
    pub(crate) fn new(rule: &Rule, levels: TableLevels) -> Result<(Stack<Extended>, Self), MapError> {
        let (guest, hypervisor, host) = owners(rule);
        let extended = Ept::new(levels.extended);
        let paging = X86::new(levels.paging);
        let mut host = Owned::new(extended, host, &mut End)?;
        let mut hypervisor = Owned::new(extended, hypervisor, &mut HardwareGuest { host: host.over(End) })?;
        let below = HardwareGuest { host: host.over(End) };
        let mut guest = Owned::new(paging, guest, &mut hypervisor.over(below))?;
        let below = HardwareGuest { host: host.over(End) };
        let first = composed::empty(paging, guest.over(hypervisor.over(below)))?;
        let stack = Stack { first, below: host.table };
        Ok((stack, Self { guest, hypervisor, host: host.owner }))
    }
}

impl Mapper<Extended> for ShadowOnExtended {
    fn memory_end(&self) -> Addr<Hpa> {
        self.host.frames.end()
    }
}

impl Populate<Extended> for ShadowOnExtended {
    type Error = MapError;

    #[cold]
    fn populate(&mut self, stack: &mut Tables<'_, Extended>, addr: Addr<Gva>) -> Result<Absent, MapError> {
        let below = HardwareGuest { host: self.host.over(End, stack.below) };
        let chain = self.guest.over(self.hypervisor.over(below));
        Composed { table: stack.first, chain }.ensure(addr)?;
        Ok(Absent::Mapped)
    }
}

/// Shadow paging on shadow paging: the hardware walks one table, composed of all three.
pub(crate) struct ShadowOnShadow {
    pub(super) guest: Owned<Gva, X86, Gpa>,
    pub(super) hypervisor: Owned<Gpa, Ept, Ghpa>,
    pub(super) host: Owned<Ghpa, Ept, Hpa>,
}

impl ShadowOnShadow {
    /// The empty tables, and what maps them.
    ///
    /// # Errors
    /// If the rule's memory has no room for the roots.
    pub(crate) fn new(rule: &Rule, levels: TableLevels) -> Result<(Stack<Identity>, Self), MapError> {
        let (guest, hypervisor, host) = owners(rule);
        let extended = Ept::new(levels.extended);
        let paging = X86::new(levels.paging);
        let mut host = Owned::new(extended, host, &mut End)?;
        let mut hypervisor = Owned::new(extended, hypervisor, &mut host.over(End))?;
        let mut guest = Owned::new(paging, guest, &mut hypervisor.over(host.over(End)))?;
        let first = composed::empty(paging, guest.over(hypervisor.over(host.over(End))))?;
        Ok((Stack { first, below: Identity }, Self { guest, hypervisor, host }))
    }
}

impl Mapper<Identity> for ShadowOnShadow {
    fn memory_end(&self) -> Addr<Hpa> {
        self.host.owner.frames.end()
    }
}

impl Populate<Identity> for ShadowOnShadow {
    type Error = MapError;

    #[cold]
    fn populate(&mut self, stack: &mut Tables<'_, Identity>, addr: Addr<Gva>) -> Result<Absent, MapError> {
        let chain = self.guest.over(self.hypervisor.over(self.host.over(End)));
        Composed { table: stack.first, chain }.ensure(addr)?;
        Ok(Absent::Mapped)
    }
}
