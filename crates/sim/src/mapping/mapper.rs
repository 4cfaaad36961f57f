//! Mapping what is touched.

use terrace_addr::{Addr, Bytes, Gpa, Gva, Hpa, Page, PageSize, Space};
use terrace_mmu::{Absent, Below, Extended, Identity, Populate, Stack};
use terrace_table::{Ept, FrameSource, LeafFlags, Levels, SimulatedMemory, Table, TableError, X86};
use thiserror::Error;

use super::{Frames, MemoryFull, Rule};

/// Set apart what is random in each layer.
const GUEST: u64 = 0x6775_6573_7400_0000;
const HOST: u64 = 0x686f_7374_0000_0000;

/// Maps what a trace touches, by a rule, when a walk first looks for it.
#[derive(Debug)]
pub struct Mapper<B: Below> {
    rule: Rule,
    frames: Frames<B::Space>,
    /// Frames of the host, where the guest's are not memory itself.
    host_frames: Frames<Hpa>,
}

/// Why something could not be mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MapError {
    /// No frame was left.
    #[error(
        "the {} memory for {} is full: {} MiB", .0.space,
        .0.size.map_or("page tables", PageSize::name), .0.memory.get() >> 20
    )]
    Full(MemoryFull),
    /// The tables refused the mapping.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl Mapper<Identity> {
    /// The empty table of a native machine, and what maps it.
    ///
    /// # Errors
    /// If the rule's memory has no room for the root.
    pub fn native(rule: &Rule, levels: Levels) -> Result<(Stack<Identity>, Self), MapError> {
        let start = Addr::new(aligned_up(rule.file.as_ref().map_or(0, super::MappingFile::guest_lower_end)));
        let frames = Frames::new(start, rule.memory, rule.placement, rule.seed ^ GUEST);
        let host_frames = Frames::new(Addr::ZERO, rule.memory, rule.placement, 0);
        let mut mapper = Self { rule: rule.clone(), frames, host_frames };
        let first = Table::new(X86::new(levels), SimulatedMemory::new(), &mut mapper.frames)?;
        Ok((Stack { first, below: Identity }, mapper))
    }

    /// The first address behind everything that may be mapped.
    pub fn memory_end(&self) -> Addr<Hpa> {
        self.frames.end()
    }
}

impl Mapper<Extended> {
    /// The empty tables of a guest and its host, and what maps them.
    ///
    /// # Errors
    /// If the rule's memory has no room for the roots.
    pub fn two_dimensional(
        rule: &Rule,
        levels: Levels,
        ept_levels: Levels,
    ) -> Result<(Stack<Extended>, Self), MapError> {
        let file = rule.file.as_ref();
        let guest_start = aligned_up(file.map_or(0, super::MappingFile::guest_lower_end));
        let frames = Frames::new(Addr::new(guest_start), rule.memory, rule.placement, rule.seed ^ GUEST);
        // Whatever the guest may use can be backed: its four parts, and what a mapping file gives it.
        let backed = frames.end().get().next_power_of_two();
        let host_start = aligned_up(file.map_or(0, super::MappingFile::host_lower_end));
        let host_frames =
            Frames::new(Addr::new(host_start), Bytes::new(backed), rule.placement, rule.seed ^ HOST);
        let mut mapper = Self { rule: rule.clone(), frames, host_frames };
        let table = Table::new(Ept::new(ept_levels), SimulatedMemory::new(), &mut mapper.host_frames)?;
        let mut below = Extended { table };
        let mut tables = GuestTables { frames: &mut mapper.frames, made: Vec::new() };
        let first = Table::new(X86::new(levels), SimulatedMemory::new(), &mut tables)?;
        let made = tables.made;
        mapper.back_tables(&mut below, &made)?;
        Ok((Stack { first, below }, mapper))
    }

    /// The first address behind everything that may be mapped.
    pub fn memory_end(&self) -> Addr<Hpa> {
        self.host_frames.end()
    }

    /// Backs table pages of the guest.
    fn back_tables(&mut self, below: &mut Extended, made: &[Addr<Gpa>]) -> Result<(), MapError> {
        made.iter().try_for_each(|&table| self.back(below, table, PageSize::Size4K))
    }

