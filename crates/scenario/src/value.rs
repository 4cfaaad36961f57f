//! Values of parameters.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use terrace_addr::{Bytes, Nanos};
use terrace_machine::quantity::Size;

use crate::units;

/// The value of a parameter, in the unit that its [`ParameterSpec`](crate::ParameterSpec) declares.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// An amount of memory; in a file a text with its unit, `"1 GiB"`.
    Bytes(Bytes),
    /// A time; in a file a text with its unit, `"10 ms"`.
    Nanos(Nanos),
    /// A whole number of things.
    Count(u64),
    /// A share, a number of cycles, a rate.
    Number(f64),
    /// A word or any other text.
    Text(String),
}

/// The values of the parameters of a system or workload, by name: in a [`Scenario`](crate::Scenario) that was read,
/// one for each that it declares; of a program whose numbers are drawn, those that were given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Parameters(BTreeMap<String, Value>);

impl Parameters {
    /// The value of the parameter of this name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// That value, if it is an amount of memory.
    pub fn bytes(&self, name: &str) -> Option<Bytes> {
        if let Some(Value::Bytes(bytes)) = self.get(name) { Some(*bytes) } else { None }
    }

    /// That value, if it is a time.
    pub fn nanos(&self, name: &str) -> Option<Nanos> {
        if let Some(Value::Nanos(nanos)) = self.get(name) { Some(*nanos) } else { None }
    }

    /// That value, if it is a count.
    pub fn count(&self, name: &str) -> Option<u64> {
        if let Some(Value::Count(count)) = self.get(name) { Some(*count) } else { None }
    }

    /// That value, if it is a number that need not be whole.
    pub fn number(&self, name: &str) -> Option<f64> {
        if let Some(Value::Number(number)) = self.get(name) { Some(*number) } else { None }
    }

    /// That value, if it is a text or a word.
    pub fn text(&self, name: &str) -> Option<&str> {
        if let Some(Value::Text(text)) = self.get(name) { Some(text) } else { None }
    }

    /// Gives a parameter a value.
    pub fn set(&mut self, name: impl Into<String>, value: Value) {
        self.0.insert(name.into(), value);
    }

    /// Takes a parameter's value away: it is not given any more.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl FromIterator<(String, Value)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl fmt::Display for Value {
    /// As a file has it, without quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => Size::new(*bytes).fmt(f),
            Self::Nanos(nanos) => f.write_str(&units::text_of_nanos(*nanos)),
            Self::Count(count) => count.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Bytes(_) | Self::Nanos(_) | Self::Text(_) => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    /// As written, which is a `Text`, a `Count` or a `Number`: what unit it has to be in only its declaration says.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AsWritten)
    }
}

struct AsWritten;

impl Visitor<'_> for AsWritten {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.into()))
    }

    fn visit_u64<E: Error>(self, count: u64) -> Result<Value, E> {
        Ok(Value::Count(count))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        u64::try_from(number).map(Value::Count).map_err(|_| {
            E::custom(format_args!("found {number}; expected a number that is not negative, or a text"))
        })
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }
}

impl JsonSchema for Parameters {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Parameters".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Parameters by name: numbers, texts with a unit, or words.",
            "type": "object",
            "additionalProperties": { "type": ["number", "string"] },
        })
    }
}
