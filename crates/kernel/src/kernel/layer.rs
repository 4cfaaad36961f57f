//! A kernel as its policy sees it.

use terrace_addr::{Addr, Bytes, Cycles, Lower, Nanos, Page, PageSize, Space, Span, Upper};
use terrace_frames::{FrameState, Mobility, Order, Owner, ReservationId, Tag};
use terrace_policy::{
    Abilities, AccessedOp, Action, Applied, Block, Charged, Counters, Cursor, Effort, Extent, FlushScope,
    Fragmentation, FrameUse, Layer, Leaf, Message, Outcome, Refused, Region, Role, SpaceId,
};

use super::{Kernel, faulted};
use crate::pending::{Join, Work};
use crate::space::Held;
use crate::tag::Holder;
use crate::{Area, Decision, Placed};

/// Reservations are the policy's.
const POLICY: Owner = Owner::new(0);

/// A block that was cleared for the policy and is not mapped. It leads to no address space, as [`Holder`] has it.
const CLEARED: Tag = Tag::new(1);

impl<U: Space, L: Space> Kernel<U, L> {
    /// Charges the look at so many entries, and says what it cost.
    pub(super) fn scanned<T>(&mut self, entries: u64, value: T) -> Charged<T> {
        let cost = self.settings.costs.scan.times(entries);
        self.pending.charge(Work::Daemon, cost);
        Charged { value, cost }
    }

    /// What an action cost: the work that is pending beyond what was before it.
    fn charged<T>(&self, before: Cycles, value: T) -> Charged<T> {
        Charged { value, cost: self.pending.cycles() - before }
    }

    pub(super) fn seen(leaf: &terrace_table::Leaf<U, L>) -> Leaf {
        let (accessed, dirty) = Self::used(leaf.flags);
        let page = leaf.page.start().reinterpret::<Upper>();
        Leaf {
            page: Page::containing(page, leaf.page.size()),
            frame: leaf.frame.reinterpret(),
            accessed,
            dirty,
        }
    }

    /// A page of the layer's own space.
    fn own(page: Page<Upper>) -> Result<Page<U>, Refused> {
        let start = Addr::try_new(page.start().get()).map_err(|_| Refused::Gone)?;
        Page::from_start(start, page.size()).ok_or(Refused::Gone)
    }

    pub(super) fn own_addr(at: Addr<Upper>) -> Result<Addr<U>, Refused> {
        Addr::try_new(at.get()).map_err(|_| Refused::Gone)
    }

    /// A block that was cleared for the policy and is not mapped.
    fn cleared(&self, at: Addr<Lower>) -> Result<Addr<L>, Refused> {
        let at = Addr::try_new(at.get()).map_err(|_| Refused::Gone)?;
        (self.memory.tag(at) == Some(CLEARED) && at.is_aligned(PageSize::Size2M))
            .then_some(at)
            .ok_or(Refused::Gone)
    }

    fn fragmented(&self) -> Fragmentation {
        Fragmentation {
            unusable: self.memory.unusable_index(None, Order::HUGE),
            free: self.nodes.iter().map(|&node| self.memory.free_bytes(node)).sum(),
            huge_blocks: self
                .nodes
                .iter()
                .map(|&node| {
                    let largest = self.memory.free_blocks(node, Order::MAX);
                    self.memory.free_blocks(node, Order::HUGE) + 2 * largest
                })
                .sum(),
        }
    }
}

/// Address bits of a reserved block.
const BLOCK: u32 = PageSize::Size2M.shift();

/// What a policy calls a reservation: its number and its block's, so that it is found by the latter. A physical address
/// has 52 bits, the number of a block of 2M at most 31.
fn reservation_number<L: Space>(id: ReservationId, block: Addr<L>) -> u64 {
    u64::from(id.get()) << 32 | block.get() >> BLOCK
}

impl<U: Space, L: Space> Layer for Kernel<U, L> {
    fn role(&self) -> Role {
        self.settings.role
    }

    fn abilities(&self) -> Abilities {
        Abilities::all() - self.lacks
    }

    fn now(&self) -> Nanos {
        self.now
    }

    fn spaces(&mut self, out: &mut Vec<SpaceId>) -> Outcome<()> {
        out.extend(Kernel::spaces(self).map(|(space, _)| space));
        Ok(Charged::free(()))
    }

    fn regions(&mut self, space: SpaceId, out: &mut Vec<Region>) -> Outcome<()> {
        let place = self.space(space).ok_or(Refused::Gone)?;
        out.extend(place.areas().map(Area::region));
        Ok(Charged::free(()))
    }

    fn block(&mut self, space: SpaceId, at: Addr<Upper>) -> Outcome<Block> {
        self.block_of(&mut [], space, at)
    }

    fn leaves(&mut self, from: Cursor, most: usize, out: &mut Vec<Leaf>) -> Outcome<Option<Cursor>> {
        self.leaves_from(&mut [], from, most, out)
    }

