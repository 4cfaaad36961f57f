use std::io::Write;

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
        "my.toml:33:8: tlb.l1i.ways: found 5 ways; expected ways that divide the 64 entries"
    );
    assert_eq!(
        edited("ways = 4", "ways = 0"),
        "my.toml:33:8: tlb.l1i.ways: found 0 ways; expected at least 1 that divides the 64 entries"
    );
    assert_eq!(
        edited("ways = 4", "wyas = 4"),
        "my.toml:33:1: tlb.l1i.wyas: found the unknown key `wyas`; expected one of level, serves, pages, entries, \
         ways, replacement, latency, source\ndid you mean ways?"
    );
    assert_eq!(
        edited("ways = 4\n", ""),
        "my.toml:28:1: tlb.l1i: found no key `ways`; expected `ways` in this table"
    );
    assert_eq!(
        edited("ways = 4", "ways = -4"),
        "my.toml:33:8: tlb.l1i.ways: found integer `-4`; expected a whole number below 2^32"
    );
    assert_eq!(
        edited("[memory]\nlatency = \"0 ns\"", "[memory]\nlatency = 0"),
        "my.toml:90:11: memory.latency: found integer `0`; expected a time with its unit, such as \"80 ns\""
    );
    assert_eq!(
        edited("\"0 ns\"", "\"0 min\""),
        "my.toml:90:11: memory.latency: found the unit \"min\"; expected a time in ps, ns, us, ms or s"
    );
    assert_eq!(
        edited("pages = [\"4K\"", "pages = [\"8K\""),
        "my.toml:31:9: tlb.l1i.pages: found \"8K\"; expected 4K, 2M or 1G"
    );
    assert_eq!(
        edited("serves = [\"fetch\"]", "serves = [\"exec\"]"),
        "my.toml:30:10: tlb.l1i.serves: found \"exec\"; expected fetch, load or store"
    );
    assert_eq!(
        edited("\"lru\"", "\"lur\""),
        "my.toml:34:15: tlb.l1i.replacement: found `lur`; expected one of lru, tree-plru, random\ndid you mean lru?"
    );
    assert_eq!(
        edited("name = \"champsim\"", ""),
        "my.toml: found no key `name`; expected `name` in this table"
    );
}

#[test]
fn what_is_not_toml_is_an_error_with_its_place() {
    assert_eq!(edited("[tlb.l1d]", "[tlb.l1d"), "my.toml:37:9: found unclosed table; expected `]`");
    assert_eq!(
        edited("ways = 4", "ways = 4\nways = 4"),
        "my.toml:34:1: found duplicate key; expected valid TOML"
    );
    assert_eq!(
        parse("", "my.toml", &[]).unwrap_err().to_string(),
        "my.toml: found no key `name`; expected `name` in this table"
    );
}

#[test]
fn overrides_change_values_and_their_sources() {
    let machine = set(&[
        "memory.latency=90 ns",
        "tlb.stlb.replacement=random",
        "tlb.l1d.serves=[\"load\"]",
        "tlb.stlb.entries=768",
        "tlb.l1d.latency=1",
        "walk_cache.pde=none",
        "cache=none",
    ])
    .unwrap();
    assert_eq!(machine.memory_latency().get(), 360);
    assert_eq!(machine.tlb["stlb"].replacement, crate::Replacement::Random);
    assert_eq!(machine.tlb["l1d"].serves, [crate::Serves(terrace_addr::AccessKind::Load)]);
    assert_eq!(machine.tlb["stlb"].entries, 768);
    assert_eq!(machine.tlb["stlb"].source.of("entries"), Some("set with --set tlb.stlb.entries=768"));
    assert_eq!(machine.tlb["l1d"].latency, 1);
    assert_eq!(
        machine.memory.source.of("latency"),
        Some(
            "assumed: 0, this machine counts and does not time; latency: set with --set memory.latency=90 ns"
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
        ("memory.latency=90", "found integer `90`; expected a time with its unit, such as \"80 ns\""),
        ("tlb=3", "found integer `3`; expected a table"),
    ] {
        assert_eq!(refused(given), format!("--set {given}: {fault}"));
    }
    assert_eq!(
        refused("tlb.stlb.entries=1000"),
        "built-in machine champsim:51:8: tlb.stlb.ways: found 12 ways; expected ways that divide the 1000 entries\n\
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
    assert_eq!(find("drmemtrace", &[]).unwrap().name, "drmemtrace");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/machines/champsim.toml");
    assert_eq!(find(path, &[]).unwrap(), builtin("champsim", &[]).unwrap());
    assert_eq!(
        find("drmemtrase", &[]).unwrap_err().to_string(),
        "drmemtrase: found no built-in machine and no file of this name; expected one of broadwell-e5-2620v4, \
         champsim, drmemtrace, sapphire-rapids-8480, or the path of a machine file\ndid you mean drmemtrace?"
    );
    assert_eq!(
        builtin("zen", &[]).unwrap_err().to_string(),
        "zen: found no built-in machine of this name; expected one of broadwell-e5-2620v4, champsim, drmemtrace, \
         sapphire-rapids-8480"
    );
    assert_eq!(
        find("no/such.toml", &[]).unwrap_err().to_string(),
        "no/such.toml: found no such file; expected a machine file"
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
    assert_eq!(largest.refused(), ": found no key `name`; expected `name` in this table");
    let directory = env!("CARGO_MANIFEST_DIR");
    assert_eq!(
        find(directory, &[]).unwrap_err().to_string(),
        format!("{directory}: found a directory; expected a machine file")
    );
}
