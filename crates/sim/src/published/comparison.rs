//! What is known of a published table or figure over programs.

use serde::{Deserialize, Serialize};
use terrace_result::Metrics;

/// A published table, or figure of bars, over programs and systems.
///
/// What a paper measured is here to be shown beside what the model measures. It goes into no simulation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Its name on the command line.
    pub name: String,
    /// Where it was published.
    pub paper: String,
    /// What it shows.
    pub shows: String,
    /// Where the numbers come from.
    pub source: String,
    /// The campaign that runs for it.
    pub campaign: String,
    /// In which memory: a value of the campaign's axis of this name.
    pub memory: String,
    /// What is compared.
    pub metric: Metric,
    /// The system that values are percentages of; none where they are shares.
    pub baseline: Option<String>,
    /// Its systems, by their names in the campaign.
    pub systems: Vec<String>,
    /// Systems that are not in the publication, shown beside its own.
    #[serde(default)]
    pub beside: Vec<String>,
    /// Its programs, where nothing is known of each.
    #[serde(default)]
    programs: Vec<String>,
    /// What was published of each program.
    #[serde(default)]
    pub rows: Vec<PublishedRow>,
    /// What is known as a mean over programs only.
    #[serde(default)]
    pub means: Vec<PublishedMean>,
}

/// What was published of a program.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedRow {
    /// The workload.
    pub program: String,
    /// In percent, in the order of the systems.
    pub percent: Vec<f64>,
}

/// A published mean over programs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedMean {
    /// Of which system.
    pub system: String,
    /// In percent.
    pub percent: f64,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Accesses a second. More is better.
    Throughput,
    /// Walks for an access. Less is better.
    TlbMisses,
    /// The bytes that are huge and aligned in every layer, of those that are huge in any.
    WellAligned,
    /// The mean time of a request, at arrivals of 70 % of what the baseline serves.
    MeanLatency,
    /// The 99th percentile of it.
    P99Latency,
}

impl Metric {
    /// Whether it is measured with requests that come at a rate.
    pub const fn is_latency(self) -> bool {
        matches!(self, Self::MeanLatency | Self::P99Latency)
    }

    /// What it is called in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::TlbMisses => "TLB misses",
            Self::WellAligned => "well-aligned share of huge pages",
            Self::MeanLatency => "mean latency",
            Self::P99Latency => "99th percentile of latency",
        }
    }

    /// Its value in the totals of a run; none if it has none there, as the share of huge pages where there are none.
    pub(super) fn of(self, totals: &Metrics) -> Option<f64> {
        let of = |name: &str| totals.get(name).map(terrace_result::MetricValue::as_f64);
        let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        match self {
            Self::Throughput => of("accesses_per_second"),
            Self::TlbMisses => share(of("walks")?, of("accesses")?),
            Self::WellAligned => {
                let aligned = of("well_aligned_bytes")?;
                share(aligned, aligned + of("guest_huge_only_bytes")? + of("host_huge_only_bytes")?)
            }
            Self::MeanLatency => of("latency_mean_ns"),
            Self::P99Latency => of("latency_p99_ns"),
        }
    }
}

impl Comparison {
    /// The scenario file of its campaign, of which some runs are its own.
    pub fn campaign_text(&self) -> &'static str {
        super::files::campaign(&self.campaign).map_or("", |campaign| campaign.text)
    }

    /// Its programs, in the order of the publication.
    pub fn programs(&self) -> Vec<&str> {
        if self.rows.is_empty() {
            return self.programs.iter().map(String::as_str).collect();
        }
        self.rows.iter().map(|row| row.program.as_str()).collect()
    }

    /// All systems that have to run: its own, those that it knows means of, its baseline, and those beside them.
    pub fn systems_to_run(&self) -> Vec<&str> {
        let mut systems: Vec<&str> = Vec::new();
        let means = self.means.iter().map(|mean| &mean.system);
        for system in self.baseline.iter().chain(means).chain(&self.systems).chain(&self.beside) {
            if !systems.contains(&system.as_str()) {
                systems.push(system);
            }
        }
        systems
    }

    /// All systems that it shows: those that it knows means of, its own, and those beside them.
    pub fn shown(&self) -> Vec<&str> {
        let mut systems = self.systems_to_run();
        if let Some(baseline) = self.baseline.as_deref()
            && !self.systems.iter().any(|system| system == baseline)
        {
            systems.retain(|system| *system != baseline);
        }
        systems
    }

    /// What was published of a program under a system.
    pub fn published(&self, program: &str, system: &str) -> Option<f64> {
        let row = self.rows.iter().find(|row| row.program == program)?;
        let place = self.systems.iter().position(|name| name == system)?;
        row.percent.get(place).copied()
    }

    /// The published mean of a system: that of its bars, or what is known of it.
    pub fn published_mean(&self, system: &str) -> Option<f64> {
        let bars: Vec<f64> =
            self.programs().iter().filter_map(|program| self.published(program, system)).collect();
        super::statistics::mean(&bars)
            .or_else(|| self.means.iter().find(|mean| mean.system == system).map(|mean| mean.percent))
    }
}
