//! One level of the TLB: its arrays, and which of them serves what.

use terrace_addr::{AccessKind, Addr, Gva, PageSize};
use terrace_machine::{Machine, Shape, array_seed};

use crate::BuildError;
use crate::array::{Array, Key, Policy};
use crate::context::Tags;
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
    /// For each kind of access, the array that holds each page size.
    serving: [[Option<usize>; 3]; 3],
    /// For each kind of access and size of translation, the size at which it is inserted.
    insert_size: [[Option<PageSize>; 3]; 3],
    /// Whether a global translation was ever inserted: until then no lookup is needed for them.
    any_global: bool,
    /// Whether an entry was ever inserted that is only a part of its page of the first dimension.
    any_part: bool,
}

/// An entry that was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub(super) packed: Packed,
    pub(super) size: PageSize,
    pub(super) latency: u64,
}

impl Tlb {
    pub(super) fn new(machine: &Machine, level: u32, core: u32, seed: u64) -> Result<Self, BuildError> {
        let mut arrays = Vec::new();
        let mut serving = [[None; 3]; 3];
        for (name, array) in machine.tlb.iter().filter(|(_, array)| array.level == level) {
            let path = format!("tlb.{name}");
            let policy = Policy { replacement: array.replacement, seed: array_seed(seed, core, &path) };
            let shape = shape(&path, array.entries, array.ways)?;
            for kind in AccessKind::ALL.into_iter().filter(|&kind| array.serves(kind)) {
                for size in PageSize::ALL.into_iter().filter(|&size| array.holds(size)) {
                    serving[kind.index()][size.index()] = Some(arrays.len());
                }
            }
            arrays.push(TlbArray { entries: Array::new(shape, policy), latency: array.latency });
        }
        let insert_size = serving.map(|serving| {
            PageSize::ALL.map(|size| {
                let fits = PageSize::ALL.into_iter().rev().filter(|&other| other <= size);
                fits.into_iter().find(|other| serving[other.index()].is_some())
            })
        });
        Ok(Self { arrays, serving, insert_size, any_global: false, any_part: false })
    }

    /// Looks `addr` up, smallest pages first.
    #[inline(always)]
    pub(super) fn lookup(&mut self, addr: Addr<Gva>, kind: AccessKind, tags: Tags) -> Option<Hit> {
        for size in PageSize::ALL {
            let Some(number) = self.serving[kind.index()][size.index()] else { continue };
            let array = &mut self.arrays[number];
            if !array.entries.holds_any(size.index()) {
                continue;
            }
            let mut found = array.entries.lookup(Key::page(addr, size, tags.own));
            if found.is_none() && self.any_global {
                found = array.entries.lookup(Key::page(addr, size, tags.global));
            }
            if let Some(bits) = found {
                return Some(Hit { packed: Packed::from_bits(bits), size, latency: array.latency });
            }
        }
        None
    }

    /// Whether a lookup would hit. Nothing is touched.
    #[inline(always)]
    pub(super) fn would_hit(&self, addr: Addr<Gva>, kind: AccessKind, tags: Tags) -> bool {
        PageSize::ALL.into_iter().any(|size| {
            self.serving[kind.index()][size.index()].is_some_and(|number| {
                let entries = &self.arrays[number].entries;
                entries.holds_any(size.index())
                    && (entries.contains(Key::page(addr, size, tags.own))
                        || self.any_global && entries.contains(Key::page(addr, size, tags.global)))
            })
        })
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
        let number = self.serving[kind.index()][held.index()]?;
        let global = packed.allows().is_global();
        self.any_global |= global;
        self.any_part |= held < packed.allows().leaf();
        let key = Key::page(addr, held, if global { tags.global } else { tags.own });
        // What is kept is the piece's own frame, so that the entry alone translates.
        let frame = packed.address().align_down(held);
        // A lookup of every size has just missed, or whatever it found was removed.
        self.arrays[number].entries.insert_new(key, Packed::new(frame, packed.allows()).bits());
        Some(held)
    }

    /// Whether an entry may be only a part of its page of the first dimension.
    pub(super) const fn any_part(&self) -> bool {
        self.any_part
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
