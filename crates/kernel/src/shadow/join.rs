//! Pseudo huge pages: one composed leaf of 2M over 512 base pages of the upper layer (xGemini paper, section 4.3).
//!
//! KVM makes a leaf no larger than the upper layer's. Here a hypervisor proves that the 512 base pages of a block lie
//! in an aligned block of its own, and maps them by one leaf. What it has proved must stay true: from then on every
//! write to the upper table traps, and the first change of any part, above or below, makes base pages of it again.
//!
//! The frame of the table of base pages is put aside meanwhile, so that parting needs no memory and cannot fail (as
//! Linux deposits one for each huge page, `mm/huge_memory.c`: `pgtable_trans_huge_deposit`).

use terrace_addr::{Addr, Hva, Page, PageSize, Space};
use terrace_table::{Format, FrameSource, Leaf, LeafFlags, SimulatedMemory, Table};
use thiserror::Error;

use super::Shadow;
use super::trap::{State, node_start};
use crate::pending::Work;
use crate::{Kernel, Vm};

/// Base pages of a pseudo huge page.
const PARTS: u32 = 512;

/// Why a pseudo huge page cannot be. `part` is the number of the first base page that stands against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotJoined {
    /// The upper layer does not map a part.
    #[error("found no upper entry for part {part}, expected one for each")]
    Absent {
        /// The part.
        part: u32,
    },
    /// Nothing backs a part.
    #[error("found nothing that backs part {part}, expected all to be backed")]
    Unbacked {
        /// The part.
        part: u32,
    },
    /// A part is not at its place in an aligned block of 2M.
    #[error("found part {part} elsewhere, expected all at their places in one aligned block")]
    Scattered {
        /// The part.
        part: u32,
    },
    /// A part has other permissions than the first. The memory type is the same in all tables here: write-back.
    #[error("found other permissions at part {part}, expected those of part 0")]
    Permissions {
        /// The part.
        part: u32,
    },
    /// The upper entry of a part is not accessed: nothing would set the bit at its next use.
    #[error("found part {part} not accessed, expected all to be")]
    NotAccessed {
        /// The part.
        part: u32,
    },
    /// The upper entry of a part may be written and is not dirty: nothing would set the bit at the first store.
    #[error("found part {part} not dirty, expected all to be where stores are permitted")]
    NotDirty {
        /// The part.
        part: u32,
    },
    /// It is for the ordinary rule: the upper layer has a leaf of 2M or more there, or it is not a page of 2M.
    #[error("found a page that is not 512 base pages of 4K, expected those")]
    Ordinary,
    /// There is no memory for table pages.
    #[error("found no memory for table pages")]
    NoMemory,
}

/// Frames that are put aside for the tables of base pages.
struct Deposit<'a, L: Space>(&'a mut Vec<Addr<L>>);

impl<L: Space> FrameSource<L> for Deposit<'_, L> {
    fn take(&mut self) -> Option<Addr<L>> {
        self.0.pop()
    }

    fn give_back(&mut self, frame: Addr<L>) {
        self.0.push(frame);
    }
}

impl<U: Space, G: Space, F: Format, L: Space> Shadow<U, G, F, L> {
    /// Makes a pseudo huge page: maps a page of 2M by one leaf. Its upper table is protected until the page is parted;
    /// one that was unsync is in step afterwards.
    ///
    /// # Errors
    /// If one of the conditions does not hold, which is counted; nothing has changed then.
    pub fn join<V: Format>(
        &mut self,
        hypervisor: &mut Kernel<Hva, L>,
        upper: &Table<U, V, SimulatedMemory<G>>,
        vm: &Vm<G, L>,
        page: Page<U>,
    ) -> Result<(), NotJoined> {
        if page.size() == PageSize::Size2M && self.is_joined(page.start()) {
            return Ok(());
        }
        let (looked_at, found) = examine(hypervisor, upper, vm, page);
        let costs = hypervisor.settings().costs;
        // An entry of each layer for each part.
        hypervisor.pending().charge(Work::Daemon, costs.scan.times(2 * u64::from(looked_at)));
        let joined = found.and_then(|leaf| self.install_joined(hypervisor, &leaf));
        if let Err(why) = joined {
            *self.refusals(why) += 1;
            return Err(why);
        }
        hypervisor.pending().charge(Work::Daemon, costs.remap);
        self.protect(page.start(), PageSize::Size4K, upper.level_count());
        let start = page.start().get();
        if self.nodes.insert((1, start), State::Joined) == Some(State::Unsync) {
            self.unsync.retain(|&other| other != start);
            self.counts.resynchronised += 1;
        }
        for part in upper.leaves(page.into()) {
            self.reverse.add(&self.table, part.frame, part.page);
        }
        self.joined += 1;
        self.counts.joined += 1;
        Ok(())
    }

    /// Puts one leaf where base pages may be, and the frame of their table aside.
    fn install_joined(
        &mut self,
        hypervisor: &mut Kernel<Hva, L>,
        leaf: &Leaf<U, L>,
    ) -> Result<(), NotJoined> {
        let page = leaf.page;
        let has_node = match self.table.probe(page.start()) {
            Ok(there) => there.page.size() == PageSize::Size4K,
            Err(level) => level == 1,
        };
        let Self { table, deposit, stale, .. } = self;
        if has_node {
            let parts: Vec<_> = table.leaves(page.into()).map(|part| part.page).collect();
            for part in parts {
                // One flush for all of them follows.
                let unmapped = table.unmap(part);
                debug_assert!(unmapped.is_ok(), "{unmapped:?}");
            }
            let mapped = table.map(page, leaf.frame, leaf.flags, &mut Deposit(deposit));
            let effects = mapped.expect("the node that held the parts is there, and holds none");
            stale.extend_from_slice(effects.stale_spans());
            return Ok(());
        }
        if deposit.len() == self.joined {
            let frame = hypervisor.with_table_pages(|pages| pages.take()).ok_or(NotJoined::NoMemory)?;
            deposit.push(frame);
        }
        let mapped = hypervisor.with_table_pages(|pages| table.map(page, leaf.frame, leaf.flags, pages));
        let effects = mapped.map_err(|_| NotJoined::NoMemory)?;
        stale.extend_from_slice(effects.stale_spans());
        Ok(())
    }

