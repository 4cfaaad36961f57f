//! Decisions about pages, in the addresses of all layers that are known.

use terrace_addr::{Addr, Bytes, Ghpa, Gpa, Gva, Hpa, Nanos, Space};
use terrace_kernel::{Placed, Segmented};
use terrace_policy::{Role, Segment};
use terrace_result::EventRow;

/// A decision of a kernel about a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Happened {
    role: Role,
    kind: &'static str,
    pub(crate) gva: Option<Addr<Gva>>,
    pub(crate) gpa: Option<Addr<Gpa>>,
    pub(crate) ghpa: Option<Addr<Ghpa>>,
    pub(crate) hpa: Option<Addr<Hpa>>,
    bytes: Bytes,
    reason: &'static str,
}

impl Happened {
    /// A decision, without its addresses.
    pub(crate) fn new<U: Space, L: Space>(role: Role, placed: &Placed<U, L>) -> Self {
        Self {
            role,
            kind: placed.decision.name(),
            gva: None,
            gpa: None,
            ghpa: None,
            hpa: None,
            bytes: placed.size.size(),
            reason: placed.reason,
        }
    }

    /// What became of a machine's segments, one for each part of them.
    pub(crate) fn of_segments(changed: &Segmented) -> Vec<Self> {
        let kind = match (&changed.before, &changed.now) {
            (None, _) => "segment",
            (Some(_), Some(_)) => "segment-resize",
            (Some(_), None) => "segment-end",
        };
        let about = |bytes| Self::about_machine(kind, bytes, changed.reason);
        let Some(now) = changed.now else {
            let before = changed.before.map_or(Bytes::ZERO, |before| before.bytes());
            return vec![about(before)];
        };
        let of_one = |segment: Segment| Self {
            gpa: Some(Addr::truncate(segment.guest)),
            hpa: Some(segment.base.reinterpret()),
            ..about(segment.bytes)
        };
        now.iter().map(of_one).collect()
    }

    /// Something that the host did with the memory of a machine as a whole.
    pub(crate) const fn about_machine(kind: &'static str, bytes: Bytes, reason: &'static str) -> Self {
        Self { role: Role::Host, kind, gva: None, gpa: None, ghpa: None, hpa: None, bytes, reason }
    }

    /// The upper address less the lower one: what EMA and NEMA keep constant in a region.
    fn offset(&self) -> Option<i64> {
        let upper = match self.role {
            Role::Guest => self.gva.map(Addr::get),
            Role::Hypervisor => self.gpa.map(Addr::get),
            // Where a nested guest's use decided, xGemini's offset is from that guest's address.
            Role::Host => self.gpa.map(Addr::get).or_else(|| self.ghpa.map(Addr::get)),
        }?;
        let lower = match self.role {
            Role::Guest => self.gpa.map(Addr::get).or_else(|| self.hpa.map(Addr::get)),
            Role::Hypervisor => self.ghpa.map(Addr::get),
            Role::Host => self.hpa.map(Addr::get),
        }?;
        Some(terrace_addr::convert::signed(upper.wrapping_sub(lower)))
    }

    /// As a row of a table; the number of the run is for who has several.
    pub(crate) fn row(&self, time: Nanos, vm: &str) -> EventRow {
        EventRow {
            run: 0,
            time,
            vm: vm.to_owned(),
            layer: self.role.name().to_owned(),
            kind: self.kind.to_owned(),
            gva: self.gva,
            gpa: self.gpa,
            ghpa: self.ghpa,
            hpa: self.hpa,
            offset: self.offset(),
            bytes: self.bytes,
            reason: self.reason.to_owned(),
        }
    }
}
