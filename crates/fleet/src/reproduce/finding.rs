//! What simulations say beside what was published.

use serde::Serialize;

use super::{Point, Reading};
use crate::place::ServerPolicy;

/// Whether the model gives what was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Given {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// Too little was simulated to say.
    Unknown,
}

/// One statement of what was published, or about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The statement.
    pub statement: &'static str,
    /// Whether the model gives it.
    pub given: Given,
    /// What was found.
    pub found: String,
    /// Why it is not given, or what that says.
    pub why: &'static str,
}

/// The most that a share may be off, in points.
const TOLERANCE: f64 = 0.5;

/// The points of one reading, for some placements of one number of VMs.
struct Points<'a>(&'a [Point]);

impl Points<'_> {
    fn get(&self, reading: Reading, vms: u32, policy: ServerPolicy) -> Option<&Point> {
        let wanted =
            |point: &&Point| (point.reading, point.vms) == (reading, vms) && point.policy == policy.name();
        self.0.iter().find(wanted)
    }

    /// For each number of VMs, the points of these placements; nothing if some are missing.
    fn all<const N: usize>(&self, reading: Reading, policies: [ServerPolicy; N]) -> Option<Vec<[&Point; N]>> {
        let rows = super::published::VMS.into_iter().map(|vms| {
            let found: Vec<&Point> =
                policies.iter().filter_map(|policy| self.get(reading, vms, *policy)).collect();
            <[&Point; N]>::try_from(found).ok()
        });
        rows.collect()
    }
}

const THREE: [ServerPolicy; 3] = [ServerPolicy::Contiguity, ServerPolicy::Spread, ServerPolicy::Stack];

pub(super) fn findings(points: &[Point]) -> Vec<Finding> {
    let points = Points(points);
    vec![
        order(
            &points,
            Reading::Table,
            "contiguity-aware places at least as many VMs in one block as spread, and spread as many as stack",
            "",
        ),
        within(&points),
        servers(&points),
        order(
            &points,
            Reading::Code,
            "the same order on the servers of the committed code",
            "Its servers have 8 GB for each core and its VMs at most 7, so cores run out before memory does, and little \
             memory is left in parts. With the kinds of the table some servers have 4 to 6.4 GB for each core: there \
             memory fills up, and stack, which fills it most, finds it in parts. The published order speaks for the table.",
        ),
        order(
            &points,
            Reading::WholeMonth,
            "the same order if the VMs are those of a whole month instead of its first days",
            "Which seeds give the order there and which do not was not found out.",
        ),
        own(&points),
    ]
}

fn finding(statement: &'static str, given: Option<bool>, found: String, why: &'static str) -> Finding {
    let given = match given {
        Some(true) => Given::Yes,
        Some(false) => Given::No,
        None => Given::Unknown,
    };
    // A reason is one for what does not fit.
    Finding { statement, given, found, why: if given == Given::No { why } else { "" } }
}

fn order(points: &Points<'_>, reading: Reading, statement: &'static str, why: &'static str) -> Finding {
    let rows = points.all(reading, THREE);
    let ordered = rows.as_ref().map(|rows| {
        rows.iter().all(|row| row.is_sorted_by(|one, next| one.one_block_percent >= next.one_block_percent))
    });
    let shown = rows.iter().flatten().map(|row| {
        let shares = row.map(|point| format!("{:.2}", point.one_block_percent));
        format!("{} %", shares.join(", "))
    });
    finding(statement, ordered, shown.collect::<Vec<_>>().join("; "), why)
}

fn within(points: &Points<'_>) -> Finding {
    let rows = points.all(Reading::Table, THREE);
    let far = rows.as_ref().and_then(|rows| {
        let distances = rows.iter().flatten().filter_map(|point| {
            let distance = point.published?.one_block.distance(point.one_block_percent);
            Some((distance, format!("{} at {} VMs", point.policy, point.vms)))
        });
        distances.max_by(|(one, _), (other, _)| one.total_cmp(other))
    });
    finding(
        "each share is within half a point of the published one",
        far.as_ref().map(|(distance, _)| *distance <= TOLERANCE),
        far.map_or_else(String::new, |(distance, which)| {
            format!("at most {distance:.2} points off, {which}")
        }),
        "Sizes and lifetimes of the synthetic trace are only as good as the published shares that they are made from: how \
         often memory is found in parts depends on how many of the largest VMs there are, which is known to a percent.",
    )
}

fn servers(points: &Points<'_>) -> Finding {
    let rows = points.all(Reading::Table, THREE);
    let published = rows.iter().flatten().flatten().filter_map(|point| {
        let published = point.published?.servers_percent?;
        Some((published, point))
    });
    let published: Vec<_> = published.collect();
    let given = rows.is_some().then(|| {
        published.iter().all(|(percent, point)| (percent - point.servers_percent).abs() <= TOLERANCE)
    });
    let shown = published.iter().map(|(percent, point)| {
        format!("{} at {}: {:.1} %, published {percent} %", point.policy, point.vms, point.servers_percent)
    });
    finding(
        "as many servers are used as published",
        given,
        shown.collect::<Vec<_>>().join("; "),
        "How many servers are used is how many VMs live at a time. The dataset's VM-hours say that about 145,000 do all \
         month, and a steady month begins with them: the first 100,000 VMs all live at once. The thesis used half of the \
         servers that these need, and more with more VMs, so its first VMs cannot be the first in the order of time. Which \
         they are is not said; the rows of the published file are in no order of time.",
    )
}

fn own(points: &Points<'_>) -> Finding {
    let policies = [ServerPolicy::Contiguity, ServerPolicy::Snug];
    let rows = points.all(Reading::Tight, policies);
    let better = rows.as_ref().map(|rows| {
        rows.iter().all(|[paper, own]| {
            own.one_block_percent >= paper.one_block_percent && own.failed <= paper.failed
        })
    });
    let shown = rows.iter().flatten().map(|[paper, own]| {
        format!(
            "at {}: {:.4} % and {} without a server, beside {:.4} % and {}",
            own.vms, own.one_block_percent, own.failed, paper.one_block_percent, paper.failed
        )
    });
    finding(
        "where servers are few, Terrace's own snug places at least as many VMs in one block as contiguity-aware, and leaves \
         no more without a server",
        better,
        shown.collect::<Vec<_>>().join("; "),
        "Where snug places VMs for which contiguity-aware has no room, its servers are fuller, and more of its VMs find \
         memory in parts.",
    )
}
