//! The walk of the first dimension.

use terrace_addr::{AccessKind, Addr, Gva, PageSize};
use terrace_raw::vector::Vector;
use terrace_table::{EntryIndex, Format, X86};

use super::Structures;
use super::access::Running;
use super::below::Nested;
use super::populate::{Absent, Ended, Fill};
use super::references::References;
use super::walk_cache::Place;
use crate::stack::GuestTable;
use crate::translation::{Allows, Packed};
use crate::watch::{Step, Watch};
use crate::{Below, Cause, Fault, Tables};

/// What a walk found: the 4 KiB frame of the address, what it allows, and the smallest leaf that was walked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walked {
    pub(super) packed: Packed,
    pub(super) size: PageSize,
}

impl<B: Below, V: Vector, W: Watch> Running<'_, B, V, W> {
    /// Walks the tables for `addr`, which the first dimension's table covers.
    #[inline(always)]
    pub(super) fn walk(&mut self, addr: Addr<Gva>, kind: AccessKind) -> Result<Walked, Ended> {
        let Self { vector, core, thread, hierarchy, stack, fill, watch } = self;
        let Structures { walk_caches, nested: structures, accessed_dirty, prefetched, .. } = &mut **core;
        let tags = thread.tags;
        let table_access = B::table_access(structures);
        let mut references =
            References { vector: *vector, hierarchy, tally: &mut thread.tally, watch: *watch };
        let mut nested =
            Nested { structures, references: &mut references, guest: tags.guest, log: &mut thread.log };

        let levels = stack.first.level_count();
        let cached = walk_caches.lookup(*vector, addr, levels, tags.own);
        if W::WATCHES {
            nested.references.watch.note(Step::WalkCaches { hit: cached.map(|place| place.level + 1) });
        }
        nested.references.tally.walk_cache_hits += u64::from(cached.is_some());
        let mut place = if let Some(place) = cached {
            place
        } else {
            let root = stack.first.root();
            let entry = root.within(EntryIndex::of(addr, levels).byte_offset());
            let found = match stack.below.composed(nested.structures, levels, entry) {
                Some(found) => found,
                None => stack.below.translate(&mut nested, entry, table_access, PageSize::Size4K)?,
            };
            let packed = found.packed.of_table(Allows::EVERYTHING);
            Place { level: levels, node: stack.first.root_node(), packed, lower: root.get() }
        };
        let known = |table| stack.below.known(table);
        let asked = prefetched.ask(nested.references, stack.first, addr, &place, known);
        let (entry, allows) = loop {
            let index = EntryIndex::of(addr, place.level);
            let at = place.entry(index);
            stack.below.check(at)?;
            nested.references.read_table(at, place.level, asked);
            let (mut entry, mut child) = stack.first.read(place.node, place.level, index);
            if W::WATCHES {
                let entry = nested.references.read(place.level, at, entry);
                nested.references.watch.note(Step::Entry { addr, entry });
            }
            if !X86::is_present(entry) {
                let absent = absent(*fill, stack.first, stack.below, addr)?;
                (entry, child) = stack.first.read(place.node, place.level, index);
                if absent == Absent::Stays || !X86::is_present(entry) {
                    return Err(Fault::Page { addr, cause: Cause::NotPresent }.into());
                }
            }
            let allows = place.packed.allows().and(Allows::of::<X86>(entry));
            let is_leaf = X86::is_leaf(entry, place.level);
            if is_leaf && !allows.permits(kind) {
                return Err(Fault::Page { addr, cause: Cause::Protection }.into());
            }
            if *accessed_dirty {
                let bits = X86::ACCESSED | if is_leaf && kind == AccessKind::Store { X86::DIRTY } else { 0 };
                if !entry.has(bits) {
                    mark::<B>(stack.first, place, index, bits)?;
                    entry = entry.with(bits);
                }
            }
            if is_leaf {
                break (entry, allows);
            }
            let table: Addr<B::Space> = X86::node_address(entry);
            let level = place.level - 1;
            let next = table.within(EntryIndex::of(addr, level).byte_offset());
            let found = match stack.below.composed(nested.structures, level, next) {
                Some(found) => found,
                None => stack.below.translate(&mut nested, next, table_access, PageSize::Size4K)?,
            };
            place = Place { level, node: child, packed: found.packed.of_table(allows), lower: table.get() };
            walk_caches.insert(addr, tags.own, place);
        };
        let size = PageSize::of_level(place.level).unwrap_or(PageSize::Size1G);
        let frame: Addr<B::Space> = X86::frame_address(entry, size);
        let data = frame.offset_by(addr.offset_in(size));
        let found = stack.below.translate(&mut nested, data, kind, size)?;
        let dirty = !*accessed_dirty || entry.has(X86::DIRTY);
        let allows = if dirty { allows } else { allows.and(Allows::FETCH) };
        let allows = allows.with_if(Allows::GLOBAL, X86::is_global(entry)).and(found.packed.allows());
        let packed = found.packed.allowing(allows.of_leaf(size));
        Ok(Walked { packed, size: size.min(found.size) })
    }
}

/// Whoever fills in is asked to.
#[cold]
#[inline(never)]
fn absent<B: Below>(
    fill: &mut dyn Fill<B>,
    first: &mut GuestTable<B::Space>,
    below: &mut B,
    addr: Addr<Gva>,
) -> Result<Absent, Ended> {
    fill.fill(&mut Tables { first, below }, addr).ok_or(Ended::Populate)
}

/// Sets bits of an entry, if the second dimension allows that.
#[cold]
fn mark<B: Below>(
    first: &mut GuestTable<B::Space>,
    place: Place,
    index: EntryIndex,
    bits: u64,
) -> Result<(), Fault> {
    if !place.packed.allows().permits_table_store() {
        return Err(B::table_violation(Addr::truncate(place.lower + index.byte_offset())));
    }
    first.set_bits(place.node, index, bits);
    Ok(())
}
