//! The comparisons and campaigns that come with the program.

use std::sync::LazyLock;

use terrace_scenario::Builtin;

use super::Comparison;

macro_rules! comparison_files {
    ($($name:literal),* $(,)?) => {
        /// The files of the comparisons, in the order of their publications.
        const COMPARISONS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("comparisons/", $name, ".toml")))),*];
    };
}

comparison_files![
    "gemini-table3",
    "gemini-table3-movable",
    "gemini-table4",
    "gemini-fig8-clean",
    "gemini-fig8-fragmented",
    "gemini-fig8-movable",
    "gemini-fig9-clean",
    "gemini-fig9-fragmented",
    "gemini-fig10-clean",
    "gemini-fig10-fragmented",
    "gemini-fig11",
    "gemini-fig11-movable",
    "gemini-fig12",
    "gemini-fig13",
    "gemini-fig14",
    "gemini-fig15",
    "gemini-fig16",
    "gemini-fig16-reused",
    "gemini-fig17",
    "gemini-overhead",
    "xgemini-fig11-clean",
    "xgemini-fig11-fragmented",
    "xgemini-fig11-movable",
    "xgemini-fig12-clean",
    "xgemini-fig12-fragmented",
    "xgemini-fig12-movable",
    "xgemini-fig13-mean-clean",
    "xgemini-fig13-mean-fragmented",
    "xgemini-fig13-mean-movable",
    "xgemini-fig13-p99-clean",
    "xgemini-fig13-p99-fragmented",
    "xgemini-fig13-p99-movable",
    "xgemini-fig14",
    "xgemini-fig15",
    "xgemini-fig16",
];

/// The scenarios that run for comparisons.
const CAMPAIGNS: &[Builtin] = &[
    Builtin { name: "gemini", text: include_str!("campaigns/gemini.toml") },
    Builtin { name: "gemini-pairs", text: include_str!("campaigns/gemini-pairs.toml") },
    Builtin { name: "xgemini", text: include_str!("campaigns/xgemini.toml") },
    Builtin { name: "xgemini-pairs", text: include_str!("campaigns/xgemini-pairs.toml") },
];

static ALL: LazyLock<Vec<Comparison>> = LazyLock::new(|| {
    let read = |(name, text): &(&str, &str)| {
        // A test reads every one of them.
        toml::from_str(text).unwrap_or_else(|error| panic!("{name}.toml: {error}"))
    };
    COMPARISONS.iter().map(read).collect()
});

/// Every comparison.
pub fn comparisons() -> &'static [Comparison] {
    &ALL
}

/// The comparison of this name.
pub fn comparison(name: &str) -> Option<&'static Comparison> {
    ALL.iter().find(|comparison| comparison.name == name)
}

/// The campaign of this name.
pub(super) fn campaign(name: &str) -> Option<Builtin> {
    CAMPAIGNS.iter().copied().find(|campaign| campaign.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::published::Extent;
    use crate::published::compared::compared;
    use crate::published::measure::Totals;

    #[test]
    fn the_files_say_what_they_are_named_for() {
        for ((name, _), comparison) in COMPARISONS.iter().zip(comparisons()) {
            assert_eq!(comparison.name, *name);
            assert!(!comparison.programs().is_empty(), "{name}: no programs");
            for row in &comparison.rows {
                let known = [0, comparison.systems.len()].contains(&row.percent.len());
                assert!(known, "{name}: {}", row.program);
                let vm = row
                    .vm
                    .as_ref()
                    .is_none_or(|vm| comparison.campaign_text().contains(&format!("name = \"{vm}\"\n")));
                assert!(vm, "{name}: {:?}", row.vm);
            }
            let campaign = campaign(&comparison.campaign).unwrap_or_else(|| panic!("{name}: no campaign"));
            for outlier in &comparison.outliers {
                assert!(comparison.programs().contains(&outlier.program.as_str()), "{name}: {outlier:?}");
            }
            for system in comparison.gates.iter().flat_map(|gate| gate.rule.systems()) {
                assert!(comparison.systems_to_run().contains(&system), "{name}: a gate about {system}");
            }
            for word in comparison.systems_to_run().into_iter().chain([comparison.memory.as_str()]) {
                let listed = format!("{{ name = \"{word}\",");
                assert!(campaign.text.contains(&listed), "{name}: {} has no {word}", campaign.name);
            }
            for program in comparison.programs() {
                let listed = format!("{{ name = \"{program}\",");
                assert!(campaign.text.contains(&listed), "{name}: {} has no {program}", campaign.name);
            }
        }
    }

    /// What the papers' text says of their own bars, to their rounding.
    #[test]
    fn published_means_are_those_of_the_papers() {
        for (name, system, expected, tolerance) in [
            ("xgemini-fig11-clean", "xgemini", 116.5, 1.5),
            ("xgemini-fig11-fragmented", "xgemini", 118.8, 0.5),
            ("xgemini-fig12-fragmented", "xgemini", 46.2, 0.5),
            ("xgemini-fig12-fragmented", "dual-gemini", 83.9, 0.5),
            ("gemini-fig8-clean", "gemini", 154.0, 0.5),
            ("gemini-fig8-fragmented", "gemini", 165.0, 0.5),
            ("gemini-fig9-clean", "ingens", 71.0, 0.1),
            ("gemini-fig16", "gemini-without-bucket", 66.0, 0.5),
            // Without silo (1.6): 79.7 of five bars, where all six have 66.7.
            ("xgemini-fig13-mean-clean", "xgemini", 79.7, 0.1),
            ("xgemini-fig14", "xgemini", 107.6, 0.1),
            // 12.2 points below xGemini.
            ("xgemini-fig14", "dual-gemini", 95.4, 0.1),
        ] {
            let found = compared(comparison(name).unwrap(), &Extent::default(), &Totals::new(), &[]);
            let mean = found.means.iter().find(|mean| mean.system == system);
            let found = mean.and_then(|mean| mean.published).unwrap_or_else(|| panic!("{name}: {system}"));
            assert!((found - expected).abs() <= tolerance, "{name}: {system} {found}");
        }
    }
}
