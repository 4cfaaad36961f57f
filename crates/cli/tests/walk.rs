//! `terrace walk`: every step of one translation.

#[expect(dead_code, reason = "a walk needs no trace")]
mod run;

use run::terrace;
use serde_json::Value;

const ADDRESS: &str = "0x7f1234567abc";
const MODES: [&str; 7] = ["native", "2d", "shadow", "nested", "segment", "shadow-on-ept", "shadow-on-shadow"];

fn text(arguments: &[&str]) -> String {
    let all: Vec<&str> = ["walk", ADDRESS].iter().chain(arguments).copied().collect();
    terrace(&all).success()
}

fn json(arguments: &[&str]) -> Value {
    let all: Vec<&str> = arguments.iter().chain(&["--format", "json"]).copied().collect();
    serde_json::from_str(&text(&all)).unwrap()
}

/// Table entries read in each mode.
fn references(pages: &str, options: &[&str]) -> [u64; 7] {
    let modes = MODES.join(",");
    let arguments: Vec<&str> = ["--mode", &modes, "--pages", pages].iter().chain(options).copied().collect();
    let result = json(&arguments);
    [0, 1, 2, 3, 4, 5, 6].map(|place| {
        let mode = &result["modes"][place];
        assert_eq!(mode["mode"], MODES[place]);
        let steps = mode["steps"].as_array().unwrap();
        let read = steps.iter().filter(|step| step["action"] == "read").count();
        assert_eq!(mode["walk_references"], read, "as many as steps, {}, {pages}", MODES[place]);
        mode["walk_references"].as_u64().unwrap()
    })
}

/// The table of the walk's definition, as figures.
#[test]
fn each_mode_reads_as_many_entries_as_its_tables_have() {
    //                                        native 2d shadow nested segment on-ept on-shadow
    assert_eq!(references("4K", &[]), [4, 24, 4, 24, 4, 24, 4]);
    assert_eq!(references("2M", &[]), [3, 15, 3, 15, 3, 15, 3]);
    assert_eq!(references("1G", &[]), [2, 8, 2, 8, 2, 8, 2]);
    // In one dimension only; what is composed is as large as the smallest page that it is composed of.
    assert_eq!(references("guest=2M", &[]), [3, 19, 4, 19, 3, 24, 4]);
    assert_eq!(references("host=2M,hypervisor=2M", &[]), [4, 19, 4, 19, 4, 19, 4]);
    assert_eq!(references("guest=1G", &[]), [2, 14, 4, 14, 2, 24, 4]);
    assert_eq!(references("host=1G,hypervisor=1G", &[]), [4, 14, 4, 14, 4, 14, 4]);
    let levels =
        |paging, extended| [format!("paging.levels={paging}"), format!("paging.ept_levels={extended}")];
    let with = |levels: [String; 2]| references("4K", &["--set", &levels[0], "--set", &levels[1]]);
    assert_eq!(with(levels(5, 5)), [5, 35, 5, 35, 5, 35, 5]);
    assert_eq!(with(levels(5, 4)), [5, 29, 5, 29, 5, 29, 5]);
    assert_eq!(with(levels(4, 5)), [4, 29, 4, 29, 4, 29, 4]);
}

/// Every combination of page sizes, by the general rule: in two dimensions each level of the first costs one entry and
/// those of translating its address, and the data's address is translated last.
#[test]
fn every_combination_of_page_sizes_follows_the_rule() {
    let sizes = [("4K", 4), ("2M", 3), ("1G", 2)];
    for (guest, of_guest) in sizes {
        for (hypervisor, of_hypervisor) in sizes {
            for (host, of_host) in sizes {
                // The guest's own table pages are in pages of the layers below, of one size each.
                let two = |first: u64, second: u64| first * (1 + second) + second;
                let expected = [
                    of_guest,
                    two(of_guest, of_host),
                    of_guest.max(of_host),
                    two(of_guest, of_hypervisor.max(of_host)),
                    of_guest,
                    two(of_guest.max(of_hypervisor), of_host),
                    of_guest.max(of_hypervisor).max(of_host),
                ];
                let pages = format!("guest={guest},hypervisor={hypervisor},host={host}");
                assert_eq!(references(&pages, &[]), expected, "{pages}");
            }
        }
    }
}

fn steps(result: &Value) -> &Vec<Value> {
    result["modes"][0]["steps"].as_array().unwrap()
}

