//! Comparisons as a picture: of each program and system a bar for what was published beside one for what the model
//! gives, the mean last.

mod panel;

use std::fmt::Write as _;

use terrace_addr::convert;

use super::Compared;
use crate::svg::{escaped, text};
use panel::Panel;

/// The width of the picture, in its units.
const WIDTH: u64 = 760;
/// Systems that the legend has in a line, and the width of each.
const IN_LINE: usize = 4;
const LEGEND: u64 = 186;

/// Colours of Okabe and Ito (2008), which people of all kinds of colour vision tell apart, and grey.
const STYLE: &str = "\
text { fill: #222 } .axis { stroke: #888 } .grid { stroke: #ddd } .band { stroke: #222 }
.one { fill: #0072b2; stroke: #0072b2 } .two { fill: #d55e00; stroke: #d55e00 }
.three { fill: #009e73; stroke: #009e73 } .four { fill: #cc79a7; stroke: #cc79a7 }
.five { fill: #e69f00; stroke: #e69f00 } .six { fill: #56b4e9; stroke: #56b4e9 }
.seven { fill: #7f7f7f; stroke: #7f7f7f } .published { fill: none }
@media (prefers-color-scheme: dark) {
text { fill: #ddd } .axis { stroke: #999 } .grid { stroke: #444 } .band { stroke: #ddd }
}";

/// Classes of the systems' colours, in their order.
const CLASSES: [&str; 7] = ["one", "two", "three", "four", "five", "six", "seven"];

fn class(system: usize) -> &'static str {
    CLASSES[system % CLASSES.len()]
}

/// Comparisons as a picture (SVG), readable on light and dark ground: one below the other.
pub fn picture(all: &[Compared]) -> String {
    let mut parts = String::new();
    let mut top = 0;
    for compared in all {
        top = figure(&mut parts, compared, top);
    }
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" font-family="sans-serif" font-size="11">
<style>
{STYLE}
</style>
{parts}</svg>
"#
    )
}

/// Draws a comparison from `top` on; where it ends.
fn figure(svg: &mut String, compared: &Compared, top: u64) -> u64 {
    // Writing to a string cannot fail.
    let _ = writeln!(
        svg,
        r#"<text x="8" y="{}" font-size="15">{}: {}</text>"#,
        top + 22,
        escaped(&compared.name),
        escaped(&compared.paper)
    );
    text(svg, 8, top + 42, "start", &compared.shows);
    let top = legend(svg, compared, top + 50);
    text(svg, 8, top + 16, "start", &compared.unit());
    let panel = Panel::of(compared);
    let mut top = top + 28;
    for groups in panel.groups.chunks(panel::IN_ROW) {
        panel.row(svg, groups, top);
        top += panel::APART;
    }
    top
}

/// What colours and bars mean, from `top` on; where that ends.
fn legend(svg: &mut String, compared: &Compared, top: u64) -> u64 {
    let mut kinds = vec![("published", "published"), ("", "simulated")];
    let band = format!("nine tenths of {} draws", compared.draws);
    if compared.draws > 0 {
        kinds.push(("band", &band));
    }
    let systems =
        compared.systems.iter().enumerate().map(|(number, system)| (class(number), system.as_str()));
    for (number, (class, system)) in systems.enumerate() {
        let (x, y) =
            (8 + LEGEND * convert::count(number % IN_LINE), top + 20 * convert::count(number / IN_LINE));
        let _ = writeln!(svg, r#"<circle class="{class}" cx="{}" cy="{}" r="5"/>"#, x + 6, y + 8);
        text(svg, x + 18, y + 12, "start", system);
    }
    let y = top + 20 * convert::count(compared.systems.len().div_ceil(IN_LINE));
    for (number, (kind, meaning)) in kinds.into_iter().enumerate() {
        let x = 8 + LEGEND * convert::count(number);
        let mark = match kind {
            "band" => panel::whisker(x + 6, y + 2, y + 14),
            kind => format!(r#"<path class="seven {kind}" d="M{x} {}h12v10h-12z"/>"#, y + 3),
        };
        let _ = writeln!(svg, "{mark}");
        text(svg, x + 18, y + 12, "start", meaning);
    }
    y + 20
}

#[cfg(test)]
mod tests;
