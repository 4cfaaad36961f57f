//! Types whose all-zero bytes are a value.

/// A plain type for which all-zero memory is a valid value.
///
/// # Safety
/// Every byte pattern of zeros must be a valid value, and the type must need no `drop`.
pub unsafe trait Zeroable: Copy + 'static {}

// SAFETY: integers are valid for every bit pattern.
unsafe impl Zeroable for u8 {}
// SAFETY: as above.
unsafe impl Zeroable for u16 {}
// SAFETY: as above.
unsafe impl Zeroable for u32 {}
// SAFETY: as above.
unsafe impl Zeroable for u64 {}
// SAFETY: an array of zeroed values is zeroed memory.
unsafe impl<T: Zeroable, const N: usize> Zeroable for [T; N] {}
// SAFETY: the fields of a tuple are zeroed each; padding may hold anything.
unsafe impl<A: Zeroable, B: Zeroable> Zeroable for (A, B) {}
