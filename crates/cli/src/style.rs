//! How tables look: a rule above, below and under the header, nothing else.

use comfy_table::{LineStyle, Table, TableStyle};

const LINE: LineStyle = LineStyle::none().fill('─').junction('─');
const STYLE: TableStyle = TableStyle::new().top_border(LINE).header_separator(LINE).bottom_border(LINE);

/// An empty table.
pub(crate) fn table() -> Table {
    let mut table = Table::new();
    table.load_style(STYLE);
    table
}

/// How wide text is.
pub(crate) const WIDTH: u16 = 110;

/// A paragraph in lines, the second and later ones indented.
pub(crate) fn wrap(paragraph: &str, indent: &str) -> String {
    let (mut text, mut column) = (String::new(), 0);
    for word in paragraph.split(' ') {
        let length = word.chars().count() + 1;
        if column > 0 && column + length > usize::from(WIDTH) {
            text.push('\n');
            text.push_str(indent);
            column = indent.len();
        } else if column > 0 {
            text.push(' ');
        }
        text.push_str(word);
        column += length;
    }
    text.push('\n');
    text
}
