//! What is known of a published figure.

use serde::Serialize;
use terrace_scenario::Builtin;

/// A published figure that can be measured again.
///
/// What a paper measured is here to be shown beside what the model measures. It goes into no simulation.
#[derive(Debug, Clone, Copy)]
pub struct Figure {
    /// Its name on the command line, which its scenario has too.
    pub name: &'static str,
    /// Where it was published.
    pub paper: &'static str,
    /// What it shows, in a sentence.
    pub shows: &'static str,
    /// What the paper says of how it was measured, and what it leaves open.
    pub measured: &'static str,
    /// What the paper says that it shows, in our words.
    pub says: &'static str,
    /// Its bars, as far as they are known.
    pub bars: &'static [Bar],
    /// Where the bars come from, or why there are none.
    pub bars_source: &'static str,
    /// What runs: a scenario whose runs differ in mode, loads, footprint and pages.
    pub scenario: Builtin,
}

/// A bar of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bar {
    /// Over which of the figure's data sets.
    pub data_set: DataSet,
    /// With which pages.
    pub pages: Pages,
    /// Its height: throughput in percent of that with base pages everywhere.
    pub percent: u32,
}

/// A data set of the figures; the papers do not say how large each is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataSet {
    /// The small one.
    Small,
    /// The large one.
    Large,
}

/// Page sizes of guest and host; in a nested virtual machine its hypervisor has the host's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pages {
    /// Base pages everywhere: what the others are compared with.
    Base,
    /// Huge pages in the host only.
    HugeHost,
    /// Huge pages in the guest only.
    HugeGuest,
    /// Huge pages everywhere, aligned.
    HugeBoth,
}

/// Whether loads wait for each other; the papers do not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loads {
    /// Each waits for the one before it.
    Dependent,
    /// As many are in flight as the workload declares.
    Independent,
}

impl DataSet {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Small, Self::Large];

    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "large",
        }
    }
}

impl Pages {
    /// All four, in the figures' order.
    pub const ALL: [Self; 4] = [Self::Base, Self::HugeHost, Self::HugeGuest, Self::HugeBoth];

    /// Its name in scenarios and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::HugeHost => "huge-host",
            Self::HugeGuest => "huge-guest",
            Self::HugeBoth => "huge-both",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|pages| pages.name() == name)
    }
}

impl Loads {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Dependent, Self::Independent];

    /// Its name in scenarios and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dependent => "dependent",
            Self::Independent => "independent",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|loads| loads.name() == name)
    }
}

const fn bar(data_set: DataSet, pages: Pages, percent: u32) -> Bar {
    Bar { data_set, pages, percent }
}

/// Every figure, by name.
pub const FIGURES: &[Figure] = &[
    Figure {
        name: "gemini-fig2",
        paper: "Gemini (EuroSys 2023, DOI 10.1145/3552326.3567487), Figure 2",
        shows: "random loads in a virtual machine: what huge pages gain in guest, host, and both",
        measured: "A virtual machine on two Xeon E5-2620 v4; the program loads at random from a data set. The sizes of \
                   the two data sets, and whether loads wait for each other, are not stated.",
        says: "Only huge pages in both gain much, over the large set; in one of them they gain little, and cost over \
               the small set.",
        bars: &[
            bar(DataSet::Small, Pages::Base, 100),
            bar(DataSet::Small, Pages::HugeHost, 87),
            bar(DataSet::Small, Pages::HugeGuest, 86),
            bar(DataSet::Small, Pages::HugeBoth, 103),
            bar(DataSet::Large, Pages::Base, 100),
            bar(DataSet::Large, Pages::HugeHost, 120),
            bar(DataSet::Large, Pages::HugeGuest, 116),
            bar(DataSet::Large, Pages::HugeBoth, 202),
        ],
        bars_source: "read off the figure's vector graphics, to about 1",
        scenario: Builtin { name: "gemini-fig2", text: include_str!("gemini-fig2.toml") },
    },
    Figure {
        name: "xgemini-fig7",
        paper: "xGemini (IEEE Transactions on Computers 2024), Figure 7",
        shows: "the same in a virtual machine, as the paper has it, and in a nested one, which its title would suggest",
        measured: "\"A virtual machine\" under Linux/KVM, in the paper's words, and by its context not a nested one; \
                   the program loads at random from a data set. The sizes of the two data sets, and whether loads wait \
                   for each other, are not stated.",
        says: "Over the small set aligned huge pages are as fast as base pages, and misaligned ones slower; over the \
               large set aligned ones gain much, and misaligned ones hardly anything.",
        bars: &[],
        bars_source: "not read: what is known of the figure is its text",
        scenario: Builtin { name: "xgemini-fig7", text: include_str!("xgemini-fig7.toml") },
    },
];

/// The figure of this name.
pub fn figure(name: &str) -> Option<&'static Figure> {
    FIGURES.iter().find(|figure| figure.name == name)
}