/// For each level of the guest four entries of EPT and then the guest's; and four for the data.
#[test]
fn a_two_dimensional_walk_visits_its_tables_in_order() {
    let result = json(&[]);
    assert_eq!(result["modes"][0]["mode"], "2d", "the default");
    let read: Vec<_> = steps(&result)
        .iter()
        .map(|step| {
            (
                step["layers"][0].as_str().unwrap(),
                step["entry"].as_str().unwrap(),
                step["held"].as_str().unwrap(),
            )
        })
        .collect();
    let mut expected = Vec::new();
    for held in ["PML4E", "PDPTE", "PDE", "PTE", "data"] {
        expected.extend(["EPT PML4E", "EPT PDPTE", "EPT PDE", "EPT PTE"].map(|entry| ("host", entry, held)));
        expected.push(("guest", held, "data"));
    }
    expected.pop();
    assert_eq!(expected.len(), 24);
    assert_eq!(read, expected);
}

/// The guest's entries have an address in the guest and one in memory, and the address that EPT was just walked for is
/// the one in the guest.
#[test]
fn entries_have_an_address_in_each_space() {
    for (mode, space) in [("2d", "GPA"), ("nested", "GPA"), ("segment", "GPA"), ("shadow-on-ept", "GHPA")] {
        let result = json(&["--mode", mode]);
        let mut translated = None;
        for step in steps(&result) {
            if step["action"] == "read" && step["dimension"] == 1 {
                assert_eq!(step["translates"]["address"], ADDRESS);
                assert_eq!(step["at"][space], translated.take().unwrap(), "{mode}");
                assert_eq!(step["at"].as_object().unwrap().len(), 2, "{mode}");
            } else {
                assert_eq!(step["translates"]["space"], space);
                translated = Some(step["translates"]["address"].clone());
                assert!(step["action"] == "relocation" || step["at"].as_object().unwrap().len() == 1);
            }
        }
    }
    let result = json(&["--mode", "native"]);
    assert!(steps(&result).iter().all(|step| step["at"].as_object().unwrap().keys().eq(["HPA"])));
}

#[test]
fn without_caches_every_entry_comes_from_memory() {
    let result = json(&["--mode", "nested"]);
    let mut so_far = 0;
    for step in steps(&result) {
        assert_eq!((step["action"].as_str(), step["served_by"].as_str()), (Some("read"), Some("memory")));
        so_far += step["latency"].as_u64().unwrap();
        assert_eq!(step["cycles"], so_far);
    }
    // 110 ns at 2 GHz.
    assert_eq!((so_far, &result["modes"][0]["cycles"]), (24 * 220, &Value::from(24 * 220)));
}

/// The same walk as a replay's: where frames lie does not depend on the command.
#[test]
fn the_seed_the_placement_and_the_machine_count() {
    let hpa = |arguments: &[&str]| json(arguments)["modes"][0]["hpa"].clone();
    assert_eq!(hpa(&["--seed", "1"]), hpa(&[]));
    assert_ne!(hpa(&["--seed", "2"]), hpa(&[]));
    assert_ne!(hpa(&["--frames", "contiguous"]), hpa(&[]));
    assert_ne!(hpa(&["--memory", "128G"]), hpa(&[]));
    let slow = json(&["--set", "memory.dram0.latency=1 us", "--set", "memory.dram1.latency=2 us"]);
    assert_eq!(slow["modes"][0]["cycles"], 24 * 2000);
    let zen = json(&["--machine", "zen4-9554"]);
    assert_eq!(
        (&steps(&zen)[0]["entry"], &steps(&zen)[1]["entry"]),
        (&"nPT PML4E".into(), &"nPT PDPE".into())
    );
}

#[test]
fn a_mapping_file_gives_pages_their_size_and_frame() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mapping.txt");
    std::fs::write(&file, "guest 0x7f1234400000 0x7f1234600000 2M 0x200000\n").unwrap();
    let result = json(&["--mode", "segment", "--mapping", file.to_str().unwrap()]);
    let last = &steps(&result)[5];
    assert_eq!((&last["page"], &last["found"]["address"]), (&"2M".into(), &"0x200000".into()));
    assert_eq!(result["modes"][0]["hpa"], "0x40367abc", "behind a base of 1 GiB");
    assert!(result["mapping"]["file_sha256"].is_string());
}

#[test]
fn a_warm_access_hits_the_tlb() {
    for kind in ["load", "store", "fetch"] {
        let result = json(&["--warm", "--kind", kind, "--mode", "native,2d,segment"]);
        assert_eq!(result["after"], ADDRESS);
        for mode in result["modes"].as_array().unwrap() {
            assert_eq!((&mode["walk_references"], &mode["cycles"]), (&0.into(), &0.into()));
            let [only] = &mode["steps"].as_array().unwrap()[..] else { panic!("one step: {mode}") };
            assert_eq!((&only["structure"], &only["hit"]), (&"l1_tlb".into(), &"4K".into()));
        }
    }
}

