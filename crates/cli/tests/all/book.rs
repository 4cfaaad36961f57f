//! The book: its commands are ones that there are, and its reference of systems is what the registry has today.
//! `TERRACE_ACCEPT=1` writes that anew.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use terrace_policy::System;

use crate::pages::is_current;
use crate::run::{data, terrace};

/// The pages of the book.
fn pages() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src");
    let mut pages: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    pages
}

/// Names and values are right, too: what resolves them without simulating much is run, of the rest the help.
#[test]
fn the_commands_of_the_book_are_ones_that_there_are() {
    let mut found = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let blocks = text.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
        let commands = blocks.flat_map(str::lines);
        let figures = text.split('`').filter(|piece| piece.starts_with("terrace reproduce"));
        for command in commands.chain(figures).filter_map(|line| line.strip_prefix("terrace ")) {
            for arguments in cheap(words(command)) {
                println!("{}: {}", page.display(), arguments.join(" "));
                let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
                assert!(!terrace(&arguments).success().is_empty());
            }
            found += 1;
        }
    }
    assert!(found > 10, "only {found} commands");
}

/// The page of figures has a block for each, which holds that one, and says which version of the model it is of.
#[test]
fn the_page_of_figures_has_them_all() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/figures.md")).unwrap();
    let blocks =
        || page.split("```text terrace reproduce ").skip(1).map(|rest| rest.split_once('\n').unwrap());
    let of_programs = terrace_sim::published::comparisons();
    for (command, rest) in blocks() {
        let text = rest.split("```").next().unwrap();
        let (figure, options) = command.split_once(' ').unwrap_or((command, ""));
        let arguments =
            ["reproduce", figure, "--show-scenario"].into_iter().chain(options.split_whitespace());
        assert!(!terrace(&arguments.collect::<Vec<_>>()).success().is_empty(), "{command}");
        if text == "Not measured with this version of the model.\n" {
            continue;
        }
        if let Some(comparison) = of_programs.iter().find(|comparison| comparison.name == figure) {
            assert!(text.starts_with(&format!("{}: {}\n", comparison.paper, comparison.shows)), "{command}");
        }
        assert!(text.lines().last().is_some_and(|line| line.starts_with("Model version: ")), "{command}");
    }
    let curves = terrace_sim::reproduce::FIGURES.iter().map(|figure| figure.name);
    for figure in of_programs.iter().map(|comparison| comparison.name.as_str()).chain(curves) {
        let of_it = blocks().filter(|(command, _)| *command == figure).count();
        assert_eq!(of_it, 1, "{figure}");
    }
}

/// The words of a command, as a shell has them.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut quoted, mut between) = (Vec::new(), false, true);
    for letter in command.chars() {
        match letter {
            '\'' => quoted = !quoted,
            ' ' if !quoted => between = true,
            _ => {
                if std::mem::take(&mut between) {
                    words.push(String::new());
                }
                words.last_mut().unwrap().push(letter);
            }
        }
    }
    words
}

/// Commands that resolve all that this one names and take no time.
fn cheap(mut command: Vec<String>) -> Vec<Vec<String>> {
    let add = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    match command[0].as_str() {
        "run" => {
            if let Some(place) = command.iter().position(|word| word == "--out") {
                command.drain(place..place + 2);
            }
            command.extend(add(&["--show-config"]));
        }
        "reproduce" => {
            if let Some(place) = command.iter().position(|word| word == "--into") {
                command.drain(place..place + 2);
            }
            let options = command.iter().position(|word| word.starts_with("--")).unwrap_or(command.len());
            let (figures, options) = command[1..].split_at(options - 1);
            let shown = |figure: &String| [&add(&["reproduce", figure, "--show-scenario"]), options].concat();
            return if figures.is_empty() { vec![command] } else { figures.iter().map(shown).collect() };
        }
        "replay" if command[1].starts_with("tests/data/") => {
            command[1] = data(command[1].trim_start_matches("tests/data/"));
            command.extend(add(&["--limit", "1000"]));
        }
        "list" | "walk" => {}
        // Their inputs are results and traces of the reader's own.
        _ => {
            command.truncate(command.iter().position(|word| word == "--").unwrap_or(command.len()));
            command.extend(add(&["--help"]));
        }
    }
    vec![command]
}

#[test]
fn every_page_is_in_the_summary_and_there() {
    let summary =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/SUMMARY.md")).unwrap();
    for page in pages() {
        let name = page.file_name().unwrap().to_string_lossy();
        assert!(
            name == "SUMMARY.md" || summary.contains(&format!("({name})")),
            "{name} is not in the summary"
        );
    }
    for link in summary.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        assert!(pages().iter().any(|page| page.ends_with(link)), "{link} is not there");
    }
}

#[test]
fn the_reference_of_systems_is_current() {
    is_current("src/systems.md", &reference());
}

fn reference() -> String {
    let mut page = String::from(
        "# Systems and their parameters\nMade from the registry, as `terrace list systems NAME` shows it. Lines are those \
         of a system's own module, without its tests.\n\n| system | what it is | lines |\n| --- | --- | ---: |\n",
    );
    for system in terrace_systems::registry() {
        let System { name, summary, .. } = system;
        // Writing to a string cannot fail.
        let _ = writeln!(page, "| [`{name}`](#{name}) | {summary} | {} |", lines_of(name));
    }
    for system in terrace_systems::registry() {
        let System { name, summary, source, parameters, .. } = system;
        let _ = writeln!(page, "\n## {name}\n{summary}.\n\nSource: {source}.");
        if parameters.is_empty() {
            continue;
        }
        page += "\n| parameter | default | what it does | source |\n| --- | --- | --- | --- |\n";
        for parameter in *parameters {
            let cell = |text: &str| text.replace('|', "\\|");
            let _ = writeln!(
                page,
                "| `{}` | {} | {} | {} |",
                parameter.name,
                parameter.default,
                cell(parameter.meaning),
                cell(parameter.source)
            );
        }
    }
    page
}

/// Lines of the module of a system, without its tests.
fn lines_of(name: &str) -> usize {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../systems/src"));
    let module = match name {
        "base-pages" => "base".to_owned(),
        "dual-gemini" => "gemini".to_owned(),
        other => other.replace('-', "_"),
    };
    let file = folder.join(format!("{module}.rs"));
    if file.exists() { lines_in(&file) } else { lines_below(&folder.join(module)) }
}

fn lines_below(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            if path.is_dir() {
                lines_below(&path)
            } else if path.file_stem().is_some_and(|stem| stem == "tests") {
                0
            } else {
                lines_in(&path)
            }
        })
        .sum()
}

fn lines_in(file: &Path) -> usize {
    let text = fs::read_to_string(file).unwrap();
    text.lines().take_while(|line| *line != "#[cfg(test)]").filter(|line| !line.trim().is_empty()).count()
}