    /// Where refusals for a reason are counted.
    const fn refusals(&mut self, why: NotJoined) -> &mut u64 {
        let counts = &mut self.counts;
        match why {
            NotJoined::Absent { .. } => &mut counts.refused_absent,
            NotJoined::Unbacked { .. } => &mut counts.refused_unbacked,
            NotJoined::Scattered { .. } => &mut counts.refused_scattered,
            NotJoined::Permissions { .. } => &mut counts.refused_permissions,
            NotJoined::NotAccessed { .. } => &mut counts.refused_not_accessed,
            NotJoined::NotDirty { .. } => &mut counts.refused_not_dirty,
            NotJoined::Ordinary => &mut counts.refused_ordinary,
            NotJoined::NoMemory => &mut counts.refused_no_memory,
        }
    }

    /// Whether a pseudo huge page lies over an address.
    pub(super) fn is_joined(&self, at: Addr<U>) -> bool {
        self.joined > 0 && self.nodes.get(&(1, node_start(at, 1))) == Some(&State::Joined)
    }

    /// Makes base pages of a pseudo huge page. They are what they were.
    pub(super) fn part(&mut self, page: Page<U>) {
        let split = self.table.split(page, &mut Deposit(&mut self.deposit));
        let effects = split.expect("a frame for the table of base pages was put aside when they were joined");
        self.stale.extend_from_slice(effects.stale_spans());
        self.end_joined(page);
    }

    /// A page that was joined is so no longer.
    pub(super) fn end_joined(&mut self, page: Page<U>) {
        self.nodes.insert((1, page.start().get()), State::Protected);
        self.joined -= 1;
        self.counts.parted += 1;
        self.parted.push(page);
    }

    /// Removes what was composed for the base page around an address; a pseudo huge page over it becomes base pages.
    pub(super) fn remove_part(&mut self, at: Addr<U>) {
        if self.is_joined(at) {
            self.part(Page::containing(at, PageSize::Size2M));
        }
        self.remove_page(Page::containing(at, PageSize::Size4K));
    }

    /// Frames that were put aside for pages that went as a whole go back.
    pub(super) fn give_back_spare(&mut self, hypervisor: &mut Kernel<Hva, L>) {
        let spare = self.deposit.split_off(self.joined);
        hypervisor.with_table_pages(|pages| spare.into_iter().for_each(|frame| pages.give_back(frame)));
    }

    /// Pseudo huge pages that are so no longer, since this was asked last.
    pub fn take_parted(&mut self) -> Vec<Page<U>> {
        std::mem::take(&mut self.parted)
    }
}

/// The leaf over 512 base pages, if all conditions hold; and how many of them were looked at.
fn examine<U: Space, G: Space, L: Space, V: Format>(
    hypervisor: &Kernel<Hva, L>,
    upper: &Table<U, V, SimulatedMemory<G>>,
    vm: &Vm<G, L>,
    page: Page<U>,
) -> (u32, Result<Leaf<U, L>, NotJoined>) {
    if page.size() != PageSize::Size2M {
        return (0, Err(NotJoined::Ordinary));
    }
    let mut parts = upper.leaves(page.into());
    let mut joined = None;
    for part in 0..PARTS {
        match examine_part(hypervisor, vm, page, joined.as_ref(), part, parts.next()) {
            Ok(leaf) => joined = Some(leaf),
            Err(why) => return (part + 1, Err(why)),
        }
    }
    (PARTS, joined.ok_or(NotJoined::Ordinary))
}

/// The leaf, if this part may be under it as the first one is; that of the first one, if it is this.
fn examine_part<U: Space, G: Space, L: Space>(
    hypervisor: &Kernel<Hva, L>,
    vm: &Vm<G, L>,
    page: Page<U>,
    joined: Option<&Leaf<U, L>>,
    part: u32,
    found: Option<Leaf<U, G>>,
) -> Result<Leaf<U, L>, NotJoined> {
    let upper = found.ok_or(NotJoined::Absent { part })?;
    if upper.page.size() != PageSize::Size4K {
        return Err(NotJoined::Ordinary);
    }
    let offset = u64::from(part) * PageSize::Size4K.bytes();
    if upper.page.start() != page.start().offset_by(offset) {
        return Err(NotJoined::Absent { part });
    }
    let backed = vm.backing(hypervisor, upper.frame).ok_or(NotJoined::Unbacked { part })?;
    let frame = backed.translate(upper.frame);
    let flags = upper.flags & backed.flags & LeafFlags::PERMISSIONS;
    let leaf = joined.copied().unwrap_or(Leaf { page, frame, flags });
    if !leaf.frame.is_aligned(PageSize::Size2M) || frame != leaf.frame.offset_by(offset) {
        return Err(NotJoined::Scattered { part });
    }
    if flags != leaf.flags {
        return Err(NotJoined::Permissions { part });
    }
    if !upper.flags.contains(LeafFlags::ACCESSED) {
        return Err(NotJoined::NotAccessed { part });
    }
    if flags.contains(LeafFlags::WRITE) && !upper.flags.contains(LeafFlags::DIRTY) {
        return Err(NotJoined::NotDirty { part });
    }
    Ok(leaf)
}