/// What a neighbour's walk leaves behind: the page directory's entry, and the line of the last entry.
#[test]
fn after_a_neighbour_the_walk_is_short() {
    let result = json(&["--mode", "native", "--warm=0x7f1234566abc"]);
    let found: Vec<_> = steps(&result)
        .iter()
        .map(|step| {
            (
                step["structure"].as_str().or(step["entry"].as_str()).unwrap(),
                step["hit"].as_str(),
                step["served_by"].as_str(),
            )
        })
        .collect();
    let expected = [
        ("l1_tlb", None, None),
        ("stlb", None, None),
        ("walk_cache", Some("PDE"), None),
        ("PTE", None, Some("l1d")),
    ];
    assert_eq!(found, expected);
    assert_eq!(result["modes"][0]["cycles"], 5);
}

/// Golden files: a change of any byte is a change of the model, the schema or what people read, and is explained in the
/// changelog. `TERRACE_ACCEPT=1` writes them anew.
#[track_caller]
fn is_golden(name: &str, found: &str) {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("TERRACE_ACCEPT").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(&path).unwrap(), "{path}");
}

#[test]
fn what_people_read_is_golden() {
    is_golden("walk-2d.txt", &text(&[]));
    is_golden("walk-segment.txt", &text(&["--mode", "segment", "--pages", "2M", "--kind", "fetch"]));
    is_golden("walk-warm.txt", &text(&["--mode", "native,nested", "--warm=0x7f1234566abc"]));
}

#[test]
fn json_is_golden() {
    is_golden("walk.json", &text(&["--mode", "segment,2d", "--pages", "1G", "--format", "json"]));
}

/// Addresses are read with 0x and without, and mean the same.
#[test]
fn an_address_needs_no_prefix() {
    assert_eq!(terrace(&["walk", "7F1234567ABC"]).success(), text(&[]));
    assert!(terrace(&["walk", "ffffffff81000000"]).success().contains("GVA 0xffffffff81000000 is HPA 0x"));
}

#[test]
fn what_cannot_be_walked_is_one_clear_error() {
    for (arguments, code, parts) in [
        (&["zz"][..], 2, &["zz", "hexadecimal"][..]),
        (&["0x8000000000000000"], 2, &["0x8000000000000000", "canonical"]),
        (&["0x12345678123456789"], 2, &["0x12345678123456789", "64 bits"]),
        (&[ADDRESS, "--warm=zz"], 2, &["zz", "--warm", "hexadecimal"]),
        (&[], 2, &["<ADDRESS>"]),
        (&[ADDRESS, "--mode", "3d"], 2, &["3d", "native, 2d, shadow"]),
        (&[ADDRESS, "--kind", "jump"], 2, &["jump", "fetch, load or store"]),
        (&[ADDRESS, "--pages", "8K"], 2, &["8K", "4K, 2M, 1G"]),
        (&[ADDRESS, "--memory", "3 GiB"], 2, &["3 GiB", "power of two"]),
        (&["0x4000000000000"], 1, &["found address 0x4000000000000", "4 levels", "--set paging.levels=5"]),
        (&[ADDRESS, "--warm=0x4000000000000"], 1, &["found address 0x4000000000000", "4 levels"]),
        (&[ADDRESS, "--mode", "2d,2d"], 1, &["found 2d twice"]),
        (&[ADDRESS, "--machine", "zen9"], 1, &["zen9"]),
        (&[ADDRESS, "--set", "tlb.stlb.entrys=8"], 1, &["tlb.stlb.entrys", "entries"]),
        (&[ADDRESS, "--mapping", "/nonexistent"], 1, &["/nonexistent", "No such file"]),
        // The access before takes the only page.
        (
            &[ADDRESS, "--pages", "1G", "--memory", "1G", "--warm=0"],
            1,
            &["GPA memory for 1G is full: 1024 MiB", "--memory"],
        ),
    ] {
        let all: Vec<&str> = ["walk"].iter().chain(arguments).copied().collect();
        let error = terrace(&all).failure(code);
        assert!(error.starts_with("error: ") && parts.iter().all(|part| error.contains(part)), "{error}");
        assert!(code == 2 || error.lines().count() <= 2, "one short message:\n{error}");
    }
    assert!(
        terrace(&["walk", "0x4000000000000", "--set", "paging.levels=5"])
            .success()
            .contains("29 entries read")
    );
}
