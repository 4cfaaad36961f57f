//! The nested TLB: guest-physical translations (MODEL.md, "Translating a guest-physical address by EPT" 1 and 4).

use std::collections::BTreeMap;

use terrace_addr::{Addr, Gpa, Hpa, PageSize};
use terrace_machine::{NestedTlbArray, Shape};

use crate::array::Array;
use crate::context::Guest;
use crate::rights::Rights;

/// All nested arrays of a core.
pub(crate) struct NestedTlbs(Vec<OneArray>);

struct OneArray {
    description: NestedTlbArray,
    array: Array<Key, Mapping>,
}

/// What a guest-physical translation is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    /// The number of the guest-physical page.
    number: u64,
    size: PageSize,
    guest: Guest,
}

#[derive(Debug, Clone, Copy)]
struct Mapping {
    /// The first address of the page's frame.
    frame: Addr<Hpa>,
    rights: Rights,
}

/// Where a guest-physical address finally is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed {
    /// The final address.
    pub(crate) addr: Addr<Hpa>,
    /// The size of the page around it: the nested entry's on a hit, otherwise the EPT leaf's.
    pub(crate) size: PageSize,
    /// What EPT allows, for stores with the leaf's dirty bit taken into account.
    pub(crate) rights: Rights,
}

impl Key {
    fn new(gpa: Addr<Gpa>, size: PageSize, guest: Guest) -> Self {
        Self { number: gpa.get() >> size.shift(), size, guest }
    }
}

impl NestedTlbs {
    /// Empty arrays; `seed_of` gives each its seed by its name in the machine file.
    pub(crate) fn new(arrays: &BTreeMap<String, NestedTlbArray>, seed_of: impl Fn(&str) -> u64) -> Self {
        let one = |(name, description): (&String, &NestedTlbArray)| {
            let shape =
                Shape::new(description.entries, description.ways).expect("a machine's shapes are checked");
            let (sets, ways) = (shape.sets().into(), shape.ways());
            let array = Array::new(sets, ways, description.replacement, seed_of(name));
            OneArray { description: description.clone(), array }
        };
        Self(arrays.iter().map(one).collect())
    }

    /// The array that holds `size`.
    fn array(&mut self, size: PageSize) -> Option<&mut OneArray> {
        self.0.iter_mut().find(|array| array.description.holds(size))
    }

    /// Looks `gpa` up, smallest size first; the first hit ends the search.
    pub(crate) fn look_up(&mut self, gpa: Addr<Gpa>, guest: Guest) -> Option<Placed> {
        for size in PageSize::ALL {
            let Some(OneArray { array, .. }) = self.array(size) else { continue };
            let key = Key::new(gpa, size, guest);
            if let Some(Mapping { frame, rights }) = array.look_up(key.number, key) {
                return Some(Placed { addr: frame.offset_by(gpa.offset_in(size)), size, rights });
            }
        }
        None
    }

    /// Inserts where `gpa` is, at the largest size not above the leaf's that some array holds.
    pub(crate) fn insert(&mut self, gpa: Addr<Gpa>, guest: Guest, placed: Placed) {
        for size in PageSize::ALL.into_iter().rev().filter(|size| *size <= placed.size) {
            if let Some(OneArray { array, .. }) = self.array(size) {
                let key = Key::new(gpa, size, guest);
                let frame = placed.addr.align_down(size);
                array.insert(key.number, key, Mapping { frame, rights: placed.rights });
                return;
            }
        }
    }

    /// Removes the translations of `gpa` with the tags `guest`, all sizes.
    pub(crate) fn remove_address(&mut self, gpa: Addr<Gpa>, guest: Guest) {
        for OneArray { array, .. } in &mut self.0 {
            array.remove(|key, _| key == Key::new(gpa, key.size, guest));
        }
    }

    /// Removes the translations whose tags are `unwanted`.
    pub(crate) fn remove(&mut self, unwanted: impl Fn(Guest) -> bool) {
        for OneArray { array, .. } in &mut self.0 {
            array.remove(|key, _| unwanted(key.guest));
        }
    }
}
