//! Comparing a tag with all ways of a set.

use crate::{Work, Zeroable};

/// The lanes of one compare: tags are stored in groups of this many, one cache line.
pub const LANES: usize = 16;

/// A group of tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Lanes(pub [u32; LANES]);

// SAFETY: an array of integers, without padding.
unsafe impl Zeroable for Lanes {}

impl Lanes {
    /// The last two lanes as one word: where a set keeps what is not a tag.
    #[inline(always)]
    pub const fn word(&self) -> u64 {
        let lanes = core::ptr::from_ref(self).cast::<u64>();
        // SAFETY: the eight words of the lanes, which are aligned to 64; every bit pattern is a word.
        unsafe { lanes.add(LAST_WORD).read() }
    }

    /// Changes [`word`](Self::word).
    #[inline(always)]
    pub const fn set_word(&mut self, word: u64) {
        let lanes = core::ptr::from_mut(self).cast::<u64>();
        // SAFETY: as above; every word is two lanes.
        unsafe { lanes.add(LAST_WORD).write(word) }
    }
}

/// The last of the words that the lanes are, two by two.
const LAST_WORD: usize = LANES / 2 - 1;

/// A way to compare. A value of such a type exists only where the processor has the instructions, so holding one
/// is the proof that they may be used.
pub trait Vector: Copy {
    /// Which lanes equal `tag`, as bits.
    fn matches(self, lanes: &Lanes, tag: u32) -> u32;

    /// Does `work` in a function of its own that is compiled for these instructions. What is `#[inline(always)]`
    /// shares its caller's registers; a long path beside a short one is better kept apart.
    fn apart<W: Work>(self, work: W) -> W::Output;
}

/// Does `work` in a function of its own.
#[inline(never)]
fn apart<V: Vector, W: Work>(vector: V, work: W) -> W::Output {
    work.run(vector)
}

/// Without vector instructions.
#[derive(Debug, Clone, Copy)]
pub struct Portable;

impl Vector for Portable {
    #[inline(always)]
    fn matches(self, lanes: &Lanes, tag: u32) -> u32 {
        let mut found = 0;
        for (lane, &other) in lanes.0.iter().enumerate() {
            found |= u32::from(other == tag) << lane;
        }
        found
    }

    #[inline(always)]
    fn apart<W: Work>(self, work: W) -> W::Output {
        apart(self, work)
    }
}

/// What every processor of the target has.
#[cfg(all(target_arch = "x86_64", not(miri)))]
pub type Baseline = Sse2;
/// What every processor of the target has.
#[cfg(not(all(target_arch = "x86_64", not(miri))))]
pub type Baseline = Portable;

/// [`Baseline`], ready to use.
#[cfg(all(target_arch = "x86_64", not(miri)))]
pub const BASELINE: Baseline = Sse2(());
/// [`Baseline`], ready to use.
#[cfg(not(all(target_arch = "x86_64", not(miri))))]
pub const BASELINE: Baseline = Portable;

