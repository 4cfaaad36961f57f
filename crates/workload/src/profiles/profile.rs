//! What a profile is, and how it becomes a program with parameters.

use super::mix::Mix;
use super::{compute, parsec, stores, tailbench};
use crate::plan::{Body, Plan, Requests, facts};
use crate::programs::common::{self, ADVICE, CHOICE, CONTENT, INITIALISE, OPERATIONS};
use crate::programs::{ENTRIES, btree, canneal, chase, churn, fft, gups, scan, zipf_store};
use crate::random::{nearest_whole, real};
use crate::registry::{DRAW, Entry, Parameter, Preset, Range, Settings, Source, Unit};
use crate::{Load, Program, Service, WorkloadError};

/// A named program.
#[derive(Debug, Clone, Copy)]
pub(super) struct Profile {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    /// All its memory, but for parts that allocate.
    pub(super) bytes: Figure,
    pub(super) core_cycles: Figure,
    pub(super) parallelism: Figure,
    pub(super) instructions: Figure,
    /// Whether a round is a request.
    pub(super) serves: Serves,
    pub(super) parts: &'static [Part],
}

/// Whether a program answers requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Serves {
    /// It does; a round is a request.
    Requests,
    /// It works on its own.
    Nobody,
}

/// A pattern as a part of a profile.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// The pattern.
    pub pattern: Pattern,
    /// Operations of the pattern in a round, a whole number.
    pub each: Figure,
    /// Its part of the memory, a real number.
    pub share: Figure,
    /// Parameters of the pattern that are not at their defaults.
    pub set: &'static [(&'static str, Figure)],
}

/// A number and where it comes from.
#[derive(Debug, Clone, Copy)]
pub struct Figure {
    /// The number.
    pub value: Preset,
    /// Where it comes from.
    pub source: Source,
}

/// A pattern that profiles are made of: a program of the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// `btree`
    BTree,
    /// `canneal`
    Canneal,
    /// `chase`
    Chase,
    /// `churn`
    Churn,
    /// `fft`
    Fft,
    /// `gups`
    Gups,
    /// `scan`
    Scan,
    /// `zipf-store`
    ZipfStore,
}

impl Pattern {
    /// The program of the registry that is this pattern alone.
    pub const fn entry(self) -> &'static Entry {
        match self {
            Self::BTree => &btree::ENTRY,
            Self::Canneal => &canneal::ENTRY,
            Self::Chase => &chase::ENTRY,
            Self::Churn => &churn::ENTRY,
            Self::Fft => &fft::ENTRY,
            Self::Gups => &gups::ENTRY,
            Self::Scan => &scan::ENTRY,
            Self::ZipfStore => &zipf_store::ENTRY,
        }
    }

    fn bodies(self, settings: &Settings, plan: &mut Plan) -> Result<Vec<Box<dyn Body>>, WorkloadError> {
        match self {
            Self::BTree => btree::bodies(settings, plan),
            Self::Canneal => canneal::bodies(settings, plan),
            Self::Chase => chase::bodies(settings, plan),
            Self::Churn => churn::bodies(settings, plan),
            Self::Fft => fft::bodies(settings, plan),
            Self::Gups => gups::bodies(settings, plan),
            Self::Scan => scan::bodies(settings, plan),
            Self::ZipfStore => zipf_store::bodies(settings, plan),
        }
    }
}

/// A whole number that nothing states.
pub(super) const fn whole(value: u64, reason: &'static str, low: f64, high: f64) -> Figure {
    Figure { value: Preset::Whole(value), source: Source::Assumed { reason, low, high } }
}

/// A real number that nothing states.
pub(super) const fn number(value: f64, reason: &'static str, low: f64, high: f64) -> Figure {
    Figure { value: Preset::Real(value), source: Source::Assumed { reason, low, high } }
}

/// A choice between words.
pub(super) const fn choice(value: &'static str, reason: &'static str) -> Figure {
    Figure { value: Preset::Word(value), source: Source::Stated(reason) }
}

/// All memory.
pub(super) const ALL_OF_IT: Figure =
    Figure { value: Preset::Real(1.0), source: Source::Stated("the only part") };

