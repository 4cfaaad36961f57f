//! `terrace compare`, `terrace completions` and `terrace man`.

use crate::run;

use run::{data, terrace};

/// Results of two replays.
fn results(folder: &tempfile::TempDir) -> [String; 2] {
    ["4K", "2M"].map(|pages| {
        let path = folder.path().join(format!("{pages}.json"));
        let trace = data("gups.drmemtrace.zip");
        let output = terrace(&["replay", &trace, "--pages", pages, "--format", "json"]).success();
        std::fs::write(&path, output).unwrap();
        path.to_str().unwrap().to_owned()
    })
}

#[test]
fn results_are_compared_mode_by_mode() {
    let folder = tempfile::tempdir().unwrap();
    let [small, large] = results(&folder);
    let csv = terrace(&["compare", &small, &large, "--metric", "walks,cycles", "--format", "csv"]).success();
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.rsplitn(9, ',').collect()).collect();
    assert_eq!(rows.len(), 9);
    let result: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&large).unwrap()).unwrap();
    for (mode, row) in [(0, &rows[3]), (1, &rows[7])] {
        assert_eq!((row[6], row[7]), ("walks", "2M.json"), "{row:?}");
        assert_eq!(row[5], result["modes"][mode]["walks"].to_string());
        assert!(row[4].parse::<f64>().unwrap() < 0.1, "{row:?}");
        // With one seed there is nothing to be sure of.
        assert_eq!(row[..4], ["", "", "", "1"]);
    }
    let table = terrace(&["compare", &small, &large]).success();
    for part in
        ["gups.drmemtrace.zip, native", "ratio", "2M.json: pages guest 2M, host 2M, not guest 4K, host 4K"]
    {
        assert!(table.contains(part), "{part} in\n{table}");
    }
    let one = terrace(&["compare", &small, "--metric", "all"]).success();
    assert!(one.contains("native") && one.contains("2d") && one.contains("nested_references"), "{one}");
}

/// Fewer translation cycles are faster, and more of them are an exit code where that is asked for.
#[test]
fn a_slower_replay_is_an_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let [small, large] = results(&folder);
    terrace(&["compare", &small, &large, "--fail-if-slower", "0"]).success();
    let (table, error) = terrace(&["compare", &large, &small, "--fail-if-slower", "10"]).ended(3);
    assert!(table.contains("ratio"), "{table}");
    assert!(error.contains("cycles of 4K.json is +") && error.contains("more than 10 %"), "{error}");
    let walks = ["compare", &large, &small, "--metric", "walks", "--fail-if-slower", "10"];
    let (_, error) = terrace(&walks).ended(1);
    assert!(error.contains("expected two columns of cycles, or another --metric"), "{error}");
}

#[test]
fn what_is_no_result_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let [small, _] = results(&folder);
    let trace = data("gups.drmemtrace.zip");
    assert!(terrace(&["compare", &trace]).failure(1).contains("expected a result of terrace replay"));
    let other = folder.path().join("other.json");
    std::fs::write(&other, "{\"schema\": \"else\"}").unwrap();
    let error = terrace(&["compare", &small, other.to_str().unwrap()]).failure(1);
    assert!(error.contains("other.json: found the schema else"), "{error}");
    let error = terrace(&["compare", &small, "--metric", "walkz"]).failure(1);
    assert!(error.contains("found walkz"), "{error}");
}

#[test]
fn completions_and_manual_pages() {
    for shell in ["bash", "zsh", "fish"] {
        let script = terrace(&["completions", shell]).success();
        for part in ["replay", "show-config"] {
            assert!(script.contains(part), "{shell}: {part}");
        }
    }
    assert!(terrace(&["man"]).success().contains("terrace\\-replay"));
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(terrace(&["man", "--output", folder.path().to_str().unwrap()]).success(), "");
    for page in ["terrace.1", "terrace-run.1", "terrace-replay.1", "terrace-trace-convert.1"] {
        assert!(folder.path().join(page).exists(), "{page}");
    }
}
