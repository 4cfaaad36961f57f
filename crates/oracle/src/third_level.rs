//! A third level of the TLB, in memory (MODEL.md, "A third level of the TLB, in memory").

use terrace_addr::{Addr, Gva, Hpa, PageSize, convert};
use terrace_machine::{Replacement, Schemes, Shape};

use crate::array::Array;
use crate::context::Own;
use crate::lines::LINE;
use crate::tlb::{Key, Mapping, Translated};

/// Sizes that a core predicts.
const PREDICTIONS: u64 = 512;

/// The third level of one core.
pub(crate) struct ThirdLevel {
    array: Array<Key, Mapping>,
    sets: u64,
    /// Where the first set is.
    start: Addr<Hpa>,
    /// At which size an address is looked up first.
    predicted: Vec<PageSize>,
}

impl ThirdLevel {
    /// An empty one of `entries`, of the core with this number. The sets of all cores lie behind `memory_end`.
    pub(crate) fn new(entries: u32, core: u32, memory_end: Addr<Hpa>) -> Self {
        let shape =
            Shape::new(entries, Schemes::THIRD_LEVEL_WAYS).expect("a machine's third level is checked");
        let sets = u64::from(shape.sets());
        let start = memory_end.get().next_multiple_of(PageSize::Size4K.bytes());
        Self {
            // LRU draws nothing from a stream.
            array: Array::new(sets, shape.ways(), Replacement::Lru, 0),
            sets,
            start: Addr::new(start + u64::from(core) * sets * LINE),
            predicted: vec![PageSize::Size4K; convert::index(PREDICTIONS)],
        }
    }

    fn prediction(&mut self, va: Addr<Gva>) -> &mut PageSize {
        let page = va.get() >> PageSize::Size4K.shift();
        &mut self.predicted[convert::index(page % PREDICTIONS)]
    }

    /// The sizes at which `va` is looked up, the predicted one first.
    pub(crate) fn sizes(&mut self, va: Addr<Gva>) -> [PageSize; 2] {
        match *self.prediction(va) {
            PageSize::Size4K => [PageSize::Size4K, PageSize::Size2M],
            PageSize::Size2M | PageSize::Size1G => [PageSize::Size2M, PageSize::Size4K],
        }
    }

    /// The line of the set that `va` belongs to at `size`.
    pub(crate) fn line(&self, va: Addr<Gva>, size: PageSize) -> Addr<Hpa> {
        let set = (va.get() >> size.shift()) % self.sets;
        self.start.offset_by(set * LINE)
    }

    /// Looks `va` up at one size: with its own tags before the global form.
    pub(crate) fn look_up(&mut self, va: Addr<Gva>, size: PageSize, own: Own) -> Option<Translated> {
        for global in [false, true] {
            let key = Key::new(va, size, own, global);
            if let Some(mapping) = self.array.look_up(key.index(), key) {
                *self.prediction(va) = size;
                return Some(mapping.translate(va, key));
            }
        }
        None
    }

    /// Inserts the translation of `va`, at 2M if it is that large.
    pub(crate) fn insert(&mut self, va: Addr<Gva>, own: Own, translated: Translated) {
        let size = translated.size.min(PageSize::Size2M);
        let key = Key::new(va, size, own, translated.global);
        self.array.insert(key.index(), key, Mapping::new(translated, size));
        *self.prediction(va) = size;
    }

    /// Removes the translations that are `unwanted`.
    pub(crate) fn remove(&mut self, unwanted: impl Fn(Key, Mapping) -> bool) {
        self.array.remove(unwanted);
    }
}
