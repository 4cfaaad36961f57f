//! An allocator that takes from one array and gives nothing back.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicUsize, Ordering};

const SIZE: usize = 1 << 20;
const ALIGN: usize = 4096;

#[repr(align(4096))]
struct Bytes(UnsafeCell<[u8; SIZE]>);

/// The array, and how much of it is taken.
struct Bump {
    bytes: Bytes,
    taken: AtomicUsize,
}

#[global_allocator]
static MEMORY: Bump = Bump { bytes: Bytes(UnsafeCell::new([0; SIZE])), taken: AtomicUsize::new(0) };

// SAFETY: the bytes are only handed out, each once, by the atomic `taken`.
unsafe impl Sync for Bump {}

// SAFETY: a block lies in the array, no two overlap because `taken` only grows, and each starts at a multiple of
// its alignment because the array starts at a multiple of the largest that is served.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > ALIGN {
            return null_mut();
        }
        let start = |taken: usize| taken.next_multiple_of(layout.align());
        let end = |taken| start(taken).checked_add(layout.size()).filter(|&end| end <= SIZE);
        match self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, end) {
            // SAFETY: the block's end lies in the array, so its start does.
            Ok(taken) => unsafe { self.bytes.0.get().cast::<u8>().add(start(taken)) },
            Err(_) => null_mut(),
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
