//! Choosing vector instructions when the program runs.

use core::fmt;
use core::str::FromStr;

use crate::vector::{Portable, Vector};

/// Vector instructions that work can be compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vectors {
    /// None.
    Portable,
    /// SSE2, part of x86-64.
    Sse2,
    /// AVX2, with the bit instructions of the same processors.
    Avx2,
    /// AVX-512 F, BW and VL, with AVX2.
    Avx512,
}

/// Something to do, compiled once for each kind of vector instructions.
///
/// `run` and whatever it calls with `vector` should be `#[inline(always)]`: only what is inlined into one function
/// uses the instructions directly.
pub trait Work {
    /// What comes out.
    type Output;

    /// Does it.
    fn run<V: Vector>(self, vector: V) -> Self::Output;
}

impl Vectors {
    /// All kinds, the plainest first.
    pub const ALL: [Self; 4] = [Self::Portable, Self::Sse2, Self::Avx2, Self::Avx512];

    /// The name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Sse2 => "sse2",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// The widest that this processor has.
    pub fn best() -> Self {
        Self::ALL.into_iter().rev().find(|vectors| vectors.is_available()).unwrap_or(Self::Portable)
    }

    /// Whether this processor has them.
    pub fn is_available(self) -> bool {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        return match self {
            Self::Portable | Self::Sse2 => true,
            Self::Avx2 => avx2_detected::get(),
            Self::Avx512 => avx2_detected::get() && avx512_detected::get(),
        };
        #[cfg(not(all(target_arch = "x86_64", not(miri))))]
        return self == Self::Portable;
    }

    /// Does `work` with these instructions, or with the best ones if the processor does not have them.
    #[inline]
    pub fn run<W: Work>(self, work: W) -> W::Output {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            let vectors = if self.is_available() { self } else { Self::best() };
            match vectors {
                Self::Portable => work.run(Portable),
                Self::Sse2 => work.run(crate::vector::BASELINE),
                // SAFETY: `vectors` is available.
                Self::Avx2 => unsafe { avx2(work) },
                // SAFETY: as above.
                Self::Avx512 => unsafe { avx512(work) },
            }
        }
        #[cfg(not(all(target_arch = "x86_64", not(miri))))]
        work.run(Portable)
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
cpufeatures::new!(avx2_detected, "avx2", "bmi1", "bmi2");
#[cfg(all(target_arch = "x86_64", not(miri)))]
cpufeatures::new!(avx512_detected, "avx512f", "avx512bw", "avx512vl");

/// # Safety
/// The processor has the instructions named.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[target_feature(enable = "avx2,bmi1,bmi2")]
unsafe fn avx2<W: Work>(work: W) -> W::Output {
    // SAFETY: the caller promises it.
    work.run(unsafe { crate::vector::Avx2::new() })
}

/// # Safety
/// The processor has the instructions named.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx2,bmi1,bmi2")]
unsafe fn avx512<W: Work>(work: W) -> W::Output {
    // SAFETY: the caller promises it.
    work.run(unsafe { crate::vector::Avx512::new() })
}

impl fmt::Display for Vectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text that names no vector instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownVectors;

impl fmt::Display for UnknownVectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected portable, sse2, avx2 or avx512")
    }
}

impl core::error::Error for UnknownVectors {}

impl FromStr for Vectors {
    type Err = UnknownVectors;

    fn from_str(text: &str) -> Result<Self, UnknownVectors> {
        Self::ALL.into_iter().find(|vectors| vectors.name() == text).ok_or(UnknownVectors)
    }
}