/// One operation a round.
pub(super) const ONCE: Figure =
    Figure { value: Preset::Whole(1), source: Source::Stated("the round is one") };

/// No memory of its own: it maps regions as it goes.
pub(super) const NOTHING: Figure =
    Figure { value: Preset::Real(0.0), source: Source::Stated("it maps its own regions") };

/// The load of programs that serve requests.
const LOAD: Parameter = Parameter {
    name: "load",
    unit: Unit::Share,
    default: Preset::Real(0.5),
    range: Range::Real(0.01, 0.99),
    meaning: "requests that come, as a share of what the baseline serves when it never waits for one",
    source: Source::Assumed {
        reason: "no paper states its request rates; at half of saturation there is some queueing, and far from collapse",
        low: 0.2,
        high: 0.9,
    },
};

/// Which choice of the assumed numbers it has.
const DRAW_NUMBER: Parameter = common::count(
    DRAW,
    0,
    0,
    u64::MAX,
    "0: the numbers as they stand here; else each that is assumed, and not given, is drawn from its range, by this number",
    CHOICE,
);

/// How much of a request a request is.
const DIVIDED: Parameter = common::count(
    "divided",
    1,
    1,
    1 << 32,
    "into how many requests each is divided, at most its largest part's operations: a queue of requests that are a tenth \
     as long, and come ten times as often, is the same in a tenth of the time",
    CHOICE,
);

/// Of the parameters of a profile, so many are for those only that serve requests: the last ones.
const OF_REQUESTS: usize = 2;
const PARAMETERS: usize = 9 + OF_REQUESTS;

const fn parameters(profile: &Profile) -> [Parameter; PARAMETERS] {
    let Preset::Whole(bytes) = profile.bytes.value else { panic!("a footprint is a whole number") };
    let meaning = "all memory of the program but what it maps as it goes";
    [
        common::bytes(bytes, meaning, profile.bytes.source),
        common::core_cycles(value(profile.core_cycles), profile.core_cycles.source),
        common::parallelism(value(profile.parallelism), profile.parallelism.source),
        common::instructions(value(profile.instructions), profile.instructions.source),
        INITIALISE,
        ADVICE,
        CONTENT,
        OPERATIONS,
        DRAW_NUMBER,
        LOAD,
        DIVIDED,
    ]
}

const fn value(figure: Figure) -> f64 {
    match figure.value {
        Preset::Real(value) => value,
        Preset::Whole(_) | Preset::Word(_) => panic!("cycles and the like are real numbers"),
    }
}

/// All profiles.
pub(super) static PROFILES: [Profile; COUNT] = {
    let mut all = [tailbench::PROFILES[0]; COUNT];
    let groups = [tailbench::PROFILES, stores::PROFILES, parsec::PROFILES, compute::PROFILES];
    let (mut group, mut place) = (0, 0);
    while group < groups.len() {
        let mut next = 0;
        while next < groups[group].len() {
            all[place] = groups[group][next];
            place += 1;
            next += 1;
        }
        group += 1;
    }
    all
};

const COUNT: usize =
    tailbench::PROFILES.len() + stores::PROFILES.len() + parsec::PROFILES.len() + compute::PROFILES.len();

static DECLARED: [[Parameter; PARAMETERS]; COUNT] = {
    let mut all = [parameters(&tailbench::PROFILES[0]); COUNT];
    let mut next = 0;
    while next < COUNT {
        all[next] = parameters(&PROFILES[next]);
        next += 1;
    }
    all
};

/// All programs of this crate: single patterns, then profiles.
pub(crate) static ALL: [Entry; ENTRIES.len() + COUNT] = {
    let mut all = [ENTRIES[0]; ENTRIES.len() + COUNT];
    let mut next = 0;
    while next < ENTRIES.len() {
        all[next] = ENTRIES[next];
        next += 1;
    }
    while next < all.len() {
        let profile = &PROFILES[next - ENTRIES.len()];
        let declared = DECLARED[next - ENTRIES.len()].split_at(match profile.serves {
            Serves::Requests => PARAMETERS,
            Serves::Nobody => PARAMETERS - OF_REQUESTS,
        });
        all[next] = Entry {
            name: profile.name,
            summary: profile.summary,
            parameters: declared.0,
            parts: profile.parts,
            make,
        };
        next += 1;
    }
    all
};

