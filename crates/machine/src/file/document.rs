//! A parsed machine file whose values know where they came from.

use std::borrow::Cow;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::explain::{Explained, explain};
use super::nearest::nearest;
use super::value::value_of;
use super::{Fault, Origin, Override, Place, keys};
use crate::{Machine, Problem};

/// A tree of keys and values. The span of each is in the file's text, or, from its end on, in an override: the
/// value of override number n of those applied lies at `text.len() + 1 + n`.
pub(super) struct Document<'a> {
    text: &'a str,
    origin: Origin,
    root: Spanned<DeTable<'a>>,
    applied: Vec<&'a Override>,
}

impl<'a> Document<'a> {
    pub(super) fn parse(text: &'a str, origin: Origin) -> Result<Self, Box<Fault>> {
        match DeTable::parse(text) {
            Ok(root) if root.get_ref().is_empty() => {
                let help = "`terrace list machines` shows examples to start from";
                Err(Fault::new(origin, "an empty file", "a machine").helped(Some(help.into())))
            }
            Ok(root) => Ok(Self { text, origin, root, applied: Vec::new() }),
            Err(error) => {
                let Explained { found, expected, help } = explain(error.message(), "valid TOML");
                let place = Place::of(text, error.span().map_or(text.len(), |span| span.start));
                Err(Fault::new(origin, found, expected).at(place).helped(help))
            }
        }
    }

    /// Changes the tree as `given` says.
    pub(super) fn apply(&mut self, given: &'a Override) -> Result<(), Box<Fault>> {
        let path = given.path();
        let span = {
            let place = self.text.len() + 1 + self.applied.len();
            place..place
        };
        if path[0] == keys::SCHEMES && path.len() > 1 && !self.root.get_ref().contains_key(keys::SCHEMES) {
            let mut table = DeTable::new();
            let nothing = DeValue::String(Cow::Borrowed("no scheme in the machine's file"));
            put(&mut table, "source", Spanned::new(span.clone(), nothing));
            put(self.root.get_mut(), keys::SCHEMES, Spanned::new(span.clone(), DeValue::Table(table)));
        }
        let (last, parents) = path.split_last().expect("an override has a path of at least one key");
        let mut table = self.root.get_mut();
        for (depth, key) in parents.iter().enumerate() {
            if table.get(key.as_str()).is_none_or(|value| !value.get_ref().is_table()) {
                return Err(unknown_key(given, &path[..depth], key, table, Wanted::Table));
            }
            let Some(DeValue::Table(below)) = table.get_mut(key.as_str()).map(Spanned::get_mut) else {
                unreachable!("it is a table, as was just asked");
            };
            table = below;
        }
        let remove = given.value() == "none" && keys::can_be_removed(path);
        let absent = !table.contains_key(last.as_str());
        let may_be_absent = keys::is_optional(path) || (remove && parents.is_empty());
        if absent && !may_be_absent {
            return Err(unknown_key(given, parents, last, table, Wanted::Value));
        }
        if remove {
            table.remove(last.as_str());
        } else {
            let value = value_of(given.value(), span.start)
                .map_err(|Explained { found, expected, .. }| given.error(found, expected))?;
            let value = Spanned::new(span.clone(), value);
            put(table, last, value);
            note_source(table, last, given, span);
        }
        self.applied.push(given);
        Ok(())
    }

    /// The machine that the tree describes.
    pub(super) fn machine(self) -> Result<Machine, Box<Fault>> {
        let root = Spanned::new(self.root.span(), DeValue::Table(self.root.get_ref().clone()));
        let machine =
            Machine::deserialize(ValueDeserializer::from(root)).map_err(|error| self.unreadable(&error))?;
        machine.validate().map_err(|problem| self.impossible(problem))?;
        Ok(machine)
    }

    /// A value of the wrong type, a key too many or too few.
    fn unreadable(&self, error: &toml::de::Error) -> Box<Fault> {
        let Explained { found, expected, help } = explain(error.message(), "a value of this key's type");
        // The whole file has no place of its own.
        let span = error.span().filter(|span| *span != self.root.span());
        let path = span.as_ref().map(|span| path_of(self.root.get_ref(), span)).unwrap_or_default();
        let named = match path.as_slice() {
            [table, _] if expected == "a table" && keys::holds_names(table) => {
                Some(format!("the keys of {table} are names: give a table [{table}.<name>]"))
            }
            _ => None,
        };
        self.located(path, span, found, expected).helped(help.or(named))
    }

