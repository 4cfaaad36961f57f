//! EPT: from guest-physical addresses to addresses of memory.

use terrace_addr::{AccessKind, Addr, Gpa, Hpa, PageSize, convert};
use terrace_machine::{Machine, array_seed};
use terrace_raw::Work;
use terrace_raw::vector::Vector;
use terrace_table::{EntryIndex, Ept, Format};

use super::below::{Found, Nested, Translate};
use super::prefetch::Prefetched;
use super::tlb::{NOWHERE, shape};
use super::walk_cache::{Place, WalkCaches};
use crate::array::{Array, Key};
use crate::context::Selected;
use crate::sets::Policy;
use crate::translation::{Allows, Packed};
use crate::watch::{Step, Watch};
use crate::{BuildError, Cause, Extended, Fault};

/// The structures of the second dimension.
#[derive(Debug)]
pub struct NestedStructures {
    arrays: Vec<Array<u64>>,
    /// The array that holds each page size, or [`NOWHERE`].
    serving: [usize; 3],
    /// The page sizes (bit n: the size with index n) that some array may hold now.
    live: u32,
    /// For each size of translation, the size at which it is inserted, if any.
    insert_size: [Option<PageSize>; 3],
    walk_caches: WalkCaches,
    /// Whether walks keep accessed and dirty bits in EPT.
    accessed_dirty: bool,
    /// Composed entries lead to tables of the first dimension of this level and higher ones.
    composed_from: u32,
    /// The levels whose entries walks ask for before they come to them.
    prefetched: Prefetched,
}

impl Translate<Gpa> for Extended {
    /// With accessed and dirty bits on, the processor treats every access to a guest's page tables as a write
    /// (Intel SDM vol. 3, "Accessed and dirty flags for EPT").
    #[inline(always)]
    fn table_access(nested: &NestedStructures) -> AccessKind {
        if nested.accessed_dirty { AccessKind::Store } else { AccessKind::Load }
    }

    #[inline(always)]
    fn translate<V: Vector, W: Watch>(
        &mut self,
        nested: &mut Nested<'_, '_, '_, V, W>,
        addr: Addr<Gpa>,
        kind: AccessKind,
        _: PageSize,
    ) -> Result<Found, Fault> {
        nested.references.vector.apart(Translation { below: self, nested, addr, kind })
    }

    #[inline(always)]
    fn composed(&self, nested: &NestedStructures, level: u32, addr: Addr<Gpa>) -> Option<Found> {
        if level < nested.composed_from { None } else { composed(self, nested, addr) }
    }

    fn known(&self, addr: Addr<Gpa>) -> Option<Addr<Hpa>> {
        self.lookup(addr).map(|leaf| leaf.translate(addr))
    }

    #[cold]
    fn table_violation(addr: Addr<Gpa>) -> Fault {
        Fault::Extended { addr, kind: AccessKind::Store, cause: Cause::Protection }
    }
}

/// Where EPT's entries say now that a table of the guest is, if they allow what reading it counts as.
#[cold]
fn composed(table: &Extended, nested: &NestedStructures, addr: Addr<Gpa>) -> Option<Found> {
    if !table.covers(addr) {
        return None;
    }
    let (mut level, mut node) = (table.level_count(), table.root_node());
    let mut allows = Allows::EVERYTHING;
    loop {
        let (entry, child) = table.read(node, level, EntryIndex::of(addr, level));
        if !Ept::is_present(entry) {
            return None;
        }
        allows = allows.and(Allows::of::<Ept>(entry));
        if Ept::is_leaf(entry, level) {
            let size = PageSize::of_level(level)?;
            let frame: Addr<Hpa> = Ept::frame_address(entry, size);
            let found = Found { packed: Packed::part_of(frame, addr, size, allows), size };
            return allows.permits(Extended::table_access(nested)).then_some(found);
        }
        (level, node) = (level - 1, child);
    }
}

