//! The machine of a scenario, and changes of it.

use super::*;
use crate::MachineChoice;

fn machine(text: &str, overrides: &[&str]) -> MachineChoice {
    read(text, overrides).unwrap().remove(0).scenario.machine
}

fn changes(machine: &MachineChoice) -> Vec<String> {
    machine.overrides().unwrap().iter().map(ToString::to_string).collect()
}

/// The least file, with this in front of its VM.
fn with(table: &str) -> String {
    LEAST.replace("[[vm]]\n", &format!("{table}\n[[vm]]\n"))
}

const TABLE: &str = "[machine]\nname = \"zen4-9554\"\ntlb.stlb.ways = 8\nmemory.dram0.latency = \"90 ns\"\n";

#[test]
fn a_machine_is_a_name_or_a_table_of_it_and_of_changes() {
    let least = machine(LEAST, &[]);
    assert_eq!((least.name.as_str(), changes(&least)), ("broadwell-e5-2620v4", Vec::new()));
    let table =
        with("[machine]\nname = \"drmemtrace\"\ntlb.stlb.entries = 768\nmemory.dram0.latency = \"90 ns\"\n");
    let table = machine(&table, &[]);
    assert_eq!(table.name, "drmemtrace");
    assert_eq!(changes(&table), ["memory.dram0.latency=90 ns", "tlb.stlb.entries=768"]);
    // Without a name it is the default machine.
    let unnamed = machine(&with("[machine.tlb.stlb]\nentries = 768\n"), &[]);
    assert_eq!(
        (unnamed.name.as_str(), changes(&unnamed)),
        ("broadwell-e5-2620v4", vec!["tlb.stlb.entries=768".into()])
    );
    let found = terrace_machine::find(&unnamed.name, &unnamed.overrides().unwrap()).unwrap();
    assert_eq!(found.machine.tlb["stlb"].entries, 768);
}

#[test]
fn overrides_change_a_name_and_a_table() {
    let entries = "machine.tlb.stlb.entries=768";
    for text in [LEAST.to_owned(), with("[machine]\ntlb.stlb.entries = 512\n"), FULL.to_owned()] {
        let changed = machine(&text, &[entries]);
        assert_eq!(changed.name, "broadwell-e5-2620v4");
        assert_eq!(changes(&changed), ["tlb.stlb.entries=768"]);
    }
    // Another machine keeps what was changed, whichever comes first.
    for overrides in [["machine=drmemtrace", entries], [entries, "machine=drmemtrace"]] {
        let changed = machine(FULL, &overrides);
        assert_eq!(
            (changed.name.as_str(), changes(&changed)),
            ("drmemtrace", vec!["tlb.stlb.entries=768".into()])
        );
    }
    // A structure is left out.
    assert_eq!(changes(&machine(LEAST, &["machine.tlb.stlb=none"])), ["tlb.stlb=none"]);
}

#[test]
fn machines_are_swept_and_written_out() {
    let runs = read(LEAST, &["machine.tlb.stlb.entries=768,1536"]).unwrap();
    assert_eq!(runs[1].labels, [("entries".to_owned(), "1536".to_owned())]);
    assert_eq!(changes(&runs[0].scenario.machine), ["tlb.stlb.entries=768"]);
    let text = runs[0].scenario.to_toml();
    assert!(text.contains("[machine.tlb.stlb]\nentries = 768\n"), "{text}");
    assert_eq!(read(&text, &[]).unwrap()[0].scenario, runs[0].scenario);
    let sweep =
        "[[sweep]]\nname = \"a\"\nvalue = [{ name = \"b\", set = { machine.tlb.stlb.entries = 768 } }]\n";
    let swept = machine(&format!("{LEAST}{sweep}"), &[]);
    assert_eq!(changes(&swept), ["tlb.stlb.entries=768"]);
}

#[test]
fn a_change_that_the_machine_does_not_take_is_an_error_where_it_stands() {
    let error = |text: &str, overrides: &[&str]| read(text, overrides).unwrap_err().to_string();
    let entires = error(LEAST, &["machine.tlb.stlb.entires=768"]);
    assert!(
        entires.starts_with("--set machine.tlb.stlb.entires=768: found no key `entires` in tlb.stlb"),
        "{entires}"
    );
    assert!(entires.ends_with("did you mean entries?"), "{entires}");
    let stlb = error(LEAST, &["machine.stlb.entries=768"]);
    assert!(stlb.contains("found no key `stlb` in the machine; expected one of"), "{stlb}");
    let file = error(&with(TABLE), &[]);
    assert!(file.starts_with("my.toml:4:17: machine.tlb.stlb.ways: "), "{file}");
    let ways = error(LEAST, &["machine.tlb.stlb.ways=7"]);
    assert!(ways.starts_with("--set machine.tlb.stlb.ways=7: found "), "{ways}");
    let twice = error(&with("[machine]\ntlb.stlb.entries = 768\n\"tlb.stlb.entries\" = 512\n"), &[]);
    assert!(twice.contains("found the key `tlb.stlb.entries` twice; expected it once"), "{twice}");
    let number = error(LEAST, &["machine=5"]);
    assert!(number.contains("found integer `5`"), "{number}");
    // A value beside the changed one that no longer fits it.
    let entries = error(LEAST, &["machine.tlb.stlb.entries=1537"]);
    assert!(entries.starts_with("--set machine.tlb.stlb.entries=1537: found "), "{entries}");
}
