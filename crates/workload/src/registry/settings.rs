//! Arguments checked against a program's parameters: a value for each.

use std::collections::BTreeMap;

use super::nearest::nearest;
use super::{Arguments, Draw, Entry, Parameter, Preset, Range, Unit, Value};
use crate::WorkloadError;
use crate::random::{nearest_whole, real};

/// The most threads of a program: twice the hardware threads of the largest machines that hypervisors run guests on.
pub const MOST_THREADS: usize = 1024;

/// A value for each parameter of a program, within its range.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    program: &'static str,
    threads: usize,
    seed: u64,
    draw: Draw,
    values: BTreeMap<&'static str, Preset>,
}

/// The parameter of profiles that says which [`Draw`] of their assumed numbers they have.
pub(crate) const DRAW: &str = "draw";

impl Settings {
    /// Checks `arguments` against what `entry` declares.
    pub(crate) fn new(entry: &Entry, arguments: &Arguments) -> Result<Self, WorkloadError> {
        let program = entry.name;
        if !(1..=MOST_THREADS).contains(&arguments.threads) {
            return Err(WorkloadError::Threads { program, found: arguments.threads, most: MOST_THREADS });
        }
        let names = || entry.parameters.iter().map(|parameter| parameter.name);
        if let Some(found) = arguments.values.keys().find(|name| !names().any(|known| known == *name)) {
            return Err(WorkloadError::UnknownParameter {
                program,
                found: found.clone(),
                nearest: nearest(found, names()),
                known: names().collect::<Vec<_>>().join(", "),
            });
        }
        let mut values = BTreeMap::new();
        for parameter in entry.parameters {
            let Some(given) = arguments.values.get(parameter.name) else { continue };
            let value = checked(parameter, given).ok_or_else(|| WorkloadError::Value {
                program,
                parameter: parameter.name,
                found: given.to_string(),
                expected: parameter.range.to_string(),
            })?;
            values.insert(parameter.name, value);
        }
        let draw = match values.get(DRAW) {
            Some(Preset::Whole(number)) => Draw::of(*number),
            _ => Draw::Stated,
        };
        for parameter in entry.parameters {
            values.entry(parameter.name).or_insert_with(|| draw.default_of(program, parameter));
        }
        Ok(Self { program, threads: arguments.threads, seed: arguments.seed, draw, values })
    }

    /// The settings of a part of this program: `parameters` at their defaults but for those in `values`.
    pub(crate) fn part(
        &self,
        parameters: &[Parameter],
        values: impl Iterator<Item = (&'static str, Preset)>,
    ) -> Self {
        let defaults = parameters.iter().map(|parameter| (parameter.name, parameter.default));
        let values = defaults.chain(values).collect();
        Self { program: self.program, threads: self.threads, seed: self.seed, draw: self.draw, values }
    }

    /// Which choice of the assumed numbers this is.
    pub(crate) const fn draw(&self) -> Draw {
        self.draw
    }

    /// A parameter as it stands.
    pub(crate) fn preset(&self, name: &str) -> Preset {
        self.value(name)
    }

    /// The program's name.
    pub(crate) const fn program(&self) -> &'static str {
        self.program
    }

    /// The number of threads, at least 1.
    pub(crate) const fn threads(&self) -> usize {
        self.threads
    }

    /// The seed.
    pub(crate) const fn seed(&self) -> u64 {
        self.seed
    }

    fn value(&self, name: &str) -> Preset {
        *self.values.get(name).expect("a program asks only for parameters that it declares")
    }

    /// A parameter that is a whole number.
    pub(crate) fn whole(&self, name: &str) -> u64 {
        match self.value(name) {
            Preset::Whole(value) => value,
            Preset::Real(value) => nearest_whole(value),
            Preset::Word(_) => 0,
        }
    }

    /// A parameter that is a real number.
    pub(crate) fn real(&self, name: &str) -> f64 {
        match self.value(name) {
            Preset::Whole(value) => real(value),
            Preset::Real(value) => value,
            Preset::Word(_) => 0.0,
        }
    }

    /// A parameter that is a word.
    pub(crate) fn word(&self, name: &str) -> &'static str {
        match self.value(name) {
            Preset::Word(word) => word,
            Preset::Whole(_) | Preset::Real(_) => "",
        }
    }

    /// The error that `parameter` has a value that others rule out.
    pub(crate) fn conflict(&self, parameter: &'static str, expected: impl Into<String>) -> WorkloadError {
        WorkloadError::Value {
            program: self.program,
            parameter,
            found: self.value(parameter).to_string(),
            expected: expected.into(),
        }
    }
}

/// `given` as a value of `parameter`, if it is one.
fn checked(parameter: &Parameter, given: &Value) -> Option<Preset> {
    match parameter.range {
        Range::Whole(low, high) => {
            let value = match given {
                Value::Whole(value) => *value,
                Value::Real(value) => Some(nearest_whole(*value)).filter(|&whole| exactly(whole, *value))?,
                Value::Text(text) => whole(text, parameter.unit)?,
            };
            (low..=high).contains(&value).then_some(Preset::Whole(value))
        }
        Range::Real(low, high) => {
            let value = match given {
                Value::Whole(value) => real(*value),
                Value::Real(value) => *value,
                Value::Text(text) => text.trim().parse().ok()?,
            };
            (low..=high).contains(&value).then_some(Preset::Real(value))
        }
        Range::Words(words) => {
            let Value::Text(text) = given else { return None };
            words.iter().find(|word| *word == text).map(|word| Preset::Word(word))
        }
    }
}

/// Whether `value` is the whole number `whole` to the last bit.
fn exactly(whole: u64, value: f64) -> bool {
    real(whole).to_bits() == value.to_bits()
}

/// A whole number as people write it; of bytes also with a unit, `1.5 GiB`.
fn whole(text: &str, unit: Unit) -> Option<u64> {
    const UNITS: [(&str, u32); 5] = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40), ("B", 0)];
    let text = text.trim();
    if unit == Unit::Bytes
        && let Some((number, shift)) = UNITS
            .iter()
            .find_map(|(name, shift)| text.strip_suffix(name).map(|number| (number.trim(), *shift)))
    {
        let scaled = number.parse::<f64>().ok()? * real(1 << shift);
        return Some(nearest_whole(scaled)).filter(|&bytes| exactly(bytes, scaled));
    }
    text.parse().ok()
}