    /// A machine that cannot exist.
    fn impossible(&self, problem: Problem) -> Box<Fault> {
        let span = span_of(self.root.get_ref(), &problem.path);
        let Problem { path, found, expected, help } = problem;
        let error = self.located(path, span, found, expected);
        // The value at fault may be as it was, and no longer fit what an override changed beside it.
        let beside = self.applied.iter().rev().find(|given| given.path()[0] == error.path[0]);
        let beside = beside.filter(|_| !matches!(error.origin, Origin::Override(_)));
        error.helped(help.or_else(|| beside.map(|given| format!("it has to fit --set {given}"))))
    }

    fn located(
        &self,
        path: Vec<String>,
        span: Option<Range<usize>>,
        found: String,
        expected: String,
    ) -> Box<Fault> {
        let given =
            span.as_ref().and_then(|span| self.applied.get(span.start.checked_sub(self.text.len() + 1)?));
        let error = match (given, span) {
            (Some(given), _) => given.error(found, expected),
            (None, Some(span)) => {
                Fault::new(self.origin.clone(), found, expected).at(Place::of(self.text, span.start))
            }
            (None, None) => Fault::new(self.origin.clone(), found, expected),
        };
        error.on(path)
    }
}

/// Sets `key` of `table`, which keeps its place as a key if it has one.
fn put<'a>(table: &mut DeTable<'a>, key: &str, value: Spanned<DeValue<'a>>) {
    if let Some(there) = table.get_mut(key) {
        *there = value;
    } else {
        table.insert(Spanned::new(value.span(), Cow::Owned(key.to_owned())), value);
    }
}

/// Notes in the table's source that `key` is no longer what the file gave.
fn note_source(table: &mut DeTable<'_>, key: &str, given: &Override, span: Range<usize>) {
    if key == "source" {
        return;
    }
    match table.get_mut("source").map(Spanned::get_mut) {
        Some(DeValue::String(text)) => {
            *text = Cow::Owned(format!("{text}; {key}: set with --set {given}"));
        }
        Some(DeValue::Table(texts)) => {
            let text = DeValue::String(Cow::Owned(format!("set with --set {given}")));
            put(texts, key, Spanned::new(span, text));
        }
        _ => {}
    }
}

/// What an override looks for under a key.
#[derive(Clone, Copy)]
enum Wanted {
    Table,
    Value,
}

fn unknown_key(
    given: &Override,
    parents: &[String],
    key: &str,
    table: &DeTable<'_>,
    wanted: Wanted,
) -> Box<Fault> {
    let keys = table.iter().filter(|(_, value)| match wanted {
        Wanted::Table => value.get_ref().is_table(),
        Wanted::Value => true,
    });
    let keys: Vec<&str> = keys.map(|(key, _)| key.get_ref().as_ref()).collect();
    let place = if parents.is_empty() { "the machine".to_owned() } else { parents.join(".") };
    let found = match table.get(key) {
        Some(_) => format!("`{key}`, which holds no keys"),
        None => format!("no key `{key}` in {place}"),
    };
    let expected =
        if keys.is_empty() { "a shorter path".into() } else { format!("one of {}", keys.join(", ")) };
    let help = nearest(key, keys).map(|near| format!("did you mean {near}?"));
    given.error(found, expected).helped(help)
}

/// The keys that lead to what lies at `span`: the innermost table or value that holds it, or the key that is it.
fn path_of(table: &DeTable<'_>, span: &Range<usize>) -> Vec<String> {
    let mut best: Option<(usize, Vec<String>)> = None;
    for (key, value) in table {
        let below = match value.get_ref() {
            DeValue::Table(below) => path_of(below, span),
            _ => Vec::new(),
        };
        let holds = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
        if below.is_empty() && !holds(value.span()) && !holds(key.span()) {
            continue;
        }
        let mut path = vec![key.get_ref().to_string()];
        path.extend(below);
        let depth = path.len();
        if best.as_ref().is_none_or(|(deepest, _)| *deepest < depth) {
            best = Some((depth, path));
        }
    }
    best.map(|(_, path)| path).unwrap_or_default()
}

/// Where the value at `path` is, or as much of the path as exists.
fn span_of(table: &DeTable<'_>, path: &[String]) -> Option<Range<usize>> {
    let (key, rest) = path.split_first()?;
    let value = table.get(key.as_str())?;
    let below = match value.get_ref() {
        DeValue::Table(below) => span_of(below, rest),
        _ => None,
    };
    Some(below.unwrap_or_else(|| value.span()))
}
