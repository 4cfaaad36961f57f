//! The servers of one kind that are on, found by what they have free.

use terrace_addr::convert;

use super::By;
use crate::server::Room;
use crate::spec::Demand;
use crate::tree::{End, Ladder, OrderTree};
use crate::units::Cores;

/// Servers of one kind that are on, by their free cores, memory and largest extents: only what the ways of choosing need
/// that the policy has, each of O(log servers) for a question and for a change.
#[derive(Debug)]
pub(crate) struct Index {
    /// By their largest extents. Its first step has all servers.
    runs: Ladder,
    /// By their free memory.
    memory: Option<Ladder>,
    orders: Vec<Order>,
}

/// Servers in the order of one quantity and then of their numbers, each with another quantity.
#[derive(Debug)]
struct Order {
    by: By,
    tree: OrderTree,
    /// How many bits of a key are the server's number. All servers together have at most 2⁶² bytes, so that one's bytes,
    /// or thousandths of cores, fit beside it.
    bits: u32,
}

impl Order {
    fn new(by: By, servers: usize) -> Self {
        Self { by, tree: OrderTree::new(), bits: servers.next_power_of_two().ilog2() }
    }

    /// The quantity by which servers are ordered, and the other one.
    fn quantities(&self, cores: Cores, memory: u64, run: u64) -> (u64, u64) {
        let cores = u64::from(cores.in_thousandths());
        match self.by {
            By::FewestCores => (cores, run),
            By::TightestRun => (run, cores),
            _ => (memory, cores),
        }
    }

    fn set(&mut self, server: u32, old: Option<&Room>, new: &Room) {
        let of = |room: &Room| self.quantities(room.cores, room.memory, room.run);
        let key = |(quantity, _)| quantity << self.bits | u64::from(server);
        let (is, value) = (key(of(new)), of(new).1);
        match old.map(|old| key(of(old))) {
            Some(was) if was == is => self.tree.change(is, is, value),
            Some(was) => {
                self.tree.remove(was);
                self.tree.insert(is, value);
            }
            None => self.tree.insert(is, value),
        }
    }

    fn foresee(&self, server: u32, quantity: u64) {
        self.tree.foresee(quantity << self.bits | u64::from(server));
    }

    /// The server, and the lower the better how good it is.
    fn find(&self, demand: Demand) -> Option<(u64, u32)> {
        let (from, least) = self.quantities(demand.cores, demand.memory, demand.memory);
        let (key, _) = self.tree.first(from << self.bits, least)?;
        Some((key >> self.bits, convert::low32(key & ((1 << self.bits) - 1))))
    }
}

impl Index {
    /// An index for these ways of choosing among at most `servers` servers, for VMs with these numbers of cores.
    pub(crate) fn new(ways: &[By], servers: usize, wanted: &[Cores]) -> Self {
        // Whoever does not look for the first run asks for the largest of all, and for nothing else.
        let first_run = if ways.contains(&By::FirstRun) { wanted } else { &[] };
        let of_memory = |by: &By| matches!(by, By::FirstRoom | By::LastRoom | By::MostMemory);
        let in_order = |by: &By| matches!(by, By::LeastMemory | By::TightestRun | By::FewestCores);
        let mut orders: Vec<Order> = Vec::new();
        for &by in ways.iter().filter(|by| in_order(by)) {
            if !orders.iter().any(|order| order.by == by) {
                orders.push(Order::new(by, servers));
            }
        }
        Self {
            runs: Ladder::new(servers, [&[Cores::ZERO], first_run].concat()),
            memory: ways.iter().any(of_memory).then(|| Ladder::new(servers, wanted.to_vec())),
            orders,
        }
    }

    /// The largest extent of all servers.
    pub(crate) fn largest_run(&self) -> u64 {
        self.runs.most()
    }

    /// Asks for where a server would be if it had this room, without waiting.
    pub(crate) fn foresee_room(&self, server: u32, room: &Room) {
        for order in &self.orders {
            let (quantity, _) = order.quantities(room.cores, room.memory, room.run);
            order.foresee(server, quantity);
        }
    }

    /// Asks for where a server that was found in this way will be without what a VM takes of it, without waiting.
    pub(crate) fn foresee_taken(&self, by: By, (found, server): (u64, u32), demand: Demand) {
        if let Some(order) = self.orders.iter().find(|order| order.by == by) {
            let (taken, _) = order.quantities(demand.cores, demand.memory, demand.memory);
            order.foresee(server, found.saturating_sub(taken));
        }
    }

