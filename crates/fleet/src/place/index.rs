//! The running servers of one kind, found by what they have free.

use terrace_addr::convert;

use super::By;
use crate::server::Room;
use crate::spec::Demand;
use crate::tree::{End, OrderTree, Places};
use crate::units::Cores;

/// Running servers of one kind by their free cores, memory and largest extents: a tree for each way of choosing that the
/// policy has, each of O(log servers) for a question and for a change.
#[derive(Debug)]
pub(crate) struct Index {
    orders: Vec<Order>,
    places: Option<ByCores>,
}

/// Servers in the order of one quantity, each with another one.
#[derive(Debug)]
struct Order {
    by: By,
    tree: OrderTree<(u64, u32)>,
}

impl Order {
    /// The key and value of a server.
    fn entry(&self, server: u32, room: &Room) -> ((u64, u32), u64) {
        let cores = u64::from(room.cores.in_thousandths());
        let (key, value) = match self.by {
            By::MostMemory => (u64::MAX - room.memory, cores),
            By::TightestRun => (room.run, cores),
            By::FewestCores => (cores, room.run),
            By::LeastMemory | By::FirstRoom | By::LastRoom | By::FirstRun => (room.memory, cores),
        };
        ((key, server), value)
    }

    /// The server, and the lower the better how good it is.
    fn find(&self, demand: Demand) -> Option<(u64, u32)> {
        let cores = u64::from(demand.cores.in_thousandths());
        let ((key, server), _) = match self.by {
            By::FewestCores => self.tree.first((cores, 0), demand.memory),
            // Of all with the cores it has the most memory: if that is too little, no server has enough.
            By::MostMemory => {
                self.tree.first((0, 0), cores).filter(|((key, _), _)| u64::MAX - key >= demand.memory)
            }
            _ => self.tree.first((demand.memory, 0), cores),
        }?;
        Some((key, server))
    }
}

/// The most trees of [`ByCores`]. Azure's VMs have five numbers of cores.
const MOST_STEPS: usize = 32;

/// For some numbers of cores, the largest extents and the free memory of the servers that have so many cores free.
#[derive(Debug)]
struct ByCores {
    steps: Vec<(Cores, Places<2>)>,
    /// The free cores of each server.
    cores: Vec<Cores>,
}

const RUN: usize = 0;
const MEMORY: usize = 1;

impl ByCores {
    /// For `servers` servers and VMs with these numbers of cores, and no others. Where VMs have more different numbers than there are
    /// trees, a tree also holds servers that have a few cores too little, which are passed over when they are found.
    fn new(servers: usize, mut wanted: Vec<Cores>) -> Self {
        wanted.sort_unstable();
        wanted.dedup();
        let count = wanted.len().clamp(1, MOST_STEPS);
        let steps =
            (0..count).map(|step| wanted.get(step * wanted.len() / count).copied().unwrap_or_default());
        let steps = steps.map(|cores| (cores, Places::new(servers))).collect();
        Self { steps, cores: vec![Cores::ZERO; servers] }
    }

    fn set(&mut self, server: u32, old: Option<&Room>, new: &Room) {
        let before = old.map_or(Cores::ZERO, |old| old.cores);
        let place = convert::index32(server);
        self.cores[place] = new.cores;
        for (cores, places) in &mut self.steps {
            if *cores <= new.cores {
                places.set(place, [new.run, new.memory]);
            } else if *cores <= before {
                places.set(place, [0, 0]);
            } else {
                break;
            }
        }
    }

    fn find(&self, end: End, which: usize, demand: Demand) -> Option<u32> {
        let after = self.steps.partition_point(|(cores, _)| *cores <= demand.cores);
        let (_, places) = self.steps.get(after.checked_sub(1)?)?;
        let enough = |place: usize| self.cores[place] >= demand.cores;
        places.find(end, which, demand.memory, enough).map(convert::narrow)
    }
}

impl Index {
    /// An index for these ways of choosing among at most `servers` servers, for VMs with these numbers of cores.
    pub(crate) fn new(ways: &[By], servers: usize, wanted: &[Cores]) -> Self {
        let (mut orders, mut places): (Vec<Order>, _) = (Vec::new(), None);
        for &by in ways {
            match by {
                By::FirstRoom | By::LastRoom | By::FirstRun => {
                    places.get_or_insert_with(|| ByCores::new(servers, wanted.to_vec()));
                }
                _ if orders.iter().any(|order| order.by == by) => {}
                _ => orders.push(Order { by, tree: OrderTree::new() }),
            }
        }
        Self { orders, places }
    }

    /// A server is new, or has other room than before.
    pub(crate) fn set(&mut self, server: u32, old: Option<&Room>, new: &Room) {
        if old == Some(new) {
            return;
        }
        for order in &mut self.orders {
            let (key, value) = order.entry(server, new);
            match old.map(|old| order.entry(server, old).0) {
                Some(same) if same == key => order.tree.change(key, key, value),
                Some(old) => {
                    order.tree.remove(old);
                    order.tree.insert(key, value);
                }
                None => order.tree.insert(key, value),
            }
        }
        if let Some(places) = &mut self.places {
            places.set(server, old, new);
        }
    }

    /// The running server that is chosen in this way, and the lower the better how good it is.
    pub(crate) fn find(&self, by: By, demand: Demand) -> Option<(u64, u32)> {
        let (end, which) = match by {
            By::FirstRoom => (End::First, MEMORY),
            By::LastRoom => (End::Last, MEMORY),
            By::FirstRun => (End::First, RUN),
            _ => return self.orders.iter().find(|order| order.by == by)?.find(demand),
        };
        let server = self.places.as_ref()?.find(end, which, demand)?;
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

    /// Servers whose cores are all taken but whose memory is not are most of a full fleet: a question must not pass over
    /// them one by one.
    #[test]
    fn servers_without_the_cores_are_in_no_tree() {
        let mut trees = ByCores::new(100, [4, 1, 2, 1].map(Cores::whole).to_vec());
        let room = |cores| Room { cores: Cores::whole(cores), memory: 50, run: 40 };
        for server in 0..100 {
            trees.set(server, None, &room(0));
        }
        trees.set(70, Some(&room(0)), &room(2));
        let most: Vec<_> = trees.steps.iter().map(|(cores, places)| (*cores, places.most())).collect();
        let expected = [(1, [40, 50]), (2, [40, 50]), (4, [0, 0])];
        assert_eq!(most, expected.map(|(cores, values)| (Cores::whole(cores), values)));
        trees.set(70, Some(&room(2)), &room(1));
        assert_eq!(trees.steps[1].1.most(), [0, 0]);
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
