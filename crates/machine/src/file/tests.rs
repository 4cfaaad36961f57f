use std::fs::File;
use std::io::Write;

use super::text::MAX_FILE;
use super::*;

/// The error of the machine `champsim` with one piece of its text replaced.
fn edited(from: &str, to: &str) -> String {
    let text = Builtin::named("champsim").unwrap().text;
    assert!(text.contains(from), "{from}");
    parse(&text.replacen(from, to, 1), "my.toml", &[]).unwrap_err().to_string()
}

fn set(overrides: &[&str]) -> Result<Machine, MachineError> {
    let overrides: Result<Vec<Override>, _> = overrides.iter().map(|text| text.parse()).collect();
    builtin("champsim", &overrides?)
}

fn refused(given: &str) -> String {
    set(&[given]).unwrap_err().to_string()
}

#[test]
fn errors_name_line_column_and_key() {
    assert_eq!(
        edited("ways = 4", "ways = 5"),
        "my.toml:34:8: tlb.l1i.ways: found 5 ways; expected ways that divide the 64 entries"
    );
    assert_eq!(
        edited("ways = 4", "ways = 0"),
        "my.toml:34:8: tlb.l1i.ways: found 0 ways; expected at least 1 that divides the 64 entries"
    );
    assert_eq!(
        edited("ways = 4", "wyas = 4"),
        "my.toml:34:1: tlb.l1i.wyas: found the unknown key `wyas`; expected one of level, serves, pages, entries, \
         ways, replacement, latency, source\ndid you mean ways?"
    );
    assert_eq!(
        edited("ways = 4\n", ""),
        "my.toml:29:1: tlb.l1i: found no key `ways`; expected `ways` in this table"
    );
    assert_eq!(
        edited("ways = 4", "ways = -4"),
        "my.toml:34:8: tlb.l1i.ways: found integer `-4`; expected a whole number below 2^32"
    );
    assert_eq!(
        edited("latency = \"0 ns\"", "latency = 0"),
        "my.toml:93:11: memory.dram0.latency: found integer `0`; expected a time with its unit, such as \"80 ns\", or a list with one for each socket"
    );
    assert_eq!(
        edited("\"0 ns\"", "\"0 min\""),
        "my.toml:93:11: memory.dram0.latency: found the unit \"min\"; expected a time in ps, ns, us, ms or s"
    );
    assert_eq!(
        edited("pages = [\"4K\"", "pages = [\"8K\""),
        "my.toml:32:9: tlb.l1i.pages: found \"8K\"; expected 4K, 2M or 1G"
    );
    assert_eq!(
        edited("serves = [\"fetch\"]", "serves = [\"exec\"]"),
        "my.toml:31:10: tlb.l1i.serves: found \"exec\"; expected fetch, load or store"
    );
    assert_eq!(
        edited("\"lru\"", "\"lur\""),
        "my.toml:35:15: tlb.l1i.replacement: found `lur`; expected one of lru, tree-plru, random\ndid you mean lru?"
    );
    assert_eq!(
        edited("[memory.dram0]\n", "[memory]\n"),
        "my.toml:94:13: memory.bandwidth: found string \"unlimited\"; expected a table\n\
         the keys of memory are names: give a table [memory.<name>]"
    );
    assert_eq!(
        edited("name = \"champsim\"", ""),
        "my.toml: found no key `name`; expected `name` in this table"
    );
}

#[test]
fn what_is_not_toml_is_an_error_with_its_place() {
    assert_eq!(edited("[tlb.l1d]", "[tlb.l1d"), "my.toml:38:9: found unclosed table; expected `]`");
    assert_eq!(
        edited("ways = 4", "ways = 4\nways = 4"),
        "my.toml:35:1: found duplicate key; expected valid TOML"
    );
    assert_eq!(
        parse("# Nothing yet.\n", "my.toml", &[]).unwrap_err().to_string(),
        "my.toml: found an empty file; expected a machine\n`terrace list machines` shows examples to start from"
    );
}

