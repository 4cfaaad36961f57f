//! Published figures and tables over programs, measured again.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use comfy_table::CellAlignment;
use terrace_addr::convert;
use terrace_sim::published::{
    Agreement, Cell, Compared, Comparison, Extent, Judged, Kept, MOST_PERCENT, Mean, Row, measure, picture,
};
use terrace_sim::run::Registry;

use super::{Output, Progress, ReproduceArguments, ReproduceFormat, failed};
use crate::interrupt::note_interrupts;
use crate::said::Said;
use crate::{CliError, Ended, print, style};

/// Draws that a band is of at least: the rule of honesty that the project set itself.
const LEAST_DRAWS: u64 = 30;

/// Measures these comparisons.
pub(super) fn reproduce(
    chosen: &[&'static Comparison],
    arguments: &ReproduceArguments,
    registry: &Registry,
    said: Said,
) -> Result<Ended, CliError> {
    known("program", chosen.iter().flat_map(|comparison| comparison.programs()), &arguments.program)?;
    known("system", chosen.iter().flat_map(|comparison| comparison.shown()), &arguments.system)?;
    if arguments.show_scenario {
        let campaigns: Vec<_> = chosen.iter().map(|comparison| comparison.campaign_text()).collect();
        if campaigns.iter().any(|text| *text != campaigns[0]) {
            return Err(CliError::NotTogether { names: arguments.figure.join(", ") });
        }
        print(campaigns[0].as_bytes())?;
        return Ok(Ended::Complete);
    }
    let output = Output::new(arguments)?;
    if (1..LEAST_DRAWS).contains(&arguments.draws) {
        said.note(format_args!(
            "--draws {}: a band is to be of at least {LEAST_DRAWS} draws; fewer show less than what is assumed leaves open",
            arguments.draws
        ));
    }
    note_interrupts();
    let extent = Extent {
        draws: arguments.draws,
        reduced: arguments.reduced,
        programs: arguments.program.clone(),
        systems: arguments.system.clone(),
    };
    let kept = arguments.keep.as_deref().map(|folder| {
        let refused = |source| CliError::Keep { path: folder.to_owned(), source };
        Kept::open(folder).map_err(refused)
    });
    let kept = kept.transpose()?;
    let begun = |runs| -> Box<dyn terrace_sim::reproduce::Observe> { Box::new(Progress::new(said, runs)) };
    let threads = arguments.threads.get();
    let all = measure(chosen, &extent, registry, threads, kept.as_ref(), &begun).map_err(failed)?;
    let whole = |text| vec![(String::new(), text)];
    let figures = match arguments.format {
        ReproduceFormat::Table => all.iter().map(|figure| (figure.name.clone(), table(figure))).collect(),
        ReproduceFormat::Json => whole(format!("{:#}\n", serde_json::json!(all))),
        ReproduceFormat::Csv => whole(csv(&all)),
    };
    let missing = all.first().map_or(&[][..], |first| &first.missing);
    let stopped = missing.iter().any(|missing| missing.stopped);
    output.write(&figures, stopped, || picture(&all), said)?;
    if let Some(failure) = kept.as_ref().and_then(Kept::failure) {
        said.note(format_args!("--keep: not everything could be kept: {failure}"));
    }
    for missing in missing {
        said.note(format_args!("{}: {}", missing.run, missing.why));
    }
    if stopped {
        return Ok(Ended::Interrupted);
    }
    let measured = |compared: &Compared| compared.means.iter().any(|mean| mean.simulated.is_some());
    if all.iter().any(measured) { Ok(Ended::Complete) } else { Err(CliError::NothingMeasured) }
}

/// Whether the figures have what these names say.
fn known<'c>(
    what: &'static str,
    all: impl Iterator<Item = &'c str>,
    wanted: &[String],
) -> Result<(), CliError> {
    let names: BTreeSet<&str> = all.collect();
    let unknown = wanted.iter().find(|name| !names.contains(name.as_str()));
    unknown.map_or(Ok(()), |name| {
        Err(CliError::Unknown {
            what,
            name: name.clone(),
            expected: names.iter().copied().collect::<Vec<_>>().join(", "),
            near: terrace_machine::files::nearest(name, names.iter().copied()).map(str::to_owned),
        })
    })
}

