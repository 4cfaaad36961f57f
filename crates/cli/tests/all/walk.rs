//! `terrace walk`: the steps of one translation.

use crate::run;

use run::terrace;
use serde_json::Value;

const ADDRESS: &str = "0x7f1234567abc";

fn walks(arguments: &[&str]) -> Value {
    let all: Vec<&str> = ["walk", ADDRESS, "--format", "json"].iter().chain(arguments).copied().collect();
    serde_json::from_str(&terrace(&all).success()).unwrap()
}

fn references(mode: &str, pages: &str, options: &[&str]) -> u64 {
    let arguments: Vec<&str> = ["--mode", mode, "--pages", pages].iter().chain(options).copied().collect();
    walks(&arguments)["walks"][0]["walk_references"].as_u64().unwrap()
}

/// The reference table: (mode, [4K everywhere, 2M in the guest only, 2M everywhere, 1G in the guest only, 1G everywhere]).
#[test]
fn each_mode_reads_as_many_entries_as_its_tables_have() {
    const ONE: [u64; 5] = [4, 4, 3, 4, 2];
    const TWO: [u64; 5] = [24, 19, 15, 14, 8];
    for (mode, expected) in [
        ("native", [4, 3, 3, 2, 2]),
        ("2d", TWO),
        // A composed leaf is as large as the smaller of its parts.
        ("shadow", ONE),
        ("nested", TWO),
        ("segment", [4, 3, 3, 2, 2]),
        ("shadow-on-ept", [24, 24, 15, 24, 8]),
        ("shadow-on-shadow", ONE),
    ] {
        let pages = ["4K", "guest=2M", "2M", "guest=1G", "1G"];
        assert_eq!(pages.map(|pages| references(mode, pages, &[])), expected, "{mode}");
    }
}

#[test]
fn five_levels_read_35_entries_and_29_if_only_the_guest_has_them() {
    let five = ["--set", "paging.levels=5", "--set", "paging.ept_levels=5"];
    let four = ["--set", "paging.levels=5", "--set", "paging.ept_levels=4"];
    let only_host = ["--set", "paging.levels=4", "--set", "paging.ept_levels=5"];
    assert_eq!(references("2d", "4K", &five), 35);
    assert_eq!(references("nested", "4K", &five), 35);
    assert_eq!(references("2d", "4K", &four), 29);
    assert_eq!(references("2d", "4K", &only_host), 29);
    assert_eq!(references("native", "4K", &five), 5);
}

/// For each guest level four entries of EPT and then the guest's, and four for the data.
#[test]
fn entries_come_in_the_order_of_a_two_dimensional_walk() {
    let result = walks(&["--mode", "2d"]);
    let steps = result["walks"][0]["steps"].as_array().unwrap();
    let entries: Vec<_> = steps
        .iter()
        .filter(|step| step["step"] == "entry")
        .map(|step| (step["dimension"].as_u64().unwrap(), step["level"].as_u64().unwrap()))
        .collect();
    let mut expected = Vec::new();
    for level in [4, 3, 2, 1] {
        expected.extend([(2, 4), (2, 3), (2, 2), (2, 1), (1, level)]);
    }
    expected.extend([(2, 4), (2, 3), (2, 2), (2, 1)]);
    assert_eq!(entries, expected);
    let cycles = steps.iter().filter_map(|step| step["latency"].as_u64()).sum::<u64>();
    assert_eq!(result["walks"][0]["cycles"], cycles);
}

/// Every EPT entry of a level-1 walk is for the address of the guest's entry that is read next.
#[test]
fn the_addresses_of_a_walk_hang_together() {
    let result = walks(&["--mode", "2d"]);
    let steps = result["walks"][0]["steps"].as_array().unwrap();
    let mut asked = None;
    let mut guest_entries = 0;
    for step in steps.iter().filter(|step| step["step"] == "entry") {
        if step["dimension"] == 2 {
            asked = step["for"].as_str();
        } else {
            guest_entries += 1;
            assert_eq!(asked.unwrap(), format!("GPA {}", step["entry_lower"].as_str().unwrap()));
        }
    }
    assert_eq!(guest_entries, 4);
}

#[test]
fn for_people_each_entry_is_a_line() {
    let text = terrace(&["walk", ADDRESS, "--mode", "segment"]).success();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "load of 0x7f1234567abc, segment, on sapphire-rapids-8480, nothing cached");
    assert_eq!(lines.iter().filter(|line| line.contains("base and limit")).count(), 5);
    for entry in ["PML4E", "PDPTE", "PDE", "PTE"] {
        assert!(lines.iter().any(|line| line.contains(&format!(" {entry} "))), "{entry} in\n{text}");
    }
    assert!(lines.last().unwrap().ends_with("4 entries read, 880 cycles"), "{text}");
    assert!(!text.contains("miss"), "nothing is looked up without --warm:\n{text}");
}

#[test]
fn a_warm_access_hits() {
    let text = terrace(&["walk", ADDRESS, "--mode", "2d", "--warm"]).success();
    assert!(text.contains("first-level TLB") && text.contains("hit, 4K"), "{text}");
    assert!(text.contains("0 entries read"), "{text}");
}

#[test]
fn what_cannot_be_walked_is_one_clear_error() {
    for (address, parts) in [
        ("zz", ["zz", "hexadecimal"]),
        ("0x8000000000000000", ["0x8000000000000000", "canonical"]),
        ("0x12345678123456789", ["0x12345678123456789", "64 bits"]),
    ] {
        let error = terrace(&["walk", address]).failure(2);
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }
    let error = terrace(&["walk", "0x4000000000000", "--set", "paging.levels=4"]).failure(1);
    assert!(error.contains("0x4000000000000") && error.contains("4 levels"), "{error}");
    let error = terrace(&["walk", ADDRESS, "--mode", "3d"]).failure(2);
    assert!(error.contains("native, 2d, shadow"), "{error}");
}

/// Schemes of the literature change what a walk reads: composed upper levels leave 8, 12, 16 and 20 entries of 24, and
/// a TLB in memory remembers nothing of a bare machine.
#[test]
fn schemes_change_what_is_read() {
    let read = |set: &str| {
        let text = terrace(&[
            "walk",
            "0x7f1234567000",
            "--mode",
            "2d",
            "--machine",
            "broadwell-e5-2620v4",
            "--set",
            set,
        ]);
        text.success()
    };
    for (level, entries) in [(1, 8), (2, 12), (3, 16), (4, 20)] {
        let text = read(&format!("scheme.switch_level={level}"));
        assert!(text.contains(&format!(": {entries} entries read")), "{text}");
    }
    assert!(read("scheme.third_level=1024").contains(": 24 entries read"));
}
