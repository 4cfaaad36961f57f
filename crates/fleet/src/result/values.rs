//! The values of metrics.

use core::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use terrace_result::{MetricValue, ResultError};

use super::FleetMetric;

/// A value for each metric that was counted, in the registry's order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics {
    /// Positions in [`FleetMetric::ALL`], rising, and their values.
    values: Vec<(usize, MetricValue)>,
}

impl Metrics {
    /// Nothing counted.
    pub const fn new() -> Self {
        Self { values: Vec::new() }
    }

    /// Gives the metric `name` a value, instead of the one that it may have.
    ///
    /// # Errors
    /// If there is no metric of this name, if it counts whole things and the value is none, or if the value is not finite.
    pub fn set(&mut self, name: &str, value: MetricValue) -> Result<(), ResultError> {
        let Some(place) = FleetMetric::ALL.iter().position(|metric| metric.name == name) else {
            return Err(ResultError::UnknownMetric { name: name.to_owned() });
        };
        let metric = &FleetMetric::ALL[place];
        let fits = match value {
            MetricValue::Count(_) => true,
            MetricValue::Number(number) => number.is_finite() && !metric.unit.is_whole(),
        };
        if !fits {
            return Err(ResultError::WrongValue { metric: metric.name, value });
        }
        match self.values.binary_search_by_key(&place, |(place, _)| *place) {
            Ok(found) => self.values[found].1 = value,
            Err(before) => self.values.insert(before, (place, value)),
        }
        Ok(())
    }

    /// The value of the metric `name`, if it was counted.
    pub fn get(&self, name: &str) -> Option<MetricValue> {
        self.iter().find(|(metric, _)| metric.name == name).map(|(_, value)| value)
    }

    /// Metrics and their values, in the registry's order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static FleetMetric, MetricValue)> {
        self.values.iter().map(|&(place, value)| (&FleetMetric::ALL[place], value))
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
