//! The nested enhanced memory allocator's host half (xGemini, section 4.3): the memory behind a page of the guest
//! hypervisor lies where the *nested guest's* address says, so that 2M of that guest are 2M of memory, however the guest
//! hypervisor scatters them.
//!
//! The rule: a block of the nested guest has one home, a block of memory, and each of its pages has one place there. A
//! page that two places want stays with the newest mapping that the guest hypervisor has written; being used alone takes
//! no page out of another's place.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use terrace_addr::{Addr, Lower, Nanos, Page, PageSize, Upper};
use terrace_policy::{
    Action, Cursor, Effort, Fault, FrameUse, Heard, Layer, Leaf, NestedUse, Placement, SpaceId,
};

use super::block::Home;
use super::counts::Counts;
use super::machine::{BLOCK, Machine, Machines, block_of, offset_of, place_of};

/// Where homes come from.
#[derive(Debug, Clone)]
pub(super) struct Homes {
    /// Where the search goes on: next fit.
    next: Addr<Lower>,
    /// There was no free block; the next search is not before this time.
    starved_until: Nanos,
    /// Whose block each reservation is for.
    pub(super) reserved: BTreeMap<u64, (SpaceId, u64)>,
    found: Vec<Leaf>,
}

/// After it found no free block it does not search for so long. `assumed`: short against a scan.
const STARVED: Nanos = Nanos::new(10_000_000);

/// How a home is found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hold {
    /// For how long what is not used of it is put aside.
    pub(super) time: Nanos,
    /// How hard a free block is looked for.
    pub(super) effort: Effort,
}

/// What was heard of a page.
#[derive(Debug, Clone, Copy)]
struct Serving {
    /// The guest-physical address of the nested guest.
    nested: u64,
    /// The guest hypervisor's page.
    page: Page<Upper>,
    number: u32,
    /// Whether it may be taken out of another's place.
    newest: bool,
}

impl Homes {
    pub(super) fn new() -> Self {
        Self { next: Addr::ZERO, starved_until: Nanos::ZERO, reserved: BTreeMap::new(), found: Vec::new() }
    }

    /// The home of a block; a new one beside that of the block before it, or where the search goes on.
    fn home(
        &mut self,
        layer: &mut dyn Layer,
        machine: &mut Machine,
        nested: u64,
        Hold { time, effort }: Hold,
        counts: &mut Counts,
    ) -> Option<Home> {
        let nested = block_of(nested);
        if let Some(home) = machine.blocks.get(&nested).and_then(|block| block.home) {
            return Some(home);
        }
        let now = layer.now();
        let until = Nanos::new(now.get().saturating_add(time.get()));
        let before = nested.checked_sub(BLOCK).and_then(|before| machine.blocks.get(&before)?.home);
        let beside = before.map(|home| home.at.offset_by(BLOCK));
        let beside = beside.and_then(|at| Some((at, layer.reserve(at, until).ok()?.value)));
        let found = beside.or_else(|| {
            if now < self.starved_until {
                return None;
            }
            let free = layer.next_free(self.next, PageSize::Size2M.size()).ok()?.value;
            let free = match free {
                Some(free) => Some(free.start),
                None => layer.free_block(effort).ok()?.value,
            };
            let Some(free) = free else {
                self.starved_until = Nanos::new(now.get().saturating_add(STARVED.get()));
                return None;
            };
            self.next = free.offset_by(BLOCK);
            Some((free, layer.reserve(free, until).ok()?.value))
        });
        let Some((at, reservation)) = found else {
            counts.no_free_block += 1;
            return None;
        };
        let home = Home { at, reservation: Some(reservation), adopted: false };
        self.reserved.insert(reservation, (machine.space, nested));
        machine.homes.insert(at, nested);
        machine.block(nested).home = Some(home);
        counts.homes += 1;
        Some(home)
    }

    /// A nested guest touches a page that nothing backs yet: it goes to its place at once.
    pub(super) fn fault(
        &mut self,
        layer: &mut dyn Layer,
        machine: &mut Machine,
        fault: &Fault,
        hold: Hold,
        counts: &mut Counts,
    ) -> Placement {
        let Some(nested) = fault.nested else { return Placement::Default };
        counts.unbacked += 1;
        let page = fault.addr.align_down(PageSize::Size4K);
        let Some(number) = machine.number(page) else { return Placement::Default };
        let place = place_of(nested);
        machine.block(nested).serve(place, number);
        let Some(home) = self.home(layer, machine, nested, hold, counts) else { return Placement::Default };
        let target = home.at.offset_by(offset_of(place));
        // What is put aside in a home is put aside for it.
        let seen = layer.frame(target).map(|seen| seen.value);
        if !matches!(seen, Ok(FrameUse::Free | FrameUse::Reserved)) {
            counts.place_taken += 1;
            return Placement::Default;
        }
        machine.block(nested).placed(place);
        Placement::Frame(target)
    }

    /// A page that something backs already is used for a nested guest: it is moved to its place.
    pub(super) fn used(
        &mut self,
        layer: &mut dyn Layer,
        machine: &mut Machine,
        used: &NestedUse,
        hold: Hold,
        counts: &mut Counts,
    ) {
        let Some(number) = machine.number(used.addr) else { return };
        let place = place_of(used.nested);
        let block = machine.block(used.nested);
        let before = block.page(place).filter(|_| block.is_placed(place));
        if block.serve(place, number) && block.is_placed(place) {
            return;
        }
        match used.heard {
            Heard::Write => counts.backed_at_write += 1,
            Heard::Use => counts.backed_at_use += 1,
        }
        let page = Page::containing(used.addr, PageSize::Size4K);
        let newest = used.heard == Heard::Write;
        let serving = Serving { nested: used.nested, page, number, newest };
        layer.on_behalf_of(Some(used.nested));
        self.bring_home(layer, machine, serving, before, hold, counts);
        layer.on_behalf_of(None);
    }