#[test]
fn overrides_change_values_and_their_sources() {
    let machine = set(&[
        "memory.dram0.latency=90 ns",
        "tlb.stlb.replacement=random",
        "tlb.l1d.serves=[\"load\"]",
        "tlb.stlb.entries=768",
        "tlb.l1d.latency=1",
        "walk_cache.pde=none",
        "cache=none",
    ])
    .unwrap();
    assert_eq!(machine.node_latency(&machine.memory["dram0"], 0).get(), 360);
    assert_eq!(machine.tlb["stlb"].replacement, crate::Replacement::Random);
    assert_eq!(machine.tlb["l1d"].serves, [crate::Serves(terrace_addr::AccessKind::Load)]);
    assert_eq!(machine.tlb["stlb"].entries, 768);
    assert_eq!(machine.tlb["stlb"].source.of("entries"), Some("set with --set tlb.stlb.entries=768"));
    assert_eq!(machine.tlb["l1d"].latency, 1);
    assert_eq!(
        machine.memory["dram0"].source.of("latency"),
        Some(
            "assumed: this machine counts and does not time, so cycles are 0 and nothing is limited; latency: set with \
             --set memory.dram0.latency=90 ns"
        )
    );
    assert!(!machine.walk_cache.contains_key("pde"));
    assert_eq!(set(&["tlb.stlb.ways=6", "tlb.stlb.ways=3"]).unwrap().tlb["stlb"].ways, 3);
    assert_eq!(set(&["paging.levels=4"]).unwrap().paging.levels, 4);
    assert!(set(&["tlb=none"]).unwrap().tlb.is_empty());
}

#[test]
fn an_override_at_fault_is_named() {
    for (given, fault) in [
        ("tlb.stlb.ways=0", "found 0 ways; expected at least 1 that divides the 1536 entries"),
        ("tlb.stlb.ways=four", "found string \"four\"; expected a whole number below 2^32"),
        ("tlb.stlb.replacement=none", "found `none`; expected one of lru, tree-plru, random"),
        ("tlb.l1d.serves=[load", "found unclosed array; expected `]`"),
        ("tlb.l1d.serves=[\"laod\"]", "found \"laod\"; expected fetch, load or store"),
        ("tlb.stlb={ways=3}", "found no key `level`; expected `level` in this table"),
        (
            "memory.dram0.latency=90",
            "found integer `90`; expected a time with its unit, such as \"80 ns\", or a list with one for each socket",
        ),
        ("tlb=3", "found integer `3`; expected a table"),
    ] {
        assert_eq!(refused(given), format!("--set {given}: {fault}"));
    }
    assert_eq!(
        refused("tlb.stlb.entries=1000"),
        "built-in machine champsim:52:8: tlb.stlb.ways: found 12 ways; expected ways that divide the 1000 entries\n\
         it has to fit --set tlb.stlb.entries=1000"
    );
}

#[test]
fn an_override_of_an_unknown_key_names_those_that_exist() {
    assert_eq!(
        refused("tlb.stlb.wyas=3"),
        "--set tlb.stlb.wyas=3: found no key `wyas` in tlb.stlb; expected one of entries, latency, level, pages, \
         replacement, serves, source, ways\ndid you mean ways?"
    );
    assert_eq!(
        refused("tbl.stlb.ways=3"),
        "--set tbl.stlb.ways=3: found no key `tbl` in the machine; expected one of clock, memory, paging, tlb, \
         topology, walk_cache\ndid you mean tlb?"
    );
    assert_eq!(
        refused("tlb.slb=none"),
        "--set tlb.slb=none: found no key `slb` in tlb; expected one of l1d, l1i, stlb\ndid you mean stlb?"
    );
    assert_eq!(
        refused("tlb.l1d.ways.x=3"),
        "--set tlb.l1d.ways.x=3: found `ways`, which holds no keys; expected a shorter path"
    );
}

#[test]
fn a_machine_is_found_by_name_or_path() {
    assert_eq!(find("drmemtrace", &[]).unwrap().machine.name, "drmemtrace");
    assert_eq!(
        find("drmemtrase", &[]).unwrap_err().to_string(),
        "drmemtrase: found no built-in machine and no file of this name; expected one of broadwell-e5-2620v4, \
         cascade-lake-6240, champsim, drmemtrace, ice-lake-8360y, sapphire-rapids-8480, zen4-9554, or the path of a machine file\ndid you mean drmemtrace?"
    );
    assert_eq!(
        builtin("zen", &[]).unwrap_err().to_string(),
        "zen: found no built-in machine of this name; expected one of broadwell-e5-2620v4, \
         cascade-lake-6240, champsim, drmemtrace, ice-lake-8360y, sapphire-rapids-8480, zen4-9554"
    );
    assert_eq!(
        find("no/such.toml", &[]).unwrap_err().to_string(),
        "no/such.toml: found no such file; expected a machine file"
    );
}

/// A user's file is no different from a built-in one.
#[test]
fn a_built_in_machine_is_the_same_from_a_file() {
    for builtin in BUILTIN {
        let file = Scratch::new(builtin.name, builtin.text.as_bytes());
        let loaded = load(&file.0, &[]).unwrap();
        assert_eq!(loaded, find(builtin.name, &[]).unwrap());
        assert_eq!(loaded.text, builtin.text);
    }
}

