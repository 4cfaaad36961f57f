//! The walk of the first dimension (MODEL.md, "The walk").

use terrace_addr::{AccessKind, Addr, Gva, Hpa, PageSize, Space};
use terrace_table::{EntryIndex, Format, SimulatedMemory, Table, TableMemory, X86};

use super::{Fault, Mmu};
use crate::Tables;
use crate::nested_tlb::Placed;
use crate::rights::Rights;
use crate::tlb::Translated;
use crate::walk_cache::Prefix;

impl Mmu<'_> {
    /// Walks the tables for an access of `kind` at `va`.
    pub(super) fn walk(
        &mut self,
        tables: &mut Tables<'_>,
        va: Addr<Gva>,
        kind: AccessKind,
    ) -> Result<Translated, Fault> {
        match tables {
            Tables::Native(table) => {
                // In one dimension the tables' addresses are final, nothing limits a page's size or its use.
                let stays =
                    |_: &mut Self, addr, _| Ok(Placed { addr, size: PageSize::Size1G, rights: Rights::ALL });
                self.walk_first_dimension(table, va, kind, stays)
            }
            Tables::TwoDimensional { guest, host } => {
                self.walk_first_dimension(guest, va, kind, |mmu, addr, kind| {
                    mmu.translate_nested(host, addr, kind)
                })
            }
        }
    }

    /// The walk proper. `place` finds the final address of an address that the tables hold: one of a table (for a
    /// load, or a store if EPT keeps accessed and dirty bits), or of the data (for the access's own kind).
    fn walk_first_dimension<S: Space>(
        &mut self,
        table: &mut Table<Gva, X86, SimulatedMemory<S>>,
        va: Addr<Gva>,
        kind: AccessKind,
        mut place: impl FnMut(&mut Self, Addr<S>, AccessKind) -> Result<Placed, Fault>,
    ) -> Result<Translated, Fault> {
        let tag = self.tag;
        let kind_for_tables = if self.keeps.second { AccessKind::Store } else { AccessKind::Load };

        // 1. Where the walk starts.
        let hit = self.core.walk_caches.look_up(table.level_count(), va, tag);
        let (mut level, mut at) = if let Some((level, prefix)) = hit {
            self.core.counts.one("walk_cache_hits");
            (level - 1, prefix)
        } else {
            let root: Addr<Hpa> = place(self, table.root(), kind_for_tables)?.addr;
            (table.level_count(), Prefix { table: root, node: table.root_node(), rights: Rights::ALL })
        };

        // 2. Down to the leaf.
        let (index, entry) = loop {
            let index = EntryIndex::of(va, level);
            self.refer(at.table.offset_by(index.byte_offset()));
            let entry = table.memory().read(at.node, index);
            if !X86::is_present(entry) {
                return Err(Fault::Page { addr: va, protection: false });
            }
            at.rights = at.rights.and(Rights::of_entry::<X86>(entry));
            if X86::is_leaf(entry, level) {
                break (index, entry);
            }
            if self.keeps.first {
                table.memory_mut().set_bits(at.node, index, X86::ACCESSED);
            }
            let node = table.memory().child(at.node, index);
            let next = place(self, X86::node_address(entry), kind_for_tables)?.addr;
            at = Prefix { table: next, node, rights: at.rights };
            self.core.walk_caches.insert(level, va, tag, at);
            level -= 1;
        };

        // 3. The leaf.
        let size = PageSize::of_level(level).expect("entries above level 3 refer to tables");
        if !at.rights.allow(kind) {
            return Err(Fault::Page { addr: va, protection: true });
        }
        let mut rights = at.rights;
        if self.keeps.first {
            let dirty = if kind == AccessKind::Store { X86::DIRTY } else { 0 };
            table.memory_mut().set_bits(at.node, index, X86::ACCESSED | dirty);
            rights.store &= table.memory().read(at.node, index).has(X86::DIRTY);
        }
        let data = X86::frame_address::<S>(entry, size).offset_by(va.offset_in(size));
        let placed = place(self, data, kind)?;

        // 4. The translation.
        Ok(Translated {
            addr: placed.addr,
            size: size.min(placed.size),
            rights: rights.and(placed.rights),
            global: X86::is_global(entry),
            leaf: size,
        })
    }
}
