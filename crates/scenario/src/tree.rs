//! Paths through the tree of a scenario file, in which every key and value knows its place in the text.
//!
//! A path is a list of keys. A list is entered by an index, by the name of an element, or, when something is set, by
//! neither, which sets it in every element.

use std::borrow::Cow;
use std::ops::Range;

use terrace_machine::files::nearest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::Side;
use crate::machine::{MACHINE, NAME};
use crate::schema::keys_of;

/// A value to set, with the place of what asks for it.
#[derive(Debug, Clone)]
pub(crate) struct Setting<'a> {
    pub(crate) path: Vec<String>,
    /// The place of the path itself.
    pub(crate) key: Range<usize>,
    pub(crate) value: Spanned<DeValue<'a>>,
}

/// Why a path leads nowhere.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Nowhere {
    pub(crate) found: String,
    pub(crate) expected: String,
    pub(crate) help: Option<String>,
}

impl<'a> Setting<'a> {
    /// Changes the tree. Tables that are not there are made: whether a scenario has such keys shows when it is read.
    pub(crate) fn apply(&self, root: &mut DeTable<'a>) -> Result<(), Nowhere> {
        match self.of_machine(root) {
            Some(setting) => setting.set_in_table(root, 0),
            None => self.set_in_table(root, 0),
        }
    }

    /// The machine is a name or a table that has it: a name becomes a table when something below it is set, and where
    /// there is a table its name alone is set, the changes beside it staying.
    fn of_machine(&self, root: &mut DeTable<'a>) -> Option<Self> {
        let machine = root.get_mut(MACHINE).filter(|_| self.path[0] == MACHINE)?;
        match (machine.get_mut(), self.path.len(), self.value.get_ref()) {
            (DeValue::String(_), 2.., _) => {
                let span = machine.span();
                let name =
                    std::mem::replace(machine, Spanned::new(span.clone(), DeValue::Table(DeTable::new())));
                if let DeValue::Table(table) = machine.get_mut() {
                    table.insert(Spanned::new(span, Cow::Borrowed(NAME)), name);
                }
                None
            }
            (DeValue::Table(_), 1, DeValue::String(_)) => {
                Some(Self { path: vec![MACHINE.to_owned(), NAME.to_owned()], ..self.clone() })
            }
            _ => None,
        }
    }

    fn set_in_table(&self, table: &mut DeTable<'a>, depth: usize) -> Result<(), Nowhere> {
        let key = self.path[depth].as_str();
        if depth + 1 == self.path.len() {
            // The key, too, is what asks for it: an unknown one is at fault there.
            table.remove(key);
            table.insert(Spanned::new(self.key.clone(), Cow::Owned(key.to_owned())), self.value.clone());
            return Ok(());
        }
        if !table.contains_key(key) {
            let made = Spanned::new(self.key.clone(), DeValue::Table(DeTable::new()));
            table.insert(Spanned::new(self.key.clone(), Cow::Owned(key.to_owned())), made);
        }
        match table.get_mut(key).map(Spanned::get_mut) {
            Some(DeValue::Table(below)) => self.set_in_table(below, depth + 1),
            Some(DeValue::Array(items)) => self.set_in_list(items, depth + 1),
            _ => Err(Nowhere {
                found: format!("`{key}`, which holds no keys"),
                expected: "a shorter path".into(),
                help: None,
            }),
        }
    }

