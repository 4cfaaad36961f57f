//! The lists of free blocks, one for each kind of pageblock and order.

use terrace_addr::convert;

use super::Zone;
use crate::word::{NOWHERE, Word};
use crate::{Order, Pageblock};

/// The first block of each list, and how many it has. The links are in the words of the blocks' heads;
/// those of the largest blocks, which lie 8 KiB apart, are kept by themselves, so that memory that nothing has used needs
/// none of its frames' words written.
#[derive(Clone)]
pub(super) struct FreeLists {
    first: [[u32; Order::COUNT]; 3],
    count: [[u64; Order::COUNT]; 3],
}

impl FreeLists {
    pub(super) const fn new() -> Self {
        Self { first: [[NOWHERE; Order::COUNT]; 3], count: [[0; Order::COUNT]; 3] }
    }

    #[inline(always)]
    pub(super) fn first(&self, list: Pageblock, order: Order) -> Option<usize> {
        let first = self.first[list.index()][order.index()];
        (first != NOWHERE).then(|| convert::index32(first))
    }

    pub(super) fn count(&self, list: Pageblock, order: Order) -> u64 {
        self.count[list.index()][order.index()]
    }
}

impl Zone {
    /// Puts the block at the head of a list. Its other words say that they are inside a free block.
    #[inline]
    pub(super) fn push(&mut self, at: usize, order: Order, list: Pageblock) {
        let link = convert::narrow(at);
        let first = &mut self.lists.first[list.index()][order.index()];
        let next = core::mem::replace(first, link);
        self.lists.count[list.index()][order.index()] += 1;
        if next != NOWHERE {
            let next = convert::index32(next);
            self.set_head(next, order, self.word(next).with_previous(link));
        }
        self.set_head(at, order, Word::head(order, list, NOWHERE, next));
    }

    /// Takes the block out of its list, and tells its order and which list that was. The head is left as a word inside
    /// a free block.
    #[inline]
    pub(super) fn remove(&mut self, at: usize) -> (Order, Pageblock) {
        let word = self.word(at);
        debug_assert!(word.is_head(), "only heads are on lists");
        let (order, list) = (word.order(), word.list());
        let (previous, next) = (word.previous(), word.next());
        if next != NOWHERE {
            let next = convert::index32(next);
            self.set_head(next, order, self.word(next).with_previous(previous));
        }
        if previous == NOWHERE {
            self.lists.first[list.index()][order.index()] = next;
        } else {
            let previous = convert::index32(previous);
            self.set_head(previous, order, self.word(previous).with_next(next));
        }
        self.lists.count[list.index()][order.index()] -= 1;
        self.set_head(at, order, Word::INSIDE);
        (order, list)
    }

    /// Writes the word of the first frame of a free block.
    #[inline(always)]
    fn set_head(&mut self, at: usize, order: Order, word: Word) {
        if order == Order::MAX {
            debug_assert!(
                Word(self.words[at]) == Word::INSIDE,
                "its own word says that it is inside a free block"
            );
            self.largest[at / Order::MAX.length()] = word.0;
        } else {
            self.words[at] = word.0;
        }
    }
}
