//! The walk of the first dimension (MODEL.md, "The walk").

use terrace_addr::{AccessKind, Addr, Gva, Hpa, PageSize, Space};
use terrace_table::{EntryIndex, Format, SimulatedMemory, Table, TableMemory, X86};

use super::below::{Below, Host, Nothing, Segments};
use super::{Fault, Mmu};
use crate::Tables;
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
            Tables::Native(table) => self.walk_first_dimension(table, Nothing, va, kind),
            Tables::TwoDimensional { guest, host } => self.walk_first_dimension(guest, Host(host), va, kind),
            Tables::Segments { guest, segments } => {
                self.walk_first_dimension(guest, Segments(segments.clone()), va, kind)
            }
        }
    }

    /// The walk proper.
    fn walk_first_dimension<S: Space>(
        &mut self,
        table: &mut Table<Gva, X86, SimulatedMemory<S>>,
        mut below: impl Below<S>,
        va: Addr<Gva>,
        kind: AccessKind,
    ) -> Result<Translated, Fault> {
        let own = self.context.own;

        // 1. Where the walk starts.
        let hit = self.core.walk_caches.look_up(table.level_count(), va, own);
        let (mut level, mut at) = if let Some((level, prefix)) = hit {
            self.cpu.counts.one("walk_cache_hits");
            (level - 1, prefix)
        } else {
            let level = table.level_count();
            let (root, node) = (table.root(), table.root_node());
            (level, self.enter(&mut below, root, node, va, level, Rights::ALL)?)
        };

        let asked = self.ask_ahead(table, va, level, at.node, |addr| below.find(addr));

        // 2. Down to the leaf.
        let (index, entry) = loop {
            let index = EntryIndex::of(va, level);
            below.check_read(at.table, index.byte_offset())?;
            self.refer(at.table.offset_by(index.byte_offset()), level, &asked);
            let entry = table.memory().read(at.node, index);
            if !X86::is_present(entry) {
                return Err(Fault::Page { addr: va, protection: false });
            }
            at.rights = at.rights.and(Rights::of_entry::<X86>(entry));
            if X86::is_leaf(entry, level) {
                break (index, entry);
            }
            if self.keeps.first {
                set_used(table, at, index, X86::ACCESSED)?;
            }
            let child = table.memory().child(at.node, index);
            at = self.enter(&mut below, X86::node_address(entry), child, va, level - 1, at.rights)?;
            self.core.walk_caches.insert(level, va, own, at);
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
            set_used(table, at, index, X86::ACCESSED | dirty)?;
            rights.store &= table.memory().read(at.node, index).has(X86::DIRTY);
        }
        let data = X86::frame_address::<S>(entry, size).offset_by(va.offset_in(size));
        let placed = below.place_data(self, data, size, kind)?;

        // 4. The translation.
        Ok(Translated {
            addr: placed.addr,
            size: size.min(placed.size),
            rights: rights.and(placed.rights),
            global: X86::is_global(entry),
            leaf: size,
        })
    }

    /// Goes on to the table of `level` at `address`: translates the address of the entry that is read there.
    fn enter<S: Space>(
        &mut self,
        below: &mut impl Below<S>,
        address: Addr<S>,
        node: terrace_table::Node,
        va: Addr<Gva>,
        level: u32,
        rights: Rights,
    ) -> Result<Prefix, Fault> {
        let entry = address.offset_by(EntryIndex::of(va, level).byte_offset());
        let placed = below.place_entry(self, entry, level)?;
        let table: Addr<Hpa> = placed.addr.align_down(PageSize::Size4K);
        Ok(Prefix { table, node, said: address.get(), rights, writable: placed.rights.store })
    }
}

/// Sets accessed and dirty bits of an entry of the table that `at` leads to: a write if one was clear, which EPT may
/// forbid.
fn set_used<S: Space>(
    table: &mut Table<Gva, X86, SimulatedMemory<S>>,
    at: Prefix,
    index: EntryIndex,
    bits: u64,
) -> Result<(), Fault> {
    if table.memory().read(at.node, index).has(bits) {
        return Ok(());
    }
    if !at.writable {
        let addr = Addr::new(at.said + index.byte_offset());
        return Err(Fault::Ept { addr, kind: AccessKind::Store, protection: true });
    }
    table.set_bits(at.node, index, bits);
    Ok(())
}