    /// Enters a list by the key at `depth`.
    fn set_in_list(&self, items: &mut [Spanned<DeValue<'a>>], depth: usize) -> Result<(), Nowhere> {
        let key = self.path[depth].as_str();
        let chosen: Vec<usize> = match key.parse::<usize>() {
            Ok(index) if index < items.len() => vec![index],
            Ok(_) => Vec::new(),
            Err(_) => {
                (0..items.len()).filter(|&it| name_of(&self.path[depth - 1], it, &items[it]) == key).collect()
            }
        };
        let list = self.path[depth - 1].as_str();
        if !chosen.is_empty() {
            return chosen.into_iter().try_for_each(|it| self.set_in_element(&mut items[it], depth + 1));
        }
        if !keys_of(list).iter().any(|it| it == key) || items.is_empty() {
            return Err(self.not_in_list(items, depth));
        }
        items.iter_mut().try_for_each(|item| self.set_in_element(item, depth))
    }

    /// Sets an element of a list, or what the key at `depth` is of it.
    fn set_in_element(&self, item: &mut Spanned<DeValue<'a>>, depth: usize) -> Result<(), Nowhere> {
        if depth == self.path.len() {
            *item = self.value.clone();
            return Ok(());
        }
        match item.get_mut() {
            DeValue::Table(table) => self.set_in_table(table, depth),
            _ => Err(Nowhere {
                found: format!("an element of {}, which holds no keys", self.path[..depth - 1].join(".")),
                expected: "a shorter path".into(),
                help: None,
            }),
        }
    }

    fn not_in_list(&self, items: &[Spanned<DeValue<'a>>], depth: usize) -> Nowhere {
        let (list, key) = (self.path[depth - 1].as_str(), self.path[depth].as_str());
        let mut names: Vec<Cow<'_, str>> =
            items.iter().enumerate().map(|(index, item)| name_of(list, index, item)).collect();
        names.dedup();
        names.retain(|name| !name.is_empty());
        let keys = keys_of(list);
        let candidates: Vec<&str> =
            names.iter().map(AsRef::as_ref).chain(keys.iter().map(String::as_str)).collect();
        let index = match items.len() {
            0 => "an element, of which there is none".to_owned(),
            1 => "the index 0".into(),
            more => format!("an index from 0 to {}", more - 1),
        };
        let or_else = if candidates.is_empty() {
            String::new()
        } else {
            format!(", or one of {}", candidates.join(", "))
        };
        Nowhere {
            found: format!("no `{key}` in {}", self.path[..depth].join(".")),
            expected: format!("{index}{or_else}"),
            help: nearest(key, candidates.iter().copied()).map(|near| format!("did you mean {near}?")),
        }
    }
}

/// The name of an element of a list: a VM's name, a program's workload.
fn name_of<'v>(list: &str, index: usize, item: &'v Spanned<DeValue<'_>>) -> Cow<'v, str> {
    let DeValue::Table(table) = item.get_ref() else {
        return Cow::Borrowed("");
    };
    let key = if list == "program" { "workload" } else { "name" };
    match table.get(key).map(Spanned::get_ref) {
        Some(DeValue::String(name)) => Cow::Borrowed(name),
        _ if list == "vm" => Cow::Owned(default_name(index)),
        _ => Cow::Borrowed(""),
    }
}

/// The name of a VM without one.
pub(crate) fn default_name(index: usize) -> String {
    format!("vm{index}")
}

/// The value at `path`.
pub(crate) fn get<'t, 'a>(table: &'t DeTable<'a>, path: &[String]) -> Option<&'t Spanned<DeValue<'a>>> {
    let (key, rest) = path.split_first()?;
    get_below(table.get(key.as_str())?, rest)
}

fn get_below<'t, 'a>(value: &'t Spanned<DeValue<'a>>, path: &[String]) -> Option<&'t Spanned<DeValue<'a>>> {
    let Some((key, rest)) = path.split_first() else {
        return Some(value);
    };
    match value.get_ref() {
        DeValue::Table(table) => get_below(table.get(key.as_str())?, rest),
        DeValue::Array(items) => get_below(items.get(key.parse::<usize>().ok()?)?, rest),
        _ => None,
    }
}

/// Where the value at `path` is, or its key, or as much of the path as exists.
pub(crate) fn span_of(root: &DeTable<'_>, path: &[String], side: Side) -> Option<Range<usize>> {
    let (last, parents) = path.split_last()?;
    if side == Side::Key {
        let table = if parents.is_empty() { Some(root) } else { get(root, parents)?.get_ref().as_table() };
        if let Some((key, _)) = table.and_then(|table| table.get_key_value(last.as_str())) {
            return Some(key.span());
        }
    }
    (1..=path.len()).rev().find_map(|length| get(root, &path[..length])).map(Spanned::span)
}

/// The keys that lead to what lies at `span`: the innermost table or value that holds it, or the key that is it.
pub(crate) fn path_of(table: &DeTable<'_>, span: &Range<usize>) -> Vec<String> {
    let paths = table.iter().filter_map(|(key, value)| {
        let below = below(value, span);
        let here = below.is_empty() && !holds(&value.span(), span) && !holds(&key.span(), span);
        (!here).then(|| [vec![key.get_ref().to_string()], below].concat())
    });
    longest(paths)
}

fn below(value: &Spanned<DeValue<'_>>, span: &Range<usize>) -> Vec<String> {
    match value.get_ref() {
        DeValue::Table(table) => path_of(table, span),
        DeValue::Array(items) => longest(items.iter().enumerate().filter_map(|(index, item)| {
            let below = below(item, span);
            (!below.is_empty() || holds(&item.span(), span))
                .then(|| [vec![index.to_string()], below].concat())
        })),
        _ => Vec::new(),
    }
}

fn holds(outer: &Range<usize>, span: &Range<usize>) -> bool {
    outer.start <= span.start && span.end <= outer.end
}

/// The first of the longest paths.
fn longest(paths: impl Iterator<Item = Vec<String>>) -> Vec<String> {
    paths.fold(Vec::new(), |best, path| if path.len() > best.len() { path } else { best })
}
