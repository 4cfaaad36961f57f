//! What a kernel's actions leave to be done by others.

use terrace_addr::{Addr, Bytes, Cycles, Page, PageSize, Space, Span};
use terrace_policy::{Segments, SpaceId};

use crate::Placed;

/// Translations of an address space that caches may still hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stale<U: Space> {
    /// The address space.
    pub space: SpaceId,
    /// The addresses.
    pub span: Span<U>,
    /// The smallest pages that were there: so many addresses take a flush each (the stride of Linux's
    /// `flush_tlb_mm_range`).
    pub smallest: PageSize,
}

impl<U: Space> Stale<U> {
    /// Those of a page.
    pub fn page(space: SpaceId, page: Page<U>) -> Self {
        Self { space, span: page.into(), smallest: page.size() }
    }

    /// Those of an entry of a table that mapped this range as a page, or led to a table that mapped nothing any more.
    pub fn entry(space: SpaceId, span: Span<U>) -> Self {
        let fits = PageSize::ALL.into_iter().rev().find(|size| size.bytes() <= span.bytes);
        Self { space, span, smallest: fits.unwrap_or(PageSize::Size4K) }
    }

    /// How many INVLPGs they take.
    pub const fn pages(&self) -> u64 {
        let Self { span, smallest, .. } = self;
        (span.start.offset_in(*smallest) + span.bytes).div_ceil(smallest.bytes())
    }

    /// An address for each of those.
    pub fn addresses(&self) -> impl Iterator<Item = Addr<U>> + use<U> {
        let (first, size) = (self.span.start.align_down(self.smallest), self.smallest);
        (0..self.pages()).map(move |page| first.offset_by(page * size.bytes()))
    }
}

/// An entry of a table that was already in use was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written<U: Space> {
    /// The address space.
    pub space: SpaceId,
    /// An address that the entry is for.
    pub addr: Addr<U>,
    /// The level of the entry: 1 maps pages of 4K.
    pub level: u32,
}

/// A policy asks for a pseudo huge page of a nested guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Join {
    /// The guest hypervisor's memory.
    pub space: SpaceId,
    /// The guest-physical address of the nested guest.
    pub nested: u64,
}

/// A virtual machine's addresses are translated by segments from now on, or no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segmented {
    /// The machine's memory.
    pub space: SpaceId,
    /// What there was before.
    pub before: Option<Segments>,
    /// What there is now.
    pub now: Option<Segments>,
    /// Why.
    pub reason: &'static str,
}

/// What was done to the content of memory, for who carries content along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<L: Space> {
    /// It was cleared.
    Clear {
        /// From here on.
        at: Addr<L>,
        /// So much of it.
        bytes: Bytes,
    },
    /// It was copied.
    Copy {
        /// From here.
        from: Addr<L>,
        /// To here.
        to: Addr<L>,
        /// So much of it.
        bytes: Bytes,
    },
    /// The content of two places changed places.
    Exchange {
        /// Both.
        at: [Addr<L>; 2],
        /// So much of it.
        bytes: Bytes,
    },
}

/// What work was done: the causes that results tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Work {
    /// Serving faults, without clearing and copying.
    Fault,
    /// Clearing pages.
    Clear,
    /// Copying pages.
    Copy,
    /// Looking for pages to change, and changing their mappings.
    Daemon,
}

/// Work by its cause. A sum and no list: daemons do thousands of things before anybody asks, and are told after each
/// what all of it cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Worked {
    fault: Cycles,
    clear: Cycles,
    copy: Cycles,
    daemon: Cycles,
}

impl Worked {
    /// Each cause, with its work.
    pub const fn by_cause(&self) -> [(Work, Cycles); 4] {
        let Self { fault, clear, copy, daemon } = *self;
        [(Work::Fault, fault), (Work::Clear, clear), (Work::Copy, copy), (Work::Daemon, daemon)]
    }

    /// All of it.
    pub fn cycles(&self) -> Cycles {
        self.fault + self.clear + self.copy + self.daemon
    }

    fn add(&mut self, work: Work, cycles: Cycles) {
        *match work {
            Work::Fault => &mut self.fault,
            Work::Clear => &mut self.clear,
            Work::Copy => &mut self.copy,
            Work::Daemon => &mut self.daemon,
        } += cycles;
    }
}

/// Bytes that were read and written by copies and clears: they take the bandwidth of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Copied {
    /// Read.
    pub read: Bytes,
    /// Written.
    pub written: Bytes,
}

/// What a kernel's actions leave to be done by others, since it was taken last.
#[must_use = "translations that caches still hold must be invalidated, and the work charged"]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending<U: Space, L: Space> {
    /// To be flushed, in the order in which they became stale.
    pub stale: Vec<Stale<U>>,
    /// Memory that the kernel wrote itself: pages that it cleared or copied to, table pages. Where it is the memory of
    /// a virtual machine, the layer below has to back it.
    pub touched: Vec<Span<L>>,
    /// Entries that were written in tables that were there before, in order.
    pub written: Vec<Written<U>>,
    /// Work.
    pub work: Worked,
    /// What copies and clears moved.
    pub copied: Copied,
    /// Decisions about pages, where the kernel records them.
    pub placed: Vec<Placed<U, L>>,
    /// Pseudo huge pages that are asked for.
    pub joins: Vec<Join>,
    /// Changes of segments, in order: all CPUs of the machines forget what they translated for them.
    pub segmented: Vec<Segmented>,
    /// What was done to the content of pages, in order, where the kernel records it. Table pages are not among them.
    pub contents: Vec<Content<L>>,
}

impl<U: Space, L: Space> Default for Pending<U, L> {
    fn default() -> Self {
        Self {
            stale: Vec::new(),
            touched: Vec::new(),
            written: Vec::new(),
            work: Worked::default(),
            copied: Copied::default(),
            placed: Vec::new(),
            joins: Vec::new(),
            segmented: Vec::new(),
            contents: Vec::new(),
        }
    }
}

impl<U: Space, L: Space> Pending<U, L> {
    /// Whether nothing is left to be done.
    pub fn is_empty(&self) -> bool {
        self.stale.is_empty()
            && self.touched.is_empty()
            && self.written.is_empty()
            && self.work == Worked::default()
            && self.joins.is_empty()
            && self.segmented.is_empty()
    }

    /// Forgets everything, and keeps the memory for the next time.
    pub fn clear(&mut self) {
        self.stale.clear();
        self.touched.clear();
        self.written.clear();
        self.work = Worked::default();
        self.copied = Copied::default();
        self.placed.clear();
        self.joins.clear();
        self.segmented.clear();
        self.contents.clear();
    }

    /// All work.
    pub fn cycles(&self) -> Cycles {
        self.work.cycles()
    }

    pub(crate) fn charge(&mut self, work: Work, cycles: Cycles) {
        self.work.add(work, cycles);
    }

    pub(crate) fn touch(&mut self, start: Addr<L>, bytes: u64) {
        self.touched.push(Span { start, bytes });
    }
}