    /// Where the pages of a block lie at their places in one block of memory already, that is its home.
    pub(super) fn adopt(
        &mut self,
        layer: &mut dyn Layer,
        machine: &mut Machine,
        nested: u64,
        counts: &mut Counts,
    ) {
        let block = machine.block(nested);
        if block.home.is_some() || !block.adopts {
            return;
        }
        let known: Vec<usize> = block.elsewhere().collect();
        let (Some(&first), Some(&last)) = (known.first(), known.last()) else { return };
        let mut found = None;
        // Three agree: that they all do is seen when each is looked at.
        for place in [first, known[known.len() / 2], last] {
            let Some(number) = machine.block(nested).page(place) else { return };
            let page = machine.page(number);
            let Some(leaf) = self.leaf(layer, machine.space, page) else { return };
            let frame = leaf.frame.offset_by(page.start().offset_in(leaf.size()));
            let at = frame.get().checked_sub(offset_of(place)).map(Addr::<Lower>::truncate);
            let at = at.filter(|at| at.is_aligned(PageSize::Size2M) && !machine.homes.contains_key(at));
            if at.is_none() || found.replace(at).is_some_and(|before| before != at) {
                return;
            }
        }
        let Some(at) = found.flatten() else { return };
        machine.homes.insert(at, nested);
        machine.block(nested).home = Some(Home { at, reservation: None, adopted: true });
        counts.homes_adopted += 1;
    }

    /// Moves a page that is known to serve a place there; whether it lies there now.
    pub(super) fn retry(
        &mut self,
        layer: &mut dyn Layer,
        machine: &mut Machine,
        (nested, place): (u64, usize),
        hold: Hold,
        counts: &mut Counts,
    ) -> bool {
        let Some(number) = machine.block(nested).page(place) else { return false };
        let serving =
            Serving { nested: nested + offset_of(place), page: machine.page(number), number, newest: false };
        layer.on_behalf_of(Some(serving.nested));
        self.bring_home(layer, machine, serving, None, hold, counts);
        layer.on_behalf_of(None);
        machine.block(nested).is_placed(place)
    }

    fn bring_home(
        &mut self,
        layer: &mut dyn Layer,
        machine: &mut Machine,
        serving: Serving,
        before: Option<u32>,
        hold: Hold,
        counts: &mut Counts,
    ) {
        let Serving { nested, page, number, newest } = serving;
        let place = place_of(nested);
        let space = machine.space;
        let Some(leaf) = self.leaf(layer, space, page) else { return };
        let frame = leaf.frame.offset_by(page.start().offset_in(leaf.size()));
        let Some(home) = self.home(layer, machine, nested, hold, counts) else {
            layer.give_up(space, page, None, "no free block for its 2M");
            return;
        };
        let target = home.at.offset_by(offset_of(place));
        if frame == target {
            machine.block(nested).placed(place);
            counts.in_place += 1;
            return;
        }
        if let Some((other, its_place)) = machine.resident(frame)
            && (other, its_place) != (block_of(nested), place)
            && machine.blocks.get(&other).is_some_and(|block| block.page(its_place) == Some(number))
        {
            if !newest {
                counts.aliases += 1;
                layer.give_up(space, page, Some(target), "another address of the nested guest has it");
                return;
            }
            counts.taken_over += 1;
            machine.block(other).lost(its_place);
        }
        if leaf.size() == PageSize::Size2M {
            if layer.apply(&Action::Split { space, page: leaf.page }).is_err() {
                return;
            }
            counts.splits += 1;
        }
        let moved = match before.map(|old| machine.page(old)) {
            Some(old) => layer.apply(&Action::Exchange { space, pages: [page, old] }),
            None => layer.apply(&Action::Migrate { space, page, to: Some(target) }),
        };
        let moved = moved.is_ok() && self.leaf(layer, space, page).is_some_and(|leaf| leaf.frame == target);
        if moved {
            machine.block(nested).placed(place);
            counts.moved += 1;
        } else {
            counts.place_taken += 1;
            layer.give_up(space, page, Some(target), "something else lies at its place");
        }
    }

    fn leaf(&mut self, layer: &mut dyn Layer, space: SpaceId, page: Page<Upper>) -> Option<Leaf> {
        self.found.clear();
        let _next = layer.leaves(Cursor { space, at: page.start() }, 1, &mut self.found);
        self.found.pop().filter(|leaf| leaf.page.contains(page.start()))
    }

    /// The reservation of a home ended: what is free of it may go to others.
    pub(super) fn ended(&mut self, machines: &mut Machines, reservation: u64, counts: &mut Counts) {
        if let Some(place) = self.reserved.remove(&reservation) {
            counts.expired += 1;
            unreserved(machines, place);
        }
    }

    /// Gives back all that is put aside and not used.
    pub(super) fn give_up(&mut self, layer: &mut dyn Layer, machines: &mut Machines, counts: &mut Counts) {
        for (reservation, place) in core::mem::take(&mut self.reserved) {
            if layer.release(reservation).is_ok() {
                counts.given_up += 1;
            }
            unreserved(machines, place);
        }
    }
}

/// Nothing is put aside for a block any longer.
fn unreserved(machines: &mut Machines, (space, nested): (SpaceId, u64)) {
    let Some(machine) = machines.get_mut(&space) else { return };
    let Some(block) = machine.blocks.get_mut(&nested) else { return };
    if let Some(home) = &mut block.home {
        home.reservation = None;
    }
    if block.pages_placed() == 0 {
        machine.abandon(nested);
    }
}
