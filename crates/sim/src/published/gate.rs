//! What has to hold of a comparison.
//!
//! The rule: where the model does not give it, that is shown with its reason; no number is bent to it.

mod ablation;

use serde::{Deserialize, Serialize};

use super::compared::{Compared, Mean};
use super::{Comparison, Metric};

/// What has to hold of a comparison.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// What, in words.
    pub says: String,
    /// What, to be decided.
    pub rule: Rule,
    /// Why the model does not give it, where that was found.
    pub why: Option<String>,
}

/// What has to hold, with the numbers of programs as they are stated.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Each of these systems is better in the mean than the one before, over the programs that all of them have.
    Order(Vec<String>),
    /// Each of these systems has something more than the one before: what that changes has the published sign in the
    /// mean, and for more programs than it has the opposite one.
    Ablation(Vec<String>),
    /// Means that were published more than so many points apart are in their order.
    PublishedOrder(f64),
    /// This system is the best of the publication's for each program.
    Best(String),
    /// No system's value in any row is worse than this, in percent; in these rows only, if any are named.
    NoWorse {
        /// In percent.
        percent: f64,
        /// Which rows.
        #[serde(default)]
        rows: Vec<String>,
    },
    /// The mean of a system is no worse than this.
    MeanNoWorse {
        /// Which system.
        system: String,
        /// In percent.
        percent: f64,
    },
}

impl Rule {
    /// Whether it is known to hold only if all systems were measured.
    const fn is_of_all_systems(&self) -> bool {
        match self {
            Self::PublishedOrder(_) | Self::Best(_) | Self::NoWorse { .. } => true,
            Self::Order(_) | Self::Ablation(_) | Self::MeanNoWorse { .. } => false,
        }
    }

    /// The systems that it names.
    #[cfg(test)]
    pub(super) fn systems(&self) -> Vec<&str> {
        match self {
            Self::Order(systems) | Self::Ablation(systems) => systems.iter().map(String::as_str).collect(),
            Self::Best(system) | Self::MeanNoWorse { system, .. } => vec![system],
            Self::PublishedOrder(_) | Self::NoWorse { .. } => Vec::new(),
        }
    }
}

/// What came of a gate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// What has to hold.
    pub says: String,
    /// Whether the model gives it; none where nothing was measured that decides it.
    pub holds: Option<bool>,
    /// What was found.
    pub found: String,
    /// Why the model does not give it, where it does not and that was found.
    pub why: Option<String>,
}

/// What came of all gates of a comparison.
pub(super) fn judge(comparison: &Comparison, compared: &Compared) -> Vec<Judged> {
    let one = |gate: &Gate| {
        let (mut holds, mut found) = decide(&gate.rule, comparison, compared);
        let all_systems = compared.systems.len() == comparison.shown().len();
        if holds == Some(true) && gate.rule.is_of_all_systems() && !all_systems {
            (holds, found) = (None, "not all systems were measured".to_owned());
        }
        let why = gate.why.clone().filter(|_| holds == Some(false));
        Judged { says: gate.says.clone(), holds, found, why }
    };
    comparison.gates.iter().map(one).collect()
}

const NOTHING: &str = "nothing was measured that decides it";

