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
    "gemini-table4",
    "gemini-fig8-clean",
    "gemini-fig8-fragmented",
    "gemini-fig9-clean",
    "gemini-fig9-fragmented",
    "gemini-fig10-clean",
    "gemini-fig10-fragmented",
    "gemini-fig11",
    "gemini-fig12",
    "gemini-fig13",
    "gemini-fig14",
    "gemini-fig15",
    "xgemini-fig11-clean",
    "xgemini-fig11-fragmented",
    "xgemini-fig12-clean",
    "xgemini-fig12-fragmented",
    "xgemini-fig13-mean-clean",
    "xgemini-fig13-mean-fragmented",
    "xgemini-fig13-p99-clean",
    "xgemini-fig13-p99-fragmented",
    "xgemini-fig16",
];

/// The scenarios that run for comparisons.
const CAMPAIGNS: &[Builtin] = &[
    Builtin { name: "gemini", text: include_str!("campaigns/gemini.toml") },
    Builtin { name: "xgemini", text: include_str!("campaigns/xgemini.toml") },
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

    #[test]
    fn the_files_say_what_they_are_named_for() {
        for ((name, _), comparison) in COMPARISONS.iter().zip(comparisons()) {
            assert_eq!(comparison.name, *name);
            assert!(!comparison.programs().is_empty(), "{name}: no programs");
            for row in &comparison.rows {
                assert_eq!(row.percent.len(), comparison.systems.len(), "{name}: {}", row.program);
            }
            let campaign = campaign(&comparison.campaign).unwrap_or_else(|| panic!("{name}: no campaign"));
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
        ] {
            let found = comparison(name).and_then(|comparison| comparison.published_mean(system));
            let found = found.unwrap_or_else(|| panic!("{name}: {system}"));
            assert!((found - expected).abs() <= tolerance, "{name}: {system} {found}");
        }
    }
}
