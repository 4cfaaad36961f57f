//! From addresses of the first dimension to addresses of memory.

use terrace_addr::{AccessKind, Addr, Gpa, Hpa, PageSize, Space};
use terrace_machine::{Machine, array_seed};
use terrace_table::{EntryIndex, Ept, Format, TableMemory};

use super::References;
use super::tlb::shape;
use super::walk_cache::{Place, WalkCaches};
use crate::array::{Array, Key, Policy};
use crate::translation::{Allows, Packed};
use crate::{BuildError, Cause, Extended, Fault, Identity};

/// The structures of the second dimension.
#[derive(Debug)]
pub struct NestedStructures {
    arrays: Vec<Array<u64>>,
    /// The array that holds each page size.
    serving: [Option<usize>; 3],
    walk_caches: WalkCaches,
    /// Whether walks keep accessed and dirty bits in EPT.
    accessed_dirty: bool,
}

/// What the second dimension has to work with during one walk.
pub struct Nested<'a, 'b> {
    pub(super) structures: &'a mut NestedStructures,
    pub(super) references: &'a mut References<'b>,
    pub(super) root: u16,
}

/// The final place of an address: its 4 KiB frame in memory, what that allows, and the size of the leaf.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    pub(super) address: Addr<Hpa>,
    pub(super) allows: Allows,
    pub(super) size: PageSize,
}

/// The walker's side of [`Below`](crate::Below).
pub trait Translate<L: Space> {
    /// What an access to a table of the first dimension counts as.
    fn table_access(nested: &NestedStructures) -> AccessKind;

    /// Translates an address of a table or of data to its 4 KiB frame.
    #[doc(hidden)]
    fn translate(
        &mut self,
        nested: &mut Nested<'_, '_>,
        addr: Addr<L>,
        kind: AccessKind,
    ) -> Result<Found, Fault>;
}

impl Translate<Hpa> for Identity {
    #[inline(always)]
    fn table_access(_: &NestedStructures) -> AccessKind {
        AccessKind::Load
    }

    #[inline(always)]
    fn translate(&mut self, _: &mut Nested<'_, '_>, addr: Addr<Hpa>, _: AccessKind) -> Result<Found, Fault> {
        let address = addr.align_down(PageSize::Size4K);
        Ok(Found { address, allows: Allows::EVERYTHING, size: PageSize::Size1G })
    }
}

impl Translate<Gpa> for Extended {
    /// With accessed and dirty bits on, the processor treats every access to a guest's page tables as a write
    /// (Intel SDM vol. 3, "Accessed and dirty flags for EPT").
    #[inline(always)]
    fn table_access(nested: &NestedStructures) -> AccessKind {
        if nested.accessed_dirty { AccessKind::Store } else { AccessKind::Load }
    }

    #[inline(always)]
    fn translate(
        &mut self,
        nested: &mut Nested<'_, '_>,
        addr: Addr<Gpa>,
        kind: AccessKind,
    ) -> Result<Found, Fault> {
        let cached = nested.structures.lookup(addr, nested.root);
        if let Some(found) = cached
            && found.allows.permits(kind)
        {
            nested.references.tally.nested_tlb_hits += 1;
            return Ok(found);
        }
        if !self.table.covers(addr) {
            return Err(Fault::Extended { addr, cause: Cause::NotPresent });
        }
        nested.references.tally.nested_tlb_misses += 1;
        let found = self.walk(nested, addr, kind).inspect_err(|_| {
            nested.structures.remove(addr, nested.root);
        })?;
        nested.structures.insert(addr, nested.root, found, cached.is_some());
        Ok(found)
    }
}

