//! Overrides of the command line as changes of a scenario's tree.

use std::borrow::Cow;
use std::ops::Range;

use terrace_machine::files::{Explained, value_of};
use terrace_machine::{Fault, Override};
use toml::Spanned;
use toml::de::DeValue;

use crate::sweep::Axis;
use crate::tree::Setting;

/// The axis that an override is: one change, or one for each value of a list `a,b,c`. All of it is at `place`;
/// `taken` are the axes before it.
pub(crate) fn axis<'a>(
    given: &'a Override,
    place: usize,
    taken: &[Axis<'a>],
) -> Result<Axis<'a>, Box<Fault>> {
    let pieces = pieces(given.value());
    let lists = pieces.iter().all(|piece| piece.starts_with('['));
    let alone = pieces.len() == 1 || is_sentence(given.path()) || (is_list(given.path()) && !lists);
    if alone {
        let value = if is_list(given.path()) && !lists {
            let items: Result<_, _> = pieces.iter().map(|piece| item(given, piece, place)).collect();
            Spanned::new(place..place, DeValue::Array(items?))
        } else {
            item(given, given.value(), place)?
        };
        return Ok(Axis { name: None, values: vec![(String::new(), vec![setting(given, place, value)])] });
    }
    let mut values: Vec<(String, Vec<Setting<'a>>)> = Vec::new();
    for piece in pieces {
        if piece.is_empty() {
            return Err(given.error("an empty value", "values with commas between them"));
        }
        let value = item(given, piece, place)?;
        let label = label(piece, value.get_ref());
        if values.iter().any(|(name, _)| *name == label) {
            return Err(given.error(format!("the value {label} twice"), "values that differ"));
        }
        values.push((label, vec![setting(given, place, value)]));
    }
    Ok(Axis { name: Some(name(given, taken)?), values })
}

/// The last key, or, where another axis has that name, the whole path.
fn name(given: &Override, taken: &[Axis<'_>]) -> Result<String, Box<Fault>> {
    let path = given.path();
    let candidates = [path.last().cloned().unwrap_or_default(), path.join(".")];
    let free = |name: &String| taken.iter().all(|axis| axis.name.as_ref() != Some(name));
    let found = "a second list of values for this key";
    candidates.into_iter().find(free).ok_or_else(|| given.error(found, "one list for each key"))
}

fn setting<'a>(given: &Override, place: usize, value: Spanned<DeValue<'a>>) -> Setting<'a> {
    Setting { path: given.path().to_vec(), key: place..place, value }
}

fn item<'a>(given: &Override, text: &'a str, place: usize) -> Result<Spanned<DeValue<'a>>, Box<Fault>> {
    let value = value_of(text, place)
        .map_err(|Explained { found, expected, help }| given.error(found, expected).helped(help))?;
    Ok(Spanned::new(place..place, value))
}

fn label(piece: &str, value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => Cow::clone(text).into_owned(),
        _ => piece.to_owned(),
    }
}

/// Whether the value at this path is a list.
fn is_list(path: &[String]) -> bool {
    match path {
        [host, key] if host == "host" => key == "nodes",
        [vm, .., key] if vm == "vm" => key == "cpus" && !path.iter().any(|key| key == "parameters"),
        _ => false,
    }
}

/// Whether the value at this path is a sentence, whose commas separate nothing.
fn is_sentence(path: &[String]) -> bool {
    matches!(path, [key] if key == "description")
}

/// The parts of a text between commas that are in no list, table or quoted text.
fn pieces(text: &str) -> Vec<&str> {
    let (mut depth, mut quote, mut escaped) = (0_u32, None, false);
    let mut pieces = Vec::new();
    let mut piece: Range<usize> = 0..0;
    for (place, letter) in text.char_indices() {
        piece.end = place;
        match (quote, letter) {
            (Some('"'), '\\') if !escaped => {
                escaped = true;
                continue;
            }
            (Some(open), _) if open == letter && !escaped => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                pieces.push(text[piece.clone()].trim());
                piece.start = place + 1;
            }
            _ => {}
        }
        escaped = false;
    }
    pieces.push(text[piece.start..].trim());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_lie_between_commas_of_the_outermost_level() {
        assert_eq!(pieces("1 GiB, 2 GiB"), ["1 GiB", "2 GiB"]);
        assert_eq!(pieces("[0, 1], [2, 3]"), ["[0, 1]", "[2, 3]"]);
        assert_eq!(pieces(r#""a,b", 'c,d', "e\",f""#), [r#""a,b""#, "'c,d'", r#""e\",f""#]);
        assert_eq!(pieces("{ a = 1, b = 2 }"), ["{ a = 1, b = 2 }"]);
        assert_eq!(pieces("a,,"), ["a", "", ""]);
        assert_eq!(pieces("µ]"), ["µ]"]);
    }

    #[test]
    fn an_axis_has_the_name_of_its_last_key_unless_that_is_taken() {
        let guest: Override = "guest.parameters.thp=always,never".parse().unwrap();
        let host: Override = "host.parameters.thp=always,never".parse().unwrap();
        let mut axes = vec![axis(&guest, 0, &[]).unwrap()];
        axes.push(axis(&host, 0, &axes).unwrap());
        let names: Vec<_> = axes.iter().map(|axis| axis.name.as_deref().unwrap()).collect();
        assert_eq!(names, ["thp", "host.parameters.thp"]);
        assert_eq!(
            [&host, &host].map(|again| axis(again, 0, &axes).unwrap_err().to_string())[0],
            "--set host.parameters.thp=always,never: found a second list of values for this key; expected one list \
             for each key"
        );
    }
}
