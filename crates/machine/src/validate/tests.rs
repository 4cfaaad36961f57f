use alloc::string::{String, ToString};
use alloc::vec;

use super::*;
use crate::{PerSocket, Replacement, SharedBy, Source, Vendor, builtin};

/// The problem of the Broadwell machine after a change.
fn problem(change: impl FnOnce(&mut Machine)) -> String {
    let mut machine = builtin("broadwell-e5-2620v4", &[]).unwrap();
    change(&mut machine);
    machine.validate().unwrap_err().to_string()
}

macro_rules! problems {
    ($($name:ident: $($change:expr => $text:literal),+ $(,)?;)*) => {
        $(#[test]
        fn $name() {
            $({
                let change: fn(&mut Machine) = $change;
                assert_eq!(problem(change), $text);
            })+
        })*
    };
}

fn tlb<'a>(machine: &'a mut Machine, name: &str) -> &'a mut crate::TlbArray {
    machine.tlb.get_mut(name).unwrap()
}

fn cache<'a>(machine: &'a mut Machine, name: &str) -> &'a mut crate::Cache {
    machine.cache.get_mut(name).unwrap()
}

fn node(machine: &mut Machine) -> &mut crate::MemoryNode {
    machine.memory.get_mut("dram0").unwrap()
}

fn core(machine: &mut Machine) -> &mut crate::CoreTiming {
    machine.core.as_mut().unwrap()
}

fn cost(machine: &mut Machine) -> &mut crate::Costs {
    machine.cost.as_mut().unwrap()
}

fn scheme(machine: &mut Machine) -> &mut crate::Schemes {
    machine.scheme.insert(crate::Schemes {
        third_level: None,
        switch_level: None,
        prefetch: vec![],
        source: Source::All("assumed: a test".into()),
    })
}

