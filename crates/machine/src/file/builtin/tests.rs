use terrace_addr::AccessKind;

use super::*;
use crate::{Machine, Source, builtin};

/// Each built-in machine, read.
fn machines() -> Vec<(&'static Builtin, Machine)> {
    let read = |it: &'static Builtin| (it, builtin(it.name, &[]).unwrap_or_else(|error| panic!("{error}")));
    BUILTIN.iter().map(read).collect()
}

#[test]
fn every_machine_is_valid_and_has_the_name_of_its_file() {
    for (builtin, machine) in machines() {
        assert_eq!(machine.name, builtin.name);
        assert!(!machine.description.is_empty());
    }
    assert!(BUILTIN.is_sorted_by_key(|builtin| builtin.name));
}

#[test]
fn every_machine_file_is_built_in() {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/machines")).unwrap();
    let mut names: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    names.sort();
    let names: Vec<_> = names.iter().map(|path| path.file_stem().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, BUILTIN.iter().map(|builtin| builtin.name).collect::<Vec<_>>());
}

/// Validation holds that each number of a table has a text; here, that the text says where it comes from, or what
/// speaks for an assumption.
#[test]
fn every_number_has_a_source_or_is_assumed_for_a_reason() {
    for (builtin, machine) in machines() {
        for (table, source) in sources(&machine) {
            let texts: Vec<&str> = match source {
                Source::All(text) => vec![text],
                Source::Each(texts) => texts.values().map(String::as_str).collect(),
            };
            for text in texts {
                let reason = text.strip_prefix("assumed").map_or(text, |rest| rest.trim_start_matches(':'));
                assert!(reason.trim().len() >= 8, "{}: {table}: {text:?} gives no reason", builtin.name);
            }
        }
    }
}

fn sources(machine: &Machine) -> Vec<(String, &Source)> {
    let mut all = vec![
        ("topology".to_owned(), &machine.topology.source),
        ("clock".to_owned(), &machine.clock.source),
        ("paging".to_owned(), &machine.paging.source),
    ];
    all.extend(machine.tlb.iter().map(|(name, it)| (format!("tlb.{name}"), &it.source)));
    all.extend(machine.walk_cache.iter().map(|(name, it)| (format!("walk_cache.{name}"), &it.source)));
    all.extend(machine.nested_tlb.iter().map(|(name, it)| (format!("nested_tlb.{name}"), &it.source)));
    all.extend(
        machine.nested_walk_cache.iter().map(|(name, it)| (format!("nested_walk_cache.{name}"), &it.source)),
    );
    all.extend(machine.cache.iter().map(|(name, it)| (format!("cache.{name}"), &it.source)));
    all.extend(machine.memory.iter().map(|(name, it)| (format!("memory.{name}"), &it.source)));
    all.extend(machine.core.iter().map(|it| ("core".to_owned(), &it.source)));
    if let Some(cost) = &machine.cost {
        let tables =
            [("cost", &cost.source), ("cost.exit", &cost.exit.source), ("cost.flush", &cost.flush.source)];
        all.extend(tables.map(|(name, source)| (name.to_owned(), source)));
    }
    all
}

#[test]
fn broadwell_is_the_machine_of_the_gemini_paper() {
    let machine = builtin("broadwell-e5-2620v4", &[]).unwrap();
    let shape = |name: &str| (machine.tlb[name].entries, machine.tlb[name].ways);
    assert_eq!([shape("l1d_4k"), shape("l1d_2m"), shape("l1d_1g")], [(64, 4), (32, 4), (4, 4)]);
    assert_eq!([shape("stlb"), shape("stlb_1g")], [(1536, 6), (16, 4)]);
    assert_eq!(machine.node_latency(&machine.memory["dram0"], 0).get(), 199);
    let caches: Vec<_> =
        machine.caches().iter().map(|(name, cache)| (*name, cache.size.to_string())).collect();
    let expected = [("l1d", "32 KiB"), ("l1i", "32 KiB"), ("l2", "256 KiB"), ("llc", "20 MiB")];
    assert_eq!(caches, expected.map(|(name, size)| (name, size.to_owned())));
}

/// Demeter, evaluation: 68.7, 121.9 and 176.6 ns at 3.0 GHz.
#[test]
fn ice_lake_is_the_machine_of_the_demeter_paper() {
    let machine = builtin("ice-lake-8360y", &[]).unwrap();
    let from = |socket| -> Vec<_> {
        let nodes = machine.nodes();
        nodes.iter().map(|(name, node)| (*name, machine.node_latency(node, socket).get())).collect()
    };
    assert_eq!(from(0), [("dram0", 206), ("dram1", 365), ("pmem0", 529), ("pmem1", 689)]);
    assert_eq!(from(1), [("dram0", 365), ("dram1", 206), ("pmem0", 689), ("pmem1", 529)]);
    let bandwidth = |name: &str, socket| machine.memory[name].bandwidth.of(socket).unwrap().to_string();
    assert_eq!(bandwidth("dram0", 0), "88.157 GB/s");
    assert_eq!(bandwidth("dram0", 1), "53.534 GB/s");
    assert_eq!(bandwidth("pmem1", 1), "21.414 GB/s");
}

#[test]
fn real_machines_have_costs_and_simulators_none() {
    for (builtin, machine) in machines() {
        let simulator = ["champsim", "drmemtrace"].contains(&builtin.name);
        assert_eq!(
            (machine.core.is_none(), machine.cost.is_none()),
            (simulator, simulator),
            "{}",
            builtin.name
        );
        let fetched = machine.caches().iter().any(|(_, it)| it.serves(AccessKind::Fetch) && it.level == 1);
        assert_eq!(fetched, !simulator, "{}", builtin.name);
        assert_eq!(
            u32::try_from(machine.memory.values().filter(|it| it.kind == "dram").count()).unwrap(),
            machine.topology.sockets
        );
    }
}

/// Five levels of tables, and of EPT, are one setting away.
#[test]
fn sapphire_rapids_has_five_levels_when_asked() {
    let overrides = ["paging.levels=5", "paging.ept_levels=5"].map(|text| text.parse().unwrap());
    let machine = builtin("sapphire-rapids-8480", &overrides).unwrap();
    assert_eq!((machine.paging.levels, machine.paging.ept_levels), (5, 5));
}
