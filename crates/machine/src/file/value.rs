//! The value that an override gives.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::DeValue;

use super::explain::{Explained, explain};

/// The value in `text`, which is TOML or else a text without quotes, and all of it at `place` of a file.
///
/// # Errors
/// If the text begins as a list, a table or a quoted text of TOML, and is none.
pub fn value_of(text: &str, place: usize) -> Result<DeValue<'_>, Explained> {
    match DeValue::parse(text) {
        Ok(value) => Ok(moved(value.into_inner(), place)),
        Err(error) if text.starts_with(['[', '{', '"', '\'']) => {
            Err(explain(error.message(), "a TOML value"))
        }
        Err(_) => Ok(DeValue::String(Cow::Owned(text.to_owned()))),
    }
}

/// `value`, all of it at `place`.
fn moved<'a>(value: DeValue<'a>, place: usize) -> DeValue<'a> {
    let move_one = |item: Spanned<DeValue<'a>>| Spanned::new(place..place, moved(item.into_inner(), place));
    match value {
        DeValue::Array(items) => DeValue::Array(items.into_iter().map(move_one).collect()),
        DeValue::Table(items) => DeValue::Table(
            items
                .into_iter()
                .map(|(key, item)| (Spanned::new(place..place, key.into_inner()), move_one(item)))
                .collect(),
        ),
        plain => plain,
    }
}
