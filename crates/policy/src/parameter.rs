//! Parameters, declared once.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use core::fmt;

use terrace_addr::{Bytes, Cycles, Nanos};
use thiserror::Error;

/// What can be set of a system. Its declaration is what the scenario schema, `--set`, help and documentation show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What its values are.
    pub unit: Unit,
    /// What holds if nothing is said.
    pub default: Value,
    /// What is allowed.
    pub range: Range,
    /// What it does, in a sentence.
    pub meaning: &'static str,
    /// Where the default comes from, or the word `assumed` with a reason.
    pub source: &'static str,
}

/// What the values of a parameter are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// How many.
    Count,
    /// A share, from 0 to 1.
    Share,
    /// A time.
    Time,
    /// Work of a core.
    Cycles,
    /// An amount of memory.
    Bytes,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// A value of a parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// How many.
    Count(u64),
    /// A share, from 0 to 1.
    Share(f64),
    /// A time.
    Time(Nanos),
    /// Work of a core.
    Cycles(Cycles),
    /// An amount of memory.
    Bytes(Bytes),
    /// A word.
    Word(&'static str),
}

/// The values that a parameter may have; for words, those of its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Range {
    /// Any of its unit.
    Any,
    /// From the first to the last, in the parameter's unit: counts, nanoseconds, cycles, bytes.
    Between(u64, u64),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Share(share) => share.fmt(f),
            Self::Time(time) => time.fmt(f),
            Self::Cycles(cycles) => cycles.fmt(f),
            Self::Bytes(bytes) => bytes.fmt(f),
            Self::Word(word) => word.fmt(f),
        }
    }
}

/// Why values do not fit the declarations.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ParameterError {
    /// There is no such parameter.
    #[error("found no parameter {name}")]
    Unknown {
        /// Its name.
        name: String,
    },
    /// It cannot have this value.
    #[error("{name}: found {found}; expected {expected}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: String,
    },
}

impl Parameter {
    /// Whether it may have this value.
    ///
    /// # Errors
    /// If not: what it may be.
    pub fn check(&self, value: Value) -> Result<(), ParameterError> {
        let refuse = |expected: String| {
            Err(ParameterError::Value { name: self.name, found: value.to_string(), expected })
        };
        let number = match (self.unit, value) {
            (Unit::Count, Value::Count(count)) => count,
            (Unit::Time, Value::Time(time)) => time.get(),
            (Unit::Cycles, Value::Cycles(cycles)) => cycles.get(),
            (Unit::Bytes, Value::Bytes(bytes)) => bytes.get(),
            (Unit::Share, Value::Share(share)) if (0.0..=1.0).contains(&share) => return Ok(()),
            (Unit::Share, _) => return refuse("a share from 0 to 1".into()),
            (Unit::Word(words), Value::Word(word)) if words.contains(&word) => return Ok(()),
            (Unit::Word(words), _) => return refuse(words.join(", ")),
            (unit, _) => return refuse(alloc::format!("{unit:?}").to_lowercase()),
        };
        match self.range {
            Range::Between(least, most) if !(least..=most).contains(&number) => {
                refuse(alloc::format!("from {least} to {most}"))
            }
            _ => Ok(()),
        }
    }
}

/// A value for every parameter of a system.
#[derive(Debug, Clone, PartialEq)]
pub struct Values {
    values: BTreeMap<&'static str, Value>,
}

macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident: $variant:ident($type:ty),)*) => {$(
        $(#[$doc])*
        ///
        /// # Panics
        /// If the system declares no such parameter of this unit.
        pub fn $name(&self, name: &str) -> $type {
            match self.values.get(name) {
                Some(&Value::$variant(value)) => value,
                other => panic!("{name}: declared as {other:?}"),
            }
        }
    )*};
}

impl Values {
    /// The defaults.
    pub fn defaults(parameters: &[Parameter]) -> Self {
        Self { values: parameters.iter().map(|parameter| (parameter.name, parameter.default)).collect() }
    }

    /// Sets one.
    ///
    /// # Errors
    /// If there is no such parameter, or it cannot have this value.
    pub fn set(&mut self, parameters: &[Parameter], name: &str, value: Value) -> Result<(), ParameterError> {
        let parameter = parameters.iter().find(|parameter| parameter.name == name);
        let Some(parameter) = parameter else {
            return Err(ParameterError::Unknown { name: name.to_string() });
        };
        parameter.check(value)?;
        self.values.insert(parameter.name, value);
        Ok(())
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Value)> {
        self.values.iter().map(|(&name, &value)| (name, value))
    }

    getters! {
        /// A count.
        count: Count(u64),
        /// A share.
        share: Share(f64),
        /// A time.
        time: Time(Nanos),
        /// Work.
        cycles: Cycles(Cycles),
        /// An amount of memory.
        bytes: Bytes(Bytes),
        /// A word.
        word: Word(&'static str),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMETERS: &[Parameter] = &[
        Parameter {
            name: "pages",
            unit: Unit::Count,
            default: Value::Count(8),
            range: Range::Between(1, 100),
            meaning: "how many",
            source: "assumed",
        },
        Parameter {
            name: "mode",
            unit: Unit::Word(&["on", "off"]),
            default: Value::Word("on"),
            range: Range::Any,
            meaning: "whether",
            source: "assumed",
        },
    ];

    #[test]
    fn values_begin_at_their_defaults_and_keep_to_their_range() {
        let mut values = Values::defaults(PARAMETERS);
        assert_eq!((values.count("pages"), values.word("mode")), (8, "on"));
        values.set(PARAMETERS, "pages", Value::Count(100)).unwrap();
        assert_eq!(values.count("pages"), 100);
        for (name, value, text) in [
            ("pages", Value::Count(0), "pages: found 0; expected from 1 to 100"),
            ("pages", Value::Share(0.5), "pages: found 0.5; expected count"),
            ("mode", Value::Word("maybe"), "mode: found maybe; expected on, off"),
            ("modes", Value::Word("on"), "found no parameter modes"),
        ] {
            assert_eq!(values.set(PARAMETERS, name, value).unwrap_err().to_string(), text);
        }
        assert_eq!((values.count("pages"), values.word("mode")), (100, "on"), "nothing changes on an error");
    }
}
