//! Values for a program's parameters.

use std::collections::BTreeMap;

/// What is asked of a program: threads, a seed, and values for some of its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Arguments {
    pub(super) threads: usize,
    pub(super) seed: u64,
    pub(super) values: BTreeMap<String, Value>,
}

/// A value as it was given.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number.
    Whole(u64),
    /// A real number.
    Real(f64),
    /// Text: a word, or a number as people write it, such as `0.5` or `4 GiB`.
    Text(String),
}

impl Arguments {
    /// So many threads, this seed, and every parameter at its default.
    pub const fn new(threads: usize, seed: u64) -> Self {
        Self { threads, seed, values: BTreeMap::new() }
    }

    /// Sets a parameter; a later value replaces an earlier one.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.values.insert(name.into(), value.into());
    }

    /// These arguments with a parameter set.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// The number of threads.
    pub const fn threads(&self) -> usize {
        self.threads
    }

    /// The seed.
    pub const fn seed(&self) -> u64 {
        self.seed
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl core::fmt::Display for Value {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Whole(value) => value.fmt(f),
            Self::Real(value) => value.fmt(f),
            Self::Text(text) => write!(f, "\"{text}\""),
        }
    }
}
