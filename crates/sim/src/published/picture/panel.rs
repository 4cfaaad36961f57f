//! The bars of a comparison, in rows of groups: a group for each program, and one for the mean.

use std::fmt::Write as _;

use terrace_addr::convert;

use super::class;
use crate::published::{Cell, Compared, Mean};
use crate::svg::{escaped, line, text};

/// Groups beside each other.
pub(super) const IN_ROW: usize = 5;
/// How far rows are apart.
pub(super) const APART: u64 = 224;
/// Of a row, in the picture's units: where its axis is, how high its field is, and how wide a group.
const LEFT: u64 = 60;
const HEIGHT: u64 = 150;
const GROUP: u64 = 138;
/// A bar is no wider than this.
const WIDEST: u64 = 14;
/// Values beyond twice the largest published one, or beyond this where none was published, are cut.
const MOST_WITHOUT_PUBLISHED: f64 = 400.0;

pub(super) struct Panel {
    pub(super) groups: Vec<Group>,
    systems: Vec<String>,
    /// Whether values are percentages of a baseline, which is a line.
    baseline: Option<f64>,
    bottom: f64,
    top: f64,
    step: f64,
}

/// What stands beside each other.
pub(super) struct Group {
    name: String,
    /// By system.
    cells: Vec<Cell>,
}

impl Panel {
    pub(super) fn of(compared: &Compared) -> Self {
        let rows = compared.rows.iter().map(|row| Group { name: row.name(), cells: row.cells.clone() });
        let means = Group { name: "mean".to_owned(), cells: compared.means.iter().map(mean).collect() };
        let groups: Vec<Group> = rows.chain([means]).collect();
        let cells = || groups.iter().flat_map(|group| &group.cells);
        let published = cells().filter_map(|cell| cell.published).reduce(f64::max);
        let limit = published.map_or(MOST_WITHOUT_PUBLISHED, |most| (most * 2.0).max(100.0));
        let values = || cells().flat_map(|it| [it.published, it.simulated, it.low, it.high]).flatten();
        let most = values().fold(100.0, f64::max).min(limit);
        let least = values().fold(0.0, f64::min).max(-limit);
        let steps = [10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];
        let step = steps.into_iter().find(|step| most - least <= step * 8.0).unwrap_or(2000.0);
        Self {
            systems: compared.systems.clone(),
            baseline: (compared.baseline.is_some() && compared.whole.is_none()).then_some(100.0),
            bottom: libm::floor(least / step) * step,
            top: libm::ceil(most / step) * step,
            step,
            groups,
        }
    }

    /// Draws some of the groups, from `top` on.
    pub(super) fn row(&self, svg: &mut String, groups: &[Group], top: u64) {
        let right = LEFT + GROUP * convert::count(groups.len());
        let mut value = self.bottom;
        while value <= self.top {
            let y = self.y(value, top);
            let is = |other: f64| (value - other).abs() < self.step / 2.0;
            let is_axis = is(0.0) || self.baseline.is_some_and(is);
            line(svg, if is_axis { "axis" } else { "grid" }, 1, [LEFT, y, right, y]);
            text(svg, LEFT - 6, y + 4, "end", &format!("{value:.0}"));
            value += self.step;
        }
        for (group, left) in groups.iter().zip((LEFT..).step_by(convert::index(GROUP))) {
            self.group(svg, group, left, top);
        }
    }

    fn group(&self, svg: &mut String, group: &Group, left: u64, top: u64) {
        let systems = convert::count(self.systems.len()).max(1);
        let wide = ((GROUP - 16) / systems).saturating_sub(2).div_euclid(2).clamp(1, WIDEST);
        let pair = wide * 2 + 2;
        let first = left + (GROUP - pair * systems) / 2;
        for (number, (system, cell)) in self.systems.iter().zip(&group.cells).enumerate() {
            let x = first + pair * convert::count(number);
            let bars = [("published", x, cell.published), ("simulated", x + wide, cell.simulated)];
            for (kind, x, value) in bars {
                let Some(value) = value else { continue };
                let about = format!("{}, {system}: {kind} {value:.1} %", group.name);
                self.bar(svg, &format!("{} {kind}", class(number)), [x, wide, top], value, &about);
            }
            if let Some((low, high)) = cell.low.zip(cell.high) {
                let mark = whisker(x + wide + wide / 2, self.y(high, top), self.y(low, top));
                // Writing to a string cannot fail.
                let _ = writeln!(svg, "{mark}");
            }
        }
        let middle = left + GROUP / 2;
        let lines = group.name.split_inclusive(['+', '/']);
        for (name, y) in lines.zip((top + HEIGHT + 18..).step_by(14)) {
            text(svg, middle, y, "middle", name);
        }
    }

    /// A bar; what is cut carries its value.
    fn bar(&self, svg: &mut String, class: &str, [x, wide, top]: [u64; 3], value: f64, about: &str) {
        let (end, zero) = (self.y(value, top), self.y(0.0, top));
        let (from, high) = (end.min(zero), end.abs_diff(zero).max(1));
        let about = escaped(about);
        let _ = writeln!(
            svg,
            r#"<rect class="{class}" x="{x}" y="{from}" width="{wide}" height="{high}"><title>{about}</title></rect>"#
        );
        if value > self.top || value < self.bottom {
            let y = if value > 0.0 { end - 3 } else { end + 10 };
            let _ = writeln!(
                svg,
                r#"<text x="{}" y="{y}" text-anchor="middle" font-size="9">{value:.0}</text>"#,
                x + wide / 2
            );
        }
    }

    fn y(&self, value: f64, top: u64) -> u64 {
        let share = (value.clamp(self.bottom, self.top) - self.bottom) / (self.top - self.bottom);
        top + HEIGHT - convert::floor(share * convert::ratio(HEIGHT, 1) + 0.5)
    }
}

fn mean(mean: &Mean) -> Cell {
    Cell { published: mean.published, simulated: mean.simulated, low: mean.low, high: mean.high }
}

/// A band, from its high end to its low one.
pub(super) fn whisker(x: u64, high: u64, low: u64) -> String {
    let (left, right) = (x - 3, x + 3);
    format!(r#"<path class="band" d="M{left} {high}H{right}M{x} {high}V{low}M{left} {low}H{right}"/>"#)
}
