//! One level of the TLB: its arrays, and which of them serves what.

use terrace_addr::{AccessKind, Addr, Gva, PageSize, convert};
use terrace_machine::{Machine, Shape, TlbArray as Described, array_seed};
use terrace_raw::vector::Vector;

use crate::BuildError;
use crate::array::{Array, Key};
use crate::context::Tags;
use crate::sets::Policy;
use crate::translation::Packed;

/// A TLB array with the latency of a hit.
#[derive(Debug)]
pub(super) struct TlbArray {
    pub(super) entries: Array<u64>,
    latency: u64,
}

/// All arrays of a level.
#[derive(Debug)]
pub(super) struct Tlb {
    arrays: Vec<TlbArray>,
    /// For each kind of access, the number of the array that holds each page size.
    serving: [[usize; 3]; 3],
    /// For each kind of access, the page sizes (bit n: the size with index n) that some array may hold now.
    live: [u32; 3],
    /// For each page size, the arrays (bit n: the array with the number n) that may hold it now.
    holding: [u32; 3],
    /// For each kind of access, the smallest of these sizes and its array.
    front: [Front; 3],
    /// For each kind of access and size of translation, the size at which it is inserted.
    insert_size: [[Option<PageSize>; 3]; 3],
    /// Whether a global translation was ever inserted: until then no lookup is needed for them.
    any_global: bool,
    /// Whether an entry was inserted that is only a part of its page of the first dimension.
    any_part: bool,
}

/// No array holds a size.
pub(super) const NOWHERE: usize = usize::MAX;

/// A page size, by its index, and the array that holds it.
#[derive(Debug, Clone, Copy)]
struct Front {
    array: usize,
    size: usize,
}

/// An entry that was found where it was expected.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recent {
    pub(super) packed: Packed,
    /// The index of its size.
    pub(super) size: usize,
}

/// An entry that was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub(super) packed: Packed,
    pub(super) size: PageSize,
    pub(super) latency: u64,
}

impl Hit {
    /// The piece of the page that holds `addr`, to 4 KiB: another level may hold smaller pages.
    #[inline(always)]
    pub(super) fn piece(&self, addr: Addr<Gva>) -> Packed {
        let frame = self.packed.address().offset_by(addr.offset_in(self.size)).align_down(PageSize::Size4K);
        Packed::new(frame, self.packed.allows())
    }
}

impl Tlb {
    /// The machine's arrays of a level.
    pub(super) fn new(machine: &Machine, level: u32, core: u32, seed: u64) -> Result<Self, BuildError> {
        let arrays = machine.tlb.iter().filter(|(_, array)| array.level == level);
        let arrays: Vec<_> = arrays.map(|(name, array)| (format!("tlb.{name}"), array)).collect();
        let arrays = arrays.iter().map(|(path, array)| (path.as_str(), *array));
        Self::of(arrays, |path| array_seed(seed, core, path))
    }

