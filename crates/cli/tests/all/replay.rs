//! `terrace replay`, as a user runs it.

use crate::run;

use run::{data, terrace};

/// The JSON result of a replay of one of the traces in `tests/data`.
fn json(trace: &str, arguments: &[&str]) -> serde_json::Value {
    let path = data(trace);
    let all: Vec<&str> = ["replay", &path, "--format", "json"].iter().chain(arguments).copied().collect();
    serde_json::from_str(&terrace(&all).success()).unwrap()
}

#[test]
fn the_readmes_first_command_prints_the_table() {
    let output = terrace(&["replay", &data("gups.drmemtrace.zip")]).success();
    for part in ["native", "2d", "STLB misses", "walk cycles", "translation cycles", "sapphire-rapids-8480"] {
        assert!(output.contains(part), "{part} in\n{output}");
    }
}

/// The golden result: a change of any byte is a change of the model, the schema or the provenance, and is explained
/// in the changelog. `TERRACE_ACCEPT=1` writes it anew.
#[test]
fn json_of_gups_is_the_golden_one() {
    let found = terrace(&["replay", &data("gups.drmemtrace.zip"), "--format", "json"]).success();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/gups.json");
    if std::env::var_os("TERRACE_ACCEPT").is_some() {
        std::fs::write(path, &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(path).unwrap());
}

#[test]
fn csv_has_a_row_for_each_mode_and_a_column_for_each_metric() {
    let output = terrace(&["replay", &data("gups.drmemtrace.zip"), "--format", "csv"]).success();
    let rows: Vec<Vec<&str>> = output.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row.len() == rows[0].len()));
    assert_eq!((rows[1][0], rows[2][0]), ("gups.drmemtrace.zip", "gups.drmemtrace.zip"));
    assert_eq!((rows[1][1], rows[2][1]), ("native", "2d"));
    let json = json("gups.drmemtrace.zip", &[]);
    for (name, value) in rows[0].iter().zip(&rows[1]).skip(2) {
        assert_eq!(json["modes"][0][name].to_string(), *value, "{name}");
    }
}

/// Same inputs, seed and model version: the same bytes.
#[test]
fn results_reproduce_and_depend_on_the_seed() {
    let with = |seed| json("mix.champsim.xz", &["--seed", seed])["modes"].to_string();
    assert_eq!(with("7"), with("7"));
    assert_ne!(with("7"), with("8"), "frames are scattered by the seed, so caches differ");
}

#[test]
fn a_set_value_changes_the_machine_and_is_in_the_result() {
    let set = ["--machine", "drmemtrace", "--set", "tlb.l1d.entries=32", "--pages", "2M", "--mode", "native"];
    let result = json("gups.drmemtrace.zip", &set);
    assert_eq!(result["modes"][0]["dtlb_misses"], 44_975);
    assert_eq!(result["machine"]["overrides"][0], "tlb.l1d.entries=32");
}

#[test]
fn huge_pages_in_one_layer_shorten_walks_and_in_both_save_them() {
    let count = |pages, name: &str| {
        let result = json("gups.drmemtrace.zip", &["--mode", "2d", "--pages", pages]);
        result["modes"][0][name].as_u64().unwrap()
    };
    let base = "guest=4K,host=4K";
    for one_sided in ["guest=2M,host=4K", "guest=4K,host=2M"] {
        assert_eq!(count(one_sided, "stlb_misses"), count(base, "stlb_misses"), "splintering saves no miss");
        assert!(count(one_sided, "walk_references") < count(base, "walk_references"));
    }
    assert!(count("2M", "stlb_misses") * 100 < count(base, "stlb_misses"));
}

#[test]
fn contiguous_frames_share_table_lines() {
    let cycles = |frames| {
        json("gups.drmemtrace.zip", &["--mode", "2d", "--frames", frames])["modes"][0]["walk_cycles"].as_u64()
    };
    assert!(cycles("contiguous") < cycles("scattered"));
}

#[test]
fn a_mapping_file_gives_ranges_their_page_size() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mapping.txt");
    std::fs::write(&file, "# all of the lower half in 1G pages\nguest 0 0x800000000000 1G\n").unwrap();
    let result = json("gups.drmemtrace.zip", &["--mode", "native", "--mapping", file.to_str().unwrap()]);
    let native = &result["modes"][0];
    assert_eq!(native["translations_1g"], native["walks"]);
    assert!(result["mapping"]["file_sha256"].is_string());
}

#[test]
fn a_users_machine_file_is_equal_to_a_built_in_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    let text = include_str!("../../../machine/machines/broadwell-e5-2620v4.toml");
    std::fs::write(&file, text).unwrap();
    let mine = json("gups.drmemtrace.zip", &["--machine", file.to_str().unwrap()]);
    assert_eq!(mine, json("gups.drmemtrace.zip", &["--machine", "broadwell-e5-2620v4"]));
}

/// Every command that the help shows works as shown.
#[test]
fn the_examples_in_the_help_work() {
    let mut examples = 0;
    for command in ["replay", "walk", "list"] {
        let help = terrace(&[command, "--help"]).success();
        for example in help.lines().filter_map(|line| line.strip_prefix("  terrace ")) {
            let words = example.split(' ').map(|word| word.replace("tests/data/", &data("")));
            let words: Vec<String> = words.collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            assert!(!terrace(&words).success().is_empty(), "{example}");
            examples += 1;
        }
    }
    assert_eq!(examples, 14);
}

/// Several traces are replayed side by side, each as if it were alone.
#[test]
fn several_traces_have_a_result_each() {
    let traces = ["gups.drmemtrace.zip", "mix.champsim.xz", "true.lackey.gz"];
    let paths = traces.map(data);
    let mut arguments = vec!["replay", "--mode", "native,2d", "--format", "json", "--threads", "3"];
    arguments.extend(paths.iter().map(String::as_str));
    let all: serde_json::Value = serde_json::from_str(&terrace(&arguments).success()).unwrap();
    for (place, trace) in traces.into_iter().enumerate() {
        assert_eq!(all[place], json(trace, &["--mode", "native,2d"]), "{trace}");
    }
    assert_eq!(all.as_array().unwrap().len(), 3);
}

/// What is skipped is not replayed, what warms up is not counted, and the three parts make up the whole.
#[test]
fn a_window_of_references() {
    let count = |arguments: &[&str], name: &str| {
        json("gups.drmemtrace.zip", arguments)["modes"][0][name].as_u64().unwrap()
    };
    let whole = count(&["--mode", "2d"], "stlb_misses");
    let first = count(&["--mode", "2d", "--limit", "300000"], "stlb_misses");
    let rest = count(&["--mode", "2d", "--warmup", "300000"], "stlb_misses");
    assert!(first > 0 && rest > 0);
    assert_eq!(first + rest, whole);
    let cold = count(&["--mode", "2d", "--skip", "300000"], "stlb_misses");
    assert!(cold > rest, "without the warm-up more is missed: {cold} and {rest}");
    assert_eq!(count(&["--skip", "100000", "--warmup", "10", "--limit", "1234"], "references"), 1234);
    let beyond = ["--skip", "100000000"];
    assert_eq!((count(&beyond, "references"), count(&beyond, "cycles")), (0, 0));
}

#[test]
fn registries_are_listed() {
    for (what, entry) in [
        ("machines", "broadwell-e5-2620v4"),
        ("modes", "2d"),
        ("metrics", "nested_walk_cache_hits"),
        ("formats", "lackey"),
    ] {
        assert!(terrace(&["list", what]).success().contains(entry));
    }
}
