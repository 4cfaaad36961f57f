//! What the thesis published. Nothing in a simulation reads this.

use serde::Serialize;

use crate::place::ServerPolicy;

/// The numbers of VMs.
pub(super) const VMS: [u32; 3] = [100_000, 300_000, 500_000];

/// A published share, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Share {
    /// This much.
    Exactly(f64),
    /// About as much, read off a figure.
    About(f64),
    /// That, or more.
    AtLeast(f64),
}

impl Share {
    /// How far a value is from it, in points; 0 where "at least" is met.
    pub fn distance(self, percent: f64) -> f64 {
        match self {
            Self::Exactly(published) | Self::About(published) => (percent - published).abs(),
            Self::AtLeast(published) => (published - percent).max(0.0),
        }
    }
}

/// What was published for one number of VMs and one placement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Published {
    /// VMs.
    pub vms: u32,
    /// The placement, as Terrace calls it.
    pub policy: &'static str,
    /// VMs in one block, in percent.
    pub one_block: Share,
    /// Servers used, in percent, where it was published.
    pub servers_percent: Option<f64>,
}

const fn row(vms: u32, policy: ServerPolicy, one_block: Share, servers_percent: Option<f64>) -> Published {
    Published { vms, policy: policy.name(), one_block, servers_percent }
}

/// Yuhala, 2018, on Azure 2017: the shares at 500,000 VMs are numbers of the text, the others are read off its figures.
pub const PUBLISHED: [Published; 9] = [
    row(VMS[0], ServerPolicy::Contiguity, Share::About(100.0), Some(20.5)),
    row(VMS[0], ServerPolicy::Spread, Share::About(100.0), None),
    row(VMS[0], ServerPolicy::Stack, Share::About(100.0), None),
    row(VMS[1], ServerPolicy::Contiguity, Share::AtLeast(99.97), Some(41.0)),
    row(VMS[1], ServerPolicy::Spread, Share::About(99.9), None),
    row(VMS[1], ServerPolicy::Stack, Share::About(99.5), None),
    row(VMS[2], ServerPolicy::Contiguity, Share::AtLeast(99.97), Some(55.8)),
    row(VMS[2], ServerPolicy::Spread, Share::Exactly(99.85), Some(57.0)),
    row(VMS[2], ServerPolicy::Stack, Share::Exactly(98.62), Some(55.8)),
];

pub(super) fn of(vms: u32, policy: ServerPolicy) -> Option<Published> {
    PUBLISHED.into_iter().find(|row| row.vms == vms && row.policy == policy.name())
}
