//! What a layer can do.

use core::fmt;

use bitflags::bitflags;

bitflags! {
    /// What a layer lets a policy see and do. A layer says what it has, a policy what it needs; a policy that needs
    /// more is refused before it starts, with the missing ability named.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct Abilities: u32 {
        /// List address spaces, their regions and their leaves.
        const SEE_LEAVES = 1 << 0;
        /// Read and clear accessed bits.
        const ACCESSED_BITS = 1 << 1;
        /// Hear which blocks changed since the last look.
        const CHANGES = 1 << 2;
        /// Read counts of TLB misses and walk cycles.
        const COUNTERS = 1 << 3;
        /// See free memory: extents and indices of fragmentation.
        const SEE_FREE = 1 << 4;
        /// Put free memory aside.
        const RESERVE = 1 << 5;
        /// Choose whether a fault is served by a huge page.
        const CHOOSE_SIZE = 1 << 6;
        /// Choose the frame that serves a fault, or backs a page before one.
        const CHOOSE_FRAME = 1 << 7;
        /// Choose the address of a new region.
        const CHOOSE_ADDRESS = 1 << 8;
        /// Make a huge page of base pages.
        const COLLAPSE = 1 << 9;
        /// Make base pages of a huge page.
        const SPLIT = 1 << 10;
        /// Move a page to another frame.
        const MIGRATE = 1 << 11;
        /// Exchange the frames of two pages.
        const EXCHANGE = 1 << 12;
        /// Send messages to the policies of other layers.
        const MESSAGES = 1 << 13;
        /// Hear which pages of nested guests a page serves, and join base pages in a composed table.
        const NESTED = 1 << 14;
        /// Have every write to the tables of a guest hypervisor trapped: none goes unsync.
        const TRAP_TABLES = 1 << 15;
        /// Put the memory of a virtual machine behind a base and a limit instead of an extended page table, and
        /// choose how it gives memory back.
        const SEGMENT = 1 << 16;
        /// Have a part of an address space translated by registers in place of its tables.
        const DIRECT = 1 << 17;
        /// Have pageblocks that hold movable and unmovable memory told apart: the next unmovable memory goes to these,
        /// and compaction passes them over.
        const HYBRID_BLOCKS = 1 << 18;
    }
}

impl fmt::Display for Abilities {
    /// The names, separated by commas.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (name, _)) in self.iter_names().enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            write!(f, "{comma}{}", name.to_ascii_lowercase().replace('_', " "))?;
        }
        Ok(())
    }
}
