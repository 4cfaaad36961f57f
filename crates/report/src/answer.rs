//! The answer in one sentence, and what it leaves open.
//!
//! The rule: nothing is called faster unless it is by more than what sampling, or the spread over seeds, leaves open.

use terrace_result::Outcome;
use terrace_result::number::{percent, short};

use crate::cells::{Cell, View};
use crate::figures::{CAUSES, TRANSLATION_CAUSES, mean};

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

/// The compared values of a panel, the fastest first.
struct Ranking<'a> {
    panel: usize,
    baseline: &'a Cell,
    /// Without the baseline.
    others: Vec<&'a Cell>,
}

impl<'a> Ranking<'a> {
    fn of(view: &'a View<'_>, panel: usize) -> Option<Self> {
        let cells: Vec<&Cell> = view.panel(panel, view.whole()).filter(|it| it.ratio().is_some()).collect();
        let baseline = *cells.iter().find(|cell| cell.value == 0)?;
        let mut others: Vec<&Cell> = cells.into_iter().filter(|cell| cell.value != 0).collect();
        others.sort_by(|a, b| b.ratio().unwrap_or(0.0).total_cmp(&a.ratio().unwrap_or(0.0)));
        (!others.is_empty()).then_some(Self { panel, baseline, others })
    }

    /// Those that are as fast as the fastest, as far as is known; the fastest first.
    fn leaders(&self) -> Vec<&'a Cell> {
        let Some(best) = self.others.first() else { return Vec::new() };
        self.others.iter().filter(|cell| !best.differs_from(cell)).copied().collect()
    }

    /// How far apart the values are: the others among themselves, or one from the baseline.
    fn spread(&self) -> f64 {
        let ratio = |cell: Option<&&Cell>| cell.and_then(|cell| cell.ratio()).unwrap_or(1.0);
        match self.others.as_slice() {
            [one] => (ratio(Some(one)) - 1.0).abs(),
            others => ratio(others.first()) - ratio(others.last()),
        }
    }

    fn sentence(&self, view: &View<'_>) -> String {
        let values = quoted_values(view);
        let name = |cell: &Cell| values[cell.value].clone();
        let base = &values[0];
        let place = place_words(view, self.panel);
        let place = if place.is_empty() { String::new() } else { format!("{place}, ") };
        let over = over_programs(view, self.baseline);
        let Some(best) = self.others.first() else { return String::new() };
        let ratio = best.ratio().unwrap_or(1.0);
        let leaders = self.leaders();
        if !best.differs_from(self.baseline) {
            let slower: Vec<&&Cell> =
                self.others.iter().filter(|cell| self.baseline.differs_from(cell)).collect();
            let Some(worst) = slower.last() else {
                let all = list(&self.others.iter().map(|cell| name(cell)).collect::<Vec<_>>());
                return capital(&format!(
                    "{place}no difference in throughput was found between {base} and {all}{over}: all lie within {} of it{}.",
                    open(self.others.iter().filter_map(|cell| cell.within())),
                    misses_anyway(best, self.baseline, &name(best)),
                ));
            };
            return capital(&format!(
                "{place}nothing is faster than {base} beyond what the runs leave open{over}; {} is slowest, with {}{}.",
                name(worst),
                beside(worst.ratio().unwrap_or(1.0), base),
                because(worst, self.baseline, base),
            ));
        }
        if ratio < 1.0 {
            return capital(&format!(
                "{place}{base} is fastest{over}: the next, {}, has {}{}.",
                name(best),
                beside(ratio, base),
                because(best, self.baseline, base),
            ));
        }
        let reason = because(best, self.baseline, base);
        if let [_, more @ ..] = leaders.as_slice()
            && !more.is_empty()
        {
            let more = list(&names_of(more, &values));
            return capital(&format!(
                "{place}{best} has {speed}{over}{reason}; {more} {are} as fast, as far as the runs can tell.",
                best = name(best),
                speed = beside(ratio, base),
                are = if leaders.len() > 2 { "are" } else { "is" },
            ));
        }
        let next = self.others.get(1).map_or_else(String::new, |next| {
            format!("; next is {} with {}", name(next), change(next.ratio().unwrap_or(1.0)))
        });
        capital(&format!(
            "{place}{} is fastest{}: {}{over}{reason}{next}.",
            name(best),
            if self.others.len() > 1 { format!(" of {}", self.others.len() + 1) } else { String::new() },
            beside(ratio, base),
        ))
    }

    /// The same in a few words.
    fn summary(&self, view: &View<'_>) -> String {
        let values = quoted_values(view);
        let leaders = self.leaders();
        let Some(best) = leaders.first() else { return String::new() };
        let lowest = change(leaders.last().and_then(|cell| cell.ratio()).unwrap_or(1.0));
        let highest = change(best.ratio().unwrap_or(1.0));
        let said = if lowest == highest { highest } else { format!("{lowest} to {highest}") };
        let names = list(&names_of(&leaders, &values));
        let gains = best.differs_from(self.baseline);
        let from = if gains { best } else { self.baseline };
        let rest = self.others.iter().filter(|cell| from.differs_from(cell));
        let rest: Vec<_> = rest
            .map(|cell| format!("{} {}", values[cell.value], change(cell.ratio().unwrap_or(1.0))))
            .collect();
        let rest = if rest.is_empty() { String::new() } else { format!("; {}", rest.join(", ")) };
        if !gains {
            return format!("no gain found over {} ({names}: {said}){rest}", values[0]);
        }
        let alike = if leaders.len() > 1 { ", no difference found" } else { "" };
        format!("{names} {said}{alike}{rest}")
    }
}

