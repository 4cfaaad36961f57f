//! The servers of a simulation, and who is where.

use terrace_addr::convert;
use terrace_raw::prefer_huge_pages;

use super::places::{Found, Table};
use super::tally::Live;
use super::{Means, Setup};
use crate::FleetError;
use crate::place::{By, Index, Step};
use crate::server::{Blocks, Extent, Room, Server, Used};
use crate::spec::Demand;
use crate::trace::{ShapeId, Trace, VmId};
use crate::units::Cores;

/// All servers and VMs.
pub(crate) struct Fleet<'a> {
    setup: &'a Setup,
    classes: Vec<Class>,
    /// For each size, what it takes of a server of each kind, as it is given out.
    demands: Vec<Box<[Option<Demand>]>>,
    places: Table,
    live: Live,
    occupied: u64,
    free: u64,
    sum_of_largest: u64,
}

/// The servers of one kind; those that are on are the first of them.
struct Class {
    servers: Vec<Server>,
    count: usize,
    whole: Room,
    index: Index,
}

impl Class {
    /// The place of a server among all servers, of which each kind's are spread evenly.
    fn rank(&self, server: u32) -> u64 {
        (u64::from(server) << 32) / convert::count(self.count.max(1))
    }
}

/// Where a VM is.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) at: At,
    pub(crate) shape: ShapeId,
    pub(crate) blocks: Blocks,
}

/// A server that is on: its kind, and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    pub(super) class: u32,
    pub(super) server: u32,
}

impl<'a> Fleet<'a> {
    pub(crate) fn new(trace: &Trace, setup: &'a Setup) -> Result<Self, FleetError> {
        let spec = &setup.fleet;
        spec.check()?;
        if !trace.classes.is_empty() && trace.classes.len() != spec.classes.len() {
            let found = format!("{} kinds of servers", spec.classes.len());
            let expected = "as many as the trace has types of machines";
            return Err(FleetError::Fleet { found, expected });
        }
        let mut demands: Vec<Box<[Option<Demand>]>> = Vec::with_capacity(trace.shapes.len());
        for shape in &trace.shapes {
            let fitting = spec.classes.iter().enumerate().map(|(number, class)| {
                shape.demand(number).filter(|demand| spec.holds(class, *demand)).map(|it| spec.rounded(it))
            });
            let fitting: Box<[_]> = fitting.collect();
            if fitting.iter().all(Option::is_none) {
                return Err(FleetError::too_large(shape, spec));
            }
            demands.push(fitting);
        }
        let mut ways: Vec<By> = Vec::new();
        ways.extend(setup.servers.steps().iter().filter_map(|step| match step {
            Step::Running(by) => Some(*by),
            Step::SwitchOn => None,
        }));
        if setup.repair.means == Means::Migrate {
            ways.push(By::TightestRun);
        }
        let classes = spec.classes.iter().enumerate().map(|(number, class)| {
            let wanted: Vec<Cores> =
                demands.iter().filter_map(|of| of[number]).map(|demand| demand.cores).collect();
            let (count, memory) = (convert::index32(class.count), spec.memory(class));
            Class {
                servers: Vec::new(),
                count,
                whole: Room { cores: class.cores, memory, run: memory },
                index: Index::new(&ways, count, &wanted),
            }
        });
        Ok(Self {
            setup,
            classes: classes.collect(),
            places: Table::new(convert::index32(trace.vms), spec.classes.iter().map(|class| class.count)),
            demands,
            live: Live::default(),
            occupied: 0,
            free: 0,
            sum_of_largest: 0,
        })
    }

    pub(crate) const fn live(&self) -> Live {
        self.live
    }

    /// Servers that have a VM.
    pub(crate) const fn occupied(&self) -> u64 {
        self.occupied
    }

    /// Free bytes of the servers that are on.
    pub(crate) const fn free(&self) -> u64 {
        self.free
    }

    pub(crate) const fn sum_of_largest(&self) -> u64 {
        self.sum_of_largest
    }

    /// Servers that are on.
    pub(crate) fn on(&self) -> u64 {
        self.classes.iter().map(|class| convert::count(class.servers.len())).sum()
    }

    /// The largest free extent of a server that is on.
    pub(crate) fn largest(&self) -> u64 {
        self.classes.iter().map(|class| class.index.largest_run()).max().unwrap_or(0)
    }

    /// Where a VM is that lives.
    pub(crate) fn placed(&self, vm: VmId) -> Option<Placed> {
        let found = self.places.get(vm)?;
        Some(self.whole(vm, found))
    }

    /// Whether a VM lives and is in one block.
    pub(crate) fn is_contiguous(&self, vm: VmId) -> bool {
        self.places.get(vm).is_some_and(|found| found.start.is_some())
    }

    fn whole(&self, vm: VmId, Found { at, shape, start }: Found) -> Placed {
        let bytes = self.demand(shape, at).map_or(0, |demand| demand.memory);
        let blocks = match start {
            Some(start) => Blocks::One(Extent { start, bytes }),
            None => self.places.scattered(vm),
        };
        Placed { at, shape, blocks }
    }

