//! HTML: escaped text, tables, and the policy that keeps a page from using anything but itself.

use core::fmt::Write;

use sha2::Digest;

/// Text as it may stand between tags and in quoted attributes.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// JSON as it may stand in a script element: what could end the element or begin a comment is written as an escape.
pub(crate) fn json(value: &serde_json::Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// The source of a script as `script-src` names it, by its digest.
pub(crate) fn script_source(script: &str) -> String {
    format!("'sha256-{}'", base64(&sha2::Sha256::digest(script.as_bytes())))
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let byte = |place: usize| u32::from(group.get(place).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = terrace_addr::convert::index32(bits >> (18 - 6 * place) & 63);
            let is_there = terrace_addr::convert::index32(place) <= group.len();
            text.push(if is_there { char::from(DIGITS[digit]) } else { '=' });
        }
    }
    text
}

/// A table that scrolls by itself where it is wider than the page.
#[derive(Debug, Default)]
pub(crate) struct Table {
    head: String,
    body: String,
}

/// How a cell stands in its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

impl Table {
    /// A column: its head, and what its values mean.
    pub(crate) fn column(&mut self, title: &str, meaning: &str, align: Align) {
        let class = if align == Align::Right { " class=\"n\"" } else { "" };
        let hint =
            if meaning.is_empty() { String::new() } else { format!(" title=\"{}\"", escaped(meaning)) };
        // Writing to a string cannot fail.
        // Long names of metrics may be broken between their words.
        let title = escaped(title).replace('_', "_<wbr>");
        let _ = write!(self.head, "<th scope=\"col\"{class}{hint}>{title}</th>");
    }

    /// Begins a row, with attributes that are written as they are.
    pub(crate) fn row(&mut self, attributes: &str) {
        if !self.body.is_empty() {
            self.body.push_str("</tr>\n");
        }
        let _ = write!(self.body, "<tr{attributes}>");
    }

    pub(crate) fn head_cell(&mut self, text: &str) {
        let _ = write!(self.body, "<th scope=\"row\">{}</th>", escaped(text));
    }

    pub(crate) fn cell(&mut self, text: &str, align: Align) {
        let class = if align == Align::Right { " class=\"n\"" } else { "" };
        let _ = write!(self.body, "<td{class}>{}</td>", escaped(text));
    }

    /// A cell with tags in it.
    pub(crate) fn raw_cell(&mut self, html: &str) {
        let _ = write!(self.body, "<td>{html}</td>");
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    pub(crate) fn finish(self, caption: &str) -> String {
        let Self { head, body } = self;
        let caption = if caption.is_empty() {
            String::new()
        } else {
            format!("<caption>{}</caption>", escaped(caption))
        };
        format!(
            "<div class=\"scroll\" tabindex=\"0\"><table>{caption}<thead><tr>{head}</tr></thead>\n<tbody>{body}</tr>\
             </tbody></table></div>\n"
        )
    }
}

/// What opens when it is asked for.
pub(crate) fn details(summary: &str, html: &str) -> String {
    format!("<details><summary>{}</summary>\n{html}</details>\n", escaped(summary))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_tags() {
        assert_eq!(escaped("<a href='x'>&\"</a>"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;&lt;/a&gt;");
    }

    #[test]
    fn data_cannot_end_its_script() {
        let value = serde_json::json!({ "name": "</script><!--<script>&", "n": 1.5 });
        let text = json(&value);
        assert!(!text.contains(['<', '>', '&']), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    /// The test vectors of RFC 4648, section 10.
    #[test]
    fn base64_is_that_of_its_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
