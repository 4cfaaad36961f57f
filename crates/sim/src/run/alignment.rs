//! How the pages of all layers lie over each other.

use terrace_addr::{Addr, Gpa, Gva, PageSize, Space};
use terrace_kernel::Kernel;
use terrace_result::Metrics;

use super::stage::{Ground, Stage};

/// Bytes that programs have mapped, by the sizes of their leaves in all layers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Alignment {
    /// Huge in the guest and below: one TLB entry holds them.
    pub(super) well_aligned: u64,
    /// Huge in the guest only.
    pub(super) guest_only: u64,
    /// Huge below only.
    pub(super) host_only: u64,
    /// Neither.
    pub(super) base: u64,
}

impl Alignment {
    /// That of a machine now.
    pub(super) fn of(stage: &Stage, ground: &Ground) -> Self {
        match (stage, ground) {
            (Stage::Native, Ground::Native(layer)) => Self::over(&layer.kernel, |_| Some(PageSize::Size1G)),
            (Stage::Extended(stage), Ground::Host(host)) => Self::over(&stage.guest.kernel, |addr| {
                match &stage.segments {
                    // As large as the guest's page is, where the segment lies at a multiple of that.
                    Some(segments) => segments.place(addr, PageSize::Size4K).map(|(_, size)| size),
                    None => stage.vm.backing(&host.kernel, addr).map(|backed| backed.page.size()),
                }
            }),
            (Stage::Shadow(stage), Ground::Host(host)) => Self::over(&stage.guest.kernel, |addr| {
                stage.vm.backing(&host.kernel, addr).map(|backed| backed.page.size())
            }),
            (Stage::Nested(stage), _) => Self::over(&stage.guest.kernel, |addr: Addr<Gpa>| {
                stage.shadow.table.lookup(addr).map(|leaf| leaf.page.size())
            }),
            _ => Self::default(),
        }
    }

    /// That of all leaves of a kernel, over layers whose leaf for an address is as large as `below` says. On the host
    /// itself, where nothing is below, a base page is a base page.
    fn over<L: Space>(kernel: &Kernel<Gva, L>, below: impl Fn(Addr<L>) -> Option<PageSize>) -> Self {
        let mut found = Self::default();
        let mut last = None;
        for (_, space) in kernel.spaces() {
            for leaf in space.table.all_leaves() {
                let block = leaf.frame.align_down(PageSize::Size2M);
                let under = match last {
                    Some((at, size)) if at == block => size,
                    _ => below(leaf.frame),
                };
                // One of 2M or more holds for the whole block.
                last = under.filter(|&size| size != PageSize::Size4K).map(|size| (block, Some(size)));
                let huge_below = under.is_some_and(|size| size != PageSize::Size4K);
                let huge = leaf.page.size() != PageSize::Size4K;
                let kind = match (huge, huge_below) {
                    (true, true) => &mut found.well_aligned,
                    (true, false) => &mut found.guest_only,
                    (false, true) if L::NAME != terrace_addr::Hpa::NAME => &mut found.host_only,
                    (false, _) => &mut found.base,
                };
                *kind += leaf.page.size().bytes();
            }
        }
        found
    }

    pub(super) const fn add(&mut self, other: &Self) {
        self.well_aligned += other.well_aligned;
        self.guest_only += other.guest_only;
        self.host_only += other.host_only;
        self.base += other.base;
    }

    pub(super) fn metrics(&self, metrics: &mut Metrics) {
        let total = self.well_aligned + self.guest_only + self.host_only + self.base;
        for (name, bytes) in [
            ("well_aligned_bytes", self.well_aligned),
            ("guest_huge_only_bytes", self.guest_only),
            ("host_huge_only_bytes", self.host_only),
            ("base_bytes", self.base),
        ] {
            let set = metrics.set(name, bytes);
            debug_assert!(set.is_ok(), "{set:?}");
        }
        let share = if total == 0 { 0.0 } else { terrace_addr::convert::ratio(self.well_aligned, total) };
        let set = metrics.set("well_aligned_share", share);
        debug_assert!(set.is_ok(), "{set:?}");
    }
}
