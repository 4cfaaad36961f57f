//! Tables that software composes of other layers' tables, for the hardware to walk.

use terrace_addr::{Addr, Page};
use terrace_table::{Format, FrameSource, Leaf, LeafFlags, SimulatedMemory, Table, TableError};

use super::MapError;
use super::chain::{Chain, ChainLeaf, POPULATED, map};

/// A table from the top of a chain to its bottom. Its pages are as large as the smallest leaf on the way, and
/// its table pages lie at the bottom.
pub(super) struct Composed<'a, F, C: Chain> {
    pub(super) table: &'a mut ComposedTable<F, C>,
    pub(super) chain: C,
}

/// The table of a chain, whose format is `F`.
pub(super) type ComposedTable<F, C> = Table<<C as Chain>::Upper, F, SimulatedMemory<<C as Chain>::Bottom>>;

/// An empty table that is to be composed of `chain`.
///
/// # Errors
/// If there is no memory for the root.
pub(super) fn empty<F: Format, C: Chain>(format: F, mut chain: C) -> Result<ComposedTable<F, C>, MapError> {
    let mut tables = Tables::new(&mut chain);
    Table::new(format, SimulatedMemory::new(), &mut tables).map_err(|error| tables.explain(error))
}

impl<F: Format, C: Chain> Composed<'_, F, C> {
    fn own_leaf(&mut self, addr: Addr<C::Upper>) -> Result<ChainLeaf<C>, MapError> {
        if let Some(leaf) = self.table.lookup(addr) {
            return Ok(leaf);
        }
        let leaf = self.chain.leaf(addr)?;
        // The layers' pages count as used before the program ran, and so does what is composed of them.
        let leaf = Leaf { flags: leaf.flags | (POPULATED - LeafFlags::PERMISSIONS), ..leaf };
        let mut tables = Tables::new(&mut self.chain);
        map(self.table, leaf, &mut tables).map_err(|error| tables.explain(error))?;
        Ok(leaf)
    }
}

impl<F: Format, C: Chain> Chain for Composed<'_, F, C> {
    type Upper = C::Upper;
    type Bottom = C::Bottom;

    fn ensure(&mut self, addr: Addr<C::Upper>) -> Result<Page<C::Upper>, MapError> {
        Ok(self.own_leaf(addr)?.page)
    }

    fn leaf(&mut self, addr: Addr<C::Upper>) -> Result<ChainLeaf<C>, MapError> {
        self.own_leaf(addr)
    }

    fn take_table(&mut self) -> Result<Addr<C::Bottom>, MapError> {
        self.chain.take_table()
    }
}

/// Hands out table pages at the bottom of a chain.
struct Tables<'a, C> {
    chain: &'a mut C,
    /// Why there was none.
    failed: Option<MapError>,
}

impl<'a, C> Tables<'a, C> {
    const fn new(chain: &'a mut C) -> Self {
        Self { chain, failed: None }
    }

    /// The table's error, or what made it.
    fn explain(&self, error: TableError) -> MapError {
        self.failed.unwrap_or(MapError::Table(error))
    }
}

impl<C: Chain> FrameSource<C::Bottom> for Tables<'_, C> {
    fn take(&mut self) -> Option<Addr<C::Bottom>> {
        match self.chain.take_table() {
            Ok(table) => Some(table),
            Err(error) => {
                self.failed = Some(error);
                None
            }
        }
    }

    /// Replay gives no table page back.
    fn give_back(&mut self, _: Addr<C::Bottom>) {
        debug_assert!(false, "replay never removes a table");
    }
}