    /// Asks for where a VM is, without waiting.
    pub(crate) fn foresee_vm(&self, vm: VmId) {
        self.places.foresee(vm);
    }

    /// Asks for what a change of a VM's server will touch, without waiting.
    pub(crate) fn foresee_server(&self, vm: VmId) {
        if let Some(Found { at, .. }) = self.places.get(vm) {
            let class = &self.classes[convert::index32(at.class)];
            class.servers[convert::index32(at.server)].foresee();
            class.index.foresee(at.server);
        }
    }

    /// What a size takes of the servers of this server's kind.
    pub(crate) fn demand(&self, shape: ShapeId, at: At) -> Option<Demand> {
        self.demands[shape.index()][convert::index32(at.class)]
    }

    /// Asks for where a VM's server is in the index and where it will be without the VM, without waiting.
    pub(crate) fn foresee_room(&self, vm: VmId) {
        if let Some(Found { at, shape, .. }) = self.places.get(vm) {
            let class = &self.classes[convert::index32(at.class)];
            if class.index.has_orders() {
                let room = class.servers[convert::index32(at.server)].room();
                class.index.foresee_room(at.server, &room);
                if let Some(demand) = self.demand(shape, at) {
                    class.index.foresee_room(at.server, &room.with(demand));
                }
            }
        }
    }

    pub(crate) fn server(&self, at: At) -> &Server {
        &self.classes[convert::index32(at.class)].servers[convert::index32(at.server)]
    }

    /// Changes a server, and whatever is known of it elsewhere.
    pub(crate) fn with_server<T>(&mut self, at: At, change: impl FnOnce(&mut Server) -> T) -> T {
        let class = &mut self.classes[convert::index32(at.class)];
        let place = convert::index32(at.server);
        let server = &mut class.servers[place];
        let (before, was_empty) = (server.room(), server.is_empty());
        let result = change(server);
        let (after, is_empty) = (server.room(), server.is_empty());
        class.index.set(at.server, Some(&before), &after);
        self.free = self.free - before.memory + after.memory;
        self.sum_of_largest = self.sum_of_largest - before.run + after.run;
        self.occupied = self.occupied + u64::from(!is_empty) - u64::from(!was_empty);
        result
    }

    /// Finds a server for a VM and puts it there, in so many blocks; nothing if there is no room.
    pub(crate) fn place(&mut self, vm: VmId, shape: ShapeId) -> Option<usize> {
        let at = self.choose(shape)?;
        self.place_at(vm, shape, at)
    }

    /// Puts a VM on this server, in so many blocks, if it has room.
    pub(crate) fn place_at(&mut self, vm: VmId, shape: ShapeId, at: At) -> Option<usize> {
        let (demand, policy) = (self.demand(shape, at)?, self.setup.extents);
        let blocks = self.with_server(at, |server| server.place(vm, demand, policy))?;
        let parts = blocks.as_slice().len();
        self.settle(vm, Placed { at, shape, blocks });
        Some(parts)
    }

    /// The VM is there, from now on, with these blocks, which it has.
    pub(crate) fn settle(&mut self, vm: VmId, placed: Placed) {
        self.count(&placed, |count, change| count + change);
        self.places.set(vm, placed);
    }

    /// The VM is nowhere, from now on; its blocks still are its own.
    pub(crate) fn unsettle(&mut self, vm: VmId) -> Option<Placed> {
        let placed = self.placed(vm)?;
        self.places.clear(vm);
        self.count(&placed, |count, change| count - change);
        Some(placed)
    }

    fn count(&mut self, placed: &Placed, with: impl Fn(u64, u64) -> u64) {
        let demand = self.demand(placed.shape, placed.at);
        let cores = demand.map_or(0, |demand| u64::from(demand.cores.in_thousandths()));
        let live = &mut self.live;
        live.vms = with(live.vms, 1);
        live.cores = with(live.cores, cores);
        if placed.blocks.is_contiguous() {
            live.contiguous_vms = with(live.contiguous_vms, 1);
            live.contiguous_cores = with(live.contiguous_cores, cores);
        }
    }

    /// A VM leaves; says whether it was there.
    pub(crate) fn remove(&mut self, vm: VmId) -> bool {
        let Some(placed) = self.unsettle(vm) else {
            return false;
        };
        self.release(&placed);
        true
    }

    /// Gives back what a VM had that is nowhere any more.
    pub(crate) fn release(&mut self, placed: &Placed) {
        let cores = self.demand(placed.shape, placed.at).map_or(Cores::ZERO, |demand| demand.cores);
        self.with_server(placed.at, |server| server.release(&placed.blocks, cores));
    }

    /// The server that the policy gives a VM of this size; one that is still off is switched on.
    fn choose(&mut self, shape: ShapeId) -> Option<At> {
        self.setup.servers.steps().iter().find_map(|step| match step {
            Step::Running(by) => self.running(*by, shape),
            Step::SwitchOn => self.switch_on(shape),
        })
    }

