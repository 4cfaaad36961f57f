//! Blocks that wait to be promoted.

use alloc::collections::{BTreeMap, VecDeque};

use terrace_policy::SpaceId;

/// The requests of each address space, each with its number in the order of all.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue {
    spaces: BTreeMap<SpaceId, VecDeque<(u64, u64)>>,
    asked: u64,
}

impl Queue {
    pub(super) fn push(&mut self, space: SpaceId, block: u64) {
        self.asked += 1;
        self.spaces.entry(space).or_default().push_back((self.asked, block));
    }

    /// Puts a request back where it was taken from.
    pub(super) fn put_back(&mut self, space: SpaceId, block: u64) {
        self.spaces.entry(space).or_default().push_front((0, block));
    }

    /// The oldest request of the address space that comes first by `rank`; the space whose request is the oldest, of
    /// several with the same.
    pub(super) fn pop(&mut self, rank: impl Fn(SpaceId) -> f64) -> Option<(SpaceId, u64)> {
        let mut first: Option<(f64, u64, SpaceId)> = None;
        for (&space, requests) in &self.spaces {
            let Some(&(number, _)) = requests.front() else { continue };
            let rank = rank(space);
            if first.is_none_or(|(best, oldest, _)| rank > best || rank >= best && number < oldest) {
                first = Some((rank, number, space));
            }
        }
        let (.., space) = first?;
        let requests = self.spaces.get_mut(&space)?;
        let (_, block) = requests.pop_front()?;
        if requests.is_empty() {
            self.spaces.remove(&space);
        }
        Some((space, block))
    }

    pub(super) fn forget(&mut self, space: SpaceId) {
        self.spaces.remove(&space);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_space_with_the_higher_rank_comes_first_and_else_the_oldest_request() {
        let mut queue = Queue::default();
        let [one, other] = [SpaceId(1), SpaceId(2)];
        for (space, block) in [(other, 10), (one, 20), (one, 30), (other, 40)] {
            queue.push(space, block);
        }
        assert_eq!(queue.pop(|_| 1.0), Some((other, 10)));
        assert_eq!(queue.pop(|space| if space == other { 2.0 } else { 1.0 }), Some((other, 40)));
        queue.put_back(other, 40);
        assert_eq!(queue.pop(|_| 1.0), Some((other, 40)));
        assert_eq!(queue.pop(|_| 1.0), Some((one, 20)));
        queue.forget(one);
        assert_eq!(queue.pop(|_| 1.0), None);
    }
}
