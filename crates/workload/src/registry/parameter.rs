//! The parameters of a program, declared in one place for all that read, check, show and explain them.

use core::fmt;

/// A parameter of a program.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name, as on the command line.
    pub name: &'static str,
    /// What its values count.
    pub unit: Unit,
    /// The value where none is given.
    pub default: Preset,
    /// The values that it takes.
    pub range: Range,
    /// What it does.
    pub meaning: &'static str,
    /// Where the default comes from.
    pub source: Source,
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes; as text also with KiB, MiB, GiB, TiB.
    Bytes,
    /// Things.
    Count,
    /// A part of a whole, from 0 to 1.
    Share,
    /// Events a second.
    PerSecond,
    /// Nanoseconds.
    Nanos,
    /// Cycles of a core.
    Cycles,
    /// A number without a unit, such as an exponent.
    Plain,
    /// Not a number but one of some words.
    Word,
}

/// The value of a parameter where none is given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Preset {
    /// A whole number.
    Whole(u64),
    /// A real number.
    Real(f64),
    /// A word.
    Word(&'static str),
}

/// The values that a parameter takes, its ends among them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Range {
    /// Whole numbers.
    Whole(u64, u64),
    /// Real numbers.
    Real(f64, f64),
    /// These words.
    Words(&'static [&'static str]),
}

/// Where a number comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Source {
    /// A publication, a manual, a program's own default.
    Stated(&'static str),
    /// Nothing says it: a choice with its reason. The truth is thought to lie between the two numbers.
    Assumed {
        /// Why this number.
        reason: &'static str,
        /// The least that it could well be.
        low: f64,
        /// The most that it could well be.
        high: f64,
    },
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Bytes => "bytes",
            Self::Count => "count",
            Self::Share => "share",
            Self::PerSecond => "per second",
            Self::Nanos => "ns",
            Self::Cycles => "cycles",
            Self::Plain => "number",
            Self::Word => "word",
        })
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(value) => value.fmt(f),
            Self::Real(value) => value.fmt(f),
            Self::Word(word) => word.fmt(f),
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(low, high) => write!(f, "a whole number from {low} to {high}"),
            Self::Real(low, high) => write!(f, "a number from {low} to {high}"),
            Self::Words(words) => write!(f, "one of {}", words.join(", ")),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stated(text) => f.write_str(text),
            Self::Assumed { reason, low, high } => write!(f, "assumed, {low} to {high}: {reason}"),
        }
    }
}
