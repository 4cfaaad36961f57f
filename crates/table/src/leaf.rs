//! A present entry that ends a walk.

use bitflags::bitflags;
use terrace_addr::{Addr, Page, Space};

bitflags! {
    /// What a leaf says beside its frame, in the terms that all formats share.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct LeafFlags: u8 {
        /// Data may be read. Always so in x86-64 tables.
        const READ = 1;
        /// Data may be written.
        const WRITE = 2;
        /// Instructions may be fetched.
        const EXECUTE = 4;
        /// User programs may use it. Always so in EPT.
        const USER = 8;
        /// Its translation outlives a change of address space. Never so in EPT.
        const GLOBAL = 16;
        /// A walk has used it.
        const ACCESSED = 32;
        /// A store has used it.
        const DIRTY = 64;
    }
}

impl LeafFlags {
    /// What permissions are, as opposed to what walks record.
    pub const PERMISSIONS: Self =
        Self::READ.union(Self::WRITE).union(Self::EXECUTE).union(Self::USER).union(Self::GLOBAL);

    /// A user program's data: read and written, not executed; not used yet.
    pub const fn all_data() -> Self {
        Self::READ.union(Self::WRITE).union(Self::USER)
    }

    /// Everything allowed to a user program; not used yet.
    pub const fn everything() -> Self {
        Self::all_data().union(Self::EXECUTE)
    }
}

/// A mapping: a page of the upper space, the frame of the lower space behind it, and how it may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf<U: Space, L: Space> {
    /// The page.
    pub page: Page<U>,
    /// The first address of the frame.
    pub frame: Addr<L>,
    /// Permissions and use.
    pub flags: LeafFlags,
}

impl<U: Space, L: Space> Leaf<U, L> {
    /// Where `addr`, an address of the page, is in the frame.
    pub fn translate(&self, addr: Addr<U>) -> Addr<L> {
        debug_assert!(self.page.contains(addr), "{addr:?} is not in {:?}", self.page);
        self.frame.offset_by(addr.offset_in(self.page.size()))
    }
}
