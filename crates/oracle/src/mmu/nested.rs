//! The second dimension (MODEL.md, "Translating a guest-physical address by EPT").

use terrace_addr::{AccessKind, Addr, Gpa, Hpa, PageSize};
use terrace_table::{EntryIndex, Ept, Format, SimulatedMemory, Table, TableMemory};

use super::{Fault, Mmu};
use crate::nested_tlb::Placed;
use crate::rights::Rights;
use crate::walk_cache::Prefix;

impl Mmu<'_> {
    /// Where `gpa` is, for an access of `kind`.
    pub(super) fn translate_nested(
        &mut self,
        host: &mut Table<Gpa, Ept, SimulatedMemory<Hpa>>,
        gpa: Addr<Gpa>,
        kind: AccessKind,
    ) -> Result<Placed, Fault> {
        let guest = self.context.guest;
        if !host.covers(gpa) {
            return Err(Fault::Ept { addr: gpa, kind, protection: false });
        }

        // 1. The nested TLB.
        if let Some(hit) = self.core.nested_tlbs.look_up(gpa, guest) {
            if hit.rights.allow(kind) {
                self.cpu.counts.one("nested_tlb_hits");
                return Ok(hit);
            }
            self.core.nested_tlbs.remove_address(gpa, guest);
        }
        self.cpu.counts.one("nested_tlb_misses");

        // 2. Where the walk starts.
        let hit = self.core.nested_walk_caches.look_up(host.level_count(), gpa, guest);
        let (mut level, mut at) = if let Some((level, prefix)) = hit {
            self.cpu.counts.one("nested_walk_cache_hits");
            (level - 1, prefix)
        } else {
            (host.level_count(), lead_to(host.root(), host.root_node(), Rights::ALL))
        };

        let asked = self.ask_ahead(host, gpa, level, at.node, Some);

        // 3. Down to the leaf.
        let (index, entry) = loop {
            let index = EntryIndex::of(gpa, level);
            self.cpu.counts.one("nested_references");
            self.refer(at.table.offset_by(index.byte_offset()), level, &asked);
            let entry = host.memory().read(at.node, index);
            if !Ept::is_present(entry) {
                return Err(Fault::Ept { addr: gpa, kind, protection: false });
            }
            at.rights = at.rights.and(Rights::of_entry::<Ept>(entry));
            if Ept::is_leaf(entry, level) {
                break (index, entry);
            }
            if self.keeps.second {
                host.set_bits(at.node, index, Ept::ACCESSED);
            }
            let node = host.memory().child(at.node, index);
            at = lead_to(Ept::node_address(entry), node, at.rights);
            self.core.nested_walk_caches.insert(level, gpa, guest, at);
            level -= 1;
        };
        let size = PageSize::of_level(level).expect("entries above level 3 refer to tables");
        if !at.rights.allow(kind) {
            return Err(Fault::Ept { addr: gpa, kind, protection: true });
        }
        let mut rights = at.rights;
        if self.keeps.second {
            let mut bits = Ept::ACCESSED;
            if kind == AccessKind::Store {
                let page = gpa.align_down(PageSize::Size4K);
                if !entry.has(Ept::DIRTY) && !self.cpu.log.add(page) {
                    return Err(Fault::LogFull { addr: page });
                }
                bits |= Ept::DIRTY;
            }
            host.set_bits(at.node, index, bits);
            rights.store &= host.memory().read(at.node, index).has(Ept::DIRTY);
        }

        // 4. The translation.
        let addr = Ept::frame_address::<Hpa>(entry, size).offset_by(gpa.offset_in(size));
        let placed = Placed { addr, size, rights };
        self.core.nested_tlbs.insert(gpa, guest, placed);
        Ok(placed)
    }
}

/// EPT's own tables have final addresses, where nothing limits writing.
fn lead_to(table: Addr<Hpa>, node: terrace_table::Node, rights: Rights) -> Prefix {
    Prefix { table, node, said: table.get(), rights, writable: true }
}
