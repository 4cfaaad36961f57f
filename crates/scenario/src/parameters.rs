//! Values of parameters as their declarations want them.

use terrace_addr::{Bytes, Nanos, convert};
use terrace_machine::files::{Explained, explain, nearest};
use terrace_machine::quantity::{Quantity, Size, Time};

use crate::error::{Problem, Side, one_of, unknown};
use crate::{ParameterSpec, Parameters, Range, Unit, Value, Word, units};

/// The parameter of a program that has what is not given drawn, unless it is 0.
const DRAW: &str = "draw";

/// Reads the parameters at `path` as `word` declares them, and adds those that are not given; but where they are drawn,
/// which is for the program to do.
pub(crate) fn complete(parameters: &mut Parameters, path: &str, word: &Word) -> Result<(), Problem> {
    for (name, _) in parameters.iter() {
        if word.parameter(name).is_none() {
            let names = word.parameters.iter().map(|it| it.name.as_str());
            let mut problem = unknown(path, name, names).below(name, Side::Key);
            problem.found = format!("the unknown parameter `{name}` of {}", word.name);
            return Err(problem);
        }
    }
    let given = word.parameters.iter().filter_map(|spec| Some((spec, parameters.get(&spec.name)?)));
    let mut values = given
        .map(|(spec, value)| {
            let value = spec
                .read(value)
                .map_err(|explained| Problem::explained(path, explained).below(&spec.name, Side::Value))?;
            Ok((spec.name.clone(), value))
        })
        .collect::<Result<Parameters, Problem>>()?;
    let is_drawn = values.get(DRAW).is_some_and(|number| *number != Value::Count(0));
    for spec in word.parameters.iter().filter(|_| !is_drawn) {
        if values.get(&spec.name).is_none() {
            values.set(spec.name.clone(), spec.default.clone());
        }
    }
    *parameters = values;
    Ok(())
}

impl ParameterSpec {
    /// The value `written` in a file, in this parameter's unit.
    fn read(&self, written: &Value) -> Result<Value, Explained> {
        let value = match (&self.unit, written) {
            (Unit::Bytes, Value::Text(text)) => Value::Bytes(quantity::<Size>(text)?.bytes()),
            (Unit::Nanos, Value::Text(text)) => {
                let nanos = units::whole_nanos(quantity::<Time>(text)?);
                Value::Nanos(nanos.ok_or_else(|| wrong(format!("{text:?}"), "a whole number of ns"))?)
            }
            (Unit::Count, Value::Count(_))
            | (Unit::Text, Value::Text(_))
            | (Unit::Share | Unit::Cycles | Unit::PerSecond, Value::Number(_)) => written.clone(),
            (Unit::Share | Unit::Cycles | Unit::PerSecond, Value::Count(count)) => {
                Value::Number(convert::ratio(*count, 1))
            }
            (Unit::Choice(words), Value::Text(text)) if words.contains(text) => written.clone(),
            (Unit::Choice(words), _) => {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let near =
                    if let Value::Text(text) = written { nearest(text, words.iter().copied()) } else { None };
                let help = near.map(|near| format!("did you mean {near}?"));
                return Err(Explained { help, ..wrong(shown(written), one_of(&words)) });
            }
            _ => return Err(wrong(shown(written), self.unit.expected())),
        };
        if self.range.holds(&value) {
            Ok(value)
        } else {
            Err(wrong(value.to_string(), self.range.expected(&value)))
        }
    }
}

impl Unit {
    /// What a value of this unit looks like.
    fn expected(&self) -> String {
        match self {
            Self::Bytes => format!("{} with its unit, such as {:?}", Size::WHAT, Size::EXAMPLE),
            Self::Nanos => format!("{} with its unit, such as {:?}", Time::WHAT, Time::EXAMPLE),
            Self::Count => "a whole number below 2^64".into(),
            Self::Share | Self::Cycles | Self::PerSecond => "a number".into(),
            Self::Choice(words) => one_of(&words.iter().map(String::as_str).collect::<Vec<_>>()),
            Self::Text => "a text".into(),
        }
    }
}

impl Range {
    /// Whether the value is in the range. No range holds what is no number.
    pub fn holds(&self, value: &Value) -> bool {
        match (self, value) {
            (_, Value::Number(number)) if !number.is_finite() => false,
            (Self::Any, _) => true,
            (Self::Whole(range), Value::Bytes(bytes)) => range.contains(&bytes.get()),
            (Self::Whole(range), Value::Nanos(nanos)) => range.contains(&nanos.get()),
            (Self::Whole(range), Value::Count(count)) => range.contains(count),
            (Self::Number(range), Value::Number(number)) => range.contains(number),
            _ => false,
        }
    }

    /// The range as a sentence has it, for values such as `like`.
    fn expected(&self, like: &Value) -> String {
        let shown = |whole: u64| match like {
            Value::Bytes(_) => Value::Bytes(Bytes::new(whole)).to_string(),
            Value::Nanos(_) => Value::Nanos(Nanos::new(whole)).to_string(),
            _ => whole.to_string(),
        };
        match self {
            Self::Any => "a finite number".into(),
            Self::Whole(range) if *range.end() == u64::MAX => format!("at least {}", shown(*range.start())),
            Self::Whole(range) => format!("{} to {}", shown(*range.start()), shown(*range.end())),
            Self::Number(range) if range.end().is_infinite() => format!("at least {}", range.start()),
            Self::Number(range) => format!("{} to {}", range.start(), range.end()),
        }
    }
}

fn quantity<Q: Quantity>(text: &str) -> Result<Q, Explained> {
    text.parse::<Q>().map_err(|error| explain(&error.to_string(), Q::WHAT))
}

fn wrong(found: impl Into<String>, expected: impl Into<String>) -> Explained {
    Explained { found: found.into(), expected: expected.into(), help: None }
}

/// A value as the errors of the TOML reader show it.
fn shown(written: &Value) -> String {
    match written {
        Value::Text(text) => format!("string {text:?}"),
        Value::Number(number) => format!("floating point `{number:?}`"),
        other => format!("integer `{other}`"),
    }
}
