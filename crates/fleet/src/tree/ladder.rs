//! A value of each server, found by the server's number and its free cores.
//!
//! For some numbers of cores, the steps, a tree over the servers holds the largest value of those that have so many cores
//! free. The trees have one shape and lie together: of the eight children of a node the values of one step are a cache
//! line, which is what a question reads of a level, and the lines of all steps follow each other, which is what a change
//! touches. A change goes up only as far as a maximum changes.

use terrace_addr::convert;
use terrace_raw::prefetch;

use crate::units::Cores;

/// Children of a node: their values are a cache line.
const FAN: usize = 8;

/// The most steps. Azure's VMs have five numbers of cores.
const MOST_STEPS: usize = 32;

/// For each server a value, and for each step the servers that have so many cores free in a tree.
#[derive(Debug, Clone)]
pub(crate) struct Ladder {
    steps: Vec<Cores>,
    /// The value of each server; 0 for those that are off.
    values: Vec<u64>,
    cores: Vec<Cores>,
    /// From the parents of the servers up to at most [`FAN`] nodes: for each parent of these nodes, step by step their
    /// values.
    levels: Vec<Vec<[u64; FAN]>>,
}

/// From which end servers are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    First,
    Last,
}

/// For each step, the largest value.
type Most = [u64; MOST_STEPS];

impl Ladder {
    /// For `servers` servers, which are off, and VMs with these numbers of cores and no others; 0 asks for all servers.
    /// Where there are more different numbers than steps, a tree also holds servers that have a few cores too little,
    /// which are passed over when they are found.
    pub(crate) fn new(servers: usize, mut wanted: Vec<Cores>) -> Self {
        wanted.sort_unstable();
        wanted.dedup();
        let count = wanted.len().clamp(1, MOST_STEPS);
        let steps =
            (0..count).map(|step| wanted.get(step * wanted.len() / count).copied().unwrap_or_default());
        let steps: Vec<Cores> = steps.collect();
        let (mut levels, mut nodes) = (Vec::new(), servers.max(1).div_ceil(FAN));
        loop {
            let parents = nodes.div_ceil(FAN);
            levels.push(vec![[0; FAN]; parents * steps.len()]);
            if parents == 1 {
                break;
            }
            nodes = parents;
        }
        Self { steps, values: vec![0; servers], cores: vec![Cores::ZERO; servers], levels }
    }

    /// Asks for what a change of this server will touch, without waiting.
    pub(crate) fn foresee(&self, server: usize) {
        prefetch(&self.values[server]);
        prefetch(&self.cores[server]);
        let first = server / FAN / FAN * self.steps.len();
        self.levels[0][first..first + self.steps.len()].iter().for_each(prefetch);
    }

    /// Gives a server so many free cores and this value.
    pub(crate) fn set(&mut self, server: usize, cores: Cores, value: u64) {
        let (old_cores, old_value) = (self.cores[server], self.values[server]);
        (self.cores[server], self.values[server]) = (cores, value);
        let (mut old, mut new): (Most, Most) = ([0; MOST_STEPS], [0; MOST_STEPS]);
        for (place, step) in self.steps.iter().enumerate() {
            old[place] = if *step <= old_cores { old_value } else { 0 };
            new[place] = if *step <= cores { value } else { 0 };
        }
        // The steps whose maxima may change.
        let mut open: u32 = 0;
        for step in 0..self.steps.len() {
            open |= u32::from(old[step] != new[step]) << step;
        }
        let mut child = server;
        for level in 0..self.levels.len() {
            let node = child / FAN;
            let first = node / FAN * self.steps.len();
            let mut left = open;
            while left != 0 {
                let step = convert::index32(left.trailing_zeros());
                left &= left - 1;
                let was = self.levels[level][first + step][node % FAN];
                let is = if new[step] >= was {
                    new[step]
                } else if old[step] < was {
                    was
                } else {
                    self.most_of_children(level, node, step)
                };
                self.levels[level][first + step][node % FAN] = is;
                (old[step], new[step]) = (was, is);
                open ^= u32::from(was == is) << step;
            }
            if open == 0 {
                return;
            }
            child = node;
        }
    }

    /// The largest value of a node's children.
    fn most_of_children(&self, level: usize, node: usize, step: usize) -> u64 {
        if let Some(below) = level.checked_sub(1) {
            return largest(&self.levels[below][node * self.steps.len() + step]);
        }
        let (first, after) = (node * FAN, self.values.len().min(node * FAN + FAN));
        let servers = self.values[first..after].iter().zip(&self.cores[first..after]);
        let step = self.steps[step];
        servers.map(|(value, cores)| if *cores >= step { *value } else { 0 }).max().unwrap_or(0)
    }

    /// The largest value of all servers that are in the tree of the first step.
    pub(crate) fn most(&self) -> u64 {
        self.levels.last().and_then(|top| top.first()).map_or(0, largest)
    }

    /// The first or last server with at least so many cores free and at least this value, which is above 0.
    pub(crate) fn find(&self, end: End, cores: Cores, least: u64) -> Option<usize> {
        let step = self.step(cores)?;
        self.find_below(self.levels.len(), 0, step, &Wanted { end, cores, least })
    }

