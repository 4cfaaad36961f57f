//! Values by place: a tree over the numbers from 0, eight children a node, so that a node's children are one or two
//! cache lines.

/// Children of a node.
const FAN: usize = 8;

/// For each place some values, of which each node holds the largest below it.
#[derive(Debug, Clone)]
pub(crate) struct Places<const VALUES: usize> {
    /// From the places up to at most [`FAN`] nodes.
    levels: Vec<Vec<[u64; VALUES]>>,
}

/// From which end places are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    First,
    Last,
}

impl<const VALUES: usize> Places<VALUES> {
    /// So many places, whose values are 0.
    pub(crate) fn new(places: usize) -> Self {
        let mut levels = vec![vec![[0; VALUES]; places.max(1)]];
        let mut nodes = places.max(1);
        while nodes > FAN {
            nodes = nodes.div_ceil(FAN);
            levels.push(vec![[0; VALUES]; nodes]);
        }
        Self { levels }
    }

    /// Gives a place its values.
    pub(crate) fn set(&mut self, place: usize, values: [u64; VALUES]) {
        let mut at = place;
        self.levels[0][at] = values;
        for level in 1..self.levels.len() {
            let first = at - at % FAN;
            at /= FAN;
            let (below, above) = self.levels.split_at_mut(level);
            let children = &below[level - 1];
            let children = &children[first..children.len().min(first + FAN)];
            let most = largest(children);
            if above[0][at] == most {
                return;
            }
            above[0][at] = most;
        }
    }

    /// The largest values of all places.
    pub(crate) fn most(&self) -> [u64; VALUES] {
        let top = self.levels.last().map(Vec::as_slice).unwrap_or_default();
        largest(top)
    }

    /// The first or last place whose value number `which` is at least `least`, and that is accepted. It is found in one
    /// descent if the first one is.
    pub(crate) fn find(
        &self,
        end: End,
        which: usize,
        least: u64,
        mut accept: impl FnMut(usize) -> bool,
    ) -> Option<usize> {
        self.find_below(self.levels.len() - 1, 0, end, which, least, &mut accept)
    }

    fn find_below(
        &self,
        level: usize,
        parent: usize,
        end: End,
        which: usize,
        least: u64,
        accept: &mut impl FnMut(usize) -> bool,
    ) -> Option<usize> {
        let nodes = &self.levels[level];
        let (first, after) = (parent * FAN, nodes.len().min((parent + 1) * FAN));
        (0..after - first).find_map(|step| {
            let node = match end {
                End::First => first + step,
                End::Last => after - 1 - step,
            };
            if nodes[node][which] < least {
                None
            } else if level == 0 {
                accept(node).then_some(node)
            } else {
                self.find_below(level - 1, node, end, which, least, accept)
            }
        })
    }
}

fn largest<const VALUES: usize>(of: &[[u64; VALUES]]) -> [u64; VALUES] {
    of.iter().fold([0; VALUES], |mut most, values| {
        for (most, &value) in most.iter_mut().zip(values) {
            *most = value.max(*most);
        }
        most
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_finds_what_a_scan_finds(
            count in 1..700_usize,
            sets in proptest::collection::vec((0..700_usize, 0..30_u64, 0..30_u64), 0..60),
            least in 1..32_u64,
            which in 0..2_usize,
            odd: bool,
        ) {
            let (mut places, mut naive) = (Places::new(count), vec![[0; 2]; count]);
            for (place, one, other) in sets {
                places.set(place % count, [one, other]);
                naive[place % count] = [one, other];
                let accept = |place: usize| !odd || place % 2 == 1;
                let fits = |place: &usize| naive[*place][which] >= least && accept(*place);
                prop_assert_eq!(places.find(End::First, which, least, accept), (0..count).find(fits));
                prop_assert_eq!(places.find(End::Last, which, least, accept), (0..count).rfind(fits));
                prop_assert_eq!(places.most()[which], naive.iter().map(|values| values[which]).max().unwrap());
            }
        }
    }
}
