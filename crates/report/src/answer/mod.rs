//! The answer in one sentence, and what it leaves open.
//!
//! The rule: nothing is called faster unless it is by more than what sampling, or the spread over seeds, leaves open.

mod ranking;
mod reason;
mod words;

use terrace_result::Outcome;
use terrace_result::number::{percent, short};

use crate::cells::View;
use crate::figures::{mean, operations, sampling_error};
use ranking::{Ranking, most_telling};
pub(crate) use words::change;
use words::{capital, list, place_words};

/// What the page says first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// One sentence.
    pub(crate) sentence: String,
    /// The panel that it is about.
    pub(crate) panel: usize,
    /// For each further panel its name, and what is fastest there.
    pub(crate) panels: Vec<(String, String)>,
    /// What makes the numbers less than they seem.
    pub(crate) warning: Option<String>,
    /// What has to be known of the numbers.
    pub(crate) notes: Vec<String>,
}

impl Answer {
    pub(crate) fn new(view: &View<'_>) -> Self {
        let all: Vec<Ranking<'_>> =
            (0..view.panels.len()).filter_map(|panel| Ranking::of(view, panel)).collect();
        let told = most_telling(&all);
        let sentence = match told.map(|told| &all[told]) {
            Some(ranking) => ranking.sentence(view),
            None => alone(view),
        };
        let others = all.iter().enumerate().filter(|(place, _)| Some(*place) != told);
        let panels = others.map(|(_, it)| (capital(&place_words(view, it.panel)), it.summary(view)));
        let panel = told.map_or(0, |told| all[told].panel);
        Self { sentence, panel, panels: panels.collect(), warning: warning(view), notes: notes(view) }
    }
}

/// A run without another one to compare it with.
fn alone(view: &View<'_>) -> String {
    let Some(cell) = view.cells.first() else { return String::new() };
    let run = view.runs.all[cell.runs[0]].result;
    let rate = operations(run).map(|rate| format!("{} operations", short(rate)));
    let rate = rate.or_else(|| cell.throughput.map(|rate| format!("{} accesses", short(rate))));
    let programs: Vec<String> = run.programs.iter().map(|program| program.name.clone()).collect();
    let mut parts = Vec::new();
    if let (Some(translation), Some(all)) = (cell.figure("translation"), cell.figure("cycles")) {
        let share = if all > 0.0 { translation / all } else { 0.0 };
        parts.push(format!("translation takes {} of all cycles", percent(share)));
    }
    parts.extend(
        cell.figure("aligned").map(|aligned| format!("{} of memory is well aligned", percent(aligned))),
    );
    let many =
        if cell.runs.len() > 1 { format!(" (mean of {} seeds)", cell.runs.len()) } else { String::new() };
    format!(
        "{} makes {} a second{many}{}{}; nothing is compared with it.",
        capital(&list(&programs)),
        rate.unwrap_or_else(|| "no accesses".to_owned()),
        if parts.is_empty() { "" } else { ": " },
        list(&parts),
    )
}

/// Which runs are missing, or were cut short.
fn warning(view: &View<'_>) -> Option<String> {
    let cut = view.runs.all.iter().filter(|run| run.result.outcome != Outcome::Complete).count();
    let missing = view.runs.unmeasured;
    let all = view.runs.all.len() + missing;
    let said = match (cut, missing) {
        (0, 0) => return None,
        (cut, 0) => format!("{cut} of {all} runs were cut short"),
        (0, missing) => {
            format!("{missing} of {all} runs did not come to their measured time and are not shown")
        }
        (cut, missing) => format!(
            "Of {all} runs {missing} did not come to their measured time and are not shown, and {cut} were cut short"
        ),
    };
    Some(format!("{said}: Provenance says why."))
}

/// What has to be known of the numbers.
fn notes(view: &View<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    let seeds = view.cells.iter().filter(|cell| cell.program.is_some()).map(|cell| cell.runs.len());
    let (fewest, most) = seeds.fold((usize::MAX, 0), |(low, high), it| (low.min(it), high.max(it)));
    notes.push(match most {
        0 | 1 => "There is one run of each: what another seed would change is not known.".to_owned(),
        most if fewest == most => format!("Means over {most} seeds; “±” is the 95 % confidence interval."),
        most => format!("Means over {fewest} to {most} seeds; “±” is the 95 % confidence interval."),
    });
    let errors: Vec<f64> = view.runs.all.iter().filter_map(|run| sampling_error(run.result)).collect();
    let weight = view.runs.all.iter().map(|run| run.result.weight).max().unwrap_or(1);
    if let Some(error) = mean(&errors) {
        let largest = errors.iter().copied().fold(0.0, f64::max);
        let bars = if most > 1 { "" } else { "; “±” adds those of both sides" };
        notes.push(format!(
            "Time is sampled: a simulated access stands for {weight}, which may be wrong by {} of the throughput (mean \
             over the runs; at most {}){bars}.",
            percent(error),
            percent(largest)
        ));
    } else {
        notes.push("Every access was simulated: no difference comes from sampling.".to_owned());
    }
    let programs = view.programs.len();
    if programs > 1 && view.cells.iter().any(|cell| cell.program.is_none() && cell.programs < programs) {
        notes.push(format!(
            "Some means are over fewer than {programs} programs: only those that every {} of a panel ran.",
            view.axis_name()
        ));
    }
    notes
}