    /// These arrays, by their paths, each with the seed that its path gives it.
    pub(super) fn of<'a>(
        described: impl IntoIterator<Item = (&'a str, &'a Described)>,
        seed_of: impl Fn(&str) -> u64,
    ) -> Result<Self, BuildError> {
        let mut arrays = Vec::new();
        let mut serving = [[NOWHERE; 3]; 3];
        for (path, array) in described {
            let policy = Policy { replacement: array.replacement, seed: seed_of(path) };
            let shape = shape(path, array.entries, array.ways)?;
            for kind in AccessKind::ALL.into_iter().filter(|&kind| array.serves(kind)) {
                for size in PageSize::ALL.into_iter().filter(|&size| array.holds(size)) {
                    serving[kind.index()][size.index()] = arrays.len();
                }
            }
            arrays.push(TlbArray { entries: Array::new(shape, policy), latency: array.latency });
        }
        let insert_size = serving.map(|serving| {
            PageSize::ALL.map(|size| {
                let fits = PageSize::ALL.into_iter().rev().filter(|&other| other <= size);
                fits.into_iter().find(|other| serving[other.index()] != NOWHERE)
            })
        });
        Ok(Self {
            arrays,
            serving,
            live: [0; 3],
            holding: [0; 3],
            front: [Front { array: NOWHERE, size: 0 }; 3],
            insert_size,
            any_global: false,
            any_part: false,
        })
    }

    /// Looks only at the smallest pages, and there only at the entry that was asked for last: the short way to most
    /// hits. A hit is what [`lookup`](Self::lookup) would find, and leaves the array as that would.
    #[inline(always)]
    pub(super) fn lookup_most_recent(&self, addr: Addr<Gva>, kind: AccessKind, tags: Tags) -> Option<Recent> {
        let Front { array, size } = self.front[kind.index()];
        let entries = &self.arrays.get(array)?.entries;
        let slot = entries.lookup_most_recent(Key::page_of(addr, size, tags.own))?;
        Some(Recent { packed: Packed::from_bits(entries.content(slot)), size })
    }

    /// Looks `addr` up, smallest pages first.
    #[inline(always)]
    pub(super) fn lookup<V: Vector>(
        &mut self,
        vector: V,
        addr: Addr<Gva>,
        kind: AccessKind,
        tags: Tags,
    ) -> Option<Hit> {
        let mut sizes = self.live[kind.index()];
        while sizes != 0 {
            let size = PageSize::ALL[convert::index32(sizes.trailing_zeros())];
            sizes &= sizes - 1;
            if let Some(hit) = self.lookup_size(vector, addr, size, kind, tags) {
                return Some(hit);
            }
        }
        None
    }

    /// The same among pages of one size, which some array holds for the kind.
    #[inline(always)]
    pub(super) fn lookup_size<V: Vector>(
        &mut self,
        vector: V,
        addr: Addr<Gva>,
        size: PageSize,
        kind: AccessKind,
        tags: Tags,
    ) -> Option<Hit> {
        let array = &mut self.arrays[self.serving[kind.index()][size.index()]];
        let key = Key::page_of(addr, size.index(), tags.own);
        let mut found = array.entries.lookup(vector, key);
        if found.is_none() && self.any_global {
            found = array.entries.lookup(vector, Key::page(addr, size, tags.global));
        }
        let packed = Packed::from_bits(array.entries.content(found?));
        Some(Hit { packed, size, latency: array.latency })
    }

    /// Whether a lookup would hit. Nothing is touched.
    #[inline(always)]
    pub(super) fn would_hit<V: Vector>(
        &self,
        vector: V,
        addr: Addr<Gva>,
        kind: AccessKind,
        tags: Tags,
    ) -> bool {
        let mut sizes = self.live[kind.index()];
        while sizes != 0 {
            let size = PageSize::ALL[convert::index32(sizes.trailing_zeros())];
            sizes &= sizes - 1;
            let entries = &self.arrays[self.serving[kind.index()][size.index()]].entries;
            if entries.contains(vector, Key::page(addr, size, tags.own))
                || self.any_global && entries.contains(vector, Key::page(addr, size, tags.global))
            {
                return true;
            }
        }
        false
    }

    /// Inserts the translation of `addr`, `size` large, at the largest size that is held and not above it. The
    /// size inserted is returned, or none if there is no such array.
    #[inline(always)]
    pub(super) fn insert(
        &mut self,
        addr: Addr<Gva>,
        packed: Packed,
        size: PageSize,
        kind: AccessKind,
        tags: Tags,
    ) -> Option<PageSize> {
        let held = self.insert_size[kind.index()][size.index()]?;
        let number = self.serving[kind.index()][held.index()];
        if !self.arrays[number].entries.may_hold(held.index()) {
            self.hold(number, held);
        }
        let global = packed.allows().is_global();
        self.any_global |= global;
        self.any_part |= packed.allows().is_part(held);
        let key = Key::page(addr, held, if global { tags.global } else { tags.own });
        // What is kept is the piece's own frame, so that the entry alone translates.
        let frame = packed.address().align_down(held);
        // A lookup of every size has just missed, or whatever it found was removed.
        self.arrays[number].entries.insert_new(key, Packed::new(frame, packed.allows()).bits());
        Some(held)
    }

    /// Has lookups look for pages of `size` in an array from now on.
    #[cold]
    fn hold(&mut self, number: usize, size: PageSize) {
        self.holding[size.index()] |= 1 << number;
        for ((live, front), serving) in self.live.iter_mut().zip(&mut self.front).zip(&self.serving) {
            if serving[size.index()] == number {
                *live |= 1 << size.index();
                let smallest = convert::index32(live.trailing_zeros());
                *front = Front { array: serving[smallest], size: smallest };
            }
        }
    }

    /// Whether an entry may be a global translation.
    pub(super) const fn any_global(&self) -> bool {
        self.any_global
    }

    /// Whether an entry may be only a part of its page of the first dimension.
    pub(super) const fn any_part(&self) -> bool {
        self.any_part
    }

    /// Looks again whether an entry is a part of its page of the first dimension.
    pub(super) fn recheck_parts(&mut self) {
        let is_part = |(key, bits): (Key, u64)| Packed::from_bits(bits).allows().is_part(key.size());
        self.any_part = self.arrays.iter().any(|array| array.entries.iter().any(is_part));
    }

    /// Removes the entries for the page of `size` around `addr` that have this tag, and counts them. Where lookups for
    /// accesses of the kind `missed` look, none is.
    pub(super) fn remove_page(
        &mut self,
        addr: Addr<Gva>,
        size: PageSize,
        tag: u16,
        missed: Option<AccessKind>,
    ) -> u64 {
        let missed = missed.map_or(NOWHERE, |kind| self.serving[kind.index()][size.index()]);
        let key = Key::page(addr, size, tag);
        let mut removed = 0;
        let mut holding = self.holding[size.index()];
        while holding != 0 {
            let array = convert::index32(holding.trailing_zeros());
            holding &= holding - 1;
            removed += u64::from(array != missed && self.arrays[array].entries.remove(key));
        }
        removed
    }

    /// All arrays.
    pub(super) fn arrays(&mut self) -> impl Iterator<Item = &mut Array<u64>> {
        self.arrays.iter_mut().map(|array| &mut array.entries)
    }
}

/// The shape of a structure of the machine file.
pub(super) fn shape(path: &str, entries: u32, ways: u32) -> Result<Shape, BuildError> {
    Shape::new(entries, ways)
        .map_err(|error| BuildError::Cache { path: path.to_owned(), reason: error.to_string() })
}
