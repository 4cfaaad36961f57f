//! Published curves over the size of a data set, measured again.

use std::fmt::Write as _;

use comfy_table::CellAlignment;
use terrace_sim::reproduce::{
    Bar, Curve, DataSet, Extent, Figure, Given, Pages, Point, Reproduced, reproduce as measure, runs, size,
};
use terrace_sim::run::Registry;

use super::{Output, Progress, ReproduceArguments, ReproduceFormat, failed};
use crate::interrupt::note_interrupts;
use crate::said::Said;
use crate::{CliError, Ended, print, style};

/// Measures a figure.
pub(super) fn reproduce(
    figure: &'static Figure,
    arguments: &ReproduceArguments,
    registry: &Registry,
    said: Said,
) -> Result<Ended, CliError> {
    if arguments.show_scenario {
        print(figure.scenario.text.as_bytes())?;
        return Ok(Ended::Complete);
    }
    let output = Output::new(arguments)?;
    let extent = if arguments.reduced { Extent::Reduced } else { Extent::Full };
    let runs = runs(figure, extent, registry).map_err(failed)?.len();
    note_interrupts();
    let progress = Progress::new(said, runs);
    let result = measure(figure, extent, registry, arguments.threads.get(), &progress).map_err(failed)?;
    drop(progress);
    let text = match arguments.format {
        ReproduceFormat::Table => table(figure, &result),
        ReproduceFormat::Json => format!("{:#}\n", serde_json::json!(result)),
        ReproduceFormat::Csv => csv(&result.points),
    };
    let stopped = result.missing.iter().any(|missing| missing.stopped);
    output.write(&[(figure.name.to_owned(), text)], stopped, || result.picture(), said)?;
    for missing in &result.missing {
        said.note(format_args!("{}: {}", missing.run, missing.why));
    }
    if stopped {
        return Ok(Ended::Interrupted);
    }
    if result.points.is_empty() { Err(CliError::NothingMeasured) } else { Ok(Ended::Complete) }
}

/// What pages are called in heads of tables.
const HEADS: [&str; 4] = ["base pages", "huge in\nthe host", "huge in\nthe guest", "huge in\nboth"];

const IN_NESTED: &str = "In mode nested the guest hypervisor has the pages of the host.";

fn table(figure: &Figure, result: &Reproduced) -> String {
    let mut text = format!("{}, on {}\n", result.paper, result.machine.name);
    text += &style::wrap(figure.measured, "");
    text.push('\n');
    let curves = result.curves();
    if curves.iter().any(|curve| curve.mode == "nested") {
        text += &style::wrap(IN_NESTED, "");
        text.push('\n');
    }
    for curve in curves {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "Mode {}, {} loads: throughput in % of base pages\n{}\n",
            curve.mode,
            curve.loads.name(),
            curve_table(figure, &curve)
        );
        for finding in result.findings.iter().filter(|it| (&it.mode, it.loads) == (&curve.mode, curve.loads))
        {
            let separator = if finding.why.is_empty() { "" } else { " " };
            let statement = format!(
                "- {}: {}; {}.{separator}{}",
                finding.statement,
                given(finding.given),
                finding.found,
                finding.why
            );
            text += &style::wrap(&statement, "  ");
        }
        text.push('\n');
    }
    text += &style::wrap(&format!("The paper: {}", figure.says), "");
    text += &style::wrap(&format!("Published bars: {}.", figure.bars_source), "");
    let _ = writeln!(text, "Model version: {}.", result.model_version);
    text
}

fn given(given: Given) -> &'static str {
    match given {
        Given::Yes => "the model gives it",
        Given::No => "the model does not give it",
        Given::Unknown => "not measured",
    }
}

fn curve_table(figure: &Figure, curve: &Curve) -> comfy_table::Table {
    let mut table = style::table();
    table.set_header(["data set"].into_iter().chain(HEADS));
    for row in &curve.rows {
        let cells =
            row.percent.iter().map(|value| value.map_or("-".to_owned(), |value| format!("{value:.1}")));
        table.add_row([size(row.footprint_bytes)].into_iter().chain(cells));
    }
    for data_set in DataSet::ALL {
        let bar =
            |pages| figure.bars.iter().find(|bar: &&Bar| (bar.data_set, bar.pages) == (data_set, pages));
        if Pages::ALL.into_iter().any(|pages| bar(pages).is_some()) {
            let cells =
                Pages::ALL.map(|pages| bar(pages).map_or("-".to_owned(), |it| it.percent.to_string()));
            table.add_row([format!("published, {}", data_set.name())].into_iter().chain(cells));
        }
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// The points, none of whose values needs quotes.
fn csv(points: &[Point]) -> String {
    let mut text = String::from(
        "mode,loads,footprint_bytes,pages,accesses_per_second,percent,cycles,data_cycles,translation_cycles,walks\n",
    );
    for point in points {
        let percent = point.percent.map_or_else(String::new, |percent| percent.to_string());
        let Point { mode, footprint_bytes, accesses_per_second, cycles, .. } = point;
        let _ = writeln!(
            text,
            "{mode},{},{footprint_bytes},{},{accesses_per_second},{percent},{cycles},{},{},{}",
            point.loads.name(),
            point.pages.name(),
            point.data_cycles,
            point.translation_cycles,
            point.walks
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fs;

    use terrace_sim::reproduce::Loads;
    use terrace_sim::reproduce::figure;
    use terrace_sim::run::Unwatched;

    use super::*;

    /// The golden table of two footprints of the nested figure: a change of any number is a change of the model, and of
    /// any word one of what a reader sees. `TERRACE_ACCEPT=1` writes it anew.
    #[test]
    fn the_table_of_the_nested_figure_is_the_golden_one() {
        let registry = Registry::new(terrace_systems::registry().iter().copied());
        let (small, large) = (64 << 10, 64 << 20);
        let footprints = [small, large];
        let extent = Extent::Only(Loads::Dependent, &footprints);
        let figure = figure("xgemini-fig7").unwrap();
        let result = measure(figure, extent, &registry, 2, &Unwatched).unwrap();
        let found = table(figure, &result);
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/xgemini-fig7.txt");
        if std::env::var_os("TERRACE_ACCEPT").is_some() {
            fs::write(path, &found).unwrap();
        }
        assert_eq!(found, fs::read_to_string(path).unwrap());
        let rows = csv(&result.points);
        assert_eq!(rows.lines().count(), 1 + 2 * 2 * 4);
        let columns = |line: &str| line.split(',').count();
        assert!(rows.lines().all(|line| columns(line) == 10), "{rows}");
        let picture = result.picture();
        assert_eq!(picture.matches("<path ").count(), 2 * 4, "{picture}");
        assert!(picture.contains("the guest hypervisor has the pages of the host"), "{picture}");
    }
}
