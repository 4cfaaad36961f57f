//! What is known of a published table or figure over programs.

use serde::{Deserialize, Serialize};

use super::Gate;
use super::found::Found;

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
    /// The system whose gain over the baseline values are parts of, in percent of that gain; none where they are not.
    pub whole: Option<String>,
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
    /// Programs that means leave out.
    #[serde(default)]
    pub outliers: Vec<Outlier>,
    /// What has to hold of it, or is shown as what does not.
    #[serde(default)]
    pub gates: Vec<Gate>,
}

/// What was published of a program.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedRow {
    /// A value of the campaign's axis of programs.
    pub program: String,
    /// In which virtual machine, where the campaign has several.
    pub vm: Option<String>,
    /// In percent, in the order of the systems; empty where they are known as means only.
    #[serde(default)]
    pub percent: Vec<f64>,
}

/// What a row is about: a program, or what runs in one of several virtual machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) program: &'a str,
    pub(super) vm: Option<&'a str>,
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

/// A program that means leave out, of what was published and of what was measured. Its row is shown.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outlier {
    /// Which program.
    pub program: String,
    /// Why, and who says so.
    pub why: String,
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
    /// How fragmented free memory is (FMFI), in the mean over all layers. Less is better.
    Fragmentation,
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
            Self::Fragmentation => "fragmentation (FMFI)",
        }
    }

    /// Whether values are better when they are larger.
    pub(super) const fn more_is_better(self) -> bool {
        matches!(self, Self::Throughput | Self::WellAligned)
    }

    /// Whether one value is better than another.
    pub(super) fn is_better(self, one: f64, other: f64) -> bool {
        if self.more_is_better() { one > other } else { one < other }
    }

    /// Its value in a run, or in one of its virtual machines; none if it has none there, as the share of huge pages
    /// where there are none, or the latency of requests that come faster than they are served.
    pub(super) fn of(self, found: &Found, vm: Option<&str>) -> Option<f64> {
        let of = |name: &str| found.metric(vm, name);
        let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        let latency = |name: &str| of(name).filter(|_| of("saturated") == Some(0.0));
        match self {
            Self::Throughput => of("accesses_per_second"),
            Self::TlbMisses => share(of("walks")?, of("accesses")?),
            Self::WellAligned => {
                let aligned = of("well_aligned_bytes")?;
                share(aligned, aligned + of("guest_huge_only_bytes")? + of("host_huge_only_bytes")?)
            }
            Self::MeanLatency => latency("latency_mean_ns"),
            Self::P99Latency => latency("latency_p99_ns"),
            Self::Fragmentation => found.fragmentation(),
        }
    }
}

impl Comparison {
    /// The scenario file of its campaign, of which some runs are its own.
    pub fn campaign_text(&self) -> &'static str {
        super::files::campaign(&self.campaign).map_or("", |campaign| campaign.text)
    }

    /// What its rows are about, in the order of the publication.
    pub(super) fn places(&self) -> Vec<Place<'_>> {
        if self.rows.is_empty() {
            return self.programs.iter().map(|program| Place { program, vm: None }).collect();
        }
        self.rows.iter().map(PublishedRow::place).collect()
    }

    /// Its programs, in the order of the publication: values of the campaign's axis of this name.
    pub fn programs(&self) -> Vec<&str> {
        let mut programs: Vec<&str> = self.places().into_iter().map(|place| place.program).collect();
        programs.dedup();
        programs
    }

    /// All systems that have to run: its own, those that it knows means of, its baseline, and those beside them.
    pub fn systems_to_run(&self) -> Vec<&str> {
        let mut systems: Vec<&str> = Vec::new();
        let means = self.means.iter().map(|mean| &mean.system);
        let own = self.baseline.iter().chain(&self.whole);
        for system in own.chain(means).chain(&self.systems).chain(&self.beside) {
            if !systems.contains(&system.as_str()) {
                systems.push(system);
            }
        }
        systems
    }

    /// All systems that it shows: those that it knows means of, its own, and those beside them.
    pub fn shown(&self) -> Vec<&str> {
        let mut systems = self.systems_to_run();
        let is_own = |system: &str| self.systems.iter().any(|own| own == system);
        systems.retain(|system| is_own(system) || !self.is_measure(system));
        systems
    }

    /// Whether others' values are percentages of what this system has.
    pub(super) fn is_measure(&self, system: &str) -> bool {
        [&self.baseline, &self.whole].into_iter().flatten().any(|it| it == system)
    }

    /// What was published of a place under a system.
    pub(super) fn published(&self, place: Place<'_>, system: &str) -> Option<f64> {
        let row = self.rows.iter().find(|row| row.place() == place)?;
        let number = self.systems.iter().position(|name| name == system)?;
        row.percent.get(number).copied()
    }

    /// What is known of a system as a mean over all programs only.
    pub(super) fn stated_mean(&self, system: &str) -> Option<f64> {
        self.means.iter().find(|mean| mean.system == system).map(|mean| mean.percent)
    }

    /// The outlier that a program is, if it is one.
    pub(super) fn outlier(&self, program: &str) -> Option<&Outlier> {
        self.outliers.iter().find(|outlier| outlier.program == program)
    }
}

impl PublishedRow {
    fn place(&self) -> Place<'_> {
        Place { program: &self.program, vm: self.vm.as_deref() }
    }
}
