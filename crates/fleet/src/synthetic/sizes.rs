//! The sizes of VMs.
//!
//! Published are the shares of numbers of cores and of amounts of memory, each by itself (Yuhala's thesis, 2018, of the
//! Azure 2017 trace): cores 57 % 1, 21 % 2, 14 % 4, 6 % 8, 2 % more; memory about 4 % 0.75 GB, 44 % 1.75, 22 % 3.5, 14 % 7,
//! 10 % 14, 2 % 28, about 3 % 32 or more. Which memory goes with which cores is assumed: the pairs are sizes that Azure
//! sold in 2017 (A0 to A7, D1 to D14, D5 v2), in the only way, up to single percents, that meets both lists. The memory
//! adds up to 99 %: the last percent is 7 GB here.

use crate::units::Cores;

/// A size of VMs and how many have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Cores.
    pub cores: Cores,
    /// Memory, in quarters of a GB.
    pub quarter_gigabytes: u64,
    /// VMs of this size among a hundred.
    pub share: u32,
}

const fn size(cores: u32, quarter_gigabytes: u64, share: u32) -> Size {
    Size { cores: Cores::whole(cores), quarter_gigabytes, share }
}

/// All sizes.
pub const SIZES: [Size; 13] = [
    size(1, 3, 4),
    size(1, 7, 44),
    size(1, 14, 9),
    size(2, 14, 13),
    size(2, 28, 5),
    size(2, 56, 3),
    size(4, 28, 10),
    size(4, 56, 3),
    size(4, 112, 1),
    size(8, 56, 4),
    size(8, 112, 1),
    size(8, 224, 1),
    size(16, 448, 2),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn share(of: impl Fn(&Size) -> bool) -> u32 {
        SIZES.iter().filter(|size| of(size)).map(|size| size.share).sum()
    }

    #[test]
    fn both_published_lists_are_met() {
        assert_eq!(share(|_| true), 100);
        for (cores, percent) in [(1, 57), (2, 21), (4, 14), (8, 6), (16, 2)] {
            assert_eq!(share(|size| size.cores == Cores::whole(cores)), percent, "{cores} cores");
        }
        for (quarters, percent) in [(3, 4), (7, 44), (14, 22), (28, 15), (56, 10), (112, 2)] {
            assert_eq!(
                share(|size| size.quarter_gigabytes == quarters),
                percent,
                "{quarters} quarters of a GB"
            );
        }
        assert_eq!(share(|size| size.quarter_gigabytes >= 128), 3);
    }
}
