//! A kernel: memory of one lower space, and the address spaces that it maps there.
//!
//! The rule: whatever changes a table, the memory or the reverse map changes all three, and notes in
//! [`Pending`](crate::Pending) what others have to do about it.

use terrace_addr::{Addr, Bytes, Nanos, Page, Space};
use terrace_frames::compact::Compaction;
use terrace_frames::{FramesError, Memory, NodeId, NodeSpec};
use terrace_policy::{Abilities, Counters, Event, Message, Role, SpaceId};
use terrace_table::{Leaf, LeafFlags, Levels, SimulatedMemory, Table, TableError, X86};
use thiserror::Error;

use crate::pending::{Content, Pending, Written};
use crate::tables::TablePages;
use crate::tag::MOST_SPACES;
use crate::{AddressSpace, Area, KernelCosts, KernelCounts, Placed};

mod allocate;
mod balloon;
mod changes;
mod collapse;
mod compaction;
mod direct;
mod fault;
mod layer;
mod map;
mod migrate;
mod release;
mod segment;
mod split;
mod used;

pub(crate) use segment::Behind;

/// How a kernel is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whose kernel it is.
    pub role: Role,
    /// Levels of its page tables.
    pub levels: Levels,
    /// What its work costs.
    pub costs: KernelCosts,
    /// Below which address the first area ends.
    pub areas_end: u64,
}

/// A kernel. `U` is the space of its processes, `L` what it takes for memory.
#[derive(Debug, Clone)]
pub struct Kernel<U: Space, L: Space> {
    settings: Settings,
    memory: Memory<L>,
    /// In the order in which memory is taken from them.
    nodes: Vec<NodeId>,
    /// So many of them are near.
    near: usize,
    spaces: Vec<Option<AddressSpace<U, L>>>,
    counts: KernelCounts,
    pending: Pending<U, L>,
    now: Nanos,
    compaction: Compaction,
    /// By node.
    deferrals: Vec<compaction::Deferral>,
    /// A free block of 2M is wanted: what kcompactd is woken for.
    huge_wanted: bool,
    changes: changes::ChangeLog,
    /// What its CPUs counted, as it was told last.
    counters: Counters,
    /// The same of those that run one virtual machine.
    counters_of: std::collections::BTreeMap<SpaceId, Counters>,
    /// What its guest's balloon holds.
    balloon: balloon::Held<L>,
    outbox: Vec<Message>,
    /// What its policy has to be told.
    events: Vec<Event>,
    /// The nested guest's address for which pages are placed now.
    serving: Option<u64>,
    /// What it cannot do.
    lacks: Abilities,
    /// Whether decisions about pages are noted.
    records: bool,
    /// Whether what is done to the content of pages is noted.
    records_contents: bool,
}

/// What a kernel cannot do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KernelError {
    /// There is no memory left.
    #[error("found no free memory for {wanted}, with {free} of {total} free")]
    OutOfMemory {
        /// What it was for.
        wanted: &'static str,
        /// What is free.
        free: Bytes,
        /// What there is.
        total: Bytes,
    },
    /// Nothing is mapped there.
    #[error("found no area at {addr:#x}; expected an address that is mapped")]
    NoArea {
        /// The address.
        addr: u64,
    },
    /// An area does not fit.
    #[error("found no room for an area of {bytes}{}", .at.map(|at| format!(" at {at:#x}")).unwrap_or_default())]
    NoRoom {
        /// Its length.
        bytes: Bytes,
        /// Where it was to be.
        at: Option<u64>,
    },
    /// There are as many address spaces as there can be.
    #[error("found {MOST_SPACES} address spaces, expected fewer")]
    TooManySpaces,
    /// Its memory cannot be as it was asked for.
    #[error(transparent)]
    Memory(#[from] FramesError),
}

impl<U: Space, L: Space> Kernel<U, L> {
    /// A kernel with this memory, which takes frames from its nodes in this order.
    ///
    /// # Errors
    /// If the memory cannot be like that.
    pub fn new(settings: Settings, nodes: &[NodeSpec<L>]) -> Result<Self, KernelError> {
        let memory = Memory::new(nodes)?;
        let nodes: Vec<_> = memory.node_ids().collect();
        Ok(Self {
            deferrals: vec![compaction::Deferral::default(); nodes.len()],
            settings,
            memory,
            near: nodes.len(),
            nodes,
            spaces: Vec::new(),
            counts: KernelCounts::default(),
            pending: Pending::default(),
            now: Nanos::ZERO,
            compaction: Compaction::new(),
            huge_wanted: false,
            changes: changes::ChangeLog::default(),
            counters: Counters::default(),
            counters_of: std::collections::BTreeMap::new(),
            balloon: balloon::Held::default(),
            outbox: Vec::new(),
            events: Vec::new(),
            serving: None,
            lacks: Abilities::DIRECT,
            records: false,
            records_contents: false,
        })
    }

    /// Makes an address space.
    ///
    /// # Errors
    /// If there is no memory for its root, or there are too many.
    pub fn begin_space(&mut self) -> Result<SpaceId, KernelError> {
        let number = terrace_addr::convert::narrow(self.spaces.len());
        if number >= MOST_SPACES {
            return Err(KernelError::TooManySpaces);
        }
        let format = X86::new(self.settings.levels);
        let mut pages = self.table_pages();
        let table = Table::new(format, SimulatedMemory::new(), &mut pages);
        let table = table.map_err(|_| self.out_of_memory("a page table"))?;
        self.spaces.push(Some(AddressSpace::new(table, self.settings.areas_end)));
        let space = SpaceId(number);
        self.events.push(Event::SpaceBegins(space));
        Ok(space)
    }

