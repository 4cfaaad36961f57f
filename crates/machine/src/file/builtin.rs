//! The machines that come with the program.

use super::nearest::nearest;
use super::{Fault, Origin};

/// A machine that comes with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// Its machine file.
    pub text: &'static str,
}

macro_rules! machines {
    ($($name:literal),* $(,)?) => {
        [$(Builtin { name: $name, text: include_str!(concat!("../../machines/", $name, ".toml")) }),*]
    };
}

/// All built-in machines, by name.
pub const BUILTIN: &[Builtin] = &machines![
    "broadwell-e5-2620v4",
    "cascade-lake-6240",
    "champsim",
    "drmemtrace",
    "ice-lake-8360y",
    "sapphire-rapids-8480",
    "zen4-9554"
];

impl Builtin {
    /// The built-in machine of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        BUILTIN.iter().find(|builtin| builtin.name == name)
    }

    /// How errors name it.
    pub(super) fn origin(&self) -> Origin {
        Origin::Builtin { what: "machine", name: self.name }
    }
}

/// The error for a name that no machine has.
pub(super) fn unknown(name: &str, found: &str, or_else: &str) -> Box<Fault> {
    let names: Vec<_> = BUILTIN.iter().map(|builtin| builtin.name).collect();
    let expected = format!("one of {}{or_else}", names.join(", "));
    let help = nearest(name, names).map(|near| format!("did you mean {near}?"));
    Fault::new(Origin::Name(name.into()), found, expected).helped(help)
}

#[cfg(test)]
mod tests;
