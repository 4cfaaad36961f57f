//! `terrace reproduce` and the lists of figures, as a user runs them. What figures measure is held beside the code.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use tempfile::TempDir;

use crate::run;

use run::terrace;

/// The runs of two figures, each of a program of its own as it is stated and as it is drawn once: made when a test first
/// needs them, and kept for all.
static KEPT: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let keep = ["--keep", folder.path().to_str().unwrap(), "--quiet"];
    terrace(&[&["reproduce", "xgemini-fig16", "xgemini-fig11-clean"][..], &OF_BOTH, &keep].concat())
        .success();
    folder
});

const OF_BOTH: [&str; 4] = ["--program", "parsec-ferret,parsec-x264", "--draws", "1"];

/// Runs the program, which finds its runs made.
fn of_kept(arguments: &[&str]) -> run::Ran {
    terrace(&[arguments, &["--keep", KEPT.path().to_str().unwrap()]].concat())
}

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
    fs::write(&path, scenario).unwrap();
    let configurations = terrace(&["run", path.to_str().unwrap(), "--show-config"]).success();
    assert_eq!(configurations.matches("# run ").count(), 2 * 2 * 17 * 4);
}

#[test]
fn a_figure_over_programs_stands_beside_what_was_published() {
    let arguments = ["reproduce", "xgemini-fig16", "--program", "parsec-ferret", "--draws", "1", "--quiet"];
    let table = of_kept(&arguments).success();
    contains(
        &table,
        &["parsec-ferret", "104.7 |", " to ", "mean distance", "lies", "1 draws", "of 1 published values"],
    );
    contains(&table, &["It holds that no system loses more than 3 %: the worst is"]);
}

/// A page with a block for each of these first lines.
fn page(lines: &[&str]) -> String {
    let blocks = lines.iter().map(|line| format!("## One\n```text {line}\nolder\n```\nSaid of it.\n"));
    format!("# A page\n```text\nterrace reproduce xgemini-fig16\n```\n{}", blocks.collect::<String>())
}

#[test]
fn figures_go_into_the_blocks_of_a_page_that_name_their_commands() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page.md");
    let into = path.to_str().unwrap();
    let figures = ["reproduce", "xgemini-fig16", "xgemini-fig11-clean"];
    let command = |figure: &str| format!("terrace reproduce {figure} {}", OF_BOTH.join(" "));
    let commands = figures[1..].iter().map(|figure| command(figure)).collect::<Vec<_>>();
    let lines = [&commands[0], "terrace reproduce xgemini-fig16", &commands[1]];
    let before = page(&lines);
    fs::write(&path, &before).unwrap();
    let given = [&figures[..], &OF_BOTH, &["--quiet"]].concat();
    assert_eq!(of_kept(&[&given[..], &["--into", into]].concat()).success(), "");
    let printed = of_kept(&given).success();
    let (first, second) = printed.split_once("\n\n").unwrap();
    let mut parts = before.split("older\n");
    let mut part = || parts.next().unwrap();
    let expected = [part(), &format!("{first}\n"), part(), "older\n", part(), second, part()].concat();
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    contains(&expected, &["Model version: "]);
}

#[test]
fn a_page_without_a_place_for_each_figure_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page.md");
    let into = path.to_str().unwrap();
    let line = "terrace reproduce xgemini-fig16";
    for (page, found) in [
        (page(&["terrace reproduce gemini-table3"]), "found 0 blocks"),
        (page(&[&format!("{line} --draws 2")]), "found 0 blocks"),
        (page(&[line, line]), "found 2 blocks"),
        (format!("```text {line}\nhas no end\n"), "found 0 blocks"),
    ] {
        fs::write(&path, &page).unwrap();
        let message = terrace(&["reproduce", "xgemini-fig16", "--into", into]).failure(1);
        contains(&message, &[into, found, "```text terrace reproduce xgemini-fig16\n", "expected one"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), page);
    }
    let missing = folder.path().join("none.md");
    let message = terrace(&["reproduce", "xgemini-fig16", "--into", missing.to_str().unwrap()]).failure(1);
    contains(&message, &["none.md", "No such file"]);
}

#[test]
fn a_figure_over_programs_is_drawn_and_few_draws_are_called_few() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("figure.svg");
    let figure =
        ["reproduce", "xgemini-fig16", "--program", "parsec-ferret", "--draws", "1", "--format", "csv"];
    let (_, said) = of_kept(&[&figure[..], &["--picture", path.to_str().unwrap()]].concat()).ended(0);
    contains(&said, &["--draws 1: a band is to be of at least 30 draws"]);
    let svg = fs::read_to_string(&path).unwrap();
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
    let files = |folder: &Path| -> BTreeMap<_, _> {
        let files = fs::read_dir(folder).unwrap().map(Result::unwrap);
        files.map(|file| (file.file_name(), file.metadata().unwrap().modified().unwrap())).collect()
    };
    for name in files(KEPT.path()).keys() {
        fs::copy(KEPT.path().join(name), folder.path().join(name)).unwrap();
    }
    let kept = files(folder.path());
    assert_eq!(kept.len(), 2 * (3 + 4));
    let figure = ["reproduce", "xgemini-fig11-clean", "--program", "parsec-x264", "--format", "csv"];
    let keep = ["--quiet", "--draws", "1", "--keep", folder.path().to_str().unwrap()];
    let arguments = [&figure[..], &keep].concat();
    let csv = terrace(&arguments).success();
    assert_eq!(files(folder.path()), kept, "nothing runs");
    // One of them is made again, and is the same.
    let of_figure = |name: &&std::ffi::OsString| {
        let text = fs::read_to_string(folder.path().join(name)).unwrap();
        text.contains("parsec-x264") && text.contains("dual-gemini")
    };
    let one = folder.path().join(kept.keys().find(of_figure).unwrap());
    let text = fs::read(&one).unwrap();
    fs::remove_file(&one).unwrap();
    assert_eq!(terrace(&arguments).success(), csv);
    assert_eq!(fs::read(&one).unwrap(), text);
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
            vec!["reproduce", "compromis-azure", "--picture", "x.svg"],
            1,
            vec!["found --picture with the figure compromis-azure", "of curves or over programs"],
        ),
        (
            vec!["reproduce", "compromis-azure", "--into", "x.md"],
            1,
            vec!["found --into with the figure compromis-azure", "of curves or over programs"],
        ),
        (
            vec!["reproduce", "xgemini-fig7", "--into", "x.md", "--format", "csv"],
            2,
            vec!["cannot be used with"],
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
