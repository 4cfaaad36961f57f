//! Clocks.

use core::fmt;

use super::read_as_text;
use super::text::{Units, write_decimal};

/// A frequency, a whole number of hertz: `"2.1 GHz"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Frequency(u64);

const UNITS: Units = Units {
    what: "a frequency",
    example: "2.1 GHz",
    scale: &[("Hz", 1), ("kHz", 1_000), ("MHz", 1_000_000), ("GHz", 1_000_000_000)],
    list: "Hz, kHz, MHz or GHz",
};

read_as_text!(Frequency);

impl Frequency {
    /// So many hertz.
    pub const fn from_hertz(hertz: u64) -> Self {
        Self(hertz)
    }

    /// In hertz.
    pub const fn hertz(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, self.0, UNITS.scale)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn frequencies_are_whole_hertz() {
        for (text, hertz) in [("2.1 GHz", 2_100_000_000), ("2600.5 MHz", 2_600_500_000), ("0Hz", 0)] {
            assert_eq!(text.parse::<Frequency>().unwrap().hertz(), hertz);
        }
        assert_eq!(Frequency::from_hertz(2_600_500_000).to_string(), "2.6005 GHz");
        assert_eq!(Frequency::from_hertz(0).to_string(), "0 Hz");
    }

    #[test]
    fn errors_name_the_units_that_exist() {
        let error = |text: &str| text.parse::<Frequency>().unwrap_err().to_string();
        assert_eq!(
            error("2.1"),
            r#"found "2.1" without a unit; expected a frequency in Hz, kHz, MHz or GHz"#
        );
        assert_eq!(error("2.1 ghz"), r#"found the unit "ghz"; expected a frequency in Hz, kHz, MHz or GHz"#);
        assert_eq!(error("fast"), r#"found "fast"; expected a frequency such as "2.1 GHz""#);
    }
}
