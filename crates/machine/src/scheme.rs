//! Schemes of translation that were proposed.

use alloc::vec::Vec;

use serde::Deserialize;

use crate::Source;

/// Schemes of translation that were proposed and that a machine has beside what processors have. What each does is
/// said in `terrace-mmu`'s `MODEL.md`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schemes {
    /// Entries of a third level of the TLB, which lies in memory (POM-TLB: Ryoo et al., ISCA 2017).
    pub third_level: Option<u32>,
    /// Walks of two dimensions read entries of higher levels than this from a composed table, and only from this
    /// level on the guest's (agile paging: Gandhi et al., ISCA 2016).
    pub switch_level: Option<u32>,
    /// The levels whose entries are asked for when a walk begins, not when it comes to them (ASAP: Margaritov et al.,
    /// MICRO 2019).
    #[serde(default)]
    pub prefetch: Vec<u32>,
    /// Where the numbers come from.
    pub source: Source,
}

impl Schemes {
    /// Ways of the third level: the entries of a line.
    pub const THIRD_LEVEL_WAYS: u32 = 4;
}