    fn accessed(
        &mut self,
        space: SpaceId,
        span: Span<Upper>,
        op: AccessedOp,
        flush: FlushScope,
        out: &mut Vec<Leaf>,
    ) -> Outcome<()> {
        self.accessed_in(&mut [], space, span, op, flush, out)
    }

    fn changes(&mut self, since: u64, out: &mut Vec<Cursor>) -> Outcome<u64> {
        let before = out.len();
        let (changed, next) = self.changes.look(since).ok_or(Refused::Gone)?;
        out.extend(changed.map(|(space, block)| Cursor { space, at: Addr::truncate(block) }));
        let found = terrace_addr::convert::count(out.len() - before);
        Ok(self.scanned(found, next))
    }

    fn counters(&mut self) -> Outcome<Counters> {
        Ok(Charged::free(self.counters))
    }

    fn counters_of(&mut self, space: SpaceId) -> Outcome<Counters> {
        self.counters_of.get(&space).map(|&counters| Charged::free(counters)).ok_or(Refused::Gone)
    }

    fn free(&mut self, at_least: Bytes, out: &mut Vec<Extent>) -> Outcome<Fragmentation> {
        let before = out.len();
        for &node in &self.nodes {
            let extents = self.memory.extents(node, at_least);
            out.extend(
                extents.map(|extent| Extent { start: extent.start.reinterpret(), bytes: extent.bytes }),
            );
        }
        let found = terrace_addr::convert::count(out.len() - before);
        let fragmentation = self.fragmented();
        Ok(self.scanned(found, fragmentation))
    }

    fn next_free(&mut self, from: Addr<Lower>, bytes: Bytes) -> Outcome<Option<Extent>> {
        let from = Addr::truncate(from.get());
        let home = self.memory.node_of(from);
        // From `from` on in its node and those behind it, then from the beginning of memory.
        let home = self.nodes.iter().position(|&node| home == Some(node));
        let home = home.unwrap_or(0);
        let order = (0..=self.nodes.len()).map(|step| (step, (home + step) % self.nodes.len()));
        let found = order.into_iter().find_map(|(step, place)| {
            let at = if step == 0 { from } else { Addr::ZERO };
            self.memory.next_fit(self.nodes[place], at, bytes, Order::HUGE)
        });
        let extent = found.map(|start| Extent { start: start.reinterpret(), bytes });
        Ok(self.scanned(1, extent))
    }

    fn largest_free(&mut self) -> Outcome<Option<Extent>> {
        let largest = self.nodes.iter().filter_map(|&node| self.memory.largest_extent(node));
        let largest = largest.max_by_key(|extent| (extent.bytes, std::cmp::Reverse(extent.start)));
        let largest = largest.map(|extent| Extent { start: extent.start.reinterpret(), bytes: extent.bytes });
        Ok(self.scanned(1, largest))
    }

    fn free_block(&mut self, effort: Effort) -> Outcome<Option<Addr<Lower>>> {
        let before = self.pending.cycles();
        let block = self.take_huge(effort);
        if let Some(block) = block {
            self.memory.free(block, Order::HUGE);
        }
        Ok(self.charged(before, block.map(Addr::reinterpret)))
    }

    fn frame(&mut self, at: Addr<Lower>) -> Outcome<FrameUse> {
        let seen = match self.memory.state(at.reinterpret()) {
            FrameState::Absent => FrameUse::Absent,
            FrameState::Free => FrameUse::Free,
            FrameState::Reserved(_) => FrameUse::Reserved,
            FrameState::Used => FrameUse::Used,
        };
        Ok(self.scanned(1, seen))
    }

    fn holder(&mut self, at: Addr<Lower>) -> Outcome<Option<(SpaceId, Page<Upper>)>> {
        let at = Addr::<L>::try_new(at.get()).map_err(|_| Refused::Gone)?.align_down(PageSize::Size4K);
        // Of a huge page only the first frame has a tag.
        let found = [at, at.align_down(PageSize::Size2M)].into_iter().find_map(|first| {
            let Holder { space, addr, size } = Holder::<U>::of(self.memory.tag(first)?)?;
            let leaf =
                self.leaf(space, addr).filter(|leaf| leaf.frame == first && leaf.page.size() == size)?;
            (at.get() - first.get() < size.bytes()).then(|| (space, Self::seen(&leaf).page))
        });
        Ok(self.scanned(1, found))
    }

    fn fragmentation(&mut self) -> Outcome<Fragmentation> {
        Ok(Charged::free(self.fragmented()))
    }

    fn reserve(&mut self, at: Addr<Lower>, until: Nanos) -> Outcome<u64> {
        let at = Addr::try_new(at.get()).map_err(|_| Refused::Gone)?;
        let reserved = self.memory.reserve(at, Order::HUGE, POLICY, until).map_err(|_| Refused::Busy)?;
        Ok(self.scanned(1, reservation_number(reserved, at)))
    }

