//! Page sizes by rule.

use core::fmt;
use core::str::FromStr;

use terrace_addr::{Addr, Bytes, PageSize, Space};

use super::{MappingFile, PageRules, Placement};

/// How everything that a trace touches is mapped.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The page size of each layer.
    pub pages: PageRules,
    /// Where frames lie.
    pub placement: Placement,
    /// The length of each part of the guest's memory (native: of the host's): a power of two from 1 GiB to 4
    /// TiB.
    pub memory: Bytes,
    /// Decides what is random.
    pub seed: u64,
    /// Pages whose size, and perhaps frame, is given; they go before the rule.
    pub file: Option<MappingFile>,
}

/// The page size of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageRule {
    /// The same everywhere.
    All(PageSize),
    /// This share of aligned 2M regions is mapped by 2M pages, the others by 4K pages; which ones is decided
    /// by a hash of the seed, the layer and the region.
    Share {
        /// In millionths, at most 1,000,000.
        millionths: u32,
    },
}

/// A text that is no page rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found `{found}`; expected {expected}")]
pub struct InvalidRule {
    /// The text.
    pub found: String,
    /// What it should have been.
    pub expected: &'static str,
}

impl PageRule {
    /// Whether it may give pages of `size`.
    pub(super) fn gives(self, size: PageSize) -> bool {
        size <= self.largest() && (size == self.largest() || matches!(self, Self::Share { .. }))
    }

    /// The largest size that it may give.
    pub(super) const fn largest(self) -> PageSize {
        match self {
            Self::All(size) => size,
            Self::Share { .. } => PageSize::Size2M,
        }
    }

    /// The size of the page that holds `addr`. `salt` sets layers apart.
    pub fn size_at<S: Space>(self, addr: Addr<S>, seed: u64, salt: u64) -> PageSize {
        match self {
            Self::All(size) => size,
            Self::Share { millionths } => {
                let region = addr.get() >> PageSize::Size2M.shift();
                let drawn = (u128::from(mix(mix(seed ^ salt) ^ region)) * 1_000_000) >> 64;
                if drawn < u128::from(millionths) { PageSize::Size2M } else { PageSize::Size4K }
            }
        }
    }
}

/// A bijection of 64-bit words in which every bit depends on every bit (the finaliser of `SplitMix64`).
pub(super) const fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

const RULE: &str = "4K, 2M, 1G, or 2M:SHARE with the share of 2M regions between 0 and 1, as in 2M:0.3";

impl FromStr for PageRule {
    type Err = InvalidRule;

    fn from_str(text: &str) -> Result<Self, InvalidRule> {
        let invalid = || InvalidRule { found: text.to_owned(), expected: RULE };
        if let Some((size, share)) = text.split_once(':') {
            let millionths = millionths(share).ok_or_else(invalid)?;
            return if size.eq_ignore_ascii_case("2M") {
                Ok(Self::Share { millionths })
            } else {
                Err(invalid())
            };
        }
        text.parse().map(Self::All).map_err(|_| invalid())
    }
}

/// A decimal fraction between 0 and 1 of at most six digits, in millionths.
fn millionths(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.len() <= 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let value = format!("{whole}{fraction:0<6}").parse().ok()?;
    (value <= 1_000_000).then_some(value)
}

impl fmt::Display for PageRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(size) => size.fmt(f),
            Self::Share { millionths } => {
                let fraction = format!("{:06}", millionths % 1_000_000);
                write!(f, "2M:{}.{}", millionths / 1_000_000, fraction.trim_end_matches('0'))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terrace_addr::Gva;

    #[test]
    fn rules_are_read_and_written() {
        let rule: PageRule = "2M:0.3".parse().unwrap();
        assert_eq!(rule, PageRule::Share { millionths: 300_000 });
        assert_eq!(rule.to_string(), "2M:0.3");
        assert_eq!("1g".parse::<PageRule>().unwrap(), PageRule::All(PageSize::Size1G));
        for wrong in ["8K", "2M:1.1", "4K:0.5", "2M:", "2M:-1", "2M:0.1234567"] {
            assert_eq!(wrong.parse::<PageRule>().unwrap_err().found, wrong);
        }
    }

    #[test]
    fn a_share_is_met_and_decided_by_region() {
        let rule = PageRule::Share { millionths: 250_000 };
        let size = |region: u64, byte: u64| rule.size_at(Addr::<Gva>::new((region << 21) + byte), 7, 0);
        let huge = (0..10_000).filter(|&region| size(region, 0) == PageSize::Size2M).count();
        assert!((2_300..2_700).contains(&huge), "{huge} of 10,000 regions");
        assert!((0..100).all(|region| size(region, 0) == size(region, 0x1f_ffff)));
    }
}