    /// An address space.
    pub fn space(&self, space: SpaceId) -> Option<&AddressSpace<U, L>> {
        self.spaces.get(index(space))?.as_ref()
    }

    /// An address space whose table a walker is to use.
    pub fn space_mut(&mut self, space: SpaceId) -> Option<&mut AddressSpace<U, L>> {
        self.spaces.get_mut(index(space))?.as_mut()
    }

    /// The address spaces that there are, in the order in which they were made.
    pub fn spaces(&self) -> impl Iterator<Item = (SpaceId, &AddressSpace<U, L>)> {
        let numbers = (0..).map(SpaceId);
        numbers.zip(&self.spaces).filter_map(|(number, space)| Some((number, space.as_ref()?)))
    }

    /// The leaf that maps an address of a space.
    pub fn leaf(&self, space: SpaceId, addr: Addr<U>) -> Option<Leaf<U, L>> {
        self.space(space)?.leaf(addr)
    }

    /// Its memory.
    pub const fn memory(&self) -> &Memory<L> {
        &self.memory
    }

    /// Its memory, for who sets up the state that a run begins with (a fragmenter).
    pub const fn memory_mut(&mut self) -> &mut Memory<L> {
        &mut self.memory
    }

    /// What it counted.
    pub const fn counts(&self) -> &KernelCounts {
        &self.counts
    }

    /// What is left to be done; who takes it clears it.
    pub const fn pending(&mut self) -> &mut Pending<U, L> {
        &mut self.pending
    }

    /// Notes each decision about a page in [`Pending`] from now on.
    pub const fn record_decisions(&mut self) {
        self.records = true;
    }

    /// Whether it notes decisions.
    pub const fn records(&self) -> bool {
        self.records
    }

    /// Notes what is done to the content of pages in [`Pending`] from now on.
    pub const fn record_contents(&mut self) {
        self.records_contents = true;
    }

    /// Notes what was done to content, if anybody wants to know.
    fn note_content(&mut self, content: Content<L>) {
        if self.records_contents {
            self.pending.contents.push(content);
        }
    }

    /// Notes a decision, if anybody wants to know.
    fn note(&mut self, placed: Placed<U, L>) {
        if self.records {
            self.pending.placed.push(placed);
        }
    }

    /// Tells it the time.
    pub const fn set_now(&mut self, now: Nanos) {
        self.now = now;
    }

    /// Tells it what its CPUs counted.
    pub const fn set_counters(&mut self, counters: Counters) {
        self.counters = counters;
    }

    /// Tells it what the CPUs counted that run the machine whose memory a space holds.
    pub fn set_counters_of(&mut self, space: SpaceId, counters: Counters) {
        self.counters_of.insert(space, counters);
    }

    /// Messages of its policy to others.
    pub fn take_messages(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.outbox)
    }

    /// Its policy has to be told this.
    pub fn tell(&mut self, event: Event) {
        self.events.push(event);
    }

    /// What its policy has to be told.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// How it was set up.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn out_of_memory(&self, wanted: &'static str) -> KernelError {
        let sum = |of: &dyn Fn(NodeId) -> Bytes| self.nodes.iter().map(|&node| of(node)).sum();
        KernelError::OutOfMemory {
            wanted,
            free: sum(&|node| self.memory.free_bytes(node)),
            total: sum(&|node| self.memory.total(node)),
        }
    }

    /// Where table pages come from.
    pub(crate) fn table_pages(&mut self) -> TablePages<'_, U, L> {
        let Self { memory, nodes, settings, pending, .. } = self;
        TablePages { memory, nodes, costs: &settings.costs, pending, taken: 0 }
    }

    /// Maps a page of a space to a frame that was taken for it.
    fn map_page(
        &mut self,
        space: SpaceId,
        page: Page<U>,
        frame: Addr<L>,
        flags: LeafFlags,
    ) -> Result<(), TableError> {
        let Self { spaces, memory, nodes, settings, pending, changes, .. } = self;
        let Some(place) = spaces.get_mut(index(space)).and_then(Option::as_mut) else { return Ok(()) };
        let mut pages = TablePages { memory, nodes, costs: &settings.costs, pending, taken: 0 };
        let effects = place.table.map(page, frame, flags, &mut pages)?;
        let level = page.size().level() + pages.taken;
        for &span in effects.stale_spans() {
            pending.stale.push(crate::Stale::entry(space, span));
        }
        pending.written.push(Written { space, addr: page.start(), level });
        memory.set_tag(frame, crate::tag::Holder { space, addr: page.start(), size: page.size() }.tag());
        place.mapped.add(page.size(), 1);
        changes.note(space, page.start().get());
        Ok(())
    }
}

/// What programs may do with their memory. Bits that walks set are not set by the kernel: a first walk sets them.
const USER_DATA: LeafFlags = LeafFlags::everything();

/// How a fault in an area maps its page. No walk of this table follows where it backs a virtual machine, so the fault
/// says that the page is used (as Linux does for all: `_PAGE_ACCESSED` in `protection_map`, arch/x86/mm/pgprot.c).
fn faulted<U: Space>(area: &Area<U>) -> LeafFlags {
    if area.guest_start.is_some() { USER_DATA | LeafFlags::ACCESSED } else { USER_DATA }
}

/// The place of a space in the list.
fn index(space: SpaceId) -> usize {
    terrace_addr::convert::index32(space.0)
}