    fn release(&mut self, reservation: u64) -> Outcome<Bytes> {
        let block = Addr::truncate(u64::from(terrace_addr::convert::low32(reservation)) << BLOCK);
        let held = self.memory.reservation_at(block);
        let held = held.filter(|held| reservation_number(held.id, held.start) == reservation);
        let id = held.ok_or(Refused::Gone)?.id;
        let freed = self.memory.release(id);
        Ok(self.scanned(1, freed))
    }

    fn take_cleared(&mut self, at: Addr<Lower>) -> Outcome<()> {
        let before = self.pending.cycles();
        let at = Addr::try_new(at.get()).map_err(|_| Refused::Gone)?;
        let node = self.memory.node_of(at).ok_or(Refused::Gone)?;
        if !self.memory.has_room(node, Order::HUGE, Mobility::Movable) {
            return Err(Refused::NoMemory);
        }
        self.memory.allocate_at(at, Order::HUGE, Mobility::Movable).map_err(|_| Refused::Busy)?;
        self.memory.set_tag(at, CLEARED);
        self.clear(at, PageSize::Size2M);
        Ok(self.charged(before, ()))
    }

    fn give_cleared(&mut self, at: Addr<Lower>) -> Outcome<()> {
        let at = self.cleared(at)?;
        self.memory.free(at, Order::HUGE);
        Ok(self.scanned(1, ()))
    }

    fn map_cleared(&mut self, space: SpaceId, page: Page<Upper>, at: Addr<Lower>) -> Outcome<()> {
        let before = self.pending.cycles();
        let (page, at) = (Self::own(page)?, self.cleared(at)?);
        let place = self.space(space).ok_or(Refused::Gone)?;
        let start = page.start();
        let area = place
            .area(start)
            .filter(|area| page.size() == PageSize::Size2M && area.holds_block(start, PageSize::Size2M));
        let flags = faulted(area.ok_or(Refused::Denied)?);
        if place.held(start) != Held::Nothing {
            return Err(Refused::Busy);
        }
        if self.map_page(space, page, at, flags).is_err() {
            self.prune(space, start);
            return Err(Refused::NoMemory);
        }
        self.counts.faults_huge += 1;
        let (decision, size, reason) = (Decision::Fault, page.size(), "a block that was cleared before");
        let (upper, nested) = (start, self.serving);
        self.note(Placed { decision, space, upper, lower: at, size, nested, reason });
        Ok(self.charged(before, ()))
    }

    fn apply(&mut self, action: &Action) -> Outcome<Applied> {
        let before = self.pending.cycles();
        let applied = match *action {
            Action::Collapse { space, page, into } => self.collapse(space, Self::own(page)?, into)?,
            Action::Split { space, page } => {
                let frame = self.split_page(space, Self::own(page)?)?;
                Applied { frame: Some(frame.reinterpret()), ..Applied::default() }
            }
            Action::Migrate { space, page, to } => {
                let to = to.map(|to| Addr::try_new(to.get())).transpose().map_err(|_| Refused::Gone)?;
                self.migrate(space, Self::own(page)?, to)?
            }
            Action::Exchange { space, pages: [one, other] } => {
                self.exchange(space, [Self::own(one)?, Self::own(other)?])?
            }
            Action::Join { space, nested } => {
                self.pending.joins.push(Join { space, nested });
                Applied::default()
            }
            Action::Populate { space, page, at } => {
                self.populate(space, Self::own(page)?, at.reinterpret())?
            }
            Action::Segment { space, segments, reason } => self.set_segments(space, segments, reason)?,
            Action::Direct { space, segment } => self.set_direct_segment(space, segment)?,
        };
        Ok(self.charged(before, applied))
    }

    fn on_behalf_of(&mut self, nested: Option<u64>) {
        self.serving = nested;
    }

    fn give_up(
        &mut self,
        space: SpaceId,
        page: Page<Upper>,
        wanted: Option<Addr<Lower>>,
        reason: &'static str,
    ) {
        let Ok(page) = Self::own(page) else { return };
        let lower = wanted.map_or(Addr::ZERO, Addr::reinterpret);
        let (decision, upper, size) = (Decision::GivenUp, page.start(), page.size());
        self.note(Placed { decision, space, upper, lower, size, nested: self.serving, reason });
    }

    fn send(&mut self, message: Message) -> Outcome<()> {
        self.outbox.push(message);
        Ok(Charged::free(()))
    }
}

impl<U: Space, L: Space> Kernel<U, L> {
    /// Ends the reservations whose time is over, and notes them for the policy.
    pub fn expire_reservations(&mut self) {
        for (id, owner, extent) in self.memory.expire(self.now) {
            if owner == POLICY {
                let number = reservation_number(id, extent.start);
                self.events.push(terrace_policy::Event::ReservationEnded(number));
            }
        }
    }
}
