//! The words of the TOML reader as what was found, what was expected, and what helps.

use super::nearest::nearest;

/// An error message taken apart.
#[derive(Debug, PartialEq, Eq)]
pub struct Explained {
    /// What is there.
    pub found: String,
    /// What has to be there.
    pub expected: String,
    /// What else helps to correct it.
    pub help: Option<String>,
}

/// Takes apart a message of serde or of the TOML parser; `otherwise` is what was expected where it does not say.
pub fn explain(message: &str, otherwise: &str) -> Explained {
    if let Some(key) = message.strip_prefix("missing field ") {
        let expected = format!("{key} in this table");
        return Explained { found: format!("no key {key}"), expected, help: None };
    }
    let parts = message.strip_prefix("found ").and_then(|rest| rest.split_once("; expected "));
    let Some((found, expected)) = parts.or_else(|| message.split_once(", expected ")) else {
        return Explained { found: message.into(), expected: otherwise.into(), help: None };
    };
    for (prefix, kind) in [("unknown field ", "the unknown key "), ("unknown variant ", "")] {
        if let Some(name) = found.strip_prefix(prefix) {
            let names = quoted(expected);
            let near = nearest(name.trim_matches('`'), names.iter().copied());
            return Explained {
                found: format!("{kind}{name}"),
                expected: format!("one of {}", names.join(", ")),
                help: near.map(|near| format!("did you mean {near}?")),
            };
        }
    }
    let typed = ["invalid type: ", "invalid value: "].iter().find_map(|prefix| found.strip_prefix(prefix));
    let found = match typed.unwrap_or(found) {
        "sequence" => "a list",
        "map" => "a table",
        other => other,
    };
    let expected = match expected {
        "u32" => "a whole number below 2^32",
        "u64" => "a whole number below 2^64",
        "a string" | "string" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "a table",
        other if other.starts_with("struct ") => "a table",
        other if other.starts_with("string or table") => "a text",
        other => other,
    };
    Explained { found: found.into(), expected: expected.into(), help: None }
}

/// The names between back quotes.
fn quoted(list: &str) -> Vec<&str> {
    list.split('`').skip(1).step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(message: &str) -> String {
        let Explained { found, expected, help } = explain(message, "valid TOML");
        format!(
            "found {found}; expected {expected}{}",
            help.map(|help| format!("; {help}")).unwrap_or_default()
        )
    }

    #[test]
    fn messages_of_serde_become_found_and_expected() {
        for (message, explained) in [
            ("missing field `ways`", "found no key `ways`; expected `ways` in this table"),
            (
                "unknown field `wyas`, expected one of `ways`, `level`",
                "found the unknown key `wyas`; expected one of ways, level; did you mean ways?",
            ),
            ("unknown variant `x`, expected `lru` or `random`", "found `x`; expected one of lru, random"),
            ("invalid type: integer `3`, expected a string", "found integer `3`; expected a text"),
            (
                "invalid value: integer `-1`, expected u32",
                "found integer `-1`; expected a whole number below 2^32",
            ),
            ("invalid type: map, expected struct Clock", "found a table; expected a table"),
            (
                "found \"20\" without a unit; expected a size in B",
                "found \"20\" without a unit; expected a size in B",
            ),
            ("duplicate key", "found duplicate key; expected valid TOML"),
        ] {
            assert_eq!(text(message), explained);
        }
    }
}
