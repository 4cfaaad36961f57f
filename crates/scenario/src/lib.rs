//! Scenario files: a host, its virtual machines, their kernels and their programs, as data.
//!
//! A scenario is a TOML file: what runs, on what, for how long, and the sweeps over all of that. One file describes
//! any number of [`Run`]s, the product of its sweep axes, each with a whole [`Scenario`] in which every default is
//! filled in. What systems, workloads and modes there are is not known here: the caller brings a [`Vocabulary`].
//!
//! The structs are the reference: their documentation is that of the file's keys, [`schema`] prints it as a JSON
//! Schema, and [`Scenario::to_toml`] prints a scenario as a file that reads back as the same scenario.
#![forbid(unsafe_code)]

mod check;
mod document;
mod error;
mod fill;
mod fits;
mod given;
mod kernel;
mod machine;
mod parameters;
mod read;
mod scenario;
mod schema;
mod sweep;
mod tree;
mod units;
mod value;
mod vm;
mod vocabulary;

pub use error::{Misfit, ScenarioError};
pub use kernel::{Host, Kernel};
pub use machine::MachineChoice;
pub use read::{Builtin, Found, find, load, parse};
pub use scenario::{Record, Run, Scenario, Timing};
pub use schema::schema;
pub use value::{Parameters, Value};
pub use vm::{Program, Resize, Vm};
pub use vocabulary::{Limits, ParameterSpec, Range, Unit, Vocabulary, Word};

#[cfg(test)]
mod tests;
