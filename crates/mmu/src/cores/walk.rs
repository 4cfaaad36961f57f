//! The walk of the first dimension.

use terrace_addr::{AccessKind, Addr, Gva, PageSize};
use terrace_raw::vector::Vector;
use terrace_table::{EntryIndex, Format, TableMemory, X86};

use super::Structures;
use super::access::Running;
use super::below::Nested;
use super::populate::{Absent, Ended, Populate};
use super::references::References;
use super::walk_cache::Place;
use crate::translation::{Allows, Packed};
use crate::watch::{Step, Watch};
use crate::{Below, Cause, Fault};

/// What a walk found: the 4 KiB frame of the address, what it allows, and the smallest leaf that was walked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walked {
    pub(super) packed: Packed,
    pub(super) size: PageSize,
}

impl<B: Below, P: Populate<B>, V: Vector, W: Watch> Running<'_, B, P, V, W> {
    /// Walks the tables for `addr`, which the first dimension's table covers.
    #[inline(always)]
    #[expect(clippy::too_many_lines, reason = "one loop, whose parts share everything")]
    pub(super) fn walk(&mut self, addr: Addr<Gva>, kind: AccessKind) -> Result<Walked, Ended<P::Error>> {
        let Self { vector, core, thread, hierarchy, stack, populate, watch } = self;
        let Structures { walk_caches, nested: structures, accessed_dirty, .. } = &mut **core;
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
        // What to translate next: where in the first dimension's lower space, as a part of a page of which size.
        let root = stack.first.root();
        let mut target = root.offset_by(EntryIndex::of(addr, levels).byte_offset());
        // The table that the target is in, but for its place in memory; after the leaf, what the data allows.
        let mut place = Place {
            level: levels,
            address: Addr::ZERO,
            node: stack.first.root_node(),
            allows: Allows::EVERYTHING,
            lower: root.get(),
        };
        let mut next = Next::Root;
        if let Some(cached) = cached {
            nested.references.tally.walk_cache_hits += 1;
            place = cached;
            next = Next::Cached;
        }
        loop {
            if next != Next::Cached {
                let (kind, page) = match next {
                    Next::Data(size) => (kind, size),
                    _ => (table_access, PageSize::Size4K),
                };
                let found = stack.below.translate(&mut nested, target, kind, page)?;
                if let Next::Data(size) = next {
                    let allows = place.allows.and(found.allows).of_leaf(size);
                    return Ok(Walked {
                        packed: Packed::new(found.address, allows),
                        size: size.min(found.size),
                    });
                }
                place.address = found.address;
                place.allows =
                    place.allows.with_if(Allows::TABLE_STORE, found.allows.permits(AccessKind::Store));
                if next == Next::Table {
                    walk_caches.insert(addr, tags.own, place);
                }
            }
            let index = EntryIndex::of(addr, place.level);
            let at = place.address.offset_by(index.byte_offset());
            stack.below.check(at)?;
            let served = nested.references.read_table(at);
            let mut entry = stack.first.memory().read(place.node, index);
            if W::WATCHES {
                let entry = served.entry(place.level, at, entry);
                nested.references.watch.note(Step::Entry { addr, entry });
            }
            if !X86::is_present(entry) {
                let absent = populate.populate(stack, addr).map_err(Ended::Populate)?;
                entry = stack.first.memory().read(place.node, index);
                if absent == Absent::Stays || !X86::is_present(entry) {
                    return Err(Fault::Page { addr, cause: Cause::NotPresent }.into());
                }
            }
            let allows = place.allows.and(
                Allows::NOTHING
                    .with_if(Allows::STORE, X86::allows_store(entry))
                    .with_if(Allows::FETCH, X86::allows_fetch(entry)),
            );
            let is_leaf = X86::is_leaf(entry, place.level);
            if is_leaf && !allows.permits(kind) {
                return Err(Fault::Page { addr, cause: Cause::Protection }.into());
            }
            let mut bits = 0;
            if *accessed_dirty {
                bits = X86::ACCESSED | if is_leaf && kind == AccessKind::Store { X86::DIRTY } else { 0 };
                if !entry.has(bits) {
                    if !place.allows.permits_table_store() {
                        let entry = Addr::truncate(place.lower + index.byte_offset());
                        return Err(B::table_violation(entry).into());
                    }
                    stack.first.memory_mut().set_bits(place.node, index, bits);
                }
            }
            if is_leaf {
                let dirty = !*accessed_dirty || entry.with(bits).has(X86::DIRTY);
                let size = PageSize::of_level(place.level).unwrap_or(PageSize::Size1G);
                let frame: Addr<B::Space> = X86::frame_address(entry, size);
                target = frame.offset_by(addr.offset_in(size));
                let allows = if dirty { allows } else { allows.and(Allows::FETCH) };
                place.allows = allows.with_if(Allows::GLOBAL, X86::is_global(entry));
                next = Next::Data(size);
            } else {
                let table: Addr<B::Space> = X86::node_address(entry);
                place = Place {
                    level: place.level - 1,
                    address: Addr::ZERO,
                    node: stack.first.memory().child(place.node, index),
                    allows,
                    lower: table.get(),
                };
                target = table.offset_by(EntryIndex::of(addr, place.level).byte_offset());
                next = Next::Table;
            }
        }
    }
}

/// What a walk translates next by what lies below the first dimension.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Nothing: a paging-structure cache has said where the table is.
    Cached,
    /// The root.
    Root,
    /// A table that an entry refers to.
    Table,
    /// The data, in a page of this size.
    Data(PageSize),
}