problems! {
    arrays_have_a_shape:
        |m| tlb(m, "stlb").ways = 0 => "tlb.stlb.ways: found 0 ways; expected at least 1 that divides the 1536 entries",
        |m| tlb(m, "stlb").ways = 5 => "tlb.stlb.ways: found 5 ways; expected ways that divide the 1536 entries",
        |m| tlb(m, "stlb").ways = 4 => "tlb.stlb.ways: found 1536 entries in 4 ways: 384 sets; expected a power of two of sets",
        |m| tlb(m, "stlb").entries = 0 => "tlb.stlb.entries: found 0 entries; expected at least 1\nto have none, leave [tlb.stlb] out, or give --set tlb.stlb=none",
        |m| tlb(m, "stlb").entries = 1 << 25 => "tlb.stlb.entries: found 33554432 entries; expected at most 16777216",
        |m| m.walk_cache.get_mut("pde").unwrap().ways = 3 => "walk_cache.pde.ways: found 3 ways; expected ways that divide the 32 entries",
        |m| m.nested_walk_cache.get_mut("pde").unwrap().ways = 0 => "nested_walk_cache.pde.ways: found 0 ways; expected at least 1 that divides the 32 entries",
        |m| m.nested_tlb.get_mut("ntlb").unwrap().entries = 48 => "nested_tlb.ntlb.ways: found 48 entries in 16 ways: 3 sets; expected a power of two of sets";
    schemes_fit_the_tables:
        |m| scheme(m).third_level = Some(24) => "scheme.third_level: found 24 entries; expected a power of two from 4 to 16777216",
        |m| scheme(m).switch_level = Some(5) => "scheme.switch_level: found 5; expected a level from 1 to 4",
        |m| scheme(m).switch_level = Some(0) => "scheme.switch_level: found 0; expected a level from 1 to 4",
        |m| scheme(m).prefetch = vec![1, 4] => "scheme.prefetch: found level 4; expected levels from 1 to 3",
        |m| scheme(m).prefetch = vec![1, 1] => "scheme.prefetch: found level 1 twice; expected each level once";
    tree_plru_has_at_most_32_ways:
        |m| {
            let array = tlb(m, "l1d_4k");
            (array.entries, array.ways, array.replacement) = (64, 64, Replacement::TreePlru);
        } => "tlb.l1d_4k.ways: found 64 ways; expected at most 32 for tree-plru\nlru and random have no such limit",
        |m| {
            cache(m, "llc").ways = 40;
            cache(m, "llc").slices = 4;
        } => "cache.llc.ways: found 40 ways; expected at most 32 for tree-plru\nlru and random have no such limit";
    an_array_is_of_level_1_or_2_and_serves_something:
        |m| tlb(m, "stlb").level = 3 => "tlb.stlb.level: found level 3; expected 1, or 2 for the second-level TLB",
        |m| tlb(m, "stlb").serves.clear() => "tlb.stlb.serves: found an empty list; expected one or more of fetch, load, store, each once",
        |m| {
            let again = tlb(m, "stlb").serves[0];
            tlb(m, "stlb").serves.push(again);
        } => "tlb.stlb.serves: found fetch twice; expected one or more of fetch, load, store, each once",
        |m| tlb(m, "stlb").pages.clear() => "tlb.stlb.pages: found an empty list; expected one or more of 4K, 2M, 1G, each once",
        |m| m.nested_tlb.get_mut("ntlb").unwrap().pages.clear() => "nested_tlb.ntlb.pages: found an empty list; expected one or more of 4K, 2M, 1G, each once";
    a_page_size_lives_in_one_array_of_a_level:
        |m| {
            let page = tlb(m, "stlb").pages[1];
            tlb(m, "stlb_1g").pages.push(page);
        } => "tlb.stlb_1g.pages: found 2M pages for fetch, which tlb.stlb holds at level 2 too; expected at most one array of a level for each kind of access and page size",
        |m| {
            let twin = m.nested_tlb["ntlb"].clone();
            m.nested_tlb.insert("twin".into(), twin);
        } => "nested_tlb.twin.pages: found 4K pages, which nested_tlb.ntlb holds too; expected at most one array for each page size";
    a_paging_structure_cache_has_a_level_of_its_own:
        |m| m.walk_cache.get_mut("pde").unwrap().level = 1 => "walk_cache.pde.level: found level 1; expected 2 (PDE), 3 (PDPTE), 4 (PML4E) or 5 (PML5E)",
        |m| m.walk_cache.get_mut("pde").unwrap().level = 3 => "walk_cache.pdpte.level: found level 3, which walk_cache.pde has too; expected at most one cache for each level";
    caches_have_a_shape:
        |m| cache(m, "llc").ways = 0 => "cache.llc.ways: found 0 ways; expected at least 1",
        |m| cache(m, "llc").slices = 0 => "cache.llc.slices: found 0 slices; expected at least 1",
        |m| cache(m, "llc").size = "0 B".parse().unwrap() => "cache.llc.size: found 0 B; expected at least one set of lines\nto have none, leave [cache.llc] out, or give --set cache.llc=none",
        |m| cache(m, "llc").size = "8 GiB".parse().unwrap() => "cache.llc.size: found 8 GiB; expected at most 4 GiB",
        |m| cache(m, "llc").slices = 7 => "cache.llc.size: found 20 MiB in 20 ways and 7 slices; expected a multiple of 8960 B (64 B × ways × slices)",
        |m| cache(m, "llc").size = "30 MiB".parse().unwrap() => "cache.llc.size: found 30 MiB in 20 ways and 8 slices: 3072 sets in each slice; expected a power of two of sets in each slice",
        |m| (cache(m, "llc").ways, cache(m, "llc").slices) = (u32::MAX, u32::MAX) => "cache.llc.size: found 20 MiB in 4294967295 ways and 4294967295 slices; expected a multiple of 1180591620167655489600 B (64 B × ways × slices)";
    caches_follow_each_other:
        |m| {
            cache(m, "l1d").level = 2;
            cache(m, "l1i").level = 2;
        } => "cache.l1d.level: found level 2; expected 1: levels follow each other from 1 on",
        |m| cache(m, "l1d").level = 2 => "cache.l2.serves: found load, which cache.l1d serves at level 2 too; expected at most one cache of a level for each kind of access",
        |m| cache(m, "l1d").level = 0 => "cache.l1d.level: found level 0; expected levels from 1 to 3",
        |m| cache(m, "llc").level = 4 => "cache.llc.level: found level 4; expected 3: levels follow each other from 1 on",
        |m| {
            let mut beyond = m.cache["llc"].clone();
            beyond.level = 4;
            m.cache.insert("l4".into(), beyond);
        } => "cache.l4.level: found level 4; expected levels from 1 to 3",
        |m| cache(m, "l1i").serves.clear() => "cache.l1i.serves: found an empty list; expected one or more of fetch, load, store, each once",
        |m| cache(m, "l1i").serves = cache(m, "l1d").serves.clone() => "cache.l1i.serves: found load, which cache.l1d serves at level 1 too; expected at most one cache of a level for each kind of access",
        |m| cache(m, "l1d").shared_by = SharedBy::Socket => "cache.l2.shared_by: found core, beyond cache.l1d, which the socket shares; expected socket: what lies beyond a shared cache is shared";
    single_values_have_limits:
        |m| m.topology.cores = 0 => "topology.cores: found 0 cores; expected at least 1",
        |m| m.topology.threads = 10_000 => "topology.threads: found 160000 hardware threads with 10000 threads; expected at most 65536 in all",
        |m| m.clock.frequency = "0 Hz".parse().unwrap() => "clock.frequency: found 0 Hz; expected more than 0 Hz and at most 100 GHz",
        |m| m.paging.levels = 3 => "paging.levels: found 3 levels; expected 4 or 5",
        |m| m.paging.ept_levels = 6 => "paging.ept_levels: found 6 levels; expected 4 or 5",
        |m| tlb(m, "stlb").latency = u64::MAX => "tlb.stlb.latency: found 18446744073709551615 cycles; expected at most 4294967296",
        |m| cache(m, "l2").latency = u64::MAX => "cache.l2.latency: found 18446744073709551615 cycles; expected at most 4294967296";
    every_number_has_a_source:
        |m| remove(&mut tlb(m, "stlb").source, "latency") => "tlb.stlb.source: found no text for `latency`; expected where `latency` comes from, or \"assumed: <reason>\"",
        |m| tlb(m, "l1d_4k").latency = 1 => "tlb.l1d_4k.source: found no text for `latency`; expected where `latency` comes from, or \"assumed: <reason>\"",
        |m| remove(&mut m.paging.source, "levels") => "paging.source: found no text for `levels`; expected where `levels` comes from, or \"assumed: <reason>\"",
        |m| add(&mut tlb(m, "stlb").source, "colour") => "tlb.stlb.source.colour: found a source for `colour`; expected one of entries, ways, replacement, latency, level, serves, pages",
        |m| node(m).source = Source::All(" ".into()) => "memory.dram0.source: found an empty text; expected where the numbers come from, or \"assumed: <reason>\"",
        |m| remove(&mut node(m).source, "bandwidth") => "memory.dram0.source: found no text for `bandwidth`; expected where `bandwidth` comes from, or \"assumed: <reason>\"",
        |m| remove(&mut core(m).source, "window") => "core.source: found no text for `window`; expected where `window` comes from, or \"assumed: <reason>\"",
        |m| remove(&mut cost(m).source, "fault") => "cost.source: found no text for `fault`; expected where `fault` comes from, or \"assumed: <reason>\"",
        |m| remove(&mut cost(m).exit.source, "log_full") => "cost.exit.source: found no text for `log_full`; expected where `log_full` comes from, or \"assumed: <reason>\"",
        |m| remove(&mut cost(m).flush.source, "invept") => "cost.flush.source: found no text for `invept`; expected where `invept` comes from, or \"assumed: <reason>\"",
        |m| add(&mut cost(m).exit.source, "hlt") => "cost.exit.source.hlt: found a source for `hlt`; expected one of ept_violation, ept_misconfiguration, page_fault, cr_access, invlpg, hypercall, external_interrupt, log_full, nested";
    memory_has_nodes_that_each_socket_reaches:
        |m| m.memory.clear() => "memory: found no memory node; expected at least one, as a table [memory.<name>]",
        |m| node(m).kind = " ".into() => "memory.dram0.kind: found an empty text; expected a word such as \"dram\", \"pmem\" or \"cxl\"",
        |m| node(m).size = "0 B".parse().unwrap() => "memory.dram0.size: found 0 B; expected at least 1 B\nto have none, leave [memory.dram0] out, or give --set memory.dram0=none",
        |m| node(m).latency = PerSocket::All("2 s".parse().unwrap()) => "memory.dram0.latency: found 2 s; expected at most 1 s",
        |m| node(m).latency = PerSocket::Each(vec!["1 ns".parse().unwrap(), "2 s".parse().unwrap()]) => "memory.dram0.latency: found 2 s; expected at most 1 s",
        |m| node(m).latency = PerSocket::Each(vec!["80 ns".parse().unwrap()]) => "memory.dram0.latency: found a list of 1 value; expected one value, or a list with one for each of 2 sockets",
        |m| node(m).bandwidth = PerSocket::Each(vec![]) => "memory.dram0.bandwidth: found a list of 0 values; expected one value, or a list with one for each of 2 sockets",
        |m| m.topology.sockets = 1 => "memory.dram0.latency: found a list of 2 values; expected one value, or a list with one for each of 1 socket",
        |m| node(m).bandwidth = PerSocket::All("0 B/s".parse().unwrap()) => "memory.dram0.bandwidth: found 0 B/s; expected more than 0 B/s, or \"unlimited\"";
    costs_have_limits:
        |m| core(m).walkers = 0 => "core.walkers: found 0 walkers; expected from 1 to 64",
        |m| core(m).walkers = 65 => "core.walkers: found 65 walkers; expected from 1 to 64",
        |m| core(m).window = u64::MAX => "core.window: found 18446744073709551615 cycles; expected at most 4294967296",
        |m| cost(m).copy_2m = u64::MAX => "cost.copy_2m: found 18446744073709551615 cycles; expected at most 4294967296",
        |m| cost(m).exit.nested = u64::MAX => "cost.exit.nested: found 18446744073709551615 cycles; expected at most 4294967296",
        |m| cost(m).flush.invept = Some(u64::MAX) => "cost.flush.invept: found 18446744073709551615 cycles; expected at most 4294967296";
    costs_are_those_of_the_vendor:
        |m| cost(m).flush.invept = None => "cost.flush: found no key `invept`; expected `invept` in this table: vendor is intel",
        |m| cost(m).flush.invvpid = None => "cost.flush: found no key `invvpid`; expected `invvpid` in this table: vendor is intel",
        |m| cost(m).exit.log_full = None => "cost.exit: found no key `log_full`; expected `log_full` in this table: vendor is intel",
        |m| cost(m).flush.invlpga = Some(1) => "cost.flush.invlpga: found 1 cycles; expected no such key: vendor is intel, which does not have it",
        |m| cost(m).flush.tlbsync = Some(1) => "cost.flush.tlbsync: found 1 cycles; expected no such key: vendor is intel, which does not have it",
        |m| m.vendor = Vendor::Amd => "cost.flush: found no key `invlpga`; expected `invlpga` in this table: vendor is amd",
        |m| {
            *m = builtin("zen4-9554", &[]).unwrap();
            cost(m).flush.invept = Some(1);
        } => "cost.flush.invept: found 1 cycles; expected no such key: vendor is amd, which does not have it",
        |m| {
            *m = builtin("zen4-9554", &[]).unwrap();
            cost(m).flush.tlbsync = None;
        } => "cost.flush: found no key `tlbsync`; expected `tlbsync` in this table: vendor is amd";
}

