//! What a direct segment does in place of the first dimension's tables (MODEL.md, "A direct segment in the first
//! dimension").

use terrace_addr::{AccessKind, Addr, Gva, PageSize};

use super::below::{Below, Host, Nothing, Segments};
use super::{Fault, Mmu};
use crate::Tables;
use crate::tlb::Translated;

impl Mmu<'_> {
    /// Whether the direct segment translates `va` without any table: there is no EPT either.
    pub(super) fn direct_alone(&self, tables: &Tables<'_>, va: Addr<Gva>) -> bool {
        let inside = self.cpu.direct.is_some_and(|segment| segment.place(va).is_some());
        inside && !matches!(tables, Tables::TwoDimensional { .. })
    }

    /// Translates `va` by the direct segment if it lies inside, or else by the tables.
    pub(super) fn translate(
        &mut self,
        tables: &mut Tables<'_>,
        va: Addr<Gva>,
        kind: AccessKind,
    ) -> Result<Translated, Fault> {
        match self.cpu.direct.and_then(|segment| segment.place(va)) {
            Some((to, size)) => self.translate_directly(tables, to, size, kind),
            None => self.walk(tables, va, kind),
        }
    }

    /// The translation of an address that the segment places at `to`, in a page of `leaf`.
    fn translate_directly(
        &mut self,
        tables: &mut Tables<'_>,
        to: u64,
        leaf: PageSize,
        kind: AccessKind,
    ) -> Result<Translated, Fault> {
        self.cpu.counts.one("direct_translations");
        let placed = match tables {
            Tables::Native(_) => Nothing.place_data(self, Addr::new(to), leaf, kind),
            Tables::TwoDimensional { host, .. } => Host(host).place_data(self, Addr::new(to), leaf, kind),
            Tables::Segments { segments, .. } => {
                Segments(segments.clone()).place_data(self, Addr::new(to), leaf, kind)
            }
        }?;
        Ok(Translated {
            addr: placed.addr,
            size: leaf.min(placed.size),
            rights: placed.rights,
            global: false,
            leaf,
        })
    }
}
