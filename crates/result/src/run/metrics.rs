//! The values of metrics.

use core::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::RunMetric;
use crate::ResultError;

/// What one run, or a part of it, measured: a value for each metric that applies to it, in the registry's order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics {
    /// Positions in [`RunMetric::ALL`], rising, and their values.
    values: Vec<(usize, MetricValue)>,
}

/// The value of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MetricValue {
    /// A whole number; the only kind that counts and bytes have.
    Count(u64),
    /// A finite number.
    Number(f64),
}

impl Metrics {
    /// Nothing measured.
    pub const fn new() -> Self {
        Self { values: Vec::new() }
    }

    /// Gives the metric `name` a value, instead of the one that it may have.
    ///
    /// # Errors
    /// If there is no metric of this name, if it counts whole things and the value is none, or if the value is not
    /// finite.
    pub fn set(&mut self, name: &str, value: impl Into<MetricValue>) -> Result<(), ResultError> {
        let value = value.into();
        let Some(place) = RunMetric::ALL.iter().position(|metric| metric.name == name) else {
            return Err(ResultError::UnknownMetric { name: name.to_owned() });
        };
        let fits = match value {
            MetricValue::Count(_) => true,
            MetricValue::Number(number) => number.is_finite() && !RunMetric::ALL[place].unit.is_whole(),
        };
        if !fits {
            return Err(ResultError::WrongValue { metric: RunMetric::ALL[place].name, value });
        }
        match self.values.binary_search_by_key(&place, |(place, _)| *place) {
            Ok(found) => self.values[found].1 = value,
            Err(before) => self.values.insert(before, (place, value)),
        }
        Ok(())
    }

    /// The value of the metric `name`, if it was measured.
    pub fn get(&self, name: &str) -> Option<MetricValue> {
        self.iter().find(|(metric, _)| metric.name == name).map(|(_, value)| value)
    }

    /// Metrics and their values, in the registry's order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static RunMetric, MetricValue)> {
        self.values.iter().map(|&(place, value)| (&RunMetric::ALL[place], value))
    }

    /// Whether nothing was measured.
    pub const fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl MetricValue {
    /// As a number, for ratios that are shown to people (exact below 2⁵³).
    pub const fn as_f64(self) -> f64 {
        match self {
            Self::Count(count) => terrace_addr::convert::ratio(count, 1),
            Self::Number(number) => number,
        }
    }
}

impl From<u64> for MetricValue {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<f64> for MetricValue {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl fmt::Display for MetricValue {
    /// The shortest digits that read back as the same value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Number(number) => write!(f, "{number:?}"),
        }
    }
}

impl Serialize for Metrics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(metric, value)| (metric.name, value)))
    }
}

impl<'de> Deserialize<'de> for Metrics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ByName)
    }
}

struct ByName;

impl<'de> Visitor<'de> for ByName {
    type Value = Metrics;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("metrics with their values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metrics, A::Error> {
        let mut metrics = Metrics::new();
        while let Some((name, value)) = map.next_entry::<String, MetricValue>()? {
            metrics.set(&name, value).map_err(A::Error::custom)?;
        }
        Ok(metrics)
    }
}
