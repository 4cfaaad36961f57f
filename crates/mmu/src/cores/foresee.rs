//! Asking for what the next accesses will need, before they need it.
//!
//! A walk of tables that are larger than the caches of the machine that simulates waits for one cache line after
//! the other. Here the last two entries of the tables are asked for first, each for a whole batch before the next is
//! read, so that the waits overlap. Nothing that is counted or kept is touched: a batch of any length gives the same
//! results.

use terrace_addr::{Access, Addr, Gpa, Gva, Hpa, PageSize, Space};
use terrace_raw::vector::Vector;
use terrace_table::{EntryIndex, Format, Location, Node, SimulatedMemory, Table, TableMemory, X86};

use super::access::Running;
use crate::segment::Blocks;
use crate::{Below, Extended, Identity, Tables};

/// Accesses that are looked at together where many of them walk.
pub(super) const NEAR: usize = 32;

/// The most accesses that are looked at together: where few walk.
pub(super) const FARTHEST: usize = 256;

/// Few walk: less than one in so many.
pub(super) const SPARSE: u64 = 8;

/// Nodes of level 2, where most of the way to an address's last entry is done, by the gigabyte that they are for.
///
/// It is made for one run of accesses: within it node handles stay handles of the same tables. What a node is used
/// for may change meanwhile; then the wrong line is asked for, and nothing else happens.
pub struct Directories {
    known: [(u64, Option<Node>); KNOWN],
}

const KNOWN: usize = 64;

impl Directories {
    pub(super) const fn new() -> Self {
        Self { known: [(u64::MAX, None); KNOWN] }
    }

    /// The node of level 2 of `table` for `addr`, of whose entry it asks.
    #[inline(always)]
    fn ask<U: Space, F: Format, L: Space>(
        &mut self,
        table: &Table<U, F, SimulatedMemory<L>>,
        addr: Addr<U>,
    ) -> Option<Node> {
        let gigabyte = addr.get() >> PageSize::Size1G.shift();
        let known = &mut self.known[terrace_addr::convert::index(gigabyte) % KNOWN];
        if known.0 != gigabyte {
            *known = (gigabyte, if table.covers(addr) { table.directory(addr) } else { None });
        }
        let directory = known.1?;
        table.memory().prefetch(directory, EntryIndex::of(addr, 2));
        Some(directory)
    }
}

/// The second dimension's side of looking ahead.
pub trait Foresee<L: Space> {
    /// Asks for the entry that leads to the last one for `addr`. The node that it is in is returned.
    #[inline(always)]
    fn ask_directory(&self, _: &mut Directories, _: Addr<L>) -> Option<Node> {
        None
    }

    /// Asks for the last entry that says where `addr` is in memory, by this node.
    #[inline(always)]
    fn ask(&self, _: Node, _: Addr<L>) {}
}

impl Foresee<Hpa> for Identity {}

impl<S: Blocks> Foresee<Gpa> for S {}

impl Foresee<Gpa> for Extended {
    #[inline(always)]
    fn ask_directory(&self, directories: &mut Directories, addr: Addr<Gpa>) -> Option<Node> {
        directories.ask(self, addr)
    }

    #[inline(always)]
    fn ask(&self, directory: Node, addr: Addr<Gpa>) {
        if let Some(entry) = self.locate_in(directory, addr) {
            self.memory().prefetch(entry.node, entry.index);
        }
    }
}

/// What looking ahead keeps from batch to batch of a run.
pub(super) struct Ahead<L: Space> {
    guest: Directories,
    host: Directories,
    /// What walks of the batch are for, an address of each page, with its node of level 2.
    pages: Vec<(Addr<Gva>, Node)>,
    /// The entries of the first dimension that they will come to, with the node of level 2 of the second for each.
    leaves: Vec<(Location<L, Node>, Option<Node>)>,
    /// Where those lead, and the same of it.
    frames: Vec<(Addr<L>, Node)>,
}

impl<L: Space> Ahead<L> {
    pub(super) fn new() -> Self {
        Self {
            guest: Directories::new(),
            host: Directories::new(),
            pages: Vec::with_capacity(NEAR),
            leaves: Vec::with_capacity(NEAR),
            frames: Vec::with_capacity(NEAR),
        }
    }
}

impl<B: Below, V: Vector, W> Running<'_, B, V, W> {
    /// Asks for what `accesses` will walk through: `all` of them, or those that no TLB
    /// serves.
    #[inline(always)]
    pub(super) fn foresee(&mut self, accesses: &[Access], all: bool, ahead: &mut Ahead<B::Space>) {
        let Self { vector, core, thread, stack, .. } = self;
        let Tables { first, below } = stack;
        let Ahead { guest, host, pages, leaves, frames } = ahead;
        pages.clear();
        let mut before = None;
        for &Access { addr, kind, .. } in accesses {
            let page = addr.align_down(PageSize::Size4K);
            // The one before it walks for both.
            if before.replace(page) == Some(page)
                || !all
                    && (core.first_level.lookup_most_recent(addr, kind, thread.tags).is_some()
                        || core.second_level.would_hit(*vector, addr, kind, thread.tags))
            {
                continue;
            }
            let Some(directory) = guest.ask(first, addr) else { continue };
            pages.push((addr, directory));
        }
        leaves.clear();
        for &(addr, directory) in &*pages {
            let Some(entry) = first.locate_in(directory, addr) else { continue };
            first.memory().prefetch(entry.node, entry.index);
            leaves.push((entry, below.ask_directory(host, entry.address())));
        }
        if !B::TABLES {
            return;
        }
        frames.clear();
        for &(entry, directory) in &*leaves {
            if let Some(directory) = directory {
                below.ask(directory, entry.address());
            }
            let leaf = first.memory().read_last(entry.node, entry.index);
            if X86::is_present(leaf) {
                let frame = X86::frame_address(leaf, PageSize::Size4K);
                if let Some(directory) = below.ask_directory(host, frame) {
                    frames.push((frame, directory));
                }
            }
        }
        for &(frame, directory) in &*frames {
            below.ask(directory, frame);
        }
    }
}
