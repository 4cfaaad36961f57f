//! One layer.

use terrace_addr::{Addr, Bytes, Gpa, Gva, Hpa, PageSize, Space};
use terrace_mmu::{Absent, Below, Identity, Populate, Segment, Stack, Tables};
use terrace_table::X86;

use super::super::chain::{Chain, End, Owned};
use super::super::owner::Owner;
use super::super::{MapError, Rule};
use super::{Mapper, TableLevels};

/// Where a guest's segment begins in memory. The first gigabyte is the host's own; a base aligned to the
/// largest page keeps all pages of the guest as large as they are.
const SEGMENT_BASE: u64 = PageSize::Size1G.bytes();

/// Native machines, and guests whose memory is one block of the host's: nothing lies below the one table but
/// memory.
pub(crate) struct OneLayer<L: Space> {
    guest: Owner<L>,
}

impl OneLayer<Hpa> {
    /// The empty table of a native machine, and what maps it.
    ///
    /// # Errors
    /// If the rule's memory has no room for the root.
    pub(crate) fn native(rule: &Rule, levels: TableLevels) -> Result<(Stack<Identity>, Self), MapError> {
        let Owned { table, owner } = Owned::new(X86::new(levels.paging), Owner::guest(rule), &mut End)?;
        Ok((Stack { first: table, below: Identity }, Self { guest: owner }))
    }
}

impl OneLayer<Gpa> {
    /// The empty table of a guest whose memory is a segment, and what maps it.
    ///
    /// # Errors
    /// If the rule's memory has no room for the root.
    pub(crate) fn segment(rule: &Rule, levels: TableLevels) -> Result<(Stack<Segment>, Self), MapError> {
        let Owned { table, owner } = Owned::new(X86::new(levels.paging), Owner::guest(rule), &mut End)?;
        let size = Bytes::new(owner.frames.end().get());
        let segment = Segment { base: Addr::new(SEGMENT_BASE), size };
        Ok((Stack { first: table, below: segment }, Self { guest: owner }))
    }
}

impl Mapper<Identity> for OneLayer<Hpa> {
    fn memory_end(&self) -> Addr<Hpa> {
        self.guest.frames.end()
    }
}

impl Mapper<Segment> for OneLayer<Gpa> {
    fn memory_end(&self) -> Addr<Hpa> {
        Addr::new(SEGMENT_BASE + self.guest.frames.end().get())
    }
}

impl<B: Below<Space = L>, L: Space> Populate<B> for OneLayer<L> {
    type Error = MapError;

    #[cold]
    fn populate(&mut self, stack: &mut Tables<'_, B>, addr: Addr<Gva>) -> Result<Absent, MapError> {
        self.guest.over(End, stack.first).ensure(addr)?;
        Ok(Absent::Mapped)
    }
}
