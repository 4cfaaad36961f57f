//! `terrace reproduce` and the lists of figures, as a user runs them. What figures measure is held beside the code.

mod run;

use run::terrace;

fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` in\n{text}");
    }
}

#[test]
fn figures_are_listed() {
    let list = terrace(&["list", "figures"]).success();
    contains(&list, &["gemini-fig2", "xgemini-fig7", "published in", "Transactions on Computers"]);
    assert_eq!(terrace(&["reproduce"]).success(), list);
}

#[test]
fn the_scenario_of_a_figure_is_one_that_runs() {
    let scenario = terrace(&["reproduce", "xgemini-fig7", "--show-scenario"]).success();
    assert_eq!(terrace(&["list", "figures", "xgemini-fig7"]).success(), scenario);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, scenario).unwrap();
    let configurations = terrace(&["run", path.to_str().unwrap(), "--show-config"]).success();
    assert_eq!(configurations.matches("# run ").count(), 2 * 2 * 17 * 4);
}

#[test]
fn bad_input_is_told_in_a_message() {
    for (arguments, code, parts) in [
        (
            vec!["reproduce", "xgemini-fig17"],
            1,
            vec![
                "found no figure xgemini-fig17",
                "expected one of gemini-fig2",
                "did you mean xgemini-fig7?",
            ],
        ),
        (vec!["list", "figures", "gemini-fig3"], 1, vec!["did you mean gemini-fig2?"]),
        (vec!["reproduce", "--reduced"], 2, vec!["<FIGURE>"]),
        (vec!["reproduce", "xgemini-fig7", "--show-scenario", "--reduced"], 2, vec!["cannot be used with"]),
        (vec!["reproduce", "xgemini-fig7", "--format", "xml"], 2, vec!["xml", "table, json, csv"]),
        (vec!["reproduce", "xgemini-fig7", "--threads", "0"], 2, vec!["--threads"]),
        (
            vec!["reproduce", "xgemini-fig7", "--reduced", "--picture", "/nonexistent/x.svg"],
            1,
            vec!["/nonexistent/x.svg", "No such file"],
        ),
    ] {
        let error = terrace(&arguments).failure(code);
        contains(&error, &parts);
    }
}