fn make(settings: &Settings) -> Result<Box<dyn Program>, WorkloadError> {
    let profile = PROFILES.iter().find(|profile| profile.name == settings.program());
    let Profile { parts, serves, .. } = profile.expect("only profiles are made here");
    let mut plan = Plan::new(settings);
    let mut threads: Vec<Vec<_>> = (0..settings.threads()).map(|_| Vec::new()).collect();
    let shares = shares(settings, parts);
    for (number, (part, share)) in parts.iter().zip(shares).enumerate() {
        plan.begin_part(number);
        let bodies = part.pattern.bodies(&of_part(settings, number, part, share), &mut plan);
        let bodies = bodies.map_err(|error| in_part(error, part, share))?;
        let Preset::Whole(each) = drawn(settings, number, "each", part.each) else { continue };
        for (thread, body) in threads.iter_mut().zip(bodies) {
            thread.push((body, each));
        }
    }
    let (requests, latency, divided) = match serves {
        Serves::Requests => {
            let load = Load::OfSaturation(settings.real(LOAD.name));
            (Requests::EachOperation, Some(Service { load }), settings.whole(DIVIDED.name))
        }
        Serves::Nobody => (Requests::Unmarked, None, 1),
    };
    let mix = |parts| -> Box<dyn Body> { Box::new(Mix::new(parts, requests, divided)) };
    let bodies = threads.into_iter().map(mix).collect();
    Ok(plan.program(facts(settings, latency), settings.whole(OPERATIONS.name), bodies))
}

/// A number of a part, as the settings' draw has it.
fn drawn(settings: &Settings, number: usize, name: &str, figure: Figure) -> Preset {
    settings.draw().number(settings.program(), &format!("part{number}.{name}"), figure.value, figure.source)
}

/// A drawn value as a pattern takes it: within its range, and a power of two where the stated one is.
fn like(drawn: Preset, stated: Preset, range: Range) -> Preset {
    match (drawn, stated, range) {
        (Preset::Whole(drawn), Preset::Whole(stated), Range::Whole(low, high)) => {
            let power = 1 << drawn.max(1).ilog2();
            Preset::Whole(if stated.is_power_of_two() { power } else { drawn }.clamp(low, high))
        }
        (Preset::Real(drawn), _, Range::Real(low, high)) => Preset::Real(drawn.clamp(low, high)),
        _ => drawn,
    }
}

/// The parts' shares of the memory. Drawn ones add up to what the stated ones do: 1, but for parts that allocate.
fn shares(settings: &Settings, parts: &[Part]) -> Vec<f64> {
    let real = |preset| if let Preset::Real(share) = preset { share } else { 0.0 };
    let all = parts.iter().enumerate();
    let drawn: Vec<f64> =
        all.map(|(number, part)| real(drawn(settings, number, "share", part.share))).collect();
    let stated: f64 = parts.iter().map(|part| real(part.share.value)).sum();
    let sum: f64 = drawn.iter().sum();
    if sum > 0.0 { drawn.iter().map(|share| share * (stated / sum)).collect() } else { drawn }
}

/// An error of a part as one of its profile: the part says how much of the memory is its own.
fn in_part(error: WorkloadError, part: &Part, share: f64) -> WorkloadError {
    match error {
        WorkloadError::Value { program, parameter, found, expected } => {
            let found = format!(
                "{found} for its part {}, a share of {} of the bytes",
                part.pattern.entry().name,
                share
            );
            WorkloadError::Value { program, parameter, found, expected }
        }
        other => other,
    }
}

/// The settings of a part, with its share of the memory.
fn of_part(settings: &Settings, number: usize, part: &Part, share: f64) -> Settings {
    let bytes = nearest_whole(real(settings.whole("bytes")) * share);
    let parameters = part.pattern.entry().parameters;
    let set = part.set.iter().map(|(name, figure)| {
        let parameter = parameters.iter().find(|parameter| parameter.name == *name);
        let value = drawn(settings, number, name, *figure);
        (*name, parameter.map_or(value, |parameter| like(value, figure.value, parameter.range)))
    });
    let inherited = [("bytes", Preset::Whole(bytes)), (INITIALISE.name, settings.preset(INITIALISE.name))];
    settings.part(part.pattern.entry().parameters, inherited.into_iter().chain(set))
}

