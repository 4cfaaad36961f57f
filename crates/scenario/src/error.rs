//! What can be wrong with a scenario.

use std::ops::Deref;

use terrace_machine::Fault;
use terrace_machine::files::{Explained, nearest};
use thiserror::Error;

/// Why there is no scenario: where, what was found, what was expected, and what to do about it.
///
/// Its text is at most two lines, the second one being the help:
/// `my.toml:14:8: vm.0.memory: found "8" without a unit; expected a size in B, KiB, MiB, GiB or TiB`.
///
/// The facts are fields: `error.path`, `error.found`, as of a [`Fault`].
#[derive(Debug, Error)]
#[error(transparent)]
pub struct ScenarioError(Box<Fault>);

impl From<Box<Fault>> for ScenarioError {
    fn from(fault: Box<Fault>) -> Self {
        Self(fault)
    }
}

impl Deref for ScenarioError {
    type Target = Fault;

    fn deref(&self) -> &Fault {
        &self.0
    }
}

/// A value with which a run cannot be made, as who makes it finds out; [`Found::misfit`](crate::Found::misfit) says where
/// it is in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The keys that lead to it, joined by points, a number for each place in a list: `vm.0.program.1.rate`.
    pub path: String,
    /// What is there.
    pub found: String,
    /// What can be there.
    pub expected: String,
}

/// What is wrong with a scenario that was read: where in its tree, not yet where in its text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The keys that lead to it: `["vm", "0", "memory"]`.
    pub(crate) path: Vec<String>,
    /// Which side of the last key is at fault.
    pub(crate) side: Side,
    pub(crate) found: String,
    pub(crate) expected: String,
    pub(crate) help: Option<String>,
}

/// A side of `key = value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Key,
    Value,
}

impl Problem {
    /// That the value at `path`, whose keys are joined by points, is `found` where `expected` has to be.
    pub(crate) fn new(path: &str, found: impl Into<String>, expected: impl Into<String>) -> Self {
        let path = path.split('.').map(str::to_owned).collect();
        Self { path, side: Side::Value, found: found.into(), expected: expected.into(), help: None }
    }

    /// That the text of the value at `path` is wrong, as its reader says.
    pub(crate) fn explained(path: &str, explained: Explained) -> Self {
        let Explained { found, expected, help } = explained;
        Self::new(path, found, expected).helped(help)
    }

    /// A problem below the value at `path`.
    pub(crate) fn below(mut self, key: &str, side: Side) -> Self {
        self.path.push(key.to_owned());
        self.side = side;
        self
    }

    pub(crate) fn helped(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }
}

/// A name that there is not, with the names that there are.
pub(crate) fn unknown<'a>(path: &str, name: &str, names: impl Iterator<Item = &'a str>) -> Problem {
    let names: Vec<&str> = names.collect();
    let near = nearest(name, names.iter().copied());
    Problem::new(path, format!("{name:?}"), one_of(&names))
        .helped(near.map(|near| format!("did you mean {near}?")))
}

/// The names as a sentence has them.
pub(crate) fn one_of(names: &[&str]) -> String {
    match names {
        [] => "nothing: there is none".into(),
        [name] => (*name).to_owned(),
        _ => format!("one of {}", names.join(", ")),
    }
}