fn remove(source: &mut Source, key: &str) {
    let Source::Each(texts) = source else { panic!("one text for all") };
    assert!(texts.remove(key).is_some());
}

fn add(source: &mut Source, key: &str) {
    let Source::Each(texts) = source else { panic!("one text for all") };
    texts.insert(key.to_string(), "a guess".into());
}

#[test]
fn a_cache_of_a_level_that_the_tables_lack_stays_empty() {
    let mut machine = builtin("champsim", &[]).unwrap();
    machine.paging.levels = 4;
    assert_eq!(machine.validate(), Ok(()));
}

#[test]
fn one_way_of_tree_plru_needs_no_bits() {
    let mut machine = builtin("broadwell-e5-2620v4", &[]).unwrap();
    let array = tlb(&mut machine, "l1d_4k");
    (array.ways, array.replacement) = (1, Replacement::TreePlru);
    assert_eq!(machine.validate(), Ok(()));
}

#[test]
fn a_level_may_serve_only_some_kinds() {
    let mut machine = builtin("broadwell-e5-2620v4", &[]).unwrap();
    assert!(machine.cache.remove("l1i").is_some());
    assert_eq!(machine.validate(), Ok(()));
}

#[test]
fn a_machine_without_costs_is_one() {
    let mut machine = builtin("broadwell-e5-2620v4", &[]).unwrap();
    (machine.core, machine.cost, machine.vendor) = (None, None, Vendor::Amd);
    assert_eq!(machine.validate(), Ok(()));
}

#[test]
fn broadcast_invalidations_are_optional_on_amd() {
    let mut machine = builtin("zen4-9554", &[]).unwrap();
    (cost(&mut machine).flush.invlpgb, cost(&mut machine).flush.tlbsync) = (None, None);
    assert_eq!(machine.validate(), Ok(()));
}