    /// Backs guest-physical memory from `start` on, as much as a page of `size`, by pages of the host.
    fn back(&mut self, below: &mut Extended, start: Addr<Gpa>, size: PageSize) -> Result<(), MapError> {
        let mut at = start;
        while at < start.offset_by(size.bytes()) {
            let given = self.rule.file.as_ref().and_then(|file| file.host(at));
            let (host_size, frame) =
                given.unwrap_or_else(|| (self.rule.pages.host.size_at(at, self.rule.seed, HOST), None));
            let page = Page::containing(at, host_size);
            if !below.table.maps(at) {
                let frame = match frame {
                    Some(frame) => frame,
                    None => self.host_frames.take_page(host_size).map_err(MapError::Full)?,
                };
                map(&mut below.table, page, frame, &mut self.host_frames)?;
            }
            at = page.next().start();
        }
        Ok(())
    }
}

/// Mapping one page of the guest, and all that lies below it.
pub trait MapGuest<B: Below> {
    /// Maps the page that holds `addr`.
    ///
    /// # Errors
    /// If memory is full, or the tables refuse.
    fn map_guest(&mut self, stack: &mut Stack<B>, addr: Addr<Gva>) -> Result<(), MapError>;
}

impl MapGuest<Identity> for Mapper<Identity> {
    fn map_guest(&mut self, stack: &mut Stack<Identity>, addr: Addr<Gva>) -> Result<(), MapError> {
        let (page, frame) = self.choose(addr)?;
        map(&mut stack.first, page, frame, &mut self.frames)
    }
}

impl MapGuest<Extended> for Mapper<Extended> {
    fn map_guest(&mut self, stack: &mut Stack<Extended>, addr: Addr<Gva>) -> Result<(), MapError> {
        let (page, frame) = self.choose(addr)?;
        let mut tables = GuestTables { frames: &mut self.frames, made: Vec::new() };
        map(&mut stack.first, page, frame, &mut tables)?;
        let made = tables.made;
        self.back_tables(&mut stack.below, &made)?;
        self.back(&mut stack.below, frame, page.size())
    }
}

impl<B: Below> Mapper<B> {
    /// The page that holds `addr` by the rule, and a frame for it.
    fn choose(&mut self, addr: Addr<Gva>) -> Result<(Page<Gva>, Addr<B::Space>), MapError> {
        let given = self.rule.file.as_ref().and_then(|file| file.guest(addr));
        let (size, frame) =
            given.unwrap_or_else(|| (self.rule.pages.guest.size_at(addr, self.rule.seed, GUEST), None));
        let frame = match frame {
            Some(frame) => frame,
            None => self.frames.take_page(size).map_err(MapError::Full)?,
        };
        Ok((Page::containing(addr, size), frame))
    }
}

impl<B: Below> Populate<B> for Mapper<B>
where
    Self: MapGuest<B>,
{
    type Error = MapError;

    /// A page that is mapped has everything below it mapped: the second dimension never lacks anything.
    #[cold]
    fn populate(&mut self, stack: &mut Stack<B>, addr: Addr<Gva>) -> Result<Absent, MapError> {
        self.map_guest(stack, addr)?;
        Ok(Absent::Mapped)
    }
}

/// Hands out table pages of the guest, and remembers them: the host must back them.
struct GuestTables<'a, L: Space> {
    frames: &'a mut Frames<L>,
    made: Vec<Addr<L>>,
}

impl<L: Space> FrameSource<L> for GuestTables<'_, L> {
    fn take(&mut self) -> Option<Addr<L>> {
        let frame = self.frames.take()?;
        self.made.push(frame);
        Some(frame)
    }

    fn give_back(&mut self, frame: Addr<L>) {
        self.frames.give_back(frame);
    }
}

/// Maps a page as populated earlier: accessed and dirty.
fn map<U: Space, F: terrace_table::Format, L: Space>(
    table: &mut Table<U, F, SimulatedMemory<L>>,
    page: Page<U>,
    frame: Addr<L>,
    frames: &mut impl FrameSource<L>,
) -> Result<(), MapError> {
    let flags = LeafFlags::everything() | LeafFlags::ACCESSED | LeafFlags::DIRTY;
    let effects = table.map(page, frame, flags, frames)?;
    debug_assert!(effects.stale_spans().is_empty(), "replay only adds to tables");
    Ok(())
}

/// `end`, rounded up to whole gigabytes.
const fn aligned_up(end: u64) -> u64 {
    end.next_multiple_of(PageSize::Size1G.bytes())
}