/// What a digest is made from is what was read, however often the file can be read.
#[test]
fn a_machine_that_can_be_read_once_comes_with_its_text() {
    let text = Builtin::named("champsim").unwrap().text;
    let (read, mut write) = std::io::pipe().unwrap();
    write.write_all(text.as_bytes()).unwrap();
    drop(write);
    let path = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&read));
    let found = find(&path, &["paging.levels=4".parse().unwrap()]).unwrap();
    assert_eq!(found.machine.paging.levels, 4);
    assert_eq!(found.text, text);
}

#[test]
fn what_a_machine_can_lack_is_left_out() {
    let overrides =
        |texts: &[&str]| -> Vec<Override> { texts.iter().map(|text| text.parse().unwrap()).collect() };
    let broadwell = |texts: &[&str]| builtin("broadwell-e5-2620v4", &overrides(texts));
    let machine =
        broadwell(&["core=none", "cost=none", "memory.dram1=none", "cache.l2.serves=[\"load\"]"]).unwrap();
    assert!(machine.core.is_none() && machine.cost.is_none());
    assert_eq!(machine.nodes().len(), 1);
    assert_eq!(machine.cache["l2"].serves, [crate::Serves(terrace_addr::AccessKind::Load)]);
    let machine =
        builtin("zen4-9554", &overrides(&["cost.flush.invlpgb=none", "cost.flush.tlbsync=none"])).unwrap();
    assert_eq!(machine.cost.unwrap().flush.invlpgb, None);
    for (given, fault) in [
        (
            "cost.flush.invlpga=9",
            "found 9 cycles; expected no such key: vendor is intel, which does not have it",
        ),
        ("cost.fault=none", "found string \"none\"; expected a whole number below 2^64"),
        (
            "memory.dram0.latency=[\"80 ns\"]",
            "found a list of 1 value; expected one value, or a list with one for each of 2 sockets",
        ),
        (
            "memory.dram0.bandwidth=1 GB",
            "found the unit \"GB\"; expected a bandwidth in B/s, kB/s, MB/s, GB/s or TB/s, or \"unlimited\"",
        ),
        ("vendor=cyrix", "found `cyrix`; expected one of intel, amd"),
    ] {
        assert_eq!(broadwell(&[given]).unwrap_err().to_string(), format!("--set {given}: {fault}"));
    }
    assert_eq!(
        refused("memory=none"),
        "built-in machine champsim: memory: found no memory node; expected at least one, as a table [memory.<name>]\n\
         it has to fit --set memory=none"
    );
}

#[test]
fn schemes_are_set_where_the_file_has_none() {
    let machine = set(&["scheme.switch_level=2", "scheme.prefetch=[1, 2]"]).unwrap();
    let scheme = machine.scheme.unwrap();
    assert_eq!((scheme.switch_level, scheme.third_level), (Some(2), None));
    assert_eq!(scheme.prefetch, [1, 2]);
    assert!(
        scheme.source.of("prefetch").unwrap().ends_with("prefetch: set with --set scheme.prefetch=[1, 2]")
    );
    let unknown = set(&["scheme.switch=2"]).unwrap_err().to_string();
    assert!(
        unknown.starts_with("--set scheme.switch=2: found no key `switch` in scheme; expected one of"),
        "{unknown}"
    );
}

/// A file of these bytes, in the temporary directory, that goes away again.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("terrace-machine-{}-{name}", std::process::id()));
        File::create(&path).unwrap().write_all(bytes).unwrap();
        Self(path)
    }

    /// The error of loading it, without its path.
    fn refused(&self) -> String {
        let error = load(&self.0, &[]).unwrap_err().to_string();
        error.strip_prefix(self.0.to_str().unwrap()).unwrap().to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A file left over in the temporary directory harms nobody.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_file_that_is_no_text_is_an_error() {
    let latin = Scratch::new("latin", b"name = \"a\"\n# caf\xe9");
    assert_eq!(latin.refused(), ":2:6: found the byte 0xe9; expected a text in UTF-8");
    let large = Scratch::new("large", &vec![b'#'; MAX_FILE + 1]);
    assert_eq!(large.refused(), ": found more than 1 MiB; expected a machine file of at most 1 MiB");
    let largest = Scratch::new("largest", &vec![b'#'; MAX_FILE]);
    assert!(largest.refused().starts_with(": found an empty file; expected a machine\n"));
    let directory = env!("CARGO_MANIFEST_DIR");
    assert_eq!(
        find(directory, &[]).unwrap_err().to_string(),
        format!("{directory}: found a directory; expected a machine file")
    );
}
