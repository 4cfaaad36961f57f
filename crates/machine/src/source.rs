//! Where the numbers of a table come from.

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

/// Where the numbers of a table come from: a manual's section, a paper, a measurement, or `assumed` with the
/// reason for the choice.
///
/// In a machine file it is one text for all numbers, `source = "Intel SDM vol. 3, table 2-1"`, or a table of one
/// text for each, `source = { entries = "…", latency = "assumed: …" }`. No text is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// One text for all numbers of the table.
    All(String),
    /// A text for each number, by its key.
    Each(BTreeMap<String, String>),
}

impl Source {
    /// Where the number with this key comes from; `None` if nothing is said of it.
    pub fn of(&self, key: &str) -> Option<&str> {
        match self {
            Self::All(text) => Some(text),
            Self::Each(texts) => texts.get(key).map(String::as_str),
        }
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrTexts)
    }
}

/// Reads either form by hand: serde's untagged enums lose the reason why neither fits.
struct TextOrTexts;

impl<'de> Visitor<'de> for TextOrTexts {
    type Value = Source;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("where the numbers come from: a text, or a table with a text for each number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Source, E> {
        stated(text.into()).map(Source::All)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Source, A::Error> {
        let mut texts = BTreeMap::new();
        while let Some(key) = map.next_key()? {
            texts.insert(key, map.next_value::<Stated>()?.0);
        }
        if texts.is_empty() {
            return Err(A::Error::custom(
                "found an empty table; expected a text for each number of the table",
            ));
        }
        Ok(Source::Each(texts))
    }
}

/// A text that says something.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Stated(String);

impl TryFrom<String> for Stated {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        if text.trim().is_empty() {
            return Err(
                "found an empty text; expected where the number comes from, or \"assumed: <reason>\"",
            );
        }
        Ok(Self(text))
    }
}

fn stated<E: Error>(text: String) -> Result<String, E> {
    Stated::try_from(text).map(|stated| stated.0).map_err(E::custom)
}

#[cfg(all(test, feature = "files"))]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[derive(Deserialize, Debug)]
    struct Table {
        source: Source,
    }

    fn source(text: &str) -> Result<Source, String> {
        toml::from_str::<Table>(text).map(|table| table.source).map_err(|error| error.message().to_string())
    }

    #[test]
    fn one_text_covers_every_key() {
        let all = source(r#"source = "Intel SDM""#).unwrap();
        assert_eq!(all.of("entries"), Some("Intel SDM"));
        let each = source(r#"source = { entries = "Intel SDM", ways = "assumed: as before" }"#).unwrap();
        assert_eq!(each.of("ways"), Some("assumed: as before"));
        assert_eq!(each.of("latency"), None);
    }

    #[test]
    fn a_source_says_something() {
        let error = |text: &str| source(text).unwrap_err();
        let empty = "found an empty text; expected where the number comes from, or \"assumed: <reason>\"";
        assert_eq!(error(r#"source = " ""#), empty);
        assert_eq!(error(r#"source = { ways = "" }"#), empty);
        assert_eq!(
            error("source = {}"),
            "found an empty table; expected a text for each number of the table"
        );
        assert_eq!(
            error("source = 3"),
            "invalid type: integer `3`, expected where the numbers come from: a text, or a table with a text \
             for each number"
        );
        assert_eq!(error("source = { ways = 3 }"), "invalid type: integer `3`, expected a string");
    }
}
