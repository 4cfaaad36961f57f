//! What was set, where it is not the part of one mechanism.

use terrace_addr::Nanos;
use terrace_policy::Values;

use super::allocator::HugeFaults;

/// A mechanism that can be off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mechanism {
    /// HB.
    Booking,
    /// Algorithm 1.
    AdjustTimeout,
    /// EMA.
    Allocator,
    Preallocation,
    /// MHPP.
    Promoter,
    Bucket,
    Demotion,
    /// HA.
    Aligner,
}

/// All of them, with the parameter that switches each.
const MECHANISMS: [(Mechanism, &str); 8] = [
    (Mechanism::Booking, "booking"),
    (Mechanism::AdjustTimeout, "adjust_timeout"),
    (Mechanism::Allocator, "allocator"),
    (Mechanism::Preallocation, "preallocation"),
    (Mechanism::Promoter, "promoter"),
    (Mechanism::Bucket, "bucket"),
    (Mechanism::Demotion, "demotion"),
    (Mechanism::Aligner, "aligner"),
];

/// What was set.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// Which of [`MECHANISMS`] are on.
    on: [bool; MECHANISMS.len()],
    pub(super) huge_faults: HugeFaults,
    pub(super) scan_period: Nanos,
    pub(super) bucket_hold: Nanos,
    pub(super) kept_share: f64,
    pub(super) preallocation_fragmentation: f64,
    pub(super) bucket_fragmentation: f64,
}

impl Settings {
    pub(super) fn new(values: &Values) -> Self {
        let huge_faults = match values.word("huge_faults") {
            "always" => HugeFaults::Always,
            "unfragmented" => HugeFaults::Unfragmented(values.share("fault_fragmentation")),
            "booked" => HugeFaults::Booked,
            _ => HugeFaults::Never,
        };
        Self {
            on: MECHANISMS.map(|(_, name)| values.word(name) == "on"),
            huge_faults,
            scan_period: values.time("scan_period"),
            bucket_hold: values.time("bucket_hold"),
            kept_share: values.share("kept_share"),
            preallocation_fragmentation: values.share("preallocation_fragmentation"),
            bucket_fragmentation: values.share("bucket_fragmentation"),
        }
    }

    /// Whether a mechanism is on.
    pub(super) fn has(&self, mechanism: Mechanism) -> bool {
        MECHANISMS.iter().zip(self.on).any(|(named, on)| named.0 == mechanism && on)
    }
}