    fn find_below(&self, level: usize, parent: usize, step: usize, wanted: &Wanted) -> Option<usize> {
        let first = parent * FAN;
        let mut children = (0..FAN).map(|child| match wanted.end {
            End::First => child,
            End::Last => FAN - 1 - child,
        });
        let Some(below) = level.checked_sub(1) else {
            let after = self.values.len().min(first + FAN);
            return children.map(|child| first + child).find(|server| {
                *server < after && self.values[*server] >= wanted.least && self.cores[*server] >= wanted.cores
            });
        };
        let values = &self.levels[below][parent * self.steps.len() + step];
        children.find_map(|child| {
            let enough = values[child] >= wanted.least;
            enough.then(|| self.find_below(below, first + child, step, wanted)).flatten()
        })
    }

    /// The server with the largest value of those with at least so many cores free, and that value; the first of several.
    /// It is one whose value is above 0.
    pub(crate) fn find_most(&self, cores: Cores) -> Option<(u64, usize)> {
        let step = self.step(cores)?;
        self.most_below(self.levels.len(), 0, step, cores)
    }

    fn most_below(&self, level: usize, parent: usize, step: usize, cores: Cores) -> Option<(u64, usize)> {
        let first = parent * FAN;
        let better = |one: Option<(u64, usize)>, other: Option<(u64, usize)>| match (one, other) {
            (Some(one), Some(other)) => {
                // Of the same value the first.
                let replaces = other.0 > one.0 || (other.0 == one.0 && other.1 < one.1);
                Some(if replaces { other } else { one })
            }
            (one, other) => one.or(other),
        };
        let Some(below) = level.checked_sub(1) else {
            let servers = first..self.values.len().min(first + FAN);
            let fitting = servers.filter(|server| self.cores[*server] >= cores && self.values[*server] > 0);
            return fitting.fold(None, |best, server| better(best, Some((self.values[server], server))));
        };
        // The largest first, and of these the first: if the tree holds no server with too few cores, it is there.
        let mut left = self.levels[below][parent * self.steps.len() + step];
        let mut best = None;
        loop {
            let most = largest(&left);
            let Some(child) = left.iter().position(|value| *value == most).filter(|_| most > 0) else {
                return best;
            };
            let behind = |(value, server): (u64, usize)| {
                value > most || (value == most && server < (first + child) * FAN.pow(convert::narrow(level)))
            };
            if best.is_some_and(behind) {
                return best;
            }
            left[child] = 0;
            let found = self.most_below(below, first + child, step, cores);
            if found.is_some_and(|(value, _)| value == most) && best.is_none() {
                return found;
            }
            best = better(best, found);
        }
    }

    /// The last step with at most so many cores.
    fn step(&self, cores: Cores) -> Option<usize> {
        self.steps.partition_point(|step| *step <= cores).checked_sub(1)
    }
}

/// What is searched.
struct Wanted {
    end: End,
    cores: Cores,
    least: u64,
}

fn largest(of: &[u64; FAN]) -> u64 {
    of.iter().fold(0, |most, value| most.max(*value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Servers whose cores are all taken but whose memory is not are most of a full fleet: a question must not pass over
    /// them one by one.
    #[test]
    fn servers_without_the_cores_are_in_no_tree() {
        let mut ladder = Ladder::new(100, [4, 1, 2, 1].map(Cores::whole).to_vec());
        for server in 0..100 {
            ladder.set(server, Cores::ZERO, 50);
        }
        ladder.set(70, Cores::whole(2), 40);
        let most =
            |ladder: &Ladder| -> Vec<u64> { ladder.levels.last().unwrap().iter().map(largest).collect() };
        assert_eq!(ladder.steps, [1, 2, 4].map(Cores::whole));
        assert_eq!(most(&ladder), [40, 40, 0]);
        ladder.set(70, Cores::whole(1), 40);
        assert_eq!(most(&ladder), [40, 0, 0]);
    }

    proptest! {
        /// For few and for many different numbers of cores, and more levels than one.
        #[test]
        fn it_finds_what_a_scan_finds(
            count in 1..700_usize,
            sets in proptest::collection::vec((0..700_usize, 0..50_u32, 0..30_u64), 0..200),
            wanted in proptest::collection::vec(0..50_u32, 1..60),
            least in 1..32_u64,
        ) {
            let wanted: Vec<Cores> = wanted.into_iter().map(Cores::thousandths).collect();
            let mut ladder = Ladder::new(count, [wanted.as_slice(), &[Cores::ZERO]].concat());
            let mut naive = vec![(Cores::ZERO, 0); count];
            for (server, cores, value) in sets {
                let server = server % count;
                naive[server] = (Cores::thousandths(cores), value);
                ladder.set(server, Cores::thousandths(cores), value);
                let cores = wanted[server % wanted.len()];
                let fits = |server: &usize| naive[*server].0 >= cores && naive[*server].1 >= least;
                prop_assert_eq!(ladder.find(End::First, cores, least), (0..count).find(fits));
                prop_assert_eq!(ladder.find(End::Last, cores, least), (0..count).rfind(fits));
                let some = (0..count).filter(|server| naive[*server].0 >= cores && naive[*server].1 > 0);
                let most = some.max_by_key(|server| (naive[*server].1, count - server));
                prop_assert_eq!(ladder.find_most(cores), most.map(|server| (naive[server].1, server)));
                prop_assert_eq!(ladder.most(), naive.iter().map(|(_, value)| *value).max().unwrap());
            }
        }
    }
}
