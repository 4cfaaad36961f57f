//! The compared values of a panel, ranked by their throughput, in words.

use super::reason::{because, misses_anyway};
use super::words::{
    beside, capital, change, list, names_of, open, over_programs, place_words, quoted_values,
};
use crate::cells::{Cell, View};

/// The compared values of a panel, the fastest first.
pub(super) struct Ranking<'a> {
    pub(super) panel: usize,
    baseline: &'a Cell,
    /// Without the baseline.
    others: Vec<&'a Cell>,
}

impl<'a> Ranking<'a> {
    pub(super) fn of(view: &'a View<'_>, panel: usize) -> Option<Self> {
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

    pub(super) fn sentence(&self, view: &View<'_>) -> String {
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
    pub(super) fn summary(&self, view: &View<'_>) -> String {
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

/// The panel in which the compared values are the furthest apart.
pub(super) fn most_telling(all: &[Ranking<'_>]) -> Option<usize> {
    let places = (0..all.len()).rev();
    places.max_by(|&a, &b| all[a].spread().total_cmp(&all[b].spread()))
}
