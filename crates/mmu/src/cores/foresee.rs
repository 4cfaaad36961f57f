//! Asking for what the next accesses will need, before they need it.
//!
//! A walk of tables that are larger than the caches of the machine that simulates waits for one cache line after
//! the other. Here the last entries of the tables for a whole batch are asked for first, so that the waits
//! overlap. Nothing that is counted or kept is touched: a batch of any length gives the same results.

use terrace_addr::{Access, Addr, Gpa, Hpa, PageSize, Space};
use terrace_raw::vector::Vector;
use terrace_table::{Format, Location, Node, SimulatedMemory, Table, TableMemory, X86};

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

    /// The last entry of `table` for `addr`, unless an entry above it ends the walk.
    #[inline(always)]
    fn locate<U: Space, F: Format, L: Space>(
        &mut self,
        table: &Table<U, F, SimulatedMemory<L>>,
        addr: Addr<U>,
    ) -> Option<Location<L, Node>> {
        let gigabyte = addr.get() >> PageSize::Size1G.shift();
        let known = &mut self.known[terrace_addr::convert::index(gigabyte) % KNOWN];
        if known.0 != gigabyte {
            *known = (gigabyte, if table.covers(addr) { table.directory(addr) } else { None });
        }
        table.locate_in(known.1?, addr)
    }
}

/// The second dimension's side of looking ahead.
pub trait Foresee<L: Space> {
    /// Asks for the last entry that says where `addr` is in memory.
    fn ask(&self, directories: &mut Directories, addr: Addr<L>);
}

impl Foresee<Hpa> for Identity {
    #[inline(always)]
    fn ask(&self, _: &mut Directories, _: Addr<Hpa>) {}
}

impl<S: Blocks> Foresee<Gpa> for S {
    #[inline(always)]
    fn ask(&self, _: &mut Directories, _: Addr<Gpa>) {}
}

impl Foresee<Gpa> for Extended {
    #[inline(always)]
    fn ask(&self, directories: &mut Directories, addr: Addr<Gpa>) {
        if let Some(entry) = directories.locate(self, addr) {
            self.memory().prefetch(entry.node, entry.index);
        }
    }
}

/// What looking ahead keeps from batch to batch of a run.
pub(super) struct Ahead<L: Space> {
    guest: Directories,
    host: Directories,
    /// The entries of the first dimension that walks of the batch will come to.
    leaves: Vec<Location<L, Node>>,
}

impl<L: Space> Ahead<L> {
    pub(super) fn new() -> Self {
        Self { guest: Directories::new(), host: Directories::new(), leaves: Vec::with_capacity(NEAR) }
    }
}

impl<B: Below, P, V: Vector, W> Running<'_, B, P, V, W> {
    /// Asks for what `accesses` will walk through: `all` of them, or those that no TLB
    /// serves.
    #[inline(always)]
    pub(super) fn foresee(&mut self, accesses: &[Access], all: bool, ahead: &mut Ahead<B::Space>) {
        let Self { vector, core, thread, stack, .. } = self;
        let Tables { first, below } = stack;
        let Ahead { guest, host, leaves } = ahead;
        leaves.clear();
        for &Access { addr, kind, .. } in accesses {
            if !all
                && (core.first_level.lookup_most_recent(addr, kind, thread.tags).is_some()
                    || core.second_level.would_hit(*vector, addr, kind, thread.tags))
            {
                continue;
            }
            let Some(entry) = guest.locate(first, addr) else { continue };
            first.memory().prefetch(entry.node, entry.index);
            below.ask(host, entry.address());
            leaves.push(entry);
        }
        if !B::TABLES {
            return;
        }
        for entry in leaves {
            let leaf = first.memory().read(entry.node, entry.index);
            if X86::is_present(leaf) {
                below.ask(host, X86::frame_address(leaf, PageSize::Size4K));
            }
        }
    }
}
