//! Quantities with their unit in the type.

use core::fmt;
use core::iter::Sum;
use core::ops::{Add, AddAssign, Sub};

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident, $symbol:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[repr(transparent)]
        pub struct $name(u64);

        impl $name {
            /// None.
            pub const ZERO: Self = Self(0);

            /// So many.
            #[inline(always)]
            pub const fn new(count: u64) -> Self {
                Self(count)
            }

            /// How many.
            #[inline(always)]
            pub const fn get(self) -> u64 {
                self.0
            }

            /// This many, `times` over.
            #[inline]
            pub const fn times(self, times: u64) -> Self {
                Self(self.0 * times)
            }
        }

        impl Add for $name {
            type Output = Self;
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }
        impl AddAssign for $name {
            #[inline(always)]
            fn add_assign(&mut self, other: Self) {
                self.0 += other.0;
            }
        }
        impl Sub for $name {
            type Output = Self;
            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }
        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
                parts.fold(Self::ZERO, Add::add)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} {}", self.0, $symbol)
            }
        }
    };
}

unit! {
    /// An amount of memory in bytes.
    Bytes, "B"
}
unit! {
    /// A time in cycles of the simulated core.
    Cycles, "cycles"
}
unit! {
    /// A time in nanoseconds of simulated time.
    Nanos, "ns"
}