    /// The running server that is chosen in this way.
    pub(crate) fn running(&self, by: By, shape: ShapeId) -> Option<At> {
        let demands = self.demands[shape.index()].iter();
        let found = (0..).zip(&self.classes).zip(demands).filter_map(|((number, class), demand)| {
            let demand = (*demand)?;
            let (key, server) = class.index.find(by, demand)?;
            class.servers[convert::index32(server)].foresee();
            class.index.foresee_taken(by, (key, server), demand);
            let rank = match by {
                By::FirstRoom | By::FirstRun => class.rank(server),
                By::LastRoom => u64::MAX - class.rank(server),
                _ => key,
            };
            Some((rank, At { class: number, server }))
        });
        found.min_by_key(|(rank, _)| *rank).map(|(_, at)| at)
    }

    fn switch_on(&mut self, shape: ShapeId) -> Option<At> {
        let demands = self.demands[shape.index()].iter();
        let off = (0..).zip(&self.classes).zip(demands).filter_map(|((number, class), demand)| {
            let next = convert::narrow(class.servers.len());
            let fits = demand.is_some() && class.servers.len() < class.count;
            fits.then(|| (class.rank(next), At { class: number, server: next }))
        });
        let (_, at) = off.min_by_key(|(rank, _)| *rank)?;
        let class = &mut self.classes[convert::index32(at.class)];
        let Room { cores, memory, .. } = class.whole;
        let used = (self.setup.repair.means != Means::Nothing).then(Used::new);
        if class.servers.len() == class.servers.capacity() {
            let more = class.servers.len().max(64).min(class.count - class.servers.len());
            class.servers.reserve_exact(more);
            prefer_huge_pages(class.servers.spare_capacity_mut());
        }
        class.servers.push(Server::new(cores, memory, self.setup.extents, used));
        class.index.set(at.server, None, &class.whole);
        self.free += memory;
        self.sum_of_largest += memory;
        Some(at)
    }

    /// What each server that is on has free.
    #[cfg(test)]
    pub(crate) fn rooms(&self) -> Vec<(At, Room)> {
        let classes = (0..).zip(&self.classes);
        let rooms = classes.flat_map(|(class, it)| {
            (0..).zip(&it.servers).map(move |(server, it)| (At { class, server }, it.room()))
        });
        rooms.collect()
    }

    /// Checks what must always hold, by adding up everything.
    #[cfg(test)]
    pub(crate) fn audit(&self) {
        let mut expected = Live::default();
        let all: Vec<(VmId, Placed)> =
            self.places.vms().filter_map(|vm| Some((vm, self.placed(vm)?))).collect();
        assert_eq!(
            self.places.count_scattered(),
            all.iter().filter(|(_, it)| !it.blocks.is_contiguous()).count()
        );
        for (_, placed) in &all {
            let demand = self.demand(placed.shape, placed.at).unwrap();
            let cores = u64::from(demand.cores.in_thousandths());
            expected.vms += 1;
            expected.cores += cores;
            if placed.blocks.is_contiguous() {
                expected.contiguous_vms += 1;
                expected.contiguous_cores += cores;
            }
            assert_eq!(placed.blocks.as_slice().iter().map(|block| block.bytes).sum::<u64>(), demand.memory);
        }
        assert_eq!(self.live, expected);
        let (mut free, mut occupied, mut runs) = (0, 0, 0);
        for (number, class) in (0..).zip(&self.classes) {
            for (place, server) in (0..).zip(&class.servers) {
                let at = At { class: number, server: place };
                let here: Vec<_> = all.iter().filter(|(_, it)| it.at == at).collect();
                let mut parts: Vec<_> = server.extents.iter().collect();
                for (vm, placed) in &here {
                    for block in placed.blocks.as_slice() {
                        let known = server.used.as_ref().map(|used| used.get(&block.start).copied());
                        assert!(known.is_none_or(|known| known == Some((block.bytes, *vm))));
                        parts.push(*block);
                    }
                }
                let blocks = parts.len() - server.extents.count();
                assert!(server.used.as_ref().is_none_or(|used| used.len() == blocks));
                assert_eq!(server.is_empty(), here.is_empty());
                parts.sort_unstable();
                let end = parts.iter().fold(0, |end, part| {
                    assert_eq!(part.start, end, "a byte that is lost or doubled");
                    part.end()
                });
                assert_eq!(end, class.whole.memory);
                let cores = here.iter().map(|(_, it)| self.demand(it.shape, at).unwrap().cores);
                assert_eq!(cores.fold(server.free_cores, Cores::more), class.whole.cores);
                free += server.extents.free();
                runs += server.extents.largest();
                occupied += u64::from(!here.is_empty());
            }
        }
        assert_eq!((self.free, self.occupied, self.sum_of_largest), (free, occupied, runs));
    }
}