#[cfg(all(target_arch = "x86_64", not(miri)))]
pub use x86::{Avx2, Avx512, Sse2};

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod x86 {
    use core::arch::x86_64::{
        __m128i, __m256i, __m512i, _mm_cmpeq_epi32, _mm_load_si128, _mm_movemask_epi8, _mm_packs_epi16,
        _mm_packs_epi32, _mm_set1_epi32, _mm256_castsi256_si128, _mm256_cmpeq_epi32,
        _mm256_extracti128_si256, _mm256_load_si256, _mm256_packs_epi32, _mm256_permute4x64_epi64,
        _mm256_set1_epi32, _mm512_cmpeq_epi32_mask, _mm512_load_si512, _mm512_set1_epi32,
    };

    use super::{Lanes, Vector};
    use crate::Work;

    /// Four compares of four lanes; part of x86-64.
    #[derive(Debug, Clone, Copy)]
    pub struct Sse2(pub(super) ());

    impl Vector for Sse2 {
        #[inline(always)]
        fn matches(self, lanes: &Lanes, tag: u32) -> u32 {
            // SAFETY: SSE2 is part of x86-64; each aligned load reads 16 of the 64 bytes of the lanes, which are
            // aligned to 64.
            unsafe {
                let tag = _mm_set1_epi32(tag.cast_signed());
                let start = core::ptr::from_ref(lanes).cast::<__m128i>();
                let part = |number| _mm_cmpeq_epi32(_mm_load_si128(start.add(number)), tag);
                let low = _mm_packs_epi32(part(0), part(1));
                let high = _mm_packs_epi32(part(2), part(3));
                _mm_movemask_epi8(_mm_packs_epi16(low, high)).cast_unsigned()
            }
        }

        #[inline(always)]
        fn apart<W: Work>(self, work: W) -> W::Output {
            super::apart(self, work)
        }
    }

    /// Two compares of eight lanes.
    #[derive(Debug, Clone, Copy)]
    pub struct Avx2(());

    impl Avx2 {
        /// # Safety
        /// The processor has AVX2, BMI1 and BMI2.
        pub(crate) const unsafe fn new() -> Self {
            Self(())
        }
    }

    impl Vector for Avx2 {
        #[inline(always)]
        fn matches(self, lanes: &Lanes, tag: u32) -> u32 {
            // SAFETY: `self` exists, so the processor has AVX2; the aligned loads read the 64 bytes of the lanes.
            unsafe {
                let tag = _mm256_set1_epi32(tag.cast_signed());
                let start = core::ptr::from_ref(lanes).cast::<__m256i>();
                let low = _mm256_cmpeq_epi32(_mm256_load_si256(start), tag);
                let high = _mm256_cmpeq_epi32(_mm256_load_si256(start.add(1)), tag);
                // Packing works within halves of 128 bits: lanes 0 to 3 and 8 to 11, then 4 to 7 and 12 to 15. The
                // permutation puts them in order.
                let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(low, high));
                let bytes =
                    _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
                _mm_movemask_epi8(bytes).cast_unsigned()
            }
        }

        #[inline(always)]
        fn apart<W: Work>(self, work: W) -> W::Output {
            #[target_feature(enable = "avx2,bmi1,bmi2")]
            #[inline(never)]
            fn apart<W: Work>(vector: Avx2, work: W) -> W::Output {
                work.run(vector)
            }
            // SAFETY: `self` exists, so the processor has them.
            unsafe { apart(self, work) }
        }
    }

    /// One compare of all lanes.
    #[derive(Debug, Clone, Copy)]
    pub struct Avx512(());

    impl Avx512 {
        /// # Safety
        /// The processor has AVX-512 F, BW and VL, AVX2, BMI1 and BMI2.
        pub(crate) const unsafe fn new() -> Self {
            Self(())
        }
    }

    impl Vector for Avx512 {
        #[inline(always)]
        fn matches(self, lanes: &Lanes, tag: u32) -> u32 {
            // SAFETY: `self` exists, so the processor has AVX-512 F; the aligned load reads the 64 bytes of the
            // lanes.
            unsafe {
                let tags = _mm512_load_si512(core::ptr::from_ref(lanes).cast::<__m512i>());
                u32::from(_mm512_cmpeq_epi32_mask(tags, _mm512_set1_epi32(tag.cast_signed())))
            }
        }

        #[inline(always)]
        fn apart<W: Work>(self, work: W) -> W::Output {
            #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx2,bmi1,bmi2")]
            #[inline(never)]
            fn apart<W: Work>(vector: Avx512, work: W) -> W::Output {
                work.run(vector)
            }
            // SAFETY: `self` exists, so the processor has them.
            unsafe { apart(self, work) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Vectors, Work};

    struct Compare<'a>(&'a Lanes, u32);

    impl Work for Compare<'_> {
        type Output = u32;
        #[inline(always)]
        fn run<V: Vector>(self, vector: V) -> u32 {
            vector.matches(self.0, self.1)
        }
    }

    #[test]
    fn all_ways_to_compare_agree() {
        for pattern in 0..4096_u32 {
            let lanes = Lanes(core::array::from_fn(|lane| {
                let lane = u32::try_from(lane).unwrap();
                pattern.rotate_right(lane * 3) & 3 | (lane & 1) << 31
            }));
            for tag in [0, 1, 2, 3, 1 << 31, 1 << 31 | 3] {
                let expected = Portable.matches(&lanes, tag);
                for vectors in Vectors::ALL.into_iter().filter(|vectors| vectors.is_available()) {
                    assert_eq!(vectors.run(Compare(&lanes, tag)), expected, "{vectors}: {lanes:?}, {tag}");
                }
            }
        }
    }
}
