//! Asking for what the next accesses will need, before they need it.
//!
//! A walk of tables that are larger than the caches of the machine that simulates waits for one cache line after
//! the other. Here the lines of a whole batch are asked for first, so that the waits overlap. Nothing that is
//! counted or kept is touched: a batch of any length gives the same results.

use terrace_addr::{Access, Addr, Gpa, Gva, Hpa, PageSize, Space};
use terrace_raw::vector::Vector;
use terrace_table::{Ept, Format, Location, Node, TableMemory, X86};

use super::access::Running;
use crate::{Below, Extended, Identity, Segment, Stack};

/// The most accesses that are looked at together.
pub(super) const BATCH: usize = 32;

/// Only a batch with so many walks makes looking ahead worth its cost.
pub(super) const WORTHWHILE: u64 = 4;

/// The second dimension's side of looking ahead.
pub trait Foresee<L: Space> {
    /// Asks for what translating `addr` ends at.
    fn ask(&self, addr: Addr<L>) -> Option<Location<Hpa, Node>>;

    /// Where `addr` is in memory, and the address of the last entry that says so, if there is one. `found` is what
    /// was asked for.
    fn look(
        &self,
        addr: Addr<L>,
        found: Option<Location<Hpa, Node>>,
    ) -> (Option<Addr<Hpa>>, Option<Addr<Hpa>>);
}

impl Foresee<Hpa> for Identity {
    #[inline(always)]
    fn ask(&self, _: Addr<Hpa>) -> Option<Location<Hpa, Node>> {
        None
    }

    #[inline(always)]
    fn look(
        &self,
        addr: Addr<Hpa>,
        _: Option<Location<Hpa, Node>>,
    ) -> (Option<Addr<Hpa>>, Option<Addr<Hpa>>) {
        (Some(addr), None)
    }
}

impl Foresee<Gpa> for Segment {
    #[inline(always)]
    fn ask(&self, _: Addr<Gpa>) -> Option<Location<Hpa, Node>> {
        None
    }

    #[inline(always)]
    fn look(
        &self,
        addr: Addr<Gpa>,
        _: Option<Location<Hpa, Node>>,
    ) -> (Option<Addr<Hpa>>, Option<Addr<Hpa>>) {
        (self.place(addr, PageSize::Size4K), None)
    }
}

impl Foresee<Gpa> for Extended {
    #[inline(always)]
    fn ask(&self, addr: Addr<Gpa>) -> Option<Location<Hpa, Node>> {
        let found = self.table.locate(addr)?;
        self.table.memory().prefetch(found.node, found.index);
        Some(found)
    }

    #[inline(always)]
    fn look(
        &self,
        addr: Addr<Gpa>,
        found: Option<Location<Hpa, Node>>,
    ) -> (Option<Addr<Hpa>>, Option<Addr<Hpa>>) {
        let Some(found) = found else { return (None, None) };
        let entry = self.table.memory().read(found.node, found.index);
        let size = PageSize::of_level(found.level).unwrap_or(PageSize::Size1G);
        let place = Ept::is_present(entry)
            .then(|| Ept::frame_address::<Hpa>(entry, size).offset_by(addr.offset_in(size)));
        (place, Some(found.address()))
    }
}

/// What is known of an access that will walk.
#[derive(Clone, Copy)]
struct Ahead<L: Space> {
    addr: Addr<Gva>,
    /// The entry of the first dimension that the walk ends at.
    entry: Location<L, Node>,
    /// Where the second dimension says where that entry is.
    entry_below: Option<Location<Hpa, Node>>,
    /// The address of the data in the first dimension, and where the second says where it is.
    data: Option<(Addr<L>, Option<Location<Hpa, Node>>)>,
}

impl<B: Below, P, V: Vector, W> Running<'_, B, P, V, W> {
    /// Asks for what `accesses`, at most [`BATCH`] of them, will walk through.
    #[inline(always)]
    pub(super) fn foresee(&mut self, accesses: &[Access]) {
        let Self { vector, core, thread, hierarchy, stack, .. } = self;
        let Stack { first, below } = &**stack;
        let mut ahead: [Option<Ahead<B::Space>>; BATCH] = [None; BATCH];
        for (access, ahead) in accesses.iter().zip(&mut ahead) {
            let Access { addr, kind, .. } = *access;
            if core.second_level.would_hit(*vector, addr, kind, thread.tags) {
                continue;
            }
            let Some(entry) = first.locate(addr) else { continue };
            first.memory().prefetch(entry.node, entry.index);
            let entry_below = below.ask(entry.address());
            *ahead = Some(Ahead { addr, entry, entry_below, data: None });
        }
        let data_lines = core.data_lines;
        let prefetch = |line: Option<Addr<Hpa>>| {
            if let Some(line) = line {
                hierarchy.prefetch(line);
            }
        };
        for Ahead { addr, entry, entry_below, data, .. } in ahead.iter_mut().flatten() {
            let (line, line_below) = below.look(entry.address(), *entry_below);
            prefetch(line);
            prefetch(line_below);
            let leaf = first.memory().read(entry.node, entry.index);
            if !X86::is_present(leaf) {
                continue;
            }
            let size = PageSize::of_level(entry.level).unwrap_or(PageSize::Size1G);
            let frame: Addr<B::Space> = X86::frame_address(leaf, size);
            let place = frame.offset_by(addr.offset_in(size));
            let data_below = below.ask(place);
            prefetch(data_below.map(|below| below.address()));
            *data = Some((place, data_below));
        }
        if data_lines {
            for (place, data_below) in ahead.iter().flatten().filter_map(|ahead| ahead.data) {
                prefetch(below.look(place, data_below).0);
            }
        }
    }
}
