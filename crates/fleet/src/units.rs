//! Quantities of a fleet that no other part of Terrace has.

use core::fmt;
use core::str::FromStr;

/// Cores, in thousandths: some traces say what a VM takes as a share of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Cores(u32);

impl Cores {
    /// None.
    pub const ZERO: Self = Self(0);

    /// So many thousandths of a core.
    pub const fn thousandths(count: u32) -> Self {
        Self(count)
    }

    /// So many whole cores; the most that there can be for more than that.
    pub const fn whole(count: u32) -> Self {
        Self(count.saturating_mul(1000))
    }

    /// In thousandths.
    pub const fn in_thousandths(self) -> u32 {
        self.0
    }

    /// For people and ratios.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / 1000.0
    }

    /// `other` less; nothing if there are not so many.
    pub const fn less(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(rest) => Some(Self(rest)),
            None => None,
        }
    }

    /// `other` more; the most that there can be for more than that.
    pub const fn more(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1000, self.0 % 1000);
        if rest == 0 {
            write!(f, "{whole}")
        } else {
            f.write_str(format!("{whole}.{rest:03}").trim_end_matches('0'))
        }
    }
}

/// A text that is no number of cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoCores;

impl fmt::Display for NoCores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "expected a number of cores from 0 to 4294967, with at most three digits behind the point",
        )
    }
}

impl std::error::Error for NoCores {}

impl FromStr for Cores {
    type Err = NoCores;

    fn from_str(text: &str) -> Result<Self, NoCores> {
        let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
        // Zeros behind say nothing: 2.000000 are two cores.
        let rest = rest.trim_end_matches('0');
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || rest.len() > 3 || !digits(whole) || !digits(rest) {
            return Err(NoCores);
        }
        let whole: u32 = whole.parse().map_err(|_| NoCores)?;
        let rest: u32 = format!("{rest:0<3}").parse().map_err(|_| NoCores)?;
        whole.checked_mul(1000).and_then(|whole| whole.checked_add(rest)).map(Self).ok_or(NoCores)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_read_as_they_are_shown() {
        for (text, thousandths) in [("0", 0), ("1", 1000), ("2.5", 2500), ("0.021", 21), ("24", 24_000)] {
            let cores: Cores = text.parse().unwrap();
            assert_eq!(cores, Cores::thousandths(thousandths));
            assert_eq!(cores.to_string(), text);
        }
        assert_eq!("2.000000".parse(), Ok(Cores::whole(2)));
        for text in ["", "-1", "1.0005", "x", "1.x", ".5", "4294968", "1e3"] {
            assert_eq!(text.parse::<Cores>(), Err(NoCores), "{text}");
        }
    }
}
