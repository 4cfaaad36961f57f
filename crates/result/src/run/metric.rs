//! The registry of what runs measure: one line a metric, from which tables, results and documentation come.

use crate::Unit;

/// One thing that is measured of a run, or of a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunMetric {
    /// The name in results.
    pub name: &'static str,
    /// Its unit. Counts and bytes are whole numbers, everything else need not be.
    pub unit: Unit,
    /// What it is, exactly.
    pub meaning: &'static str,
    /// Which of two values is the better one.
    pub better: Better,
}

/// Which of two values of a metric is the better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// The lower one.
    Lower,
    /// The higher one.
    Higher,
    /// Neither: it describes, and does not judge.
    Neither,
}

macro_rules! run_metrics {
    ($($name:ident $unit:ident $better:ident $meaning:literal;)*) => {
        impl RunMetric {
            /// Every metric of runs, in the order in which results hold them.
            pub const ALL: &'static [Self] = &[$(Self {
                name: stringify!($name),
                unit: Unit::$unit,
                meaning: $meaning,
                better: Better::$better,
            },)*];
        }
    };
}

run_metrics! {
    accesses_per_second PerSecond Higher "accesses, each counted with its weight, in a second of measured time";
    operations_per_second PerSecond Higher "requests of the workload in a second of measured time, of programs whose \
                                            requests have an end (stores, trees, servers)";
    sampling_error Ratio Lower "how far accesses_per_second may be off because of sampled time, as a share of it: three times \
                                the standard error of its mean over the intervals, what it still drifts between the \
                                halves of the measured time, how far that mean is from the rate of all of it (which \
                                ends with the last thread, if programs end), the accesses that end behind it, the share \
                                of faults and exits, which more accesses would have caused more of, and the share of the \
                                simulated accesses that a warm-up of less than 50 ms leaves to fill the caches; 0 where \
                                every access was simulated for itself";
    cycles Cycles Lower "cycles of all vCPUs in the measured time that were not idle: the sum of the causes below";
    core_cycles Cycles Neither "of these, the programs' own instructions";
    data_cycles Cycles Lower "waiting for data beyond the first cache level";
    stlb_cycles Cycles Lower "waiting for the second level of the TLB, and for a third one where there is one";
    walk_guest_cycles Cycles Lower "waiting for walks, as far as it is for entries of the first dimension";
    walk_nested_cycles Cycles Lower "waiting for walks, as far as it is for entries of EPT";
    fault_guest_cycles Cycles Lower "page faults, in the guest's kernel";
    fault_hypervisor_cycles Cycles Lower "faults of guest-physical addresses, in the guest hypervisor";
    fault_host_cycles Cycles Lower "faults in the host's kernel";
    exit_cycles Cycles Lower "leaving a guest and entering it again, for every reason";
    flush_cycles Cycles Lower "instructions that invalidate translations";
    interrupt_cycles Cycles Lower "sending and handling interrupts that ask other CPUs to invalidate";
    copy_cycles Cycles Lower "copying pages";
    clear_cycles Cycles Lower "zeroing pages";
    daemon_cycles Cycles Lower "background work of kernels that none of the other causes names";
    allocation_cycles Cycles Lower "of the cycles of faults, exits, invalidations, interrupts, copies, zeroing and \
                                    daemons: what programs ask for, as they map, grow and unmap memory or take turns";
    first_touch_cycles Cycles Lower "of these: what follows from accesses that no translation allows, most often the \
                                     first to a page";
    background_cycles Cycles Lower "of these: what kernels do by themselves while programs run, and what it makes others \
                                    wait for";
    additive_cycles Cycles Lower "the cycles if nothing were hidden behind other work: all latencies added up";
    accesses Count Neither "accesses of the programs, each counted with its weight";
    itlb_misses Count Lower "lookups in the instruction TLB that its first level misses";
    dtlb_misses Count Lower "lookups in the data TLB that its first level misses";
    stlb_hits Count Neither "first-level misses that the second level (STLB) holds";
    walks Count Lower "walks started: STLB misses, and accesses that a cached translation does not allow";
    walks_4k Count Lower "of these, walks that were completed and filled a TLB entry of 4K";
    walks_2m Count Lower "walks that were completed and filled a TLB entry of 2M";
    walks_1g Count Lower "walks that were completed and filled a TLB entry of 1G";
    walk_guest_references Count Lower "entries of the first dimension that walks read";
    walk_nested_references Count Lower "entries of EPT that walks read";
    references_per_walk Ratio Lower "entries that a walk reads, in the mean";
    cycles_per_walk Ratio Lower "cycles of a walk, in the mean, if nothing of it were hidden";
    third_level_references Count Lower "lines of a third level of the TLB that were referred to, where a machine has one";
    third_level_hits Count Neither "STLB misses that it held";
    prefetch_references Count Neither "entries that walks asked for before they came to them, where a machine does that";
    direct_translations Count Neither "first-level misses and walks in which a direct segment took the place of page tables";
    exits Count Lower "exits from a guest to its hypervisor: the sum of the reasons below";
    exits_ept_violation Count Lower "exits because EPT does not translate or allow";
    exits_page_fault Count Lower "exits because of a page fault, where a hypervisor intercepts them";
    exits_cr_access Count Lower "exits because a guest writes CR3, where a hypervisor intercepts that";
    exits_invlpg Count Lower "exits because a guest invalidates a translation, where a hypervisor intercepts that";
    exits_nested Count Lower "exits of a nested guest that its own hypervisor had to handle, through the host and back";
    exits_invept Count Lower "exits because a guest hypervisor invalidates translations of its guest";
    exits_write_protect Count Lower "exits because a guest writes a page that is protected against it";
    exits_external_interrupt Count Lower "exits because of an interrupt";
    exits_segment_violation Count Lower "exits because a guest reached beyond its segments";
    exit_ept_violation_cycles Cycles Lower "cycles of exits_ept_violation";
    exit_page_fault_cycles Cycles Lower "cycles of exits_page_fault";
    exit_cr_access_cycles Cycles Lower "cycles of exits_cr_access";
    exit_invlpg_cycles Cycles Lower "cycles of exits_invlpg";
    exit_nested_cycles Cycles Lower "cycles of exits_nested";
    exit_invept_cycles Cycles Lower "cycles of exits_invept";
    exit_write_protect_cycles Cycles Lower "cycles of exits_write_protect";
    exit_external_interrupt_cycles Cycles Lower "cycles of exits_external_interrupt";
    exit_segment_violation_cycles Cycles Lower "cycles of exits_segment_violation";
    faults_base Count Lower "faults that were served with a base page";
    faults_huge Count Neither "faults that were served with a huge page";
    collapses_in_place Count Neither "ranges that became a huge page where they were";
    collapses_copied Count Neither "ranges that became a huge page by copying them";
    huge_fallbacks Count Lower "faults for which a huge page was wanted and no block of 2M was free";
    compaction_moved Count Lower "base pages that compaction moved";
    splits Count Neither "huge pages that became base pages";
    flushes_address Count Lower "invalidations of one address";
    flushes_space Count Lower "invalidations of one address space";
    flushes_all Count Lower "invalidations of everything that a guest or a CPU holds";
    ipis Count Lower "interrupts that asked another CPU to invalidate";
    mapped_4k_bytes Bytes Neither "bytes that leaves of 4K map";
    mapped_2m_bytes Bytes Neither "bytes that leaves of 2M map";
    mapped_1g_bytes Bytes Neither "bytes that leaves of 1G map";
    well_aligned_bytes Bytes Higher "mapped bytes whose leaves are huge in every layer, of one size and aligned, so that \
                                     one TLB entry holds them";
    guest_huge_only_bytes Bytes Neither "mapped bytes whose leaf is huge in the guest, and base in a layer below";
    host_huge_only_bytes Bytes Neither "mapped bytes whose leaf is base in the guest, and huge in every layer below";
    base_bytes Bytes Neither "mapped bytes of no other kind";
    well_aligned_share Ratio Higher "well_aligned_bytes by all bytes that are mapped end to end";
    segment_bytes Bytes Higher "memory of virtual machines that segments translate, without a second dimension";
    huge_coverage Ratio Higher "bytes that leaves of 2M and 1G map by all mapped bytes of the layer";
    fmfi Ratio Lower "the unusable free space index at order 9: the share of free memory in blocks too small for a \
                      2M page";
    resident_bytes Bytes Lower "memory that is in use";
    touched_bytes Bytes Neither "memory that programs have touched, in pages of 4K";
    bloat Ratio Lower "resident_bytes by touched_bytes";
    requests Count Neither "requests that were completed";
    latency_mean_ns Nanos Lower "mean time of a request, from its arrival to its end";
    latency_p50_ns Nanos Lower "the time that half of the requests do not exceed";
    latency_p95_ns Nanos Lower "the time that 95 of 100 requests do not exceed";
    latency_p99_ns Nanos Lower "the time that 99 of 100 requests do not exceed";
    saturated Count Lower "programs whose requests arrived faster than they were served, before the measured time or in \
        it: one of them waited for more than a tenth of that time at its beginning or end, so that their latencies say \
        how long was measured, and nothing else";
}

/// The metric of runs with this name.
pub fn run_metric(name: &str) -> Option<&'static RunMetric> {
    RunMetric::ALL.iter().find(|metric| metric.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_meanings_there() {
        let names: BTreeSet<_> = RunMetric::ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), RunMetric::ALL.len());
        assert!(RunMetric::ALL.iter().all(|metric| metric.meaning.len() > 10));
        assert_eq!(run_metric("fmfi").map(|metric| metric.better), Some(Better::Lower));
        assert_eq!(run_metric("fmif"), None);
    }

    /// A name that ends in a unit has that unit.
    #[test]
    fn names_and_units_agree() {
        for metric in RunMetric::ALL {
            for (end, unit) in [
                ("_bytes", Unit::Bytes),
                ("_ns", Unit::Nanos),
                ("cycles", Unit::Cycles),
                ("_per_second", Unit::PerSecond),
                ("_share", Unit::Ratio),
            ] {
                assert!(!metric.name.ends_with(end) || metric.unit == unit, "{}", metric.name);
            }
        }
    }
}
