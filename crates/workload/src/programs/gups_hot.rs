//! GUPS with a hot set: most updates go to the last part of the table (Demeter, SOSP 2025, "hotset").

use terrace_addr::{Bytes, convert};

use super::common::{ADVICE, CONTENT, INITIALISE, OPERATIONS, bytes, part, touch};
use super::gups::{CORE_CYCLES, INSTRUCTIONS, PARALLELISM};
use crate::plan::{Body, Plan, facts};
use crate::random::{Stream, nearest_whole, real};
use crate::registry::{Entry, Parameter, Settings, Source};
use crate::steps::WORD_BYTES;
use crate::{Bases, Program, RegionId, RegionSpec, Steps, WorkloadError};

pub(crate) const ENTRY: Entry = Entry {
    name: "gups-hot",
    summary: "updates of random 8-byte words of a table, most of them in its last part (Demeter's hotset)",
    parameters: PARAMETERS,
    parts: &[],
    make,
};

const PARAMETERS: &[Parameter] = &[
    bytes(
        14 << 30,
        "size of the table, hot part included",
        Source::Stated("Demeter: 14 GiB in a VM of 16 GiB"),
    ),
    part(
        "hot_bytes",
        1.0 / 14.0,
        "the hot part of the bytes, at the end",
        Source::Stated("Demeter: 1 of 14 GiB"),
    ),
    part(
        "hot_accesses",
        0.9,
        "the part of the updates that goes to the hot part; the others go to the rest",
        Source::Stated("Demeter: hot to cold as 9 to 1"),
    ),
    INITIALISE,
    ADVICE,
    CONTENT,
    OPERATIONS,
    CORE_CYCLES,
    PARALLELISM,
    INSTRUCTIONS,
];

fn make(settings: &Settings) -> Result<Box<dyn Program>, WorkloadError> {
    let mut plan = Plan::new(settings);
    let size = settings.whole("bytes");
    let words = size / WORD_BYTES;
    let hot_words = nearest_whole(real(words) * settings.real("hot_bytes"));
    if !(1..words).contains(&hot_words) {
        return Err(settings.conflict("hot_bytes", "a share that leaves both parts at least 8 bytes"));
    }
    let table = plan.region(RegionSpec::new("table", Bytes::new(size)), touch(settings));
    let share = settings.real("hot_accesses");
    let bodies = plan.bodies("gups-hot", |_, stream| Updates {
        table,
        cold_words: words - hot_words,
        hot_words,
        share,
        stream,
    });
    Ok(plan.program(facts(settings, None), settings.whole(OPERATIONS.name), bodies))
}

/// An operation is an update.
struct Updates {
    table: RegionId,
    cold_words: u64,
    hot_words: u64,
    share: f64,
    stream: Stream,
}

impl Body for Updates {
    fn run(&mut self, most: u64, bases: &Bases, out: &mut Steps) -> u64 {
        let table = bases.of(self.table);
        let updates = most.min(convert::count(out.room() / 2));
        for _ in 0..updates {
            let word = if self.stream.chance(self.share) {
                self.cold_words + self.stream.below(self.hot_words)
            } else {
                self.stream.below(self.cold_words)
            };
            out.update(table.offset_by(word * WORD_BYTES));
        }
        updates
    }
}

#[cfg(test)]
mod tests {
    use crate::programs::run;

    #[test]
    fn nine_of_ten_updates_go_to_the_last_part() {
        const UPDATES: u64 = 100_000;
        let arguments = run::arguments(1, 4).with("bytes", "14 MiB").with("operations", UPDATES);
        let accesses = &run::steady("gups-hot", &arguments)[0];
        let from = run::place(0).get() + (13 << 20);
        let hot = accesses.iter().filter(|access| access.addr.get() >= from).count() / 2;
        // Four standard deviations of a binomial of 100,000 draws at 0.9 are 380.
        assert!(hot.abs_diff(90_000) < 380, "{hot}");
    }

    #[test]
    fn a_part_without_words_is_refused() {
        let error = |share| {
            let arguments = run::arguments(1, 0).with("bytes", "8 KiB").with("hot_bytes", share);
            crate::entry("gups-hot").unwrap().build(&arguments).err().unwrap().to_string()
        };
        let expected = "expected a share that leaves both parts at least 8 bytes";
        assert_eq!(error(0.0), format!("gups-hot.hot_bytes: found 0; {expected}"));
        assert_eq!(error(1.0), format!("gups-hot.hot_bytes: found 1; {expected}"));
    }
}
