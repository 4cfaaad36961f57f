//! A zeroed slice.

use core::fmt;
use core::ops::{Deref, DerefMut};

use crate::Zeroable;
use crate::block::Block;

/// A slice of fixed length that starts zeroed: aligned to a cache line, and to a huge page where it is at least
/// that large.
pub struct Buffer<T: Zeroable>(Block<T>);

impl<T: Zeroable> Buffer<T> {
    /// `len` zeroes.
    ///
    /// # Panics
    /// If that is more than an address space holds.
    pub fn zeroed(len: usize) -> Self {
        Self(Block::zeroed(len))
    }
}

impl<T: Zeroable> Deref for Buffer<T> {
    type Target = [T];
    #[inline(always)]
    fn deref(&self) -> &[T] {
        self.0.as_slice()
    }
}

impl<T: Zeroable> DerefMut for Buffer<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        self.0.as_mut_slice()
    }
}

impl<T: Zeroable> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        let mut copy = Self::zeroed(self.len());
        copy.copy_from_slice(self);
        copy
    }
}

impl<T: Zeroable> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer of {} values", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_zeroed_and_keeps_what_is_written() {
        for len in [0, 1, 1000, 300_000] {
            let mut buffer = Buffer::<u64>::zeroed(len);
            assert!(buffer.len() == len && buffer.iter().all(|&value| value == 0));
            if let Some(last) = buffer.last_mut() {
                *last = 7;
                assert_eq!(buffer.clone().last(), Some(&7));
            }
        }
    }
}
