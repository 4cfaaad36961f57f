//! Times.

use core::fmt;

use terrace_addr::Cycles;

use super::text::{Units, write_decimal};
use super::{Frequency, read_as_text};

/// A time, a whole number of picoseconds: `"68.7 ns"`.
///
/// ```
/// use terrace_machine::quantity::{Frequency, Time};
/// let latency: Time = "68.7 ns".parse()?;
/// let clock: Frequency = "2.1 GHz".parse()?;
/// assert_eq!(latency.at(clock).get(), 144); // 144.27 cycles, rounded down
/// # Ok::<(), terrace_machine::quantity::QuantityError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

const UNITS: Units = Units {
    what: "a time",
    example: "80 ns",
    scale: &[
        ("ps", 1),
        ("ns", 1_000),
        ("us", 1_000_000),
        ("ms", 1_000_000_000),
        ("s", PICOSECONDS_OF_A_SECOND),
    ],
    list: "ps, ns, us, ms or s",
};

const PICOSECONDS_OF_A_SECOND: u64 = 1_000_000_000_000;

read_as_text!(Time);

impl Time {
    /// So many picoseconds.
    pub const fn from_picoseconds(picoseconds: u64) -> Self {
        Self(picoseconds)
    }

    /// In picoseconds.
    pub const fn picoseconds(self) -> u64 {
        self.0
    }

    /// The whole cycles of a clock of `frequency` that this time holds (rounded down); at most 2⁶⁴ − 1.
    pub fn at(self, frequency: Frequency) -> Cycles {
        let cycles = u128::from(self.0) * u128::from(frequency.hertz()) / u128::from(PICOSECONDS_OF_A_SECOND);
        Cycles::new(u64::try_from(cycles).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, self.0, UNITS.scale)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_whole_picoseconds() {
        assert_eq!(time("68.7 ns").picoseconds(), 68_700);
        assert_eq!(time("1.5us").picoseconds(), 1_500_000);
        for text in ["0 ps", "68.7 ns", "80 ns", "1.000001 us", "500 ms", "2 s"] {
            assert_eq!(time(text).to_string(), text);
        }
    }

    #[test]
    fn cycles_are_rounded_down() {
        let clock = Frequency::from_hertz(2_100_000_000);
        assert_eq!(time("80 ns").at(clock), Cycles::new(168));
        assert_eq!(time("68.7 ns").at(clock), Cycles::new(144));
        assert_eq!(time("0 ns").at(clock), Cycles::ZERO);
        assert_eq!(Time(u64::MAX).at(clock), Cycles::new(38_738_162_554_790_058));
        assert_eq!(Time(u64::MAX).at(Frequency::from_hertz(u64::MAX)), Cycles::new(u64::MAX));
    }

    #[test]
    fn errors_name_the_units_that_exist() {
        let error = |text: &str| text.parse::<Time>().unwrap_err().to_string();
        assert_eq!(error("80"), r#"found "80" without a unit; expected a time in ps, ns, us, ms or s"#);
        assert_eq!(error("80 µs"), r#"found the unit "µs"; expected a time in ps, ns, us, ms or s"#);
        assert_eq!(error("0.0001 ns"), r#"found "0.0001 ns"; expected a whole number of ps"#);
    }
}
