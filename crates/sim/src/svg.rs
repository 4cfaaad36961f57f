//! Parts of pictures (SVG). Every place is a whole number, so that the same points give the same bytes.

use std::fmt::Write as _;

/// Text that begins, ends or is centred at a place (`start`, `end`, `middle`).
pub(crate) fn text(svg: &mut String, x: u64, y: u64, anchor: &str, what: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(svg, r#"<text x="{x}" y="{y}" text-anchor="{anchor}">{}</text>"#, escaped(what));
}

/// A line of a class and a width.
pub(crate) fn line(svg: &mut String, class: &str, width: u64, [x1, y1, x2, y2]: [u64; 4]) {
    let _ = writeln!(
        svg,
        r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke-width="{width}"/>"#
    );
}

/// Text as it stands between tags.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
