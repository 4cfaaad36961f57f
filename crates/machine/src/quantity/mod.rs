//! Numbers with their unit: `"20 MiB"`, `"2.1 GHz"`, `"68.7 ns"`.
//!
//! A quantity is a decimal number and a unit, with or without space between them. It is kept as a whole number
//! of its smallest unit, so nothing is rounded: a text that is no whole number of that unit is an error. The
//! unit is never left out, and there is no default one.

mod bandwidth;
mod frequency;
mod size;
mod text;
mod time;

pub use bandwidth::Bandwidth;
pub use frequency::Frequency;
pub use size::Size;
pub use text::QuantityError;
pub use time::Time;

/// A kind of quantity, as errors name it.
pub trait Quantity: Copy + core::str::FromStr<Err = QuantityError> + serde::de::DeserializeOwned {
    /// What is measured, with its article: `a size`.
    const WHAT: &'static str;
    /// How one looks: `20 MiB`.
    const EXAMPLE: &'static str;
}

/// `Quantity`, `FromStr` and `Deserialize` of a quantity that wraps a `u64` of its smallest unit.
macro_rules! read_as_text {
    ($name:ident) => {
        impl crate::quantity::Quantity for $name {
            const WHAT: &'static str = UNITS.what;
            const EXAMPLE: &'static str = UNITS.example;
        }

        impl core::str::FromStr for $name {
            type Err = crate::quantity::QuantityError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                crate::quantity::text::parse(text, &UNITS).map(Self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::quantity::text::deserialize(deserializer)
            }
        }
    };
}
use read_as_text;
