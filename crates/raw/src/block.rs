//! Zeroed memory of a fixed size, huge-page-backed where large.

use alloc::alloc::{Layout, alloc, alloc_zeroed, dealloc, handle_alloc_error};
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use crate::Zeroable;

/// A transparent huge page of x86-64.
pub(crate) const HUGE_PAGE: usize = 2 << 20;
const CACHE_LINE: usize = 64;

/// An owned, zeroed array of `len` values.
pub(crate) struct Block<T> {
    start: NonNull<T>,
    len: usize,
    owns: PhantomData<T>,
}

impl<T: Zeroable> Block<T> {
    /// # Panics
    /// If the size overflows. Running out of memory ends the process as it does for `Vec`.
    pub(crate) fn zeroed(len: usize) -> Self {
        let layout = layout::<T>(len);
        if layout.size() == 0 {
            return Self { start: NonNull::dangling(), len, owns: PhantomData };
        }
        // SAFETY: the layout has a size above 0.
        let memory = unsafe {
            if layout.align() >= HUGE_PAGE {
                let memory = alloc(layout);
                if !memory.is_null() {
                    // Advised before the first touch, so that zeroing already faults in huge pages.
                    advise_huge(memory, layout.size());
                    memory.write_bytes(0, layout.size());
                }
                memory
            } else {
                alloc_zeroed(layout)
            }
        };
        let Some(start) = NonNull::new(memory.cast::<T>()) else { handle_alloc_error(layout) };
        Self { start, len, owns: PhantomData }
    }

    #[inline(always)]
    pub(crate) fn as_slice(&self) -> &[T] {
        // SAFETY: `start` points to `len` initialised (zeroed or since written) values that `self` owns.
        unsafe { core::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    #[inline(always)]
    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as above, and `self` is borrowed mutably.
        unsafe { core::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl<T: Zeroable> Clone for Block<T> {
    fn clone(&self) -> Self {
        let mut copy = Self::zeroed(self.len);
        copy.as_mut_slice().copy_from_slice(self.as_slice());
        copy
    }
}

impl<T> Drop for Block<T> {
    fn drop(&mut self) {
        let layout = layout::<T>(self.len);
        if layout.size() > 0 {
            // SAFETY: allocated with this layout by `zeroed`; `T: Zeroable` needs no drop.
            unsafe { dealloc(self.start.as_ptr().cast(), layout) }
        }
    }
}

fn layout<T>(len: usize) -> Layout {
    const TOO_LARGE: &str = "a block of less than 2^63 bytes";
    let layout = Layout::array::<T>(len).expect(TOO_LARGE);
    let align = if layout.size() >= HUGE_PAGE { HUGE_PAGE } else { CACHE_LINE };
    layout.align_to(align).expect(TOO_LARGE)
}

// SAFETY: a block owns its values like a `Box<[T]>`.
unsafe impl<T: Send> Send for Block<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Block<T> {}

/// Asks for transparent huge pages under memory that is not yet in use, as far as it holds whole ones; a refusal costs
/// speed only.
pub fn prefer_huge_pages<T>(unused: &mut [MaybeUninit<T>]) {
    let bytes = size_of_val(unused);
    let start = unused.as_mut_ptr().cast::<u8>();
    let before = start.align_offset(HUGE_PAGE);
    let whole = bytes.saturating_sub(before) / HUGE_PAGE * HUGE_PAGE;
    if whole > 0 {
        advise_huge(start.wrapping_add(before), whole);
    }
}

/// Asks for transparent huge pages; a refusal costs speed only.
#[cfg(all(target_os = "linux", not(miri)))]
fn advise_huge(start: *mut u8, bytes: usize) {
    // SAFETY: the range was just allocated and is owned by the caller; the advice changes no content.
    unsafe {
        libc::madvise(start.cast(), bytes, libc::MADV_HUGEPAGE);
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn advise_huge(_: *mut u8, _: usize) {}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// Whatever is advised, and however small or odd its place, a vector is the same.
    #[test]
    fn advice_changes_no_value() {
        for capacity in [0, 3, 1 << 16, 1 << 20] {
            let mut values: Vec<u32> = Vec::with_capacity(capacity);
            values.extend(0..2);
            prefer_huge_pages(values.spare_capacity_mut());
            values.extend(2..9);
            assert!(values.iter().copied().eq(0..9));
        }
    }
}
