//! The walk of the first dimension.

use terrace_addr::{AccessKind, Addr, Gva, PageSize};
use terrace_table::{EntryIndex, Format, TableMemory, X86};

use super::access::Running;
use super::nested::Nested;
use super::populate::{Absent, Ended, Populate};
use super::walk_cache::Place;
use super::{Core, References};
use crate::cache::Hierarchy;
use crate::translation::{Allows, Packed};
use crate::{Below, Cause, Fault};

/// What a walk found: the 4 KiB frame of the address, what it allows, and the smallest leaf that was walked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walked {
    pub(super) packed: Packed,
    pub(super) size: PageSize,
}

impl<B: Below, P: Populate<B>> Running<'_, B, P> {
    /// Walks the tables for `addr`, which the first dimension's table covers.
    #[inline(always)]
    pub(super) fn walk(&mut self, addr: Addr<Gva>, kind: AccessKind) -> Result<Walked, Ended<P::Error>> {
        let Self { core, shared, memory, stack, populate } = self;
        let Core { walk_caches, nested: structures, accessed_dirty, caches, tags, tally, .. } = &mut **core;
        let table_access = B::table_access(structures);
        let hierarchy = Hierarchy { own: caches, shared, memory: *memory };
        let mut references = References { hierarchy, tally };
        let mut nested = Nested { structures, references: &mut references, root: tags.root };
        let levels = stack.first.level_count();

        let mut place = match walk_caches.lookup(addr, levels, tags.own) {
            Some(place) => {
                nested.references.tally.walk_cache_hits += 1;
                place
            }
            None => Place {
                level: levels,
                address: stack.below.translate(&mut nested, stack.first.root(), table_access)?.address,
                node: stack.first.root_node(),
                allows: Allows::EVERYTHING,
            },
        };
        loop {
            let index = EntryIndex::of(addr, place.level);
            nested.references.read(place.address.offset_by(index.byte_offset()));
            let mut entry = stack.first.memory().read(place.node, index);
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
            if X86::is_leaf(entry, place.level) {
                if !allows.permits(kind) {
                    return Err(Fault::Page { addr, cause: Cause::Protection }.into());
                }
                let mut bits = 0;
                if *accessed_dirty {
                    bits = X86::ACCESSED | if kind == AccessKind::Store { X86::DIRTY } else { 0 };
                    if !entry.has(bits) {
                        stack.first.memory_mut().set_bits(place.node, index, bits);
                    }
                }
                let dirty = !*accessed_dirty || entry.with(bits).has(X86::DIRTY);
                let size = PageSize::of_level(place.level).unwrap_or(PageSize::Size1G);
                let frame: Addr<B::Space> = X86::frame_address(entry, size);
                let data = stack.below.translate(&mut nested, frame.offset_by(addr.offset_in(size)), kind)?;
                let allows = if dirty { allows } else { allows.and(Allows::FETCH) };
                let allows =
                    allows.and(data.allows).with_if(Allows::GLOBAL, X86::is_global(entry)).of_leaf(size);
                return Ok(Walked { packed: Packed::new(data.address, allows), size: size.min(data.size) });
            }
            if *accessed_dirty && !entry.has(X86::ACCESSED) {
                stack.first.memory_mut().set_bits(place.node, index, X86::ACCESSED);
            }
            let node_address: Addr<B::Space> = X86::node_address(entry);
            place = Place {
                level: place.level - 1,
                address: stack.below.translate(&mut nested, node_address, table_access)?.address,
                node: stack.first.memory().child(place.node, index),
                allows,
            };
            walk_caches.insert(addr, tags.own, place);
        }
    }
}
