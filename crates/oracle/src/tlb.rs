//! The TLBs of a core, levels 1 and 2 (MODEL.md, "Looking up").

use std::collections::BTreeMap;

use terrace_addr::{AccessKind, Addr, Gva, Hpa, PageSize};
use terrace_machine::{Shape, TlbArray};

use crate::array::Array;
use crate::context::Own;
use crate::rights::Rights;

/// All arrays of a core.
pub(crate) struct Tlbs(Vec<OneArray>);

struct OneArray {
    description: TlbArray,
    array: Array<Key, Mapping>,
}

/// What a translation is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    /// The number of the virtual page.
    number: u64,
    size: PageSize,
    /// The tags; the PCID is 0 where the translation is global.
    pub(crate) own: Own,
    /// Whether every address space of the (virtual) machine sees it.
    pub(crate) global: bool,
}

/// What an entry says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mapping {
    /// The first address of the page's frame.
    pub(crate) frame: Addr<Hpa>,
    /// What the translation allows, for stores with the dirty bits taken into account.
    pub(crate) rights: Rights,
    /// The size of the first dimension's leaf.
    pub(crate) leaf: PageSize,
}

/// The translation of one address, on its way into or out of an array.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Translated {
    /// The final address.
    pub(crate) addr: Addr<Hpa>,
    /// The size of the page around it.
    pub(crate) size: PageSize,
    /// What is allowed.
    pub(crate) rights: Rights,
    /// Whether it belongs to every address space of its (virtual) machine.
    pub(crate) global: bool,
    /// The size of the first dimension's leaf, at least `size`.
    pub(crate) leaf: PageSize,
}

/// A hit, and what the array costs.
pub(crate) struct Hit {
    /// What the entry says of the address.
    pub(crate) translated: Translated,
    /// The array's latency in cycles.
    pub(crate) latency: u64,
}

impl Key {
    /// What the translation of `va` at `size` is found by, in its own form or the global one.
    pub(crate) fn new(va: Addr<Gva>, size: PageSize, own: Own, global: bool) -> Self {
        let pcid = if global { 0 } else { own.pcid };
        Self { number: va.get() >> size.shift(), size, own: Own { pcid, ..own }, global }
    }

    /// The number of the virtual page, which chooses the set.
    pub(crate) fn index(self) -> u64 {
        self.number
    }

    /// Whether a lookup of `va` with the tags `own` may find it.
    pub(crate) fn is_found_by(self, va: Addr<Gva>, own: Own) -> bool {
        [false, true].map(|global| Self::new(va, self.size, own, global)).contains(&self)
    }

    /// Whether it is a translation of the address space `pcid`, which sees its own and no global one.
    pub(crate) fn belongs_to(self, pcid: u16) -> bool {
        !self.global && self.own.pcid == pcid
    }

    /// Whether the address space `pcid` sees it: its own and the global ones.
    pub(crate) fn is_seen_by(self, pcid: u16) -> bool {
        self.global || self.own.pcid == pcid
    }

    /// Whether it is one of the *translations of `va`*: a part of the first dimension's page around it.
    pub(crate) fn is_of(self, mapping: Mapping, va: Addr<Gva>) -> bool {
        let start = self.number << self.size.shift();
        start >> mapping.leaf.shift() == va.get() >> mapping.leaf.shift()
    }
}

impl Mapping {
    /// What the entry of `size` says that a translation makes.
    pub(crate) fn new(translated: Translated, size: PageSize) -> Self {
        let Translated { addr, rights, leaf, .. } = translated;
        Self { frame: addr.align_down(size), rights, leaf }
    }

    /// What it says of `va`, found under `key`.
    pub(crate) fn translate(self, va: Addr<Gva>, key: Key) -> Translated {
        let Self { frame, rights, leaf } = self;
        let Key { size, global, .. } = key;
        Translated { addr: frame.offset_by(va.offset_in(size)), size, rights, global, leaf }
    }
}

impl Tlbs {
    /// Empty arrays; `seed_of` gives each its seed by its name in the machine file.
    pub(crate) fn new(arrays: &BTreeMap<String, TlbArray>, seed_of: impl Fn(&str) -> u64) -> Self {
        let one = |(name, description): (&String, &TlbArray)| {
            let shape =
                Shape::new(description.entries, description.ways).expect("a machine's shapes are checked");
            let (sets, ways) = (shape.sets().into(), shape.ways());
            let array = Array::new(sets, ways, description.replacement, seed_of(name));
            OneArray { description: description.clone(), array }
        };
        Self(arrays.iter().map(one).collect())
    }

    /// The array of `level` that serves `kind` and holds `size`.
    fn array(&mut self, level: u32, kind: AccessKind, size: PageSize) -> Option<&mut OneArray> {
        self.0.iter_mut().find(|array| {
            let description = &array.description;
            description.level == level && description.serves(kind) && description.holds(size)
        })
    }

    /// Looks `va` up in one level: smallest size first, each with its own tags before the global form.
    pub(crate) fn look_up(&mut self, level: u32, kind: AccessKind, va: Addr<Gva>, own: Own) -> Option<Hit> {
        for size in PageSize::ALL {
            let Some(OneArray { description, array }) = self.array(level, kind, size) else { continue };
            for global in [false, true] {
                let key = Key::new(va, size, own, global);
                if let Some(mapping) = array.look_up(key.index(), key) {
                    let translated = mapping.translate(va, key);
                    return Some(Hit { translated, latency: description.latency });
                }
            }
        }
        None
    }

    /// Inserts the translation of `va` into one level, at the largest size not above its own that an array there
    /// holds for `kind`; that size, or `None` if there is no such array.
    pub(crate) fn insert(
        &mut self,
        level: u32,
        kind: AccessKind,
        va: Addr<Gva>,
        own: Own,
        translated: Translated,
    ) -> Option<PageSize> {
        for size in PageSize::ALL.into_iter().rev().filter(|size| *size <= translated.size) {
            if let Some(OneArray { array, .. }) = self.array(level, kind, size) {
                let key = Key::new(va, size, own, translated.global);
                array.insert(key.index(), key, Mapping::new(translated, size));
                return Some(size);
            }
        }
        None
    }

    /// Removes the translations that are `unwanted`.
    pub(crate) fn remove(&mut self, unwanted: impl Fn(Key, Mapping) -> bool) {
        for OneArray { array, .. } in &mut self.0 {
            array.remove(&unwanted);
        }
    }
}
