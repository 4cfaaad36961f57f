//! What a scenario may name: systems, workloads and modes, with the parameters that they declare.

use std::ops::RangeInclusive;

use terrace_addr::Bytes;

use crate::Value;

/// What there is to name in a scenario.
#[derive(Debug, Clone, Copy)]
pub struct Vocabulary<'a> {
    /// The workloads of programs.
    pub workloads: &'a [Word],
    /// The systems of kernels, at every layer.
    pub systems: &'a [Word],
    /// The modes of virtual machines.
    pub modes: &'a [&'a str],
    /// How much of it there may be.
    pub limits: Limits,
}

/// The most that a scenario may ask for, on any machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Threads of a program.
    pub threads: u32,
    /// Memory of one node of a virtual machine's kernel: all that it has, or each part between holes and changes of it.
    pub node: Bytes,
}

/// A system or a workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// Its name.
    pub name: String,
    /// What it is, in one sentence.
    pub summary: String,
    /// The parameters that it has.
    pub parameters: Vec<ParameterSpec>,
    /// For a workload: whether it serves requests, so that a program of it can have a rate.
    pub requests: bool,
}

/// The declaration of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterSpec {
    /// Its name.
    pub name: String,
    /// What its values are in.
    pub unit: Unit,
    /// The value that it has if none is given: of the kind that the unit has.
    pub default: Value,
    /// The values that it can have.
    pub range: Range,
    /// What it does, in one sentence.
    pub meaning: String,
    /// Where the default comes from, or `assumed` with a reason.
    pub source: String,
}

/// What a parameter is in, and so how its [`Value`] is kept and written in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// An amount of memory: [`Value::Bytes`], `"1 GiB"`.
    Bytes,
    /// A time: [`Value::Nanos`], `"10 ms"`.
    Nanos,
    /// A whole number of things: [`Value::Count`].
    Count,
    /// A share, most often from 0 to 1: [`Value::Number`].
    Share,
    /// Cycles of the simulated core: [`Value::Number`].
    Cycles,
    /// Things in a second: [`Value::Number`].
    PerSecond,
    /// One of these words: [`Value::Text`].
    Choice(Vec<String>),
    /// Any text: [`Value::Text`].
    Text,
}

/// The values that a parameter can have.
#[derive(Debug, Clone, PartialEq)]
pub enum Range {
    /// Every value of its unit.
    Any,
    /// Bytes, nanoseconds or counts from the first to the second, both included.
    Whole(RangeInclusive<u64>),
    /// Numbers from the first to the second, both included.
    Number(RangeInclusive<f64>),
}

impl Word {
    /// The declaration of the parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&ParameterSpec> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}
