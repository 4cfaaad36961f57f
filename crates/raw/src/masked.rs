//! A buffer that every index is an index of.

use core::fmt;
use core::marker::PhantomData;

use crate::{Buffer, Zeroable, prefetch};

/// A buffer whose length is a power of two, indexed modulo its length: no index is outside, so none is checked.
#[derive(Clone)]
pub struct Masked<T: Zeroable> {
    values: Buffer<T>,
    mask: usize,
}

impl<T: Zeroable> Masked<T> {
    /// `len` zeroes, rounded up to a power of two.
    ///
    /// # Panics
    /// If that is more than an address space holds.
    pub fn zeroed(len: usize) -> Self {
        let len = len.next_power_of_two();
        Self { values: Buffer::zeroed(len), mask: len - 1 }
    }

    /// The value at `index` modulo the length.
    #[inline(always)]
    pub fn at(&self, index: usize) -> &T {
        // SAFETY: the length is `mask` + 1.
        unsafe { self.values.get_unchecked(index & self.mask) }
    }

    /// The value at `index` modulo the length.
    #[inline(always)]
    pub fn at_mut(&mut self, index: usize) -> &mut T {
        // SAFETY: as above.
        unsafe { self.values.get_unchecked_mut(index & self.mask) }
    }

    /// Asks for the value at `index` modulo the length.
    #[inline(always)]
    pub fn prefetch(&self, index: usize) {
        prefetch(self.at(index));
    }

    /// The buffer for as long as it is borrowed: no store to a value makes the compiler look again where it lies.
    #[inline(always)]
    pub fn open(&mut self) -> Open<'_, T> {
        Open { first: self.values.as_mut_ptr(), mask: self.mask, values: PhantomData }
    }

    /// All values.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// All values.
    pub fn values_mut(&mut self) -> &mut [T] {
        &mut self.values
    }
}

/// A [`Masked`] that is borrowed.
#[derive(Debug)]
pub struct Open<'a, T> {
    first: *mut T,
    mask: usize,
    values: PhantomData<&'a mut [T]>,
}

impl<T> Open<'_, T> {
    /// The value at `index` modulo the length.
    #[inline(always)]
    pub const fn at(&self, index: usize) -> &T {
        // SAFETY: `first` is the first of `mask` + 1 values, which are borrowed exclusively.
        unsafe { &*self.first.add(index & self.mask) }
    }

    /// The value at `index` modulo the length.
    #[inline(always)]
    pub const fn at_mut(&mut self, index: usize) -> &mut T {
        // SAFETY: as above.
        unsafe { &mut *self.first.add(index & self.mask) }
    }
}

impl<T: Zeroable> fmt::Debug for Masked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.values.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_is_inside() {
        for len in [1, 2, 3, 64, 100] {
            let mut masked = Masked::<u64>::zeroed(len);
            let length = len.next_power_of_two();
            assert_eq!(masked.values().len(), length);
            *masked.at_mut(length + len - 1) = 7;
            assert_eq!((*masked.at(len - 1), *masked.at(usize::MAX - length + len)), (7, 7));
            let mut open = masked.open();
            *open.at_mut(len - 1) += 1;
            assert_eq!((*open.at(length + len - 1), *masked.at(len - 1)), (8, 8));
        }
    }
}
