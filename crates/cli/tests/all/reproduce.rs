//! `terrace reproduce` and the lists of figures, as a user runs them. What figures measure is held beside the code.

use crate::run;

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
fn a_figure_over_programs_stands_beside_what_was_published() {
    let arguments = ["reproduce", "xgemini-fig16", "--program", "parsec-ferret", "--draws", "1", "--quiet"];
    let table = terrace(&arguments).success();
    contains(
        &table,
        &["parsec-ferret", "104.7 |", " to ", "mean distance", "lies", "1 draws", "of 1 published values"],
    );
    contains(&table, &["It holds that no system loses more than 3 %: the worst is"]);
}

#[test]
fn a_figure_over_programs_is_drawn_and_few_draws_are_called_few() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("figure.svg");
    let figure =
        ["reproduce", "xgemini-fig16", "--program", "parsec-ferret", "--draws", "1", "--format", "csv"];
    let (_, said) = terrace(&[&figure[..], &["--picture", path.to_str().unwrap()]].concat()).ended(0);
    contains(&said, &["--draws 1: a band is to be of at least 30 draws"]);
    let svg = std::fs::read_to_string(&path).unwrap();
    // The published bars of xgemini and its mean, and simulated ones of it and of xgemini-late.
    assert_eq!(svg.matches("<rect ").count(), 2 + 4, "{svg}");
    contains(
        &svg,
        &["throughput, in % of base", "parsec-ferret, xgemini: published 104.7 %", "class=\"band\""],
    );
}

#[test]
fn a_figure_over_programs_as_rows_of_runs_that_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let keep = folder.path().join("kept");
    let figure = ["reproduce", "xgemini-fig11-clean", "--program", "parsec-x264", "--format", "csv"];
    let arguments = [&figure[..], &["--quiet", "--draws", "1", "--keep", keep.to_str().unwrap()]].concat();
    let csv = terrace(&arguments).success();
    let files = || -> std::collections::BTreeMap<_, _> {
        let files = std::fs::read_dir(&keep).unwrap().map(Result::unwrap);
        files.map(|file| (file.path(), file.metadata().unwrap().modified().unwrap())).collect()
    };
    let kept = files();
    assert_eq!(kept.len(), 2 * 4);
    assert_eq!(terrace(&arguments).success(), csv, "nothing runs, and nothing differs");
    assert_eq!(files(), kept);
    // One of them is made again, and is the same.
    let (one, _) = kept.first_key_value().unwrap();
    let text = std::fs::read(one).unwrap();
    std::fs::remove_file(one).unwrap();
    assert_eq!(terrace(&arguments).success(), csv);
    assert_eq!(std::fs::read(one).unwrap(), text);
    let message = terrace(&[&figure[..], &["--keep", one.to_str().unwrap()]].concat()).failure(1);
    contains(&message, &["--keep", "expected a folder"]);
    assert_eq!(csv.lines().count(), 1 + 3 + 3, "{csv}");
    let fields: Vec<_> = csv.lines().nth(2).unwrap().split(',').collect();
    assert_eq!(fields[..4], ["xgemini-fig11-clean", "parsec-x264", "xgemini", "108.3"]);
    let simulated: f64 = fields[4].parse().unwrap();
    assert!((100.0..130.0).contains(&simulated), "{simulated}");
}

#[test]
fn the_scenario_of_a_figure_over_programs_is_its_campaign() {
    let campaign = terrace(&["list", "figures", "gemini-table3"]).success();
    assert_eq!(terrace(&["reproduce", "gemini-table4", "--show-scenario"]).success(), campaign);
    contains(&campaign, &["name = \"gemini\"", "follows = true"]);
}

#[test]
fn bad_input_is_told_in_a_message() {
    for (arguments, code, parts) in [
        (
            vec!["reproduce", "gemini-table3", "--program", "masstre"],
            1,
            vec!["found no program masstre", "did you mean masstree?"],
        ),
        (
            vec!["reproduce", "gemini-table3", "--system", "gemni,thp"],
            1,
            vec!["found no system gemni", "expected one of ca-paging, gemini", "did you mean gemini?"],
        ),
        (
            vec!["reproduce", "gemini-fig2", "--reduced", "--draws", "3"],
            1,
            vec!["found --draws with the figure gemini-fig2", "over programs"],
        ),
        (
            vec!["reproduce", "gemini-table3", "--reduced"],
            1,
            vec!["found --reduced with the figure gemini-table3", "of curves or fleets"],
        ),
        (
            vec!["reproduce", "compromis-azure", "--picture", "x.svg"],
            1,
            vec!["found --picture with the figure compromis-azure", "of curves or over programs"],
        ),
        (
            vec!["reproduce", "gemini-table3", "--picture", "/nonexistent/x.svg"],
            1,
            vec!["/nonexistent/x.svg", "No such file"],
        ),
        (
            vec!["reproduce", "gemini-fig2", "gemini-table3"],
            1,
            vec!["gemini-fig2, gemini-table3", "by itself"],
        ),
        (vec!["reproduce", "gemini-table3", "xgemini-fig16", "--show-scenario"], 1, vec!["by itself"]),
        (
            vec!["reproduce", "xgemini-figg16"],
            1,
            vec![
                "found no figure xgemini-figg16",
                "expected one of gemini-fig2",
                "did you mean xgemini-fig16?",
            ],
        ),
        (vec!["list", "figures", "gemini-fg2"], 1, vec!["did you mean gemini-fig2?"]),
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