fn decide(rule: &Rule, comparison: &Comparison, compared: &Compared) -> (Option<bool>, String) {
    let metric = comparison.metric;
    match rule {
        Rule::Order(systems) => is_ordered(systems, comparison, compared),
        Rule::Ablation(systems) => ablation::has_published_signs(systems, comparison, compared),
        Rule::PublishedOrder(points) => {
            let pairs = compared.order(*points);
            let known: Vec<_> = pairs
                .iter()
                .filter_map(|&(better, worse, kept)| kept.map(|kept| (better, worse, kept)))
                .collect();
            let wrong: Vec<String> = known
                .iter()
                .filter(|it| !it.2)
                .map(|(better, worse, _)| format!("{better} before {worse}"))
                .collect();
            if known.is_empty() {
                return (None, NOTHING.to_owned());
            }
            let kept = known.len() - wrong.len();
            let found = format!("{kept} of {} pairs{}", known.len(), but(&wrong));
            (Some(wrong.is_empty()), found)
        }
        Rule::Best(best) => is_best(metric, best, comparison, compared),
        Rule::NoWorse { percent, rows } => {
            let mut values = Vec::new();
            for row in &compared.rows {
                if rows.is_empty() || rows.contains(&row.name()) {
                    for (system, cell) in compared.systems.iter().zip(&row.cells) {
                        values.extend(
                            cell.simulated
                                .map(|value| (value, format!("{system} {value:.1} ({})", row.name()))),
                        );
                    }
                }
            }
            let worst = values
                .into_iter()
                .reduce(|one, other| if metric.is_better(one.0, other.0) { other } else { one });
            let Some((value, shown)) = worst else { return (None, NOTHING.to_owned()) };
            (Some(!metric.is_better(*percent, value)), format!("the worst is {shown}"))
        }
        Rule::MeanNoWorse { system, percent } => match mean(system, compared).and_then(|it| it.simulated) {
            Some(mean) => (Some(!metric.is_better(*percent, mean)), format!("{system} {mean:.1}")),
            None => (None, NOTHING.to_owned()),
        },
    }
}

/// Whether each of these systems is better in the mean than the one before.
fn is_ordered(systems: &[String], comparison: &Comparison, compared: &Compared) -> (Option<bool>, String) {
    let own: Vec<&Mean> = systems.iter().filter_map(|system| mean(system, compared)).collect();
    let rows = compared.common(&own);
    let mean_of = |system: &String| match constant(comparison, system) {
        Some(percent) if compared.column(system).is_none() => Some(percent),
        _ => compared.simulated_mean(system, &rows),
    };
    let means: Option<Vec<f64>> = systems.iter().map(mean_of).collect();
    let Some(means) = means else { return (None, NOTHING.to_owned()) };
    let holds = means.windows(2).all(|pair| comparison.metric.is_better(pair[1], pair[0]));
    let shown = systems.iter().zip(&means).map(|(system, mean)| format!("{system} {mean:.1}"));
    let of = compared.rows.iter().filter(|row| row.outlier.is_none()).count();
    let over =
        if rows.len() < of { format!(", over {} of {of} programs", rows.len()) } else { String::new() };
    (Some(holds), shown.collect::<Vec<_>>().join(", ") + &over)
}

/// Whether a system is better than all others of the publication for each program.
fn is_best(
    metric: Metric,
    best: &str,
    comparison: &Comparison,
    compared: &Compared,
) -> (Option<bool>, String) {
    let (mut programs, mut wrong) = (0, Vec::new());
    for row in &compared.rows {
        let of = |wanted: &str| {
            compared.systems.iter().zip(&row.cells).find(|(system, _)| *system == wanted)?.1.simulated
        };
        let Some(own) = of(best) else { continue };
        programs += 1;
        let others = comparison.systems.iter().filter(|system| *system != best);
        let better = others
            .filter_map(|system| Some((system, of(system)?)))
            .filter(|&(_, value)| !metric.is_better(own, value));
        wrong.extend(
            better.map(|(system, value)| format!("{system} {value:.1} against {own:.1} ({})", row.name())),
        );
    }
    match programs {
        0 => (None, NOTHING.to_owned()),
        _ => (Some(wrong.is_empty()), format!("of {programs} programs{}", but(&wrong))),
    }
}

fn but(wrong: &[String]) -> String {
    if wrong.is_empty() { String::new() } else { format!("; not so: {}", wrong.join(", ")) }
}

/// The mean of a system that is shown.
fn mean<'c>(system: &str, compared: &'c Compared) -> Option<&'c Mean> {
    compared.means.iter().find(|mean| mean.system == system)
}

/// What the baseline and the whole have in every row: what all are percentages of, or where the whole's gain begins and
/// ends.
fn constant(comparison: &Comparison, system: &str) -> Option<f64> {
    let is = |other: &Option<String>| other.as_deref() == Some(system);
    if is(&comparison.whole) {
        Some(100.0)
    } else {
        is(&comparison.baseline).then_some(if comparison.whole.is_some() { 0.0 } else { 100.0 })
    }
}
