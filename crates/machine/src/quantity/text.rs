//! Reading and writing a number with its unit.

use alloc::string::String;
use core::fmt;
use core::marker::PhantomData;

use serde::Deserializer;
use serde::de::{Error, Visitor};

use super::Quantity;

/// The units of one kind of quantity.
pub(super) struct Units {
    /// What is measured, with its article: `a size`.
    pub(super) what: &'static str,
    /// How one looks: `"20 MiB"`.
    pub(super) example: &'static str,
    /// Symbols and how many of the smallest unit each is, smallest first.
    pub(super) scale: &'static [(&'static str, u64)],
    /// The symbols as a sentence names them: `B, KiB or MiB`.
    pub(super) list: &'static str,
}

/// A text that is no quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// It does not begin with a decimal number.
    #[error("found {text:?}; expected {what} such as {example:?}")]
    NoNumber {
        /// The text.
        text: String,
        /// What is measured.
        what: &'static str,
        /// How one looks.
        example: &'static str,
    },
    /// A number alone.
    #[error("found {text:?} without a unit; expected {what} in {units}")]
    NoUnit {
        /// The text.
        text: String,
        /// What is measured.
        what: &'static str,
        /// The units that there are.
        units: &'static str,
    },
    /// A unit that this kind of quantity does not have.
    #[error("found the unit {unit:?}; expected {what} in {units}")]
    UnknownUnit {
        /// The unit.
        unit: String,
        /// What is measured.
        what: &'static str,
        /// The units that there are.
        units: &'static str,
    },
    /// A fraction of the smallest unit.
    #[error("found {text:?}; expected a whole number of {smallest}")]
    NotWhole {
        /// The text.
        text: String,
        /// The smallest unit.
        smallest: &'static str,
    },
    /// More than 64 bits hold.
    #[error("found {text:?}; expected less than 2^64 {smallest}")]
    TooLarge {
        /// The text.
        text: String,
        /// The smallest unit.
        smallest: &'static str,
    },
}

/// How many of the smallest unit `text` is.
pub(super) fn parse(text: &str, units: &Units) -> Result<u64, QuantityError> {
    let trimmed = text.trim();
    let end = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = (&trimmed[..end], trimmed[end..].trim_start());
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.contains('.') {
        return Err(QuantityError::NoNumber { text: text.into(), what: units.what, example: units.example });
    }
    if unit.is_empty() {
        return Err(QuantityError::NoUnit { text: text.into(), what: units.what, units: units.list });
    }
    let Some(&(_, scale)) = units.scale.iter().find(|(symbol, _)| *symbol == unit) else {
        return Err(QuantityError::UnknownUnit { unit: unit.into(), what: units.what, units: units.list });
    };
    let smallest = units.scale[0].0;
    let too_large = || QuantityError::TooLarge { text: text.into(), smallest };
    let not_whole = || QuantityError::NotWhole { text: text.into(), smallest };
    let whole: u64 = whole.parse().map_err(|_| too_large())?;
    let whole = whole.checked_mul(scale).ok_or_else(too_large)?;
    let part = scaled_fraction(fraction.trim_end_matches('0'), scale).ok_or_else(not_whole)?;
    whole.checked_add(part).ok_or_else(too_large)
}

/// The most digits of a fraction, zeros at its end aside: few enough for the product below to stay under 2¹²⁸. Only
/// odd sizes in GiB and TiB have longer ones that are whole bytes; they are refused, and can be given in bytes.
const MAX_FRACTION: usize = 26;

/// 0.`digits` × `scale`, if that is whole.
fn scaled_fraction(digits: &str, scale: u64) -> Option<u64> {
    if digits.len() > MAX_FRACTION {
        return None;
    }
    let (mut numerator, mut denominator) = (0_u128, 1_u128);
    for digit in digits.bytes() {
        numerator = numerator * 10 + u128::from(digit - b'0');
        denominator *= 10;
    }
    // Below 10^26 × 2^40 < 2^127.
    let scaled = numerator * u128::from(scale);
    if !scaled.is_multiple_of(denominator) {
        return None;
    }
    u64::try_from(scaled / denominator).ok()
}

/// Writes `value` in the largest unit of which there is at least one, with its fraction. The scales are powers
/// of ten.
pub(super) fn write_decimal(f: &mut fmt::Formatter<'_>, value: u64, scale: &[(&str, u64)]) -> fmt::Result {
    let &(symbol, unit) = scale.iter().rev().find(|(_, unit)| *unit <= value).unwrap_or(&scale[0]);
    let (whole, mut rest) = (value / unit, value % unit);
    write!(f, "{whole}")?;
    if rest != 0 {
        f.write_str(".")?;
    }
    let mut place = unit;
    while rest != 0 {
        place /= 10;
        write!(f, "{}", rest / place)?;
        rest %= place;
    }
    write!(f, " {symbol}")
}

/// Reads a quantity from a deserializer: only a string is one, since a bare number has no unit.
pub(super) fn deserialize<'de, Q: Quantity, D: Deserializer<'de>>(deserializer: D) -> Result<Q, D::Error> {
    struct TextOf<Q>(PhantomData<Q>);
    impl<Q: Quantity> Visitor<'_> for TextOf<Q> {
        type Value = Q;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{} with its unit, such as {:?}", Q::WHAT, Q::EXAMPLE)
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<Q, E> {
            text.parse().map_err(E::custom)
        }
    }
    deserializer.deserialize_str(TextOf(PhantomData))
}