fn table(compared: &Compared) -> String {
    let mut text = format!("{}: {}\n", compared.paper, compared.shows);
    let unit = compared.unit();
    let band = band(compared.draws);
    let reduced = if compared.reduced { " in reduced form" } else { "" };
    text += &style::wrap(&format!("{unit}: published | simulated{reduced}{band}"), "");
    let mut table = style::table();
    table.set_header(["program"].into_iter().chain(compared.systems.iter().map(String::as_str)));
    for row in &compared.rows {
        table.add_row([row.name()].into_iter().chain(row.cells.iter().map(cell)));
    }
    table.add_row(["mean".to_owned()].into_iter().chain(compared.means.iter().map(mean)));
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{table}");
    for outlier in outliers(compared) {
        text += &style::wrap(&outlier, "  ");
    }
    for mean in &compared.means {
        for left_out in without(mean, compared) {
            text += &style::wrap(&left_out, "  ");
        }
    }
    for agreement in &compared.agreement {
        text += &style::wrap(&said(agreement, compared), "  ");
    }
    text += &style::wrap(&order(compared), "  ");
    let cells = compared.rows.iter().flat_map(|row| &row.cells);
    if cells.filter_map(|cell| cell.simulated).any(|value| value >= MOST_PERCENT) {
        text += "- What is more than a hundred times the baseline counts as that in means.\n";
    }
    for gate in &compared.gates {
        text += &style::wrap(&judged(gate), "  ");
    }
    text += &style::wrap(&format!("Published values: {}.", compared.published_source), "");
    let _ = writeln!(text, "Model version: {}.", compared.model_version);
    text
}

fn band(draws: u64) -> String {
    if draws == 0 {
        String::new()
    } else {
        format!(", and where nine tenths of {draws} draws of what is assumed about the programs lie")
    }
}

fn shown(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value >= MOST_PERCENT => format!("> {MOST_PERCENT}"),
        Some(value) => format!("{value:.1}"),
    }
}

fn beside(published: Option<f64>, simulated: Option<f64>, low: Option<f64>, high: Option<f64>) -> String {
    let band = match low.zip(high) {
        Some((low, high)) => format!("\n{} to {}", shown(Some(low)), shown(Some(high))),
        None => String::new(),
    };
    format!("{} | {}{band}", shown(published), shown(simulated))
}

fn cell(cell: &Cell) -> String {
    beside(cell.published, cell.simulated, cell.low, cell.high)
}

fn mean(mean: &Mean) -> String {
    beside(mean.published, mean.simulated, mean.low, mean.high)
}

/// What all means leave out, once for each program.
fn outliers(compared: &Compared) -> Vec<String> {
    let mut said: Vec<String> = compared
        .rows
        .iter()
        .filter_map(|row| Some(format!("- Means are without {}: {}", row.program, row.outlier.as_ref()?)))
        .collect();
    said.dedup();
    said
}

/// What a mean that was measured leaves out, and what its band does.
fn without(mean: &Mean, compared: &Compared) -> Vec<String> {
    let Some(column) = compared.systems.iter().position(|system| *system == mean.system) else {
        return Vec::new();
    };
    let left_out = |simulated: bool| {
        let rows = compared.rows.iter().filter(|row| row.outlier.is_none() && !mean.has(row));
        let names = rows.filter(|row| row.cells[column].simulated.is_some() == simulated).map(Row::name);
        names.collect::<Vec<_>>().join(", ")
    };
    let mut said = Vec::new();
    if mean.simulated.is_some() {
        let whats = [("simulated", left_out(false)), ("published", left_out(true))];
        for (what, names) in whats.into_iter().filter(|(_, names)| !names.is_empty()) {
            said.push(format!("- {}: the mean is without what has no {what} value: {names}", mean.system));
        }
        if let Some(of_all) = mean.published_of_all {
            said.push(format!("- {}: published is a mean of all programs only, {of_all:.1}", mean.system));
        }
        if compared.draws > convert::count(mean.draws) {
            said.push(format!(
                "- {}: the band of the mean is of {} draws: in the others not all of its programs have a value",
                mean.system, mean.draws
            ));
        }
    }
    said
}

