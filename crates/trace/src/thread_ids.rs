//! Threads of a text, numbered as they appear.

use std::collections::HashMap;

use terrace_addr::convert;

use crate::ThreadIndex;

/// The threads seen so far, by their ids.
#[derive(Debug, Default)]
pub(crate) struct ThreadIds {
    known: HashMap<u64, ThreadIndex>,
    /// The one asked for last: most lines are of the thread of the line before.
    last: Option<(u64, ThreadIndex)>,
}

impl ThreadIds {
    /// The number of the thread with this id; a new one if it was not seen before.
    pub(crate) fn number(&mut self, id: u64) -> ThreadIndex {
        if let Some((last, number)) = self.last
            && last == id
        {
            return number;
        }
        let next = ThreadIndex::new(convert::narrow(self.known.len()));
        let number = *self.known.entry(id).or_insert(next);
        self.last = Some((id, number));
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_numbered_as_they_appear() {
        let mut ids = ThreadIds::default();
        let numbers: Vec<u32> = [7, 7, 0, 7, u64::MAX, 0].map(|id| ids.number(id).get()).into();
        assert_eq!(numbers, [0, 0, 1, 0, 2, 1]);
    }
}
