//! Bandwidths.

use core::fmt;
use core::str::FromStr;

use serde::de::{Deserialize, Deserializer};

use super::text::{self, Units, write_decimal};
use super::{Quantity, QuantityError};

/// What is transferred in a second, a whole number of bytes: `"68.3 GB/s"`, where a GB is 10⁹ bytes; or
/// `"unlimited"`, in machines that do not model it.
///
/// ```
/// use terrace_machine::quantity::Bandwidth;
/// let bandwidth: Bandwidth = "68.3 GB/s".parse()?;
/// assert_eq!(bandwidth.bytes_per_second(), Some(68_300_000_000));
/// assert_eq!(Bandwidth::Unlimited.bytes_per_second(), None);
/// # Ok::<(), terrace_machine::quantity::QuantityError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bandwidth {
    /// So many bytes in a second.
    BytesPerSecond(u64),
    /// Any number of bytes in no time.
    Unlimited,
}

const UNLIMITED: &str = "unlimited";

const UNITS: Units = Units {
    what: "a bandwidth",
    example: "68.3 GB/s",
    scale: &[
        ("B/s", 1),
        ("kB/s", 1_000),
        ("MB/s", 1_000_000),
        ("GB/s", 1_000_000_000),
        ("TB/s", 1_000_000_000_000),
    ],
    list: "B/s, kB/s, MB/s, GB/s or TB/s, or \"unlimited\"",
};

impl Bandwidth {
    /// In bytes per second; `None` if it is unlimited.
    pub const fn bytes_per_second(self) -> Option<u64> {
        match self {
            Self::BytesPerSecond(bytes) => Some(bytes),
            Self::Unlimited => None,
        }
    }
}

impl Quantity for Bandwidth {
    const WHAT: &'static str = UNITS.what;
    const EXAMPLE: &'static str = UNITS.example;
}

impl FromStr for Bandwidth {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        if text.trim() == UNLIMITED {
            return Ok(Self::Unlimited);
        }
        text::parse(text, &UNITS).map(Self::BytesPerSecond)
    }
}

impl<'de> Deserialize<'de> for Bandwidth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::deserialize(deserializer)
    }
}

impl fmt::Display for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BytesPerSecond(bytes) => write_decimal(f, *bytes, UNITS.scale),
            Self::Unlimited => f.write_str(UNLIMITED),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn bandwidths_are_whole_bytes_per_second() {
        for (text, bytes) in
            [("68.3 GB/s", 68_300_000_000), ("21414 MB/s", 21_414_000_000), ("1.5kB/s", 1_500), ("0 B/s", 0)]
        {
            assert_eq!(text.parse(), Ok(Bandwidth::BytesPerSecond(bytes)));
        }
        for text in ["0 B/s", "1.5 kB/s", "21.414 GB/s", "1.2 TB/s", "unlimited"] {
            assert_eq!(text.parse::<Bandwidth>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn unlimited_is_more_than_any_number() {
        assert_eq!(" unlimited ".parse(), Ok(Bandwidth::Unlimited));
        assert!(Bandwidth::BytesPerSecond(u64::MAX) < Bandwidth::Unlimited);
    }

    #[test]
    fn errors_name_the_units_that_exist() {
        let error = |text: &str| text.parse::<Bandwidth>().unwrap_err().to_string();
        let expected = r#"expected a bandwidth in B/s, kB/s, MB/s, GB/s or TB/s, or "unlimited""#;
        assert_eq!(error("68"), format!(r#"found "68" without a unit; {expected}"#));
        assert_eq!(error("68 GiB/s"), format!(r#"found the unit "GiB/s"; {expected}"#));
        assert_eq!(error("68 GB"), format!(r#"found the unit "GB"; {expected}"#));
        assert_eq!(error("Unlimited"), r#"found "Unlimited"; expected a bandwidth such as "68.3 GB/s""#);
        assert_eq!(error("0.5 B/s"), r#"found "0.5 B/s"; expected a whole number of B/s"#);
    }
}
