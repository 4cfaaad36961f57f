//! Radix page tables, as the hardware walks them.
//!
//! A [`Table`] maps pages of an upper space to frames of a lower one through real nodes: 512 entries of 8 bytes,
//! with the bits where the manuals have them ([`X86`]: 4- and 5-level x86-64 paging, [`Ept`]: extended page
//! tables). Nodes have addresses in the *lower* space, so that a guest's tables are themselves translated by the
//! layer below, and they live in any [`TableMemory`]: a simulated one ([`SimulatedMemory`]), or a real one that
//! holds a table.
//!
//! The table checks what software must get right (alignment, double mappings) and returns
//! [`Effects`](terrace_addr::Effects) that say what caches may still hold; it never flushes anything itself.
//!
//! ```
//! use terrace_addr::{Addr, Gpa, Gva, Hpa, Page, PageSize};
//! use terrace_table::{FrameSource, Levels, LeafFlags, SimulatedMemory, Table, X86};
//!
//! /// Hands out table pages from 1 MiB on.
//! struct Bump(u64);
//! impl FrameSource<Hpa> for Bump {
//!     fn take(&mut self) -> Option<Addr<Hpa>> {
//!         self.0 += 0x1000;
//!         Some(Addr::new(self.0))
//!     }
//!     fn give_back(&mut self, _: Addr<Hpa>) {}
//! }
//!
//! let mut frames = Bump(0x10_0000);
//! let mut table: Table<Gva, X86, _> =
//!     Table::new(X86::new(Levels::Four), SimulatedMemory::<Hpa>::new(), &mut frames).unwrap();
//! let page = Page::containing(Addr::new(0x7f12_3456_7000), PageSize::Size4K);
//! let effects = table.map(page, Addr::new(0x8000), LeafFlags::all_data(), &mut frames).unwrap();
//! assert!(effects.stale_spans().is_empty(), "an absent entry is cached nowhere");
//! let leaf = table.lookup(Addr::new(0x7f12_3456_7abc)).unwrap();
//! assert_eq!(leaf.translate(Addr::new(0x7f12_3456_7abc)), Addr::new(0x8abc));
//! assert_eq!(table.path(Addr::new(0x7f12_3456_7abc)).count(), 4);
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod compose;
mod entry;
mod error;
mod format;
mod leaf;
mod memory;
mod simulated;
mod table;

pub use compose::compose;
pub use entry::{Entry, EntryIndex};
pub use error::TableError;
pub use format::{Ept, Format, Levels, X86};
pub use leaf::{Leaf, LeafFlags};
pub use memory::{FrameSource, TableMemory};
pub use simulated::{Node, SimulatedMemory};
pub use table::{Leaves, Location, Path, Step, Table};
