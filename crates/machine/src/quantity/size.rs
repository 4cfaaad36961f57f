//! Amounts of memory.

use core::fmt;

use terrace_addr::Bytes;

use super::read_as_text;
use super::text::Units;

/// An amount of memory, a whole number of bytes: `"32 KiB"`, `"1.875 MiB"`.
///
/// ```
/// use terrace_machine::quantity::Size;
/// let size: Size = "1.875 MiB".parse()?;
/// assert_eq!(size.bytes().get(), 1_966_080);
/// assert_eq!(size.to_string(), "1920 KiB");
/// # Ok::<(), terrace_machine::quantity::QuantityError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(u64);

const UNITS: Units = Units {
    what: "a size",
    example: "20 MiB",
    scale: &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)],
    list: "B, KiB, MiB, GiB or TiB",
};

read_as_text!(Size);

impl Size {
    /// So many bytes.
    pub const fn new(bytes: Bytes) -> Self {
        Self(bytes.get())
    }

    /// The bytes.
    pub const fn bytes(self) -> Bytes {
        Bytes::new(self.0)
    }
}

impl fmt::Display for Size {
    /// In the largest unit that gives a whole number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |unit: u64| unit <= self.0 && self.0.is_multiple_of(unit);
        let &(symbol, unit) =
            UNITS.scale.iter().rev().find(|(_, unit)| fits(*unit)).unwrap_or(&UNITS.scale[0]);
        write!(f, "{} {symbol}", self.0 / unit)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};

    use super::*;

    fn bytes(text: &str) -> u64 {
        text.parse::<Size>().unwrap().bytes().get()
    }

    fn error(text: &str) -> String {
        text.parse::<Size>().unwrap_err().to_string()
    }

    #[test]
    fn sizes_are_whole_bytes() {
        assert_eq!(bytes("0 B"), 0);
        assert_eq!(bytes("64B"), 64);
        assert_eq!(bytes(" 32 KiB "), 32 << 10);
        assert_eq!(bytes("1.875 MiB"), 15 << 17);
        assert_eq!(bytes("1.50 KiB"), 1536);
        assert_eq!(bytes("0.0009765625 KiB"), 1);
        assert_eq!(bytes("16777215.9999990463256835937500 TiB"), u64::MAX - (1 << 20) + 1);
    }

    #[test]
    fn sizes_are_shown_as_whole_numbers() {
        for text in ["0 B", "63 B", "1 KiB", "1920 KiB", "20 MiB", "105 MiB", "3 TiB"] {
            assert_eq!(text.parse::<Size>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn errors_name_the_units_that_exist() {
        assert_eq!(error("20"), r#"found "20" without a unit; expected a size in B, KiB, MiB, GiB or TiB"#);
        assert_eq!(error("20 MB"), r#"found the unit "MB"; expected a size in B, KiB, MiB, GiB or TiB"#);
        assert_eq!(error("20 mib"), r#"found the unit "mib"; expected a size in B, KiB, MiB, GiB or TiB"#);
        assert_eq!(error(""), r#"found ""; expected a size such as "20 MiB""#);
        assert_eq!(error("MiB"), r#"found "MiB"; expected a size such as "20 MiB""#);
        assert_eq!(error("-1 MiB"), r#"found "-1 MiB"; expected a size such as "20 MiB""#);
        assert_eq!(error("1.2.3 B"), r#"found "1.2.3 B"; expected a size such as "20 MiB""#);
        assert_eq!(error("1. B"), r#"found "1. B"; expected a size such as "20 MiB""#);
    }

    #[test]
    fn what_is_not_exact_is_refused() {
        assert_eq!(error("0.5 B"), r#"found "0.5 B"; expected a whole number of B"#);
        assert_eq!(error("0.3 KiB"), r#"found "0.3 KiB"; expected a whole number of B"#);
        assert_eq!(error("16777216 TiB"), r#"found "16777216 TiB"; expected less than 2^64 B"#);
        assert_eq!(
            error("99999999999999999999 B"),
            r#"found "99999999999999999999 B"; expected less than 2^64 B"#
        );
    }
}
