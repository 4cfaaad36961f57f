//! Values that are added one by one and never move.

use alloc::vec::Vec;
use core::fmt;
use core::ops::{Index, IndexMut};

use crate::Zeroable;
use crate::block::Block;

/// Values in chunks of 512, addressed by a dense number.
///
/// The first chunk starts small and grows, so that a small arena costs little; every further one is allocated
/// whole. An arena of 4 KiB values has chunks of 2 MiB, each on a huge page.
pub struct Arena<T> {
    chunks: Vec<Block<T>>,
    len: usize,
}

const CHUNK: usize = 512;
const CHUNK_BITS: u32 = CHUNK.trailing_zeros();
const FIRST: usize = 8;

impl<T: Zeroable> Arena<T> {
    /// An empty arena.
    pub const fn new() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }

    /// The number of values.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a zeroed value and returns its number.
    ///
    /// # Panics
    /// Beyond 2³¹ values.
    pub fn push_zeroed(&mut self) -> u32 {
        let capacity = self.chunks.len().saturating_sub(1) * CHUNK
            + self.chunks.last().map_or(0, |chunk| chunk.as_slice().len());
        if self.len == capacity {
            self.grow();
        }
        let number = u32::try_from(self.len).ok().filter(|&number| number < 1 << 31);
        self.len += 1;
        number.expect("an arena holds at most 2^31 values")
    }

    fn grow(&mut self) {
        let full = self.chunks.last().is_none_or(|chunk| chunk.as_slice().len() == CHUNK);
        if full {
            let len = if self.chunks.is_empty() { FIRST } else { CHUNK };
            self.chunks.push(Block::zeroed(len));
        } else if let Some(first) = self.chunks.last_mut() {
            let old = first.as_slice().len();
            let mut larger = Block::zeroed(old * 4);
            larger.as_mut_slice()[..old].copy_from_slice(first.as_slice());
            *first = larger;
        }
    }
}

const _: () = {
    let mut len = FIRST;
    while len < CHUNK {
        len *= 4;
    }
    assert!(len == CHUNK, "growing by 4 from FIRST meets CHUNK");
};

impl<T: Zeroable> Clone for Arena<T> {
    fn clone(&self) -> Self {
        Self { chunks: self.chunks.clone(), len: self.len }
    }
}

impl<T: Zeroable> Default for Arena<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[inline(always)]
#[expect(clippy::as_conversions, reason = "usize is 64 bits")]
const fn place(number: u32) -> (usize, usize) {
    ((number >> CHUNK_BITS) as usize, number as usize & (CHUNK - 1))
}

impl<T: Zeroable> Index<u32> for Arena<T> {
    type Output = T;
    #[inline(always)]
    fn index(&self, number: u32) -> &T {
        let (chunk, offset) = place(number);
        &self.chunks[chunk].as_slice()[offset]
    }
}

impl<T: Zeroable> IndexMut<u32> for Arena<T> {
    #[inline(always)]
    fn index_mut(&mut self, number: u32) -> &mut T {
        let (chunk, offset) = place(number);
        &mut self.chunks[chunk].as_mut_slice()[offset]
    }
}

impl<T> fmt::Debug for Arena<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Arena of {} values", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_number_while_the_arena_grows() {
        let mut arena = Arena::<[u64; 2]>::new();
        for expected in 0..2000_u32 {
            let number = arena.push_zeroed();
            assert_eq!(number, expected);
            assert_eq!(arena[number], [0, 0]);
            arena[number] = [u64::from(number), 1];
        }
        assert!((0..2000).all(|number| arena[number] == [u64::from(number), 1]));
        assert_eq!(arena.len(), 2000);
    }

    #[test]
    fn a_copy_goes_its_own_way() {
        for len in [0, 1, 8, 9, 2000] {
            let mut arena = Arena::<u64>::new();
            for number in 0..len {
                let at = arena.push_zeroed();
                arena[at] = number;
            }
            let mut copy = arena.clone();
            let next = copy.push_zeroed();
            assert_eq!((u64::from(next), copy[next]), (len, 0));
            copy[0] = 77;
            assert!((1..len).all(|number| copy[u32::try_from(number).unwrap()] == number));
            assert!(
                (0..len).all(|number| arena[u32::try_from(number).unwrap()] == number),
                "the first is as it was"
            );
        }
    }
}
