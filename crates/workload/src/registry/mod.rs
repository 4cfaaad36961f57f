//! The programs by name, and their parameters.
//!
//! One place declares a parameter: its [`Entry`]. Checks, help, schema and documentation are made from it.

mod arguments;
mod draw;
mod nearest;
mod parameter;
mod settings;

pub use arguments::{Arguments, Value};
pub(crate) use draw::Draw;
pub use parameter::{Parameter, Preset, Range, Source, Unit};
pub use settings::MOST_THREADS;
pub(crate) use settings::{DRAW, Settings};

use crate::profiles::Part;
use crate::{Program, WorkloadError};

/// A program that can be asked for by name.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Its parameters.
    pub parameters: &'static [Parameter],
    /// The patterns that a profile is made of; a program that is one pattern has none.
    pub parts: &'static [Part],
    pub(crate) make: fn(&Settings) -> Result<Box<dyn Program>, WorkloadError>,
}

impl Entry {
    /// The program.
    ///
    /// # Errors
    /// If an argument is no parameter of it, or a value is out of range, or values rule each other out.
    pub fn build(&self, arguments: &Arguments) -> Result<Box<dyn Program>, WorkloadError> {
        (self.make)(&Settings::new(self, arguments)?)
    }
}

/// All programs: first those that are made of one pattern each, then the profiles of named programs.
pub fn registry() -> &'static [Entry] {
    &crate::profiles::ALL
}

/// The program with this name.
///
/// # Errors
/// If there is none.
pub fn entry(name: &str) -> Result<&'static Entry, WorkloadError> {
    registry().iter().find(|entry| entry.name == name).ok_or_else(|| WorkloadError::UnknownProgram {
        found: name.to_owned(),
        nearest: nearest::nearest(name, registry().iter().map(|entry| entry.name)),
    })
}