#[cfg(test)]
mod tests {
    use terrace_addr::Bytes;

    use super::*;
    use crate::Arguments;

    #[test]
    fn parts_set_only_what_their_patterns_have() {
        for profile in &PROFILES {
            let shares: f64 = profile.parts.iter().map(|part| value(part.share)).sum();
            assert!((shares - 1.0).abs() < 1e-9, "{}: shares add up to {shares}", profile.name);
            for part in profile.parts {
                assert!(matches!(part.each.value, Preset::Whole(each) if each > 0), "{}", profile.name);
                for (name, figure) in part.set {
                    let parameter =
                        part.pattern.entry().parameters.iter().find(|parameter| parameter.name == *name);
                    let parameter = parameter.unwrap_or_else(|| panic!("{}: {name}", profile.name));
                    let fits = match (parameter.range, figure.value) {
                        (Range::Whole(low, high), Preset::Whole(value)) => (low..=high).contains(&value),
                        (Range::Real(low, high), Preset::Real(value)) => (low..=high).contains(&value),
                        (Range::Words(words), Preset::Word(word)) => words.contains(&word),
                        _ => false,
                    };
                    assert!(fits, "{}: {name} = {}", profile.name, figure.value);
                }
            }
        }
    }

    #[test]
    fn every_draw_of_a_profile_is_a_program_of_its_own() {
        for profile in &PROFILES {
            let program = |draw: u64| {
                let arguments = Arguments::new(2, 1).with(DRAW, draw);
                let entry = ALL.iter().find(|entry| entry.name == profile.name);
                let program = entry.expect("a profile is registered").build(&arguments);
                let program =
                    program.unwrap_or_else(|error| panic!("{}, draw {draw}: {error}", profile.name));
                program.regions().iter().map(|region| region.bytes).sum::<Bytes>()
            };
            let sizes: Vec<_> = (0..=30).map(program).collect();
            if let Source::Assumed { .. } = profile.bytes.source {
                let other = sizes.iter().filter(|&&bytes| bytes != sizes[0]).count();
                // Those of a Fourier transform are powers of two: some of the few are drawn often.
                assert!(other >= 20, "{}: {sizes:?}", profile.name);
            }
        }
    }

    #[test]
    fn drawn_shares_add_up_as_stated_ones_do() {
        for profile in &PROFILES {
            let entry = ALL.iter().find(|entry| entry.name == profile.name).expect("it is registered");
            for draw in 0..=30_u64 {
                let settings = Settings::new(entry, &Arguments::new(1, 1).with(DRAW, draw));
                let sum: f64 = shares(&settings.expect("a draw is a number"), profile.parts).iter().sum();
                assert!((sum - 1.0).abs() < 1e-9, "{}, draw {draw}: {sum}", profile.name);
            }
        }
    }

    #[test]
    fn assumed_figures_lie_in_their_ranges() {
        let check = |name: &str, what: &str, value: Preset, source: Source| {
            let Source::Assumed { reason, low, high } = source else { return };
            let value = match value {
                Preset::Whole(value) => real(value),
                Preset::Real(value) => value,
                Preset::Word(_) => return,
            };
            assert!(low < high && (low..=high).contains(&value), "{name}.{what}: {value} in {low} to {high}");
            assert!(!reason.is_empty());
        };
        for entry in &ALL {
            for parameter in entry.parameters {
                check(entry.name, parameter.name, parameter.default, parameter.source);
            }
        }
        for profile in &PROFILES {
            for part in profile.parts {
                check(profile.name, "each", part.each.value, part.each.source);
                check(profile.name, "share", part.share.value, part.share.source);
                part.set
                    .iter()
                    .for_each(|(name, figure)| check(profile.name, name, figure.value, figure.source));
            }
        }
    }
}