/// A guest-physical address is translated.
struct Translation<'e, 'n, 'a, 'b, 'h, V, W> {
    below: &'e mut Extended,
    nested: &'n mut Nested<'a, 'b, 'h, V, W>,
    addr: Addr<Gpa>,
    kind: AccessKind,
}

impl<U: Vector, W: Watch> Work for Translation<'_, '_, '_, '_, '_, U, W> {
    type Output = Result<Found, Fault>;

    #[inline(always)]
    fn run<V: Vector>(self, vector: V) -> Self::Output {
        let Self { below, nested, addr, kind } = self;
        let cached = nested.structures.lookup(vector, addr, nested.guest);
        if W::WATCHES {
            nested.references.watch.note(Step::NestedTlb { addr, hit: cached.map(|found| found.size) });
        }
        if let Some(found) = cached {
            if found.packed.allows().permits(kind) {
                nested.references.tally.nested_tlb_hits += 1;
                return Ok(found);
            }
            nested.structures.remove_pages(addr, nested.guest);
        }
        if !below.covers(addr) {
            return Err(Fault::Extended { addr, kind, cause: Cause::NotPresent });
        }
        nested.references.tally.nested_tlb_misses += 1;
        let found = walk(below, nested, addr, kind)?;
        nested.structures.insert(addr, nested.guest, found);
        Ok(found)
    }
}

/// Walks EPT for `addr`.
#[inline(always)]
fn walk<V: Vector, W: Watch>(
    table: &mut Extended,
    nested: &mut Nested<'_, '_, '_, V, W>,
    addr: Addr<Gpa>,
    kind: AccessKind,
) -> Result<Found, Fault> {
    let fault = |cause| Err(Fault::Extended { addr, kind, cause });
    let Nested { structures, references, guest, log } = nested;
    let cached = structures.walk_caches.lookup(references.vector, addr, table.level_count(), *guest);
    if W::WATCHES {
        let hit = cached.map(|place| place.level + 1);
        references.watch.note(Step::NestedWalkCaches { addr, hit });
    }
    references.tally.nested_walk_cache_hits += u64::from(cached.is_some());
    let mut place = cached.unwrap_or_else(|| Place {
        level: table.level_count(),
        node: table.root_node(),
        packed: Packed::new(table.root(), Allows::EVERYTHING),
        lower: table.root().get(),
    });
    let asked = structures.prefetched.ask(references, table, addr, &place, Some);
    loop {
        let index = EntryIndex::of(addr, place.level);
        let at = place.entry(index);
        references.read_table(at, place.level, asked);
        references.tally.nested_references += 1;
        let (entry, child) = table.read(place.node, place.level, index);
        if W::WATCHES {
            let entry = references.read(place.level, at, entry);
            references.watch.note(Step::NestedEntry { addr, entry });
        }
        if !Ept::is_present(entry) {
            return fault(Cause::NotPresent);
        }
        let allows = place.packed.allows().and(Allows::of::<Ept>(entry));
        if Ept::is_leaf(entry, place.level) {
            if !allows.permits(kind) {
                return fault(Cause::Protection);
            }
            let mut bits = 0;
            if structures.accessed_dirty {
                bits = Ept::ACCESSED | if kind == AccessKind::Store { Ept::DIRTY } else { 0 };
                if !entry.has(bits) {
                    if let Some(log) = log
                        && kind == AccessKind::Store
                        && !entry.has(Ept::DIRTY)
                    {
                        log.note(addr)?;
                    }
                    table.set_bits(place.node, index, bits);
                }
            }
            let dirty = !structures.accessed_dirty || entry.with(bits).has(Ept::DIRTY);
            let allows = if dirty { allows } else { allows.and(Allows::FETCH) };
            let size = PageSize::of_level(place.level).unwrap_or(PageSize::Size1G);
            let frame: Addr<Hpa> = Ept::frame_address(entry, size);
            return Ok(Found { packed: Packed::part_of(frame, addr, size, allows), size });
        }
        if structures.accessed_dirty && !entry.has(Ept::ACCESSED) {
            table.set_bits(place.node, index, Ept::ACCESSED);
        }
        let address: Addr<Hpa> = Ept::node_address(entry);
        place = Place {
            level: place.level - 1,
            node: child,
            packed: Packed::new(address, allows),
            lower: address.get(),
        };
        structures.walk_caches.insert(addr, *guest, place);
    }
}