/// The compared values in quotation marks, which the page shows as emphasis: many are words of the language too.
fn quoted_values(view: &View<'_>) -> Vec<String> {
    view.values().iter().map(|value| format!("“{value}”")).collect()
}

/// The names of some cells' values, in the order of the sweep.
fn names_of(cells: &[&Cell], values: &[String]) -> Vec<String> {
    let mut places: Vec<usize> = cells.iter().map(|cell| cell.value).collect();
    places.sort_unstable();
    places.into_iter().map(|place| values[place].clone()).collect()
}

/// The panel in which the compared values are the furthest apart.
fn most_telling(all: &[Ranking<'_>]) -> Option<usize> {
    let places = (0..all.len()).rev();
    places.max_by(|&a, &b| all[a].spread().total_cmp(&all[b].spread()))
}

/// Where, as the beginning of a sentence; empty if there is one panel.
pub(crate) fn place_words(view: &View<'_>, panel: usize) -> String {
    let parts: Vec<String> = view
        .panel_axes
        .iter()
        .zip(&view.panels[panel])
        .map(|(&axis, &value)| {
            let axis = &view.runs.axes[axis];
            format!("{} is “{}”", axis.name, axis.values[value])
        })
        .collect();
    if parts.is_empty() { String::new() } else { format!("where {}", parts.join(" and ")) }
}

fn over_programs(view: &View<'_>, cell: &Cell) -> String {
    if view.programs.len() > 1 {
        format!(" in the mean over {} programs", cell.programs)
    } else {
        String::new()
    }
}

/// Throughput relative to a baseline, in words.
fn beside(ratio: f64, base: &str) -> String {
    if ratio >= 2.0 {
        format!("{} times the throughput of {base}", short(ratio))
    } else if ratio >= 1.0 {
        format!("{:.1} % more throughput than {base}", 100.0 * (ratio - 1.0))
    } else {
        format!("{:.1} % less throughput than {base}", 100.0 * (1.0 - ratio))
    }
}

/// The same as a number.
pub(crate) fn change(ratio: f64) -> String {
    if ratio >= 2.0 { format!("× {}", short(ratio)) } else { format!("{:+.1} %", 100.0 * (ratio - 1.0)) }
}

/// What explains that a value is faster or slower than the baseline: the cause of cycles that changed most.
fn because(cell: &Cell, baseline: &Cell, base: &str) -> String {
    let (Some(mine), Some(its)) = (cell.causes, baseline.causes) else { return String::new() };
    let faster = cell.ratio().unwrap_or(1.0) >= 1.0;
    let sum =
        |causes: &[f64; CAUSES.len()], places: core::ops::Range<usize>| causes[places].iter().sum::<f64>();
    let mut groups: Vec<(&str, core::ops::Range<usize>)> = vec![("translation", TRANSLATION_CAUSES)];
    let single = (1..CAUSES.len()).filter(|cause| !TRANSLATION_CAUSES.contains(cause));
    groups.extend(single.map(|cause| (CAUSES[cause].0, cause..cause + 1)));
    let gained = |places: &core::ops::Range<usize>| {
        let less = sum(&its, places.clone()) - sum(&mine, places.clone());
        if faster { less } else { -less }
    };
    let Some((name, places)) =
        groups.into_iter().rev().max_by(|(_, a), (_, b)| gained(a).total_cmp(&gained(b)))
    else {
        return String::new();
    };
    // Programs that wait for requests, say, are not as fast as their cycles are few.
    let all = [&its, &mine].map(|causes| causes.iter().sum::<f64>());
    let explained = if all[1] > 0.0 { all[0] / all[1] - 1.0 } else { 0.0 };
    let change = cell.ratio().unwrap_or(1.0) - 1.0;
    if explained * change <= 0.0 || explained.abs() < 0.5 * change.abs() {
        return format!(
            ", which cycles do not explain (an access takes {} instead of {})",
            short(all[1]),
            short(all[0])
        );
    }
    let reason = if gained(&places) >= 0.5 * (all[0] - all[1]).abs() { "mainly" } else { "most of all" };
    let (now, before) = (sum(&mine, places.clone()), sum(&its, places));
    let what = match name {
        "data" => "waiting for data",
        other => other,
    };
    let verb = if what.ends_with('s') { "take" } else { "takes" };
    let mut said = format!(
        ", {reason} because {what} {verb} {} cycles of an access instead of {}",
        short(now),
        short(before)
    );
    let mut facts = Vec::new();
    if let (Some(aligned), Some(before)) = (cell.figure("aligned"), baseline.figure("aligned"))
        && (aligned - before).abs() >= 0.005
    {
        facts.push(format!("{} of memory is well aligned ({base}: {})", percent(aligned), percent(before)));
    }
    if let Some(ratio) = cell.misses_ratio {
        let alike = facts.is_empty() && (ratio - 1.0).abs() < 0.005;
        let length = if faster { "shorter" } else { "longer" };
        facts.push(if alike { format!("walks are {length}, and as many") } else { misses(ratio) });
    }
    if name == "translation" && !facts.is_empty() {
        said.push_str(": ");
        said.push_str(&list(&facts));
    }
    said
}

fn misses(ratio: f64) -> String {
    let change = 100.0 * (1.0 - ratio);
    if change >= 99.95 {
        "TLB misses all but vanish".to_owned()
    } else if change.abs() < 0.5 {
        "TLB misses stay the same".to_owned()
    } else if change > 0.0 {
        format!("TLB misses fall by {change:.0} %")
    } else {
        format!("TLB misses rise by {:.0} %", -change)
    }
}

fn misses_anyway(cell: &Cell, baseline: &Cell, name: &str) -> String {
    let differs = cell.misses_ratio.filter(|ratio| (1.0 - ratio).abs() >= 0.005);
    let known = differs.filter(|_| baseline.figure("misses").is_some());
    known.map_or_else(String::new, |ratio| format!(", though with {name} {}", misses(ratio)))
}

fn open(all: impl Iterator<Item = f64>) -> String {
    let most = all.fold(0.0, f64::max);
    if most > 0.0 { format!("±{:.1} %", 100.0 * most) } else { "a ten-thousandth".to_owned() }
}

/// A run without another one to compare it with.
fn alone(view: &View<'_>) -> String {
    let Some(cell) = view.cells.first() else { return String::new() };
    let run = view.runs.all[cell.runs[0]].result;
    let rate = crate::figures::operations(run).map(|rate| format!("{} operations", short(rate)));
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
    let errors: Vec<f64> =
        view.runs.all.iter().filter_map(|run| crate::figures::sampling_error(run.result)).collect();
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

/// `a, b and c`.
pub(crate) fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}
