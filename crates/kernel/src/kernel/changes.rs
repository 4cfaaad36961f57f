//! Which blocks changed, for scanners.

use std::collections::{HashSet, VecDeque};

use terrace_addr::{PageSize, convert};
use terrace_policy::SpaceId;

/// The blocks of 2M that changed: each once between two looks, so that what a look costs follows what changed.
///
/// It begins to be kept at the first look: where nobody looks it costs nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct ChangeLog {
    /// Nothing is known of what was before this number.
    first: u64,
    kept: VecDeque<(SpaceId, u64)>,
    /// What is kept since the last look. Never iterated over: its order is not the same in all runs.
    fresh: HashSet<(SpaceId, u64)>,
    last: Option<(SpaceId, u64)>,
    looked_at: bool,
    /// Something changed before the first look.
    missed: bool,
}

/// So many changes are kept: 16 MiB of them.
const KEPT: usize = 1 << 20;

impl ChangeLog {
    pub(super) fn note(&mut self, space: SpaceId, addr: u64) {
        if !self.looked_at {
            self.missed = true;
            return;
        }
        let block = (space, addr & !(PageSize::Size2M.bytes() - 1));
        if self.last.replace(block) == Some(block) || !self.fresh.insert(block) {
            return;
        }
        if self.kept.len() == KEPT {
            self.kept.pop_front();
            self.first += 1;
        }
        self.kept.push_back(block);
    }

    /// What changed since the number `since`, and the number to ask with next time; nothing if that is no longer known.
    pub(super) fn look(&mut self, since: u64) -> Option<(impl Iterator<Item = (SpaceId, u64)>, u64)> {
        if !self.looked_at {
            self.looked_at = true;
            self.first = u64::from(self.missed);
        }
        if since < self.first {
            return None;
        }
        self.fresh.clear();
        self.last = None;
        let next = self.first + convert::count(self.kept.len());
        let skip = convert::index(since.min(next) - self.first);
        Some((self.kept.iter().skip(skip).copied(), next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(log: &mut ChangeLog, since: u64) -> Option<(Vec<u64>, u64)> {
        log.look(since).map(|(blocks, next)| (blocks.map(|(_, block)| block).collect(), next))
    }

    #[test]
    fn each_block_is_told_once_between_two_looks() {
        let mut log = ChangeLog::default();
        assert_eq!(changed(&mut log, 0), Some((vec![], 0)));
        for addr in [0x1000, 0x40_0000, 0x2000, 0x40_1000] {
            log.note(SpaceId(1), addr);
        }
        assert_eq!(changed(&mut log, 0), Some((vec![0, 0x40_0000], 2)));
        log.note(SpaceId(1), 0x3000);
        assert_eq!(changed(&mut log, 2), Some((vec![0], 3)));
        assert_eq!(changed(&mut log, u64::MAX), Some((vec![], 3)));
    }

    #[test]
    fn what_was_before_the_first_look_is_not_known() {
        let mut log = ChangeLog::default();
        log.note(SpaceId(1), 0);
        assert_eq!(changed(&mut log, 0), None);
        let (_, next) = changed(&mut log, u64::MAX).expect("the end is always known");
        log.note(SpaceId(1), 0);
        assert_eq!(changed(&mut log, next), Some((vec![0], 2)));
    }
}
