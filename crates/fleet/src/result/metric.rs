//! The registry of what simulations of fleets count.

use terrace_result::{Better, Unit};

/// One thing that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FleetMetric {
    /// The name in results.
    pub name: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// Which of two values is the better one.
    pub better: Better,
    /// What it is, exactly.
    pub meaning: &'static str,
}

/// The metric of this name.
pub fn fleet_metric(name: &str) -> Option<&'static FleetMetric> {
    FleetMetric::ALL.iter().find(|metric| metric.name == name)
}

macro_rules! fleet_metrics {
    ($($name:ident $unit:ident $better:ident $meaning:literal;)*) => {
        impl FleetMetric {
            /// Every metric, in the order in which results hold them.
            pub const ALL: &'static [Self] = &[$(Self {
                name: stringify!($name),
                unit: Unit::$unit,
                better: Better::$better,
                meaning: $meaning,
            },)*];
        }
    };
}

fleet_metrics! {
    arrivals Count Neither "VMs that arrived";
    failed Count Lower "of these, those for which no server had room";
    one_block_share Ratio Higher "of the others, those that got one block of memory when they arrived";
    two_blocks_share Ratio Lower "those that got two";
    more_blocks_share Ratio Lower "those that got three or more";
    contiguous_time_share Ratio Higher "of the time that VMs lived, that in which they were in one block";
    servers_used Count Lower "servers that ever had a VM";
    servers_used_share Ratio Lower "these, as a share of all servers";
    peak_servers Count Lower "the most servers that had a VM at the same time";
    peak_vms Count Neither "the most VMs that lived at the same time";
    largest_extent_bytes Bytes Higher "the largest free extent, at the end, of a server that had a VM before";
    mean_largest_extent_bytes Ratio Higher "the mean over all samples, and over the servers that had a VM before, of the \
                                            largest free extent of a server, in bytes";
    repair_bytes Bytes Lower "bytes that were copied to put VMs into one block";
    repaired_locally Count Neither "VMs that were put into one block on their server";
    repaired_by_migration Count Neither "VMs that were put into one block on another server";
    neighbours_moved Count Lower "other VMs that were moved within their server to make room for them";
    resizes Count Neither "changes of size of VMs that had a server";
    resized_in_place Count Higher "of these, those without a copy that left no VM in more blocks than one if it was in one";
    resized_scattered Count Lower "those that put a VM from one block into several";
    resized_moved Count Lower "those for which the VM was copied, within its server or to another";
    resized_refused Count Lower "those that no server had room for";
    resize_bytes Bytes Lower "bytes that were copied for them";
    core_seconds Ratio Neither "cores of VMs times the seconds that they lived";
    contiguous_core_seconds Ratio Higher "of these, those of VMs in one block";
    walk_cycles_ept_only Cycles Neither "cycles of walks if every VM had EPT";
    walk_cycles Cycles Lower "cycles of walks if VMs in one block have segment mode";
    walk_cycles_saved Cycles Higher "the difference of the two";
    walk_cycles_saved_share Ratio Higher "this, as a share of the first";
}
