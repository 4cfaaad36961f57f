//! Pictures: bars of shares, and lines over time. What they show is in the tables, too.

use core::fmt::Write;

use crate::html::escaped;

/// Colours of the columns, in their order: those of Okabe and Ito (2008), which people of all kinds of colour vision tell
/// apart.
const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f"];
const WIDTH: f64 = 1000.0;

/// One line: its name, and its points by time and value.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

pub(super) fn colour(column: usize) -> &'static str {
    COLOURS[column % COLOURS.len()]
}

/// A bar for each name, of parts that add up to at most 1. What all bars have in common at their beginning is left out.
pub(super) fn bars(rows: &[(String, Vec<f64>)], parts: &[&str]) -> String {
    const ROW: f64 = 30.0;
    const LEFT: f64 = 260.0;
    let least =
        rows.iter().filter_map(|(_, shares)| shares.first()).fold(1.0_f64, |least, it| least.min(*it));
    // A tenth, hundredth ... of the whole, so that differences show.
    let mut span = 1.0_f64;
    while span > 1e-5 && 1.0 - least < span / 20.0 {
        span /= 10.0;
    }
    let from = 1.0 - span;
    let x = |share: f64| LEFT + (WIDTH - LEFT - 90.0) * ((share - from) / span).clamp(0.0, 1.0);
    let count = rows.iter().fold(0.0, |count, _| count + 1.0);
    let mut svg = begin(count * ROW + 34.0, "bars");
    let mut y = 4.0;
    for (name, shares) in rows {
        let first = shares.first().copied().unwrap_or(0.0);
        text(&mut svg, (LEFT - 10.0, y + 18.0), "end", name);
        let mut at = 0.0;
        for (part, share) in shares.iter().enumerate() {
            let (start, end) = (x(at), x(at + share));
            // Writing to a string cannot fail.
            let _ = write!(
                svg,
                "<rect x=\"{start:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"22\" fill=\"{}\"><title>{}: {}</title></rect>",
                end - start,
                colour(part),
                escaped(parts.get(part).copied().unwrap_or_default()),
                percent(*share)
            );
            at += share;
        }
        text(&mut svg, (WIDTH - 84.0, y + 18.0), "start", &percent(first));
        y += ROW;
    }
    text(&mut svg, (LEFT, y + 18.0), "start", &percent(from));
    text(&mut svg, (WIDTH - 90.0, y + 18.0), "end", "100 %");
    svg.push_str("</svg>\n");
    let legend: Vec<(usize, &str)> = parts.iter().copied().enumerate().collect();
    svg + &key(&legend)
}

/// Lines over hours, of values that are written by `shown`.
pub(super) fn lines(lines: &[Line], shown: impl Fn(f64) -> String) -> String {
    const HEIGHT: f64 = 260.0;
    const LEFT: f64 = 90.0;
    let points = || lines.iter().flat_map(|line| &line.points);
    let hours = points().fold(0.0_f64, |hours, (hour, _)| hours.max(*hour)).max(1e-9);
    let (least, most) = points().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), (_, value)| {
        (least.min(*value), most.max(*value))
    });
    if least > most {
        return String::new();
    }
    let span = if most > least { most - least } else { most.abs().max(1e-9) };
    let x = |hour: f64| LEFT + (WIDTH - LEFT - 10.0) * hour / hours;
    let y = |value: f64| 10.0 + (HEIGHT - 20.0) * (1.0 - (value - least) / span);
    let mut svg = begin(HEIGHT + 30.0, "lines");
    for part in [0.0, 0.5, 1.0] {
        let (value, hour) = (least + part * span, part * hours);
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            "<path d=\"M{LEFT} {0:.1}H{WIDTH}\" stroke=\"currentColor\" opacity=\".2\"/>",
            y(value)
        );
        text(&mut svg, (LEFT - 8.0, y(value) + 5.0), "end", &shown(value));
        let anchor = if part > 0.9 { "end" } else { "start" };
        text(&mut svg, (x(hour), HEIGHT + 20.0), anchor, &format!("{:.1} days", hour / 24.0));
    }
    for (column, line) in lines.iter().enumerate() {
        let mut path = String::new();
        for (place, (hour, value)) in thinned(&line.points).enumerate() {
            let _ = write!(path, "{}{:.1} {:.1}", if place == 0 { "M" } else { "L" }, x(hour), y(value));
        }
        let _ = write!(
            svg,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"><title>{}</title></path>",
            colour(column),
            escaped(&line.name)
        );
    }
    svg.push_str("</svg>\n");
    let legend: Vec<(usize, &str)> =
        lines.iter().enumerate().map(|(column, line)| (column, line.name.as_str())).collect();
    svg + &key(&legend)
}

/// No more points than a picture shows: the last of each run of them.
fn thinned(points: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> + '_ {
    points.chunks(points.len().div_ceil(800).max(1)).filter_map(|chunk| chunk.last().copied())
}

fn begin(height: f64, kind: &str) -> String {
    format!(
        "<svg class=\"{kind}\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" width=\"100%\" font-size=\"14\" \
         fill=\"currentColor\">"
    )
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, said: &str) {
    // Writing to a string cannot fail.
    let _ = write!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>", escaped(said));
}

fn key(names: &[(usize, &str)]) -> String {
    let entry = |(column, name): &(usize, &str)| {
        format!("<span style=\"color:{}\">■</span> {} &ensp;", colour(*column), escaped(name))
    };
    format!("<p class=\"small\">{}</p>\n", names.iter().map(entry).collect::<String>())
}

/// Shares near to all or nothing are what is compared.
pub(super) fn percent(share: f64) -> String {
    format!("{:.3} %", 100.0 * share)
}