impl NestedStructures {
    pub(super) fn new(machine: &Machine, core: u32, seed: u64) -> Result<Self, BuildError> {
        let scheme = machine.scheme.as_ref();
        let mut arrays = Vec::new();
        let mut serving = [NOWHERE; 3];
        for (name, array) in &machine.nested_tlb {
            let path = format!("nested_tlb.{name}");
            let policy = Policy { replacement: array.replacement, seed: array_seed(seed, core, &path) };
            for size in PageSize::ALL.into_iter().filter(|&size| array.holds(size)) {
                serving[size.index()] = arrays.len();
            }
            arrays.push(Array::new(shape(&path, array.entries, array.ways)?, policy));
        }
        let insert_size = PageSize::ALL.map(|size| {
            let mut fits = PageSize::ALL.into_iter().rev().filter(|&other| other <= size);
            fits.find(|other| serving[other.index()] != NOWHERE)
        });
        Ok(Self {
            arrays,
            serving,
            live: 0,
            insert_size,
            walk_caches: WalkCaches::new("nested_walk_cache", &machine.nested_walk_cache, core, seed)?,
            accessed_dirty: machine.paging.ept_accessed_dirty,
            composed_from: scheme.and_then(|scheme| scheme.switch_level).unwrap_or(u32::MAX),
            prefetched: Prefetched::of(scheme.map_or(&[], |scheme| &scheme.prefetch)),
        })
    }

    /// Looks the nested TLB up, smallest pages first.
    #[inline(always)]
    fn lookup<V: Vector>(&mut self, vector: V, addr: Addr<Gpa>, guest: u16) -> Option<Found> {
        let mut sizes = self.live;
        while sizes != 0 {
            let size = PageSize::ALL[convert::index32(sizes.trailing_zeros())];
            sizes &= sizes - 1;
            let Some(array) = self.arrays.get_mut(self.serving[size.index()]) else { continue };
            if let Some(slot) = array.lookup(vector, Key::page_of(addr, size.index(), guest)) {
                let packed = Packed::from_bits(array.content(slot));
                return Some(Found { packed: packed.part(addr, size), size });
            }
        }
        None
    }

    /// Keeps a translation at the largest size that is held and not above it. None is kept for the address.
    #[inline(always)]
    fn insert(&mut self, addr: Addr<Gpa>, guest: u16, found: Found) {
        if let Some(size) = self.insert_size[found.size.index()]
            && let Some(array) = self.arrays.get_mut(self.serving[size.index()])
        {
            array.insert_new(Key::page_of(addr, size.index(), guest), found.packed.whole(size).bits());
            self.live |= 1 << size.index();
        }
    }

    /// Removes the translations of `addr`.
    fn remove_pages(&mut self, addr: Addr<Gpa>, guest: u16) {
        for size in PageSize::ALL {
            if let Some(array) = self.arrays.get_mut(self.serving[size.index()]) {
                array.remove(Key::page(addr, size, guest));
            }
        }
    }

    /// Removes what is kept for `addr`.
    #[cold]
    pub(super) fn remove(&mut self, addr: Addr<Gpa>, guest: u16) {
        self.remove_pages(addr, guest);
        self.walk_caches.remove(addr, guest);
    }

    /// Removes every entry of these tags, and counts them.
    pub(super) fn remove_all(&mut self, tags: &Selected) -> u64 {
        let unwanted = |key: Key| tags.contains(key.context());
        let translations: u64 =
            self.arrays.iter_mut().map(|array| array.remove_if(|key, _| unwanted(key))).sum();
        translations + self.walk_caches.remove_if(|_, key| unwanted(key))
    }

    /// The keys of all entries.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        let translations = self.arrays.iter().flat_map(|array| array.iter().map(|(key, _)| key));
        translations.chain(self.walk_caches.keys())
    }
}
