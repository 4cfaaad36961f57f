//! What is known of a run.

use serde::{Deserialize, Serialize};
use terrace_result::{LayerMetrics, MetricValue, Metrics, RunResult, VmMetrics};

use super::statistics::mean;

/// What is known of a run: what comparisons ask about.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) totals: Metrics,
    pub(super) vms: Vec<VmMetrics>,
    pub(super) layers: Vec<LayerMetrics>,
}

impl From<&RunResult> for Found {
    fn from(result: &RunResult) -> Self {
        Self { totals: result.totals.clone(), vms: result.vms.clone(), layers: result.layers.clone() }
    }
}

impl Found {
    /// A metric of the run, or of one of its virtual machines.
    pub(super) fn metric(&self, vm: Option<&str>, name: &str) -> Option<f64> {
        let metrics = match vm {
            None => &self.totals,
            Some(vm) => &self.vms.iter().find(|found| found.name == vm)?.metrics,
        };
        metrics.get(name).map(MetricValue::as_f64)
    }

    /// The index of unusable free memory, in the mean over all layers. The host of several machines is one layer.
    pub(super) fn fragmentation(&self) -> Option<f64> {
        let own = self.layers.iter().filter(|layer| layer.vm.is_none() || layer.layer != "host");
        let values: Vec<f64> =
            own.filter_map(|layer| layer.metrics.get("fmfi").map(MetricValue::as_f64)).collect();
        mean(&values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_counts_once_however_many_machines_it_has() {
        let layer = |vm: Option<&str>, name: &str, fmfi: f64| {
            let mut metrics = Metrics::new();
            metrics.set("fmfi", fmfi).unwrap();
            let (vm, layer) = (vm.map(str::to_owned), name.to_owned());
            LayerMetrics { vm, layer, metrics, counts: std::collections::BTreeMap::new() }
        };
        let guest = |vm, fmfi| [layer(Some(vm), "guest", fmfi), layer(Some(vm), "host", 0.5)];
        let layers = [guest("a", 0.25), guest("b", 0.75)].into_iter().flatten();
        let layers = layers.chain([layer(None, "host", 0.5)]).collect();
        let found = Found { layers, ..Found::default() };
        assert_eq!(found.fragmentation(), Some((0.25 + 0.75 + 0.5) / 3.0));
        assert_eq!(Found::default().fragmentation(), None);
    }
}
