//! Extents in the order of their places: few of them in the server itself, more of them in a tree.
//!
//! A server of some dozens of cores rarely has more than a handful of free extents. Together with its cores they are two
//! cache lines; a tree would be as many allocations and several times as many lines.

use std::collections::BTreeSet;

use terrace_raw::prefetch;

use super::Extent;
use crate::server::ExtentPolicy;
use crate::tree::OrderTree;

/// As many as make a server two cache lines.
const FEW: usize = 6;
/// A tree that has shrunk to so many is one no more: between the two numbers nothing is moved to and fro.
const FEW_AGAIN: usize = 4;

/// Disjoint extents that do not touch each other.
#[derive(Debug, Clone)]
pub(super) enum List {
    Few(Few),
    Many(Box<Many>),
}

#[derive(Debug, Clone)]
pub(super) struct Few {
    extents: [Extent; FEW],
    len: u8,
    policy: ExtentPolicy,
}

#[derive(Debug, Clone)]
pub(super) struct Many {
    by_start: OrderTree,
    /// (bytes, start), where extents are chosen by their size.
    by_size: Option<BTreeSet<(u64, u64)>>,
    policy: ExtentPolicy,
}

impl List {
    pub(super) fn new(policy: ExtentPolicy) -> Self {
        Self::Few(Few { extents: [Extent::default(); FEW], len: 0, policy })
    }

    pub(super) fn foresee(&self) {
        match self {
            Self::Few(few) => few.extents.iter().step_by(FEW - 1).for_each(prefetch),
            Self::Many(many) => prefetch(&**many),
        }
    }

    pub(super) fn count(&self) -> usize {
        match self {
            Self::Few(few) => few.extents().len(),
            Self::Many(many) => many.by_start.len(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Extent> + '_ {
        let (few, many) = match self {
            Self::Few(few) => (Some(few.extents()), None),
            Self::Many(many) => (None, Some(many.by_start.iter())),
        };
        let many = many.into_iter().flatten().map(|(start, bytes)| Extent { start, bytes });
        few.into_iter().flatten().copied().chain(many)
    }

    /// The bytes of the largest one.
    pub(super) fn largest(&self) -> u64 {
        match self {
            Self::Few(few) => few.extents().iter().fold(0, |most, extent| most.max(extent.bytes)),
            Self::Many(many) => many.by_start.most(),
        }
    }

    pub(super) fn lowest(&self) -> Option<Extent> {
        self.choose(1, ExtentPolicy::FirstFit)
    }

    /// The last one that begins at this place or before.
    pub(super) fn upto(&self, start: u64) -> Option<Extent> {
        match self {
            Self::Few(few) => few.extents().iter().rev().find(|extent| extent.start <= start).copied(),
            Self::Many(many) => {
                let found = many.by_start.before(start.saturating_add(1));
                found.map(|(start, bytes)| Extent { start, bytes })
            }
        }
    }

    /// The one that begins here.
    pub(super) fn from(&self, start: u64) -> Option<Extent> {
        self.upto(start).filter(|extent| extent.start == start)
    }

    /// The one that the policy chooses of those that hold so many bytes.
    pub(super) fn choose(&self, bytes: u64, policy: ExtentPolicy) -> Option<Extent> {
        match self {
            Self::Few(few) => {
                let mut fitting = few.extents().iter().filter(|extent| extent.bytes >= bytes);
                match policy {
                    ExtentPolicy::FirstFit => fitting.next(),
                    ExtentPolicy::BestFit => fitting.min_by_key(|extent| extent.bytes),
                    ExtentPolicy::WorstFit => fitting.min_by_key(|extent| u64::MAX - extent.bytes),
                }
                .copied()
            }
            Self::Many(many) => many.choose(bytes, policy),
        }
    }

    pub(super) fn add(&mut self, extent: Extent) {
        match self {
            Self::Few(few) if few.extents().len() < FEW => few.add(extent),
            Self::Few(few) => {
                let mut many = Many::of(few);
                many.add(extent);
                *self = Self::Many(Box::new(many));
            }
            Self::Many(many) => many.add(extent),
        }
    }

    /// Takes one away that is there.
    pub(super) fn drop_extent(&mut self, extent: Extent) {
        match self {
            Self::Few(few) => few.drop_extent(extent),
            Self::Many(many) => {
                many.drop_extent(extent);
                if many.by_start.len() <= FEW_AGAIN {
                    let few = many.few();
                    *self = Self::Few(few);
                }
            }
        }
    }

    /// One that is there becomes another one at the same place in the order.
    pub(super) fn rename(&mut self, from: Extent, to: Extent) {
        match self {
            Self::Few(few) => {
                let place = few.place(from.start);
                few.extents[place] = to;
            }
            Self::Many(many) => many.rename(from, to),
        }
    }
}

impl Few {
    fn extents(&self) -> &[Extent] {
        &self.extents[..usize::from(self.len)]
    }

    /// How many begin before.
    fn place(&self, start: u64) -> usize {
        self.extents().iter().map(|extent| usize::from(extent.start < start)).sum()
    }

    fn add(&mut self, extent: Extent) {
        let (place, len) = (self.place(extent.start), usize::from(self.len));
        self.extents.copy_within(place..len, place + 1);
        self.extents[place] = extent;
        self.len += 1;
    }

    fn drop_extent(&mut self, extent: Extent) {
        let (place, len) = (self.place(extent.start), usize::from(self.len));
        self.extents.copy_within(place + 1..len, place);
        self.len -= 1;
    }
}

impl Many {
    fn of(few: &Few) -> Self {
        let by_size = (few.policy == ExtentPolicy::BestFit).then(BTreeSet::new);
        let mut many = Self { by_start: OrderTree::new(), by_size, policy: few.policy };
        few.extents().iter().for_each(|extent| many.add(*extent));
        many
    }

    fn few(&self) -> Few {
        let mut few = Few { extents: [Extent::default(); FEW], len: 0, policy: self.policy };
        self.by_start.iter().for_each(|(start, bytes)| few.add(Extent { start, bytes }));
        few
    }

    fn choose(&self, bytes: u64, policy: ExtentPolicy) -> Option<Extent> {
        let (start, bytes) = match (policy, &self.by_size) {
            (ExtentPolicy::BestFit, Some(by_size)) => {
                by_size.range((bytes, 0)..).next().map(|&(of, start)| (start, of))
            }
            (ExtentPolicy::WorstFit, _) => self.by_start.first(0, self.by_start.most().max(bytes)),
            _ => self.by_start.first(0, bytes),
        }?;
        Some(Extent { start, bytes })
    }

    fn add(&mut self, extent: Extent) {
        self.by_start.insert(extent.start, extent.bytes);
        if let Some(by_size) = &mut self.by_size {
            by_size.insert((extent.bytes, extent.start));
        }
    }

    fn drop_extent(&mut self, extent: Extent) {
        self.by_start.remove(extent.start);
        if let Some(by_size) = &mut self.by_size {
            by_size.remove(&(extent.bytes, extent.start));
        }
    }

    fn rename(&mut self, from: Extent, to: Extent) {
        self.by_start.change(from.start, to.start, to.bytes);
        if let Some(by_size) = &mut self.by_size {
            by_size.remove(&(from.bytes, from.start));
            by_size.insert((to.bytes, to.start));
        }
    }
}
