//! What scenarios may name.

use terrace_addr::{Bytes, Nanos, convert};
use terrace_policy::{self as policy, System};
use terrace_scenario as scenario;
use terrace_scenario::{Limits, ParameterSpec, Word};
use terrace_workload as workload;

/// The systems, workloads and modes that scenarios may name.
#[derive(Debug, Clone)]
pub struct Registry {
    systems: Vec<System>,
    system_words: Vec<Word>,
    workload_words: Vec<Word>,
}

/// The modes that runs have.
pub(crate) const MODES: [&str; 4] = ["native", "2d", "shadow", "nested"];

impl Registry {
    /// These systems, and all workloads.
    pub fn new(systems: impl IntoIterator<Item = System>) -> Self {
        let systems: Vec<_> = systems.into_iter().collect();
        let system_words = systems.iter().map(system_word).collect();
        let mut workload_words: Vec<_> = workload::registry().iter().map(workload_word).collect();
        workload_words.push(super::trace::word());
        Self { systems, system_words, workload_words }
    }

    /// What a scenario may name.
    pub fn vocabulary(&self) -> scenario::Vocabulary<'_> {
        let limits = Limits {
            threads: convert::narrow(workload::MOST_THREADS),
            // Whole GiB, as people say it.
            node: Bytes::new(terrace_frames::MOST_OF_NODE.get() >> 30 << 30),
        };
        let (workloads, systems) = (&self.workload_words, &self.system_words);
        scenario::Vocabulary { workloads, systems, modes: &MODES, limits }
    }

    /// The system of a name.
    pub fn system(&self, name: &str) -> Option<&System> {
        self.systems.iter().find(|system| system.name == name)
    }
}

fn system_word(system: &System) -> Word {
    Word {
        name: system.name.into(),
        summary: system.summary.into(),
        parameters: system.parameters.iter().map(system_parameter).collect(),
        requests: false,
    }
}

fn system_parameter(parameter: &policy::Parameter) -> ParameterSpec {
    use policy::{Range, Unit, Value};
    let number = |value: u64| convert::ratio(value, 1);
    let unit = match parameter.unit {
        Unit::Count => scenario::Unit::Count,
        Unit::Share => scenario::Unit::Share,
        Unit::Time => scenario::Unit::Nanos,
        Unit::Cycles => scenario::Unit::Cycles,
        Unit::Bytes => scenario::Unit::Bytes,
        Unit::Word(words) => scenario::Unit::Choice(words.iter().map(|&word| word.into()).collect()),
    };
    let default = match parameter.default {
        Value::Count(count) => scenario::Value::Count(count),
        Value::Share(share) => scenario::Value::Number(share),
        Value::Time(time) => scenario::Value::Nanos(time),
        Value::Cycles(cycles) => scenario::Value::Number(number(cycles.get())),
        Value::Bytes(bytes) => scenario::Value::Bytes(bytes),
        Value::Word(word) => scenario::Value::Text(word.into()),
    };
    let range = match (parameter.unit, parameter.range) {
        (Unit::Share, _) => scenario::Range::Number(0.0..=1.0),
        (_, Range::Any) => scenario::Range::Any,
        (Unit::Cycles, Range::Between(least, most)) => scenario::Range::Number(number(least)..=number(most)),
        (_, Range::Between(least, most)) => scenario::Range::Whole(least..=most),
    };
    ParameterSpec {
        name: parameter.name.into(),
        unit,
        default,
        range,
        meaning: parameter.meaning.into(),
        source: parameter.source.into(),
    }
}

/// A value of a scenario as the parameter of a system.
pub(super) fn system_value(parameter: &policy::Parameter, value: &scenario::Value) -> Option<policy::Value> {
    use policy::{Unit, Value};
    Some(match (parameter.unit, value) {
        (Unit::Count, scenario::Value::Count(count)) => Value::Count(*count),
        (Unit::Share, scenario::Value::Number(share)) => Value::Share(*share),
        (Unit::Time, scenario::Value::Nanos(time)) => Value::Time(*time),
        (Unit::Cycles, scenario::Value::Number(cycles)) => {
            Value::Cycles(terrace_addr::Cycles::new(convert::floor(*cycles)))
        }
        (Unit::Bytes, scenario::Value::Bytes(bytes)) => Value::Bytes(*bytes),
        (Unit::Word(words), scenario::Value::Text(text)) => {
            Value::Word(words.iter().find(|&&word| word == text)?)
        }
        _ => return None,
    })
}

fn workload_word(entry: &workload::Entry) -> Word {
    Word {
        name: entry.name.into(),
        summary: entry.summary.into(),
        parameters: entry.parameters.iter().map(workload_parameter).collect(),
        // Which do is known when one is built.
        requests: true,
    }
}

fn workload_parameter(parameter: &workload::Parameter) -> ParameterSpec {
    use workload::{Preset, Range, Unit};
    let unit = match (parameter.unit, parameter.range) {
        (Unit::Bytes, _) => scenario::Unit::Bytes,
        (Unit::Nanos, _) => scenario::Unit::Nanos,
        (Unit::Count, _) => scenario::Unit::Count,
        (Unit::Share | Unit::Plain, _) => scenario::Unit::Share,
        (Unit::PerSecond, _) => scenario::Unit::PerSecond,
        (Unit::Cycles, _) => scenario::Unit::Cycles,
        (Unit::Word, Range::Words(words)) => {
            scenario::Unit::Choice(words.iter().map(|&word| word.into()).collect())
        }
        (Unit::Word, _) => scenario::Unit::Text,
    };
    let default = match (parameter.unit, parameter.default) {
        (Unit::Bytes, Preset::Whole(value)) => scenario::Value::Bytes(Bytes::new(value)),
        (Unit::Nanos, Preset::Whole(value)) => scenario::Value::Nanos(Nanos::new(value)),
        (Unit::Count, Preset::Whole(value)) => scenario::Value::Count(value),
        (_, Preset::Whole(value)) => scenario::Value::Number(convert::ratio(value, 1)),
        (_, Preset::Real(value)) => scenario::Value::Number(value),
        (_, Preset::Word(word)) => scenario::Value::Text(word.into()),
    };
    let range = match parameter.range {
        Range::Whole(least, most) => match parameter.unit {
            Unit::Bytes | Unit::Nanos | Unit::Count => scenario::Range::Whole(least..=most),
            _ => scenario::Range::Number(convert::ratio(least, 1)..=convert::ratio(most, 1)),
        },
        Range::Real(least, most) => scenario::Range::Number(least..=most),
        Range::Words(_) => scenario::Range::Any,
    };
    ParameterSpec {
        name: parameter.name.into(),
        unit,
        default,
        range,
        meaning: parameter.meaning.into(),
        source: parameter.source.to_string(),
    }
}

/// A value of a scenario as the argument of a workload.
pub(super) fn workload_value(value: &scenario::Value) -> workload::Value {
    match value {
        scenario::Value::Bytes(bytes) => workload::Value::Whole(bytes.get()),
        scenario::Value::Nanos(nanos) => workload::Value::Whole(nanos.get()),
        scenario::Value::Count(count) => workload::Value::Whole(*count),
        scenario::Value::Number(number) => workload::Value::Real(*number),
        scenario::Value::Text(text) => workload::Value::Text(text.clone()),
    }
}
