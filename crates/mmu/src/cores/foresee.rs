//! Asking for what the next accesses will need, before they need it.
//!
//! A walk of tables that are larger than the caches of the machine that simulates waits for one cache line after
//! the other. Here the lines of a whole batch are asked for first, so that the waits overlap: the last entries of
//! the tables, and the sets of large caches that their lines will be looked up in. Nothing that is counted or kept
//! is touched: a batch of any length gives the same results.

use terrace_addr::{Access, Addr, Gpa, Gva, Hpa, PageSize, Space};
use terrace_raw::vector::Vector;
use terrace_table::{Ept, Format, Location, Node, SimulatedMemory, Table, TableMemory, X86};

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
    /// Where the last entry is that says where `addr` is in memory.
    fn locate(&self, directories: &mut Directories, addr: Addr<L>) -> Option<Location<Hpa, Node>>;

    /// Asks for such an entry.
    fn ask(&self, entry: Location<Hpa, Node>);

    /// Where `addr` is in memory, by that entry.
    fn place(&self, addr: Addr<L>, entry: Option<Location<Hpa, Node>>) -> Option<Addr<Hpa>>;
}

impl Foresee<Hpa> for Identity {
    #[inline(always)]
    fn locate(&self, _: &mut Directories, _: Addr<Hpa>) -> Option<Location<Hpa, Node>> {
        None
    }

    #[inline(always)]
    fn ask(&self, _: Location<Hpa, Node>) {}

    #[inline(always)]
    fn place(&self, addr: Addr<Hpa>, _: Option<Location<Hpa, Node>>) -> Option<Addr<Hpa>> {
        Some(addr)
    }
}

impl<S: Blocks> Foresee<Gpa> for S {
    #[inline(always)]
    fn locate(&self, _: &mut Directories, _: Addr<Gpa>) -> Option<Location<Hpa, Node>> {
        None
    }

    #[inline(always)]
    fn ask(&self, _: Location<Hpa, Node>) {}

    #[inline(always)]
    fn place(&self, addr: Addr<Gpa>, _: Option<Location<Hpa, Node>>) -> Option<Addr<Hpa>> {
        Some(self.place_page(addr, PageSize::Size4K)?.0)
    }
}

impl Foresee<Gpa> for Extended {
    #[inline(always)]
    fn locate(&self, directories: &mut Directories, addr: Addr<Gpa>) -> Option<Location<Hpa, Node>> {
        directories.locate(self, addr)
    }

    #[inline(always)]
    fn ask(&self, entry: Location<Hpa, Node>) {
        self.memory().prefetch(entry.node, entry.index);
    }

    #[inline(always)]
    fn place(&self, addr: Addr<Gpa>, entry: Option<Location<Hpa, Node>>) -> Option<Addr<Hpa>> {
        let entry = entry?;
        let entry = self.memory().read(entry.node, entry.index);
        let frame = Ept::frame_address::<Hpa>(entry, PageSize::Size4K);
        Ept::is_present(entry).then(|| frame.within(addr.offset_in(PageSize::Size4K)))
    }
}

/// What looking ahead keeps from batch to batch of a run.
pub(super) struct Ahead<L: Space> {
    guest: Directories,
    host: Directories,
    /// Of the accesses that will walk: the address, and the entry of the first dimension that its walk will come to,
    /// with the one below that says where that is.
    walks: Vec<(Addr<Gva>, Location<L, Node>, EntryBelow)>,
    /// The places of their data, and the entries below that say where these are.
    data: Vec<(Addr<L>, EntryBelow)>,
}

/// An entry of the second dimension, if there is one.
type EntryBelow = Option<Location<Hpa, Node>>;

impl<L: Space> Ahead<L> {
    pub(super) fn new() -> Self {
        Self {
            guest: Directories::new(),
            host: Directories::new(),
            walks: Vec::with_capacity(NEAR),
            data: Vec::with_capacity(NEAR),
        }
    }
}

impl<B: Below, P, V: Vector, W> Running<'_, B, P, V, W> {
    /// Asks for what `accesses` will walk through: `all` of them, or those that no TLB
    /// serves.
    #[inline(always)]
    pub(super) fn foresee(&mut self, accesses: &[Access], all: bool, ahead: &mut Ahead<B::Space>) {
        let Self { vector, core, thread, hierarchy, stack, .. } = self;
        let Tables { first, below } = stack;
        let Ahead { guest, host, walks, data } = ahead;
        walks.clear();
        for &Access { addr, kind, .. } in accesses {
            if !all
                && (core.first_level.lookup_most_recent(addr, kind, thread.tags).is_some()
                    || core.second_level.would_hit(*vector, addr, kind, thread.tags))
            {
                continue;
            }
            let Some(entry) = guest.locate(first, addr) else { continue };
            first.memory().prefetch(entry.node, entry.index);
            let entry_below = below.locate(host, entry.address());
            if let Some(entry) = entry_below {
                below.ask(entry);
            }
            walks.push((addr, entry, entry_below));
        }
        data.clear();
        for &(addr, entry, entry_below) in &*walks {
            if let Some(line) = below.place(entry.address(), entry_below) {
                hierarchy.prefetch(line);
            }
            if let Some(entry) = entry_below {
                hierarchy.prefetch(entry.address());
            }
            let leaf = first.memory().read(entry.node, entry.index);
            if !X86::is_present(leaf) {
                continue;
            }
            let frame: Addr<B::Space> = X86::frame_address(leaf, PageSize::Size4K);
            let place = frame.within(addr.offset_in(PageSize::Size4K));
            let entry_below = below.locate(host, place);
            if let Some(entry) = entry_below {
                below.ask(entry);
                hierarchy.prefetch(entry.address());
            }
            if core.data_lines {
                data.push((place, entry_below));
            }
        }
        for &(place, entry_below) in &*data {
            if let Some(line) = below.place(place, entry_below) {
                hierarchy.prefetch(line);
            }
        }
    }
}