impl Extended {
    /// Walks EPT for `addr`.
    fn walk(
        &mut self,
        nested: &mut Nested<'_, '_>,
        addr: Addr<Gpa>,
        kind: AccessKind,
    ) -> Result<Found, Fault> {
        let fault = |cause| Err(Fault::Extended { addr, cause });
        let Nested { structures, references, root } = nested;
        let mut place = match structures.walk_caches.lookup(addr, self.table.level_count(), *root) {
            Some(place) => {
                references.tally.nested_walk_cache_hits += 1;
                place
            }
            None => Place {
                level: self.table.level_count(),
                address: self.table.root(),
                node: self.table.root_node(),
                allows: Allows::EVERYTHING,
            },
        };
        loop {
            let index = EntryIndex::of(addr, place.level);
            references.read(place.address.offset_by(index.byte_offset()));
            references.tally.nested_references += 1;
            let entry = self.table.memory().read(place.node, index);
            if !Ept::is_present(entry) {
                return fault(Cause::NotPresent);
            }
            let allows = place.allows.and(
                Allows::NOTHING
                    .with_if(Allows::STORE, Ept::allows_store(entry))
                    .with_if(Allows::FETCH, Ept::allows_fetch(entry)),
            );
            if Ept::is_leaf(entry, place.level) {
                if !allows.permits(kind) {
                    return fault(Cause::Protection);
                }
                let mut bits = 0;
                if structures.accessed_dirty {
                    bits = Ept::ACCESSED | if kind == AccessKind::Store { Ept::DIRTY } else { 0 };
                    if !entry.has(bits) {
                        self.table.memory_mut().set_bits(place.node, index, bits);
                    }
                }
                let dirty = !structures.accessed_dirty || entry.with(bits).has(Ept::DIRTY);
                let size = PageSize::of_level(place.level).unwrap_or(PageSize::Size1G);
                let address: Addr<Hpa> = Ept::frame_address(entry, size);
                return Ok(Found {
                    address: address.offset_by(addr.offset_in(size)).align_down(PageSize::Size4K),
                    allows: if dirty { allows } else { allows.and(Allows::FETCH) },
                    size,
                });
            }
            if structures.accessed_dirty && !entry.has(Ept::ACCESSED) {
                self.table.memory_mut().set_bits(place.node, index, Ept::ACCESSED);
            }
            place = Place {
                level: place.level - 1,
                address: Ept::node_address(entry),
                node: self.table.memory().child(place.node, index),
                allows,
            };
            structures.walk_caches.insert(addr, *root, place);
        }
    }
}

impl NestedStructures {
    pub(super) fn new(machine: &Machine, core: u32, seed: u64) -> Result<Self, BuildError> {
        let mut arrays = Vec::new();
        let mut serving = [None; 3];
        for (name, array) in &machine.nested_tlb {
            let path = format!("nested_tlb.{name}");
            let policy = Policy { replacement: array.replacement, seed: array_seed(seed, core, &path) };
            for size in PageSize::ALL.into_iter().filter(|&size| array.holds(size)) {
                serving[size.index()] = Some(arrays.len());
            }
            arrays.push(Array::new(shape(&path, array.entries, array.ways)?, policy));
        }
        Ok(Self {
            arrays,
            serving,
            walk_caches: WalkCaches::new("nested_walk_cache", &machine.nested_walk_cache, core, seed)?,
            accessed_dirty: machine.paging.ept_accessed_dirty,
        })
    }

    /// Looks the nested TLB up, smallest pages first.
    #[inline(always)]
    fn lookup(&mut self, addr: Addr<Gpa>, root: u16) -> Option<Found> {
        for size in PageSize::ALL {
            let Some(number) = self.serving[size.index()] else { continue };
            let array = &mut self.arrays[number];
            if !array.holds_any(size.index()) {
                continue;
            }
            if let Some(bits) = array.lookup(Key::page(addr, size, root)) {
                let packed = Packed::from_bits(bits);
                let address = packed.address().offset_by(addr.offset_in(size)).align_down(PageSize::Size4K);
                return Some(Found { address, allows: packed.allows(), size });
            }
        }
        None
    }

    /// Keeps a translation at the largest size that is held and not above it; `replaces` says that a lookup found
    /// something that may have the same key.
    #[inline(always)]
    fn insert(&mut self, addr: Addr<Gpa>, root: u16, found: Found, replaces: bool) {
        let held = PageSize::ALL.into_iter().rev().filter(|&size| size <= found.size);
        let held = held.into_iter().find_map(|size| Some((size, self.serving[size.index()]?)));
        if let Some((size, number)) = held {
            let content = Packed::new(found.address.align_down(size), found.allows).bits();
            let (array, key) = (&mut self.arrays[number], Key::page(addr, size, root));
            if replaces { array.insert(key, content) } else { array.insert_new(key, content) }
        }
    }

    /// Removes what is kept for `addr`.
    fn remove(&mut self, addr: Addr<Gpa>, root: u16) {
        for size in PageSize::ALL {
            if let Some(number) = self.serving[size.index()] {
                self.arrays[number].remove(Key::page(addr, size, root));
            }
        }
        self.walk_caches.remove(addr, root);
    }

    /// Removes every entry whose key is `unwanted`, and counts them.
    pub(super) fn remove_if(&mut self, mut unwanted: impl FnMut(Key) -> bool) -> u64 {
        let translations: u64 =
            self.arrays.iter_mut().map(|array| array.remove_if(|key, _| unwanted(key))).sum();
        translations + self.walk_caches.remove_if(unwanted)
    }
}
