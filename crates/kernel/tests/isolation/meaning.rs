//! What L1's tables mean, and what they meant since L1 last invalidated: the reference.

use terrace_addr::{AccessKind, PageSize, convert};
use terrace_table::LeafFlags;

/// What EPT12 means for a page of 4K.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meaning {
    /// The page of L1's memory.
    pub(crate) middle: u64,
    /// Permissions, and the bits of use.
    pub(crate) flags: LeafFlags,
    /// The size of the leaf that it is a part of.
    pub(crate) size: PageSize,
}

impl Meaning {
    /// Whether it permits an access.
    pub(crate) const fn permits(&self, kind: AccessKind) -> bool {
        self.flags.contains(needed(kind))
    }

    /// Whether a translation with these permissions may come of it: no more is allowed, uses were noted in the
    /// entry, and stores too if they are allowed.
    pub(crate) fn allows(&self, permissions: LeafFlags) -> bool {
        let mut wanted = permissions & LeafFlags::PERMISSIONS | LeafFlags::ACCESSED;
        wanted.set(LeafFlags::DIRTY, permissions.contains(LeafFlags::WRITE));
        self.flags.contains(wanted)
    }
}

/// The permission that an access needs.
pub(crate) const fn needed(kind: AccessKind) -> LeafFlags {
    match kind {
        AccessKind::Fetch => LeafFlags::EXECUTE,
        AccessKind::Load => LeafFlags::READ,
        AccessKind::Store => LeafFlags::WRITE,
    }
}

/// What EPT12 means, and meant.
#[derive(Debug)]
pub(crate) struct Meant {
    now: Vec<Option<Meaning>>,
    /// By page, what it meant before since L1 last invalidated it.
    before: Vec<Vec<Meaning>>,
    /// Pages that meant something else before.
    changed: Vec<usize>,
}

impl Meant {
    /// Nothing, of so many pages.
    pub(crate) fn new(pages: u64) -> Self {
        let pages = convert::index(pages);
        Self { now: vec![None; pages], before: vec![Vec::new(); pages], changed: Vec::new() }
    }

    /// What a page means now.
    pub(crate) fn now(&self, page: u64) -> Option<Meaning> {
        self.now[convert::index(page)]
    }

    /// A page means something else now.
    pub(crate) fn set(&mut self, page: u64, meaning: Option<Meaning>) {
        let page = convert::index(page);
        let old = std::mem::replace(&mut self.now[page], meaning);
        if let Some(old) = old
            && Some(old) != meaning
        {
            self.changed.push(page);
            self.before[page].push(old);
        }
    }

    /// All that a page means or meant since it was invalidated.
    pub(crate) fn all(&self, page: u64) -> impl Iterator<Item = &Meaning> {
        let page = convert::index(page);
        self.now[page].iter().chain(&self.before[page])
    }

    /// L1 invalidates everything: what was before is over.
    pub(crate) fn invalidate(&mut self) {
        for page in self.changed.drain(..) {
            self.before[page].clear();
        }
    }

    /// L1 invalidates one page.
    pub(crate) fn invalidate_page(&mut self, page: u64) {
        self.before[convert::index(page)].clear();
    }
}
