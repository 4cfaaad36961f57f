//! Comparing a tag with all ways of a set.

/// The lanes of one compare: tags are stored in groups of this many.
pub const LANES: usize = 4;

/// Which of the four tags equal `tag`, as bits.
#[inline(always)]
pub fn matches(tags: &[u32; LANES], tag: u32) -> u32 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: SSE2 is part of x86-64; the unaligned load reads exactly the 16 bytes of the array.
    unsafe {
        use core::arch::x86_64::{
            _mm_castsi128_ps, _mm_cmpeq_epi32, _mm_loadu_si128, _mm_movemask_ps, _mm_set1_epi32,
        };
        let ways = _mm_loadu_si128(tags.as_ptr().cast());
        let equal = _mm_cmpeq_epi32(ways, _mm_set1_epi32(tag.cast_signed()));
        _mm_movemask_ps(_mm_castsi128_ps(equal)).cast_unsigned()
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    matches_portable(tags, tag)
}

/// The same without vector instructions.
#[inline(always)]
pub fn matches_portable(tags: &[u32; LANES], tag: u32) -> u32 {
    let mut found = 0;
    for (way, &other) in tags.iter().enumerate() {
        found |= u32::from(other == tag) << way;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vector_and_portable_compare_agree() {
        for pattern in 0..81_u32 {
            let tags = [pattern % 3, pattern / 3 % 3, pattern / 9 % 3, pattern / 27];
            for tag in 0..4 {
                assert_eq!(matches(&tags, tag), matches_portable(&tags, tag));
            }
        }
    }
}
