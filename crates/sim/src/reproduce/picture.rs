//! A figure as a picture: a panel for each curve, with the published bars as marks at its sides.
//!
//! Every place is a whole number, so that the same points give the same bytes.

use std::fmt::Write as _;

use terrace_addr::convert;

use super::text::{percent, size};
use super::{Curve, DataSet, Figure, Pages, Reproduced, figure};
use crate::svg::{line, text};

/// Of a panel, in the picture's units: where its axes begin, how large its field is, and how far panels are apart.
const LEFT: u64 = 90;
const TOP: u64 = 112;
const WIDTH: u64 = 560;
const HEIGHT: u64 = 220;
const APART: u64 = 320;
/// The width of the picture.
const ALL: u64 = 760;

const STYLE: &str = "\
text { fill: #222 } .axis { stroke: #888 } .grid { stroke: #ddd } path { fill: none; stroke-width: 2 }
.base { stroke: #777 } .huge-host { stroke: #b5532d } .huge-guest { stroke: #3566a8 } .huge-both { stroke: #3d7a4e }
path.huge-guest { stroke-dasharray: 7 4 }
@media (prefers-color-scheme: dark) {
text { fill: #ddd } .axis { stroke: #999 } .grid { stroke: #444 }
.base { stroke: #aaa } .huge-host { stroke: #d9774d } .huge-guest { stroke: #7da7e0 } .huge-both { stroke: #63b27a }
}";

const MEANING: [(Pages, &str); 4] = [
    (Pages::Base, "base pages"),
    (Pages::HugeHost, "huge in the host"),
    (Pages::HugeGuest, "huge in the guest"),
    (Pages::HugeBoth, "huge in both"),
];

impl Reproduced {
    /// The figure as a picture (SVG), readable on light and dark ground.
    pub fn picture(&self) -> String {
        let curves = self.curves();
        let height = TOP + APART * convert::count(curves.len());
        let mut svg = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {ALL} {height}" font-family="sans-serif" font-size="13">
<style>
{STYLE}
</style>
<text x="8" y="22" font-size="16">{}, on {}</text>
<text x="8" y="42">Throughput of random loads in percent of base pages everywhere, by the size of the data set</text>
"#,
            self.figure, self.machine.name
        );
        for ((pages, meaning), x) in MEANING.into_iter().zip([8_u64, 150, 310, 480]) {
            line(&mut svg, pages.name(), 2, [x, 60, x + 24, 60]);
            text(&mut svg, x + 30, 64, "start", meaning);
        }
        if curves.iter().any(|curve| curve.mode == "nested") {
            text(&mut svg, 8, 80, "start", "In mode nested the guest hypervisor has the pages of the host");
        }
        let published = figure(self.figure).filter(|figure| !figure.bars.is_empty());
        for (curve, top) in curves.iter().zip((TOP..).step_by(convert::index(APART))) {
            panel(&mut svg, curve, published, top);
        }
        if published.is_none() {
            let source = figure(self.figure).map_or("", |figure| figure.bars_source);
            text(&mut svg, 8, height - 24, "start", &format!("Published bars: {source}"));
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn panel(svg: &mut String, curve: &Curve, published: Option<&Figure>, top: u64) {
    let title = format!("mode {}, {} loads", curve.mode, curve.loads.name());
    text(svg, LEFT, top, "start", &title);
    let top = top + 14;
    let bars = published.map_or(&[][..], |figure| figure.bars);
    let values = curve.rows.iter().flat_map(|row| row.percent.into_iter().flatten());
    let most = values.chain(bars.iter().map(|bar| f64::from(bar.percent))).fold(150.0, f64::max);
    let step = if most > 400.0 { 100 } else { 50 };
    let steps = convert::floor(most) / step + 1;
    let y = |value: f64| top + HEIGHT - convert::floor(value * convert::ratio(HEIGHT, steps * step) + 0.5);
    for number in 0..=steps {
        let value = number * step;
        let y = y(convert::ratio(value, 1));
        line(svg, if number == 0 { "axis" } else { "grid" }, 1, [LEFT, y, LEFT + WIDTH, y]);
        text(svg, LEFT - 40, y + 4, "end", &value.to_string());
    }
    let Some((first, last)) = curve.rows.first().zip(curve.rows.last()) else { return };
    // Data sets are powers of two: a doubling is always as wide.
    let doublings = |bytes: u64| u64::from(bytes.max(1).ilog2());
    let origin = doublings(first.footprint_bytes);
    let all = (doublings(last.footprint_bytes) - origin).max(1);
    let x = |bytes: u64| LEFT + WIDTH * (doublings(bytes) - origin) / all;
    for row in curve.rows.iter().filter(|row| (doublings(row.footprint_bytes) - origin).is_multiple_of(2)) {
        text(svg, x(row.footprint_bytes), top + HEIGHT + 18, "middle", &size(row.footprint_bytes));
    }
    for pages in Pages::ALL {
        let mut steps = String::new();
        for row in &curve.rows {
            if let Some(value) = row.of(pages) {
                let command = if steps.is_empty() { 'M' } else { 'L' };
                // Writing to a string cannot fail.
                let _ = write!(steps, "{command}{} {}", x(row.footprint_bytes), y(value));
            }
        }
        let _ = writeln!(svg, r#"<path class="{}" d="{steps}"/>"#, pages.name());
    }
    for bar in bars.iter().filter(|bar| bar.pages != Pages::Base) {
        let value = f64::from(bar.percent);
        let (from, label, anchor) = match bar.data_set {
            DataSet::Small => (LEFT - 30, LEFT - 34, "end"),
            DataSet::Large => (LEFT + WIDTH + 6, LEFT + WIDTH + 36, "start"),
        };
        line(svg, bar.pages.name(), 3, [from, y(value), from + 24, y(value)]);
        if bar.data_set == DataSet::Large {
            // Bars that stand close get their labels beside each other.
            let label = if bar.pages == Pages::HugeGuest { label + 30 } else { label };
            text(svg, label, y(value) + 4, anchor, &percent(value));
        }
    }
    if !bars.is_empty() {
        text(svg, 8, top + HEIGHT + 36, "start", "published, small set");
        text(svg, ALL - 8, top + HEIGHT + 36, "end", "published, large set");
    }
}

#[cfg(test)]
mod tests {
    use terrace_result::{MODEL_VERSION, MachineUsed, Sha256};

    use super::*;
    use crate::reproduce::{FIGURES, Loads, Point, REPRODUCED_SCHEMA, REPRODUCED_SCHEMA_VERSION};

    fn reproduced(points: Vec<Point>) -> Reproduced {
        let figure = &FIGURES[0];
        let sha256 = Sha256::of(b"");
        Reproduced {
            schema: REPRODUCED_SCHEMA,
            schema_version: REPRODUCED_SCHEMA_VERSION,
            terrace_version: "",
            model_version: MODEL_VERSION,
            figure: figure.name,
            paper: figure.paper,
            published_setting: figure.measured,
            published_claim: figure.says,
            published: figure.bars,
            published_source: figure.bars_source,
            machine: MachineUsed { name: "m".into(), sha256: sha256.clone(), overrides: Vec::new() },
            scenario_sha256: sha256,
            missing: Vec::new(),
            points,
            findings: Vec::new(),
        }
    }

    fn point(footprint_bytes: u64, pages: Pages, percent: f64) -> Point {
        let (accesses_per_second, percent) = (percent, Some(percent));
        let (cycles, data_cycles, translation_cycles, walks) = (1.0, 0.0, 0.0, 0.0);
        let (mode, loads) = ("2d".to_owned(), Loads::Dependent);
        Point {
            mode,
            loads,
            footprint_bytes,
            pages,
            accesses_per_second,
            percent,
            cycles,
            data_cycles,
            translation_cycles,
            walks,
        }
    }

    #[test]
    fn doublings_are_as_wide_and_percents_as_high_as_each_other() {
        let points = [(1 << 16, 100.0), (1 << 18, 150.0), (1 << 20, 50.0)]
            .map(|(bytes, percent)| point(bytes, Pages::HugeBoth, percent));
        let svg = reproduced(points.to_vec()).picture();
        // 250 % at the top, at 126; 0 at the bottom, at 346: 44 for each 50 %.
        assert!(svg.contains(r#"<path class="huge-both" d="M90 258L370 214L650 302"/>"#), "{svg}");
        // A bar of 202 % at the right, one of 103 % at the left.
        assert!(svg.contains(r#"x1="656" y1="168" x2="680" y2="168""#), "{svg}");
        assert!(svg.contains(r#"x1="60" y1="255" x2="84" y2="255""#), "{svg}");
    }

    /// A single point, and none at all, are pictures too.
    #[test]
    fn little_that_was_measured_is_drawn() {
        assert!(reproduced(vec![point(4096, Pages::Base, 100.0)]).picture().contains("M90 258"));
        assert!(reproduced(Vec::new()).picture().ends_with("</svg>\n"));
    }
}