fn said(agreement: &Agreement, compared: &Compared) -> String {
    let Agreement { system, programs, rank_correlation, p_value, signs_agree, mean_absolute_error } =
        agreement;
    let mut text =
        format!("- {system}: mean distance {mean_absolute_error:.1} points over {programs} programs");
    if let Some((correlation, p)) = rank_correlation.zip(*p_value) {
        let _ = write!(text, "; rank correlation {correlation:.2} (p = {p:.3})");
    }
    if let Some(signs) = signs_agree {
        let side = if compared.whole.is_some() { "the whole" } else { "the baseline" };
        let _ = write!(text, "; same side of {side} for {signs}");
    }
    let column = compared.systems.iter().position(|name| name == system);
    let cells = compared.rows.iter().filter_map(|row| row.cells.get(column?)?.within());
    let (inside, all) = cells.fold((0, 0), |(inside, all), within| (inside + u64::from(within), all + 1));
    if all > 0 {
        let _ = write!(text, "; {inside} of {all} published values lie in their bands");
    }
    let within = compared.means.iter().find(|mean| &mean.system == system).and_then(Mean::within);
    match within {
        Some(true) => text += "; the published mean lies in the band",
        Some(false) => text += "; the published mean lies outside the band",
        None => {}
    }
    text
}

/// Published means that differ by less are not compared in their order.
const POINTS: f64 = 5.0;

fn order(compared: &Compared) -> String {
    let pairs = compared.order(POINTS);
    let kept = pairs.iter().filter(|(.., found)| *found == Some(true)).count();
    let wrong: Vec<String> = pairs
        .iter()
        .filter(|(.., found)| *found == Some(false))
        .map(|(better, worse, _)| format!("{better} before {worse}"))
        .collect();
    let mut text = format!(
        "- Of {} pairs of published means more than {POINTS} points apart, {kept} are in the same order",
        pairs.len()
    );
    if !wrong.is_empty() {
        let _ = write!(text, "; not so: {}", wrong.join(", "));
    }
    text
}

/// A gate: what does not hold is marked.
fn judged(gate: &Judged) -> String {
    let Judged { says, holds, found, why } = gate;
    let why = why.as_ref().map_or_else(String::new, |why| format!(". {why}"));
    match holds {
        Some(true) => format!("- It holds that {says}: {found}"),
        Some(false) => format!("- ✗ IT DOES NOT HOLD that {says}: {found}{why}"),
        None => format!("- It is not known whether {says}: {found}"),
    }
}

/// A row for each program and system, and for each mean; no value needs quotes.
fn csv(all: &[Compared]) -> String {
    let mut text = String::from("figure,program,system,published,simulated,low,high\n");
    let value = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    for compared in all {
        let mut row = |program: &str, system: &str, values: [Option<f64>; 4]| {
            let values = values.map(value).join(",");
            let _ = writeln!(text, "{},{program},{system},{values}", compared.name);
        };
        for line in &compared.rows {
            for (system, cell) in compared.systems.iter().zip(&line.cells) {
                row(&line.name(), system, [cell.published, cell.simulated, cell.low, cell.high]);
            }
        }
        for mean in &compared.means {
            row("mean", &mean.system, [mean.published, mean.simulated, mean.low, mean.high]);
        }
    }
    text
}
