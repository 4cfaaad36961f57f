//! The words of a line of a textproto file.

/// The signs that are words of their own.
const SIGNS: &str = "{}<>:,;";

/// The words of a line up to its comment: names, numbers, signs, and strings in quotes.
pub(super) fn words(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    core::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next().filter(|&first| first != '#')?;
        let end = if SIGNS.contains(first) {
            first.len_utf8()
        } else if first == '"' || first == '\'' {
            end_of_string(rest, first)
        } else {
            let ends = |next: char| next.is_whitespace() || next == '#' || SIGNS.contains(next);
            rest.find(ends).unwrap_or(rest.len())
        };
        let (word, others) = rest.split_at(end);
        rest = others;
        Some(word)
    })
}

/// Where a string that begins with `quote` ends; at the end of the line if it is not closed.
fn end_of_string(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (index, next) in text.char_indices().skip(1) {
        match next {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            next if next == quote => return index + quote.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_words_and_signs() {
        let all = |line| words(line).collect::<Vec<_>>();
        assert_eq!(all("  a_b {c: 0x10;d:2}# e"), ["a_b", "{", "c", ":", "0x10", ";", "d", ":", "2", "}"]);
        assert_eq!(all("name: \"a # \\\" {\" next"), ["name", ":", "\"a # \\\" {\"", "next"]);
        assert_eq!(all("name: 'open"), ["name", ":", "'open"]);
        assert_eq!(all(" \t\n"), [""; 0]);
    }
}