    /// Whether servers are in any order.
    pub(crate) const fn has_orders(&self) -> bool {
        !self.orders.is_empty()
    }

    /// Asks for what a change of this server will touch, without waiting.
    pub(crate) fn foresee(&self, server: u32) {
        let server = convert::index32(server);
        self.runs.foresee(server);
        if let Some(memory) = &self.memory {
            memory.foresee(server);
        }
    }

    /// A server is new, or has other room than before.
    pub(crate) fn set(&mut self, server: u32, old: Option<&Room>, new: &Room) {
        if old == Some(new) {
            return;
        }
        for order in &mut self.orders {
            order.set(server, old, new);
        }
        let place = convert::index32(server);
        self.runs.set(place, new.cores, new.run);
        if let Some(memory) = &mut self.memory {
            memory.set(place, new.cores, new.memory);
        }
    }

    /// The running server that is chosen in this way, and the lower the better how good it is.
    pub(crate) fn find(&self, by: By, demand: Demand) -> Option<(u64, u32)> {
        let Demand { cores, memory } = demand;
        let (end, ladder) = match by {
            By::FirstRun => (End::First, &self.runs),
            By::FirstRoom => (End::First, self.memory.as_ref()?),
            By::LastRoom => (End::Last, self.memory.as_ref()?),
            By::MostMemory => {
                // Of all with the cores it has the most memory: if that is too little, no server has enough.
                let (most, server) = self.memory.as_ref()?.find_most(cores)?;
                return (most >= memory).then(|| (u64::MAX - most, convert::narrow(server)));
            }
            By::LeastMemory | By::TightestRun | By::FewestCores => {
                return self.orders.iter().find(|order| order.by == by)?.find(demand);
            }
        };
        let server = convert::narrow(ladder.find(end, cores, memory)?);
        Some((u64::from(server), server))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WAYS: [By; 7] = [
        By::MostMemory,
        By::LeastMemory,
        By::FirstRoom,
        By::LastRoom,
        By::FirstRun,
        By::TightestRun,
        By::FewestCores,
    ];

    fn room() -> impl Strategy<Value = Room> {
        (0..40_u32, 0..50_u64, 0..50_u64).prop_map(|(cores, memory, run)| Room {
            cores: Cores::thousandths(cores * 500),
            memory,
            run: run.min(memory),
        })
    }

    fn scan(by: By, rooms: &[Option<Room>], demand: Demand) -> Option<u32> {
        let fits = |room: &Room| match by {
            By::FirstRun | By::TightestRun | By::FewestCores => {
                room.cores >= demand.cores && room.run >= demand.memory
            }
            _ => room.holds(demand),
        };
        let fitting = (0..).zip(rooms).filter_map(|(server, room)| Some((server, room.as_ref()?)));
        let fitting = fitting.filter(|(_, room)| fits(room));
        let rank = |(server, room): &(u32, &Room)| match by {
            By::MostMemory => (u64::MAX - room.memory, *server),
            By::LeastMemory => (room.memory, *server),
            By::FirstRoom | By::FirstRun => (0, *server),
            By::LastRoom => (0, u32::MAX - *server),
            By::TightestRun => (room.run, *server),
            By::FewestCores => (u64::from(room.cores.in_thousandths()), *server),
        };
        fitting.min_by_key(rank).map(|(server, _)| server)
    }

    proptest! {
        /// Every way of choosing is that of a scan over all servers, for few and for many different numbers of cores.
        #[test]
        fn it_finds_what_a_scan_finds(
            changes in proptest::collection::vec((0..60_u32, room()), 1..80),
            wanted in proptest::collection::vec(0..40_u32, 1..40),
            memory in 1..50_u64,
        ) {
            let wanted: Vec<Cores> = wanted.into_iter().map(|cores| Cores::thousandths(cores * 500)).collect();
            let mut index = Index::new(&WAYS, 60, &wanted);
            let mut rooms: Vec<Option<Room>> = vec![None; 60];
            for (server, new) in changes {
                let old = rooms[convert::index32(server)].replace(new);
                index.set(server, old.as_ref(), &new);
                for &cores in &wanted {
                    let demand = Demand { cores, memory };
                    for by in WAYS {
                        let found = index.find(by, demand).map(|(_, server)| server);
                        prop_assert_eq!(found, scan(by, &rooms, demand), "{:?} {:?}", by, demand);
                    }
                }
            }
        }
    }
}
