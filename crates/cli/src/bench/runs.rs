//! Rows that are scenarios: kernels, tables, programs and caches together, as `terrace run` simulates them.
//!
//! Each runs in a process of its own, whose peak of resident memory is the run's.

use terrace_machine::{Override, find};
use terrace_scenario::{Builtin, Run};
use terrace_sim::run::Registry;

use super::BenchArguments;
use super::line::{Line, Must};
use super::own_process::in_own_process;
use super::stopwatch::{Stopwatch, Timed};
use crate::interrupt::{note_end_of_input, note_interrupts};
use crate::progress::RunsBar;
use crate::said::Said;
use crate::{CliError, Ended, print};

/// A scenario whose speed and memory are of interest.
pub(super) struct RunRow {
    /// The name by which it is chosen.
    pub(super) name: &'static str,
    /// What is done.
    pub(super) what: &'static str,
    scenario: Builtin,
    /// Its machine; that of the other rows, with all of its memory nodes, if none.
    machine: Option<&'static str>,
    /// What is changed in the scenario.
    set: &'static [&'static str],
    /// What is changed too where a first look is asked for.
    quick: &'static [&'static str],
    stated: Stated,
    pub(super) begun: Begun,
}

/// What is stated of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stated {
    /// How fast accesses and first touches are, and how much memory a page takes.
    Rates,
    /// In how many minutes all of it is over, and how much memory it takes.
    Minutes(u32),
}

/// When a row is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begun {
    /// If no row is named, too.
    Unnamed,
    /// Only if it is named: it takes long.
    ByName,
}

const VM_GUPS: Builtin = Builtin { name: "vm-gups", text: include_str!("scenarios/vm-gups.toml") };
const DEMETER: Builtin = Builtin { name: "demeter", text: include_str!("scenarios/demeter.toml") };

/// The machine of Demeter's evaluation.
const DEMETERS_MACHINE: &str = "ice-lake-8360y";

/// All of them.
pub(super) const RUN_ROWS: [RunRow; 3] = [
    RunRow {
        name: "vm-gups",
        what: "a run: GUPS over 64 GiB in a VM, 4K on 4K, data lines; a load and a store each",
        scenario: VM_GUPS,
        machine: None,
        set: &[],
        quick: &[
            "host.memory=1 GiB",
            "vm.memory=512 MiB",
            "vm.program.parameters.bytes=256 MiB",
            "time.warm_up=5 ms",
            "time.measure=20 ms",
            "time.interval=20 ms",
        ],
        stated: Stated::Rates,
        begun: Begun::Unnamed,
    },
    RunRow {
        name: "demeter",
        what: "a run: 8.1 billion updates by 36 vCPUs over 144 GiB, one of 256 simulated",
        scenario: DEMETER,
        machine: Some(DEMETERS_MACHINE),
        // For as long as the exact run takes, so that 8.1 billion updates are stood for. A run that ended with its
        // threads would go on for the last of them, which chance makes late.
        set: &["time.weight=256", "time.warm_up=50 ms", "time.measure=14.41 s"],
        quick: &[
            "vm.memory=2 GiB",
            "vm.program.parameters.bytes=1 GiB",
            "vm.program.parameters.operations=17578",
            "time.warm_up=0 ns",
        ],
        stated: Stated::Minutes(3),
        begun: Begun::Unnamed,
    },
    RunRow {
        name: "demeter-exact",
        what: "the same, each update simulated: it takes hours",
        scenario: DEMETER,
        machine: Some(DEMETERS_MACHINE),
        set: &[],
        quick: &[
            "vm.memory=2 GiB",
            "vm.program.parameters.bytes=1 GiB",
            "vm.program.parameters.operations=50000",
        ],
        stated: Stated::Minutes(45),
        begun: Begun::ByName,
    },
];

/// The least of accesses, and of pages touched first, in millions a second.
const LEAST_ACCESSES: f64 = 6.0;
const LEAST_TOUCHES: f64 = 2.0;
/// The most bytes of resident memory for each page: two tables, and two kernels' state of its frames.
const MOST_BYTES_A_PAGE: f64 = 40.0;
/// The most memory of a run that is stated as a whole, in GiB.
const MOST_GIBIBYTES: f64 = 8.0;

impl RunRow {
    /// The row with this name.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        RUN_ROWS.iter().find(|row| row.name == name)
    }

    /// What was measured of it in a process of its own.
    pub(super) fn measure(&self, arguments: &BenchArguments, said: Said) -> Result<Timed, String> {
        let output = in_own_process(&["--alone", self.name], arguments, said)?;
        serde_json::from_str(&output)
            .map_err(|_| format!("found `{}`; expected what a run measured", output.trim()))
    }

    /// Runs it here, until Ctrl-C, and prints what was measured, for the process that began this one.
    pub(super) fn alone(
        &self,
        arguments: &BenchArguments,
        registry: &Registry,
        said: Said,
    ) -> Result<Ended, CliError> {
        note_interrupts();
        note_end_of_input();
        let machine = match self.machine {
            Some(name) => find(name, &[])?.machine,
            None => find(&arguments.machine, &arguments.overrides()?)?.machine,
        };
        let mut run = self.run(arguments.quick, registry)?;
        if self.machine.is_none() {
            run.scenario.host.nodes = machine.nodes().into_iter().map(|(name, _)| name.to_owned()).collect();
        }
        let mut stopwatch = Stopwatch::new(&run.scenario, RunsBar::new(said, 1));
        let result = terrace_sim::run::run(&run, &machine, registry, &mut stopwatch);
        let result = result.map_err(|error| CliError::Run {
            scenario: self.name.to_owned(),
            run: String::new(),
            error: Box::new(error),
        })?;
        let timed = stopwatch.timed(&result).ok_or_else(|| CliError::Unmeasured(result.outcome.clone()))?;
        print(format!("{}\n", serde_json::json!(timed)).as_bytes())?;
        Ok(Ended::Complete)
    }

    /// What is simulated.
    fn run(&self, quick: bool, registry: &Registry) -> Result<Run, CliError> {
        let changes = self.set.iter().chain(self.quick.iter().filter(|_| quick));
        let overrides: Vec<Override> = changes.map(|text| text.parse()).collect::<Result<_, _>>()?;
        let Builtin { name, text } = self.scenario;
        let mut runs = terrace_scenario::parse(text, name, &overrides, &registry.vocabulary())?;
        Ok(runs.swap_remove(0))
    }

    /// What is said of it. What was interrupted is not judged.
    pub(super) fn lines(&self, timed: Result<&Timed, &String>, judged: bool) -> Vec<Line> {
        let judged = judged && timed.is_ok_and(|timed| !timed.interrupted);
        let line = |end: &str, work: &str, unit, must: Option<Must>, of: fn(&Timed) -> Option<f64>| Line {
            name: format!("{}{end}", self.name),
            work: work.to_owned(),
            unit,
            must: must.filter(|_| judged),
            measured: match timed {
                Ok(timed) => of(timed).ok_or_else(|| "this system does not tell".to_owned()),
                Err(reason) => Err(reason.clone()),
            },
        };
        let (least, most) = (|bound| Some(Must::AtLeast(bound)), |bound| Some(Must::AtMost(bound)));
        let mut lines = match self.stated {
            Stated::Rates => {
                vec![line("", self.what, "M accesses/s", least(LEAST_ACCESSES), |it| Some(it.accesses()))]
            }
            Stated::Minutes(minutes) => vec![
                line("", self.what, "CPU minutes", most(f64::from(minutes)), |it| Some(it.minutes())),
                line("-rate", "  once all is touched", "M accesses/s", None, |it| Some(it.accesses())),
                line("-peak", "  resident memory at its peak", "GiB", most(MOST_GIBIBYTES), Timed::gibibytes),
            ],
        };
        let (touches, bytes) = (least(LEAST_TOUCHES), most(MOST_BYTES_A_PAGE));
        let found = format!("  what it found{}", timed.map(Timed::found).unwrap_or_default());
        lines.extend([
            line("-first-touch", "  first touch of its pages", "M pages/s", touches, |it| Some(it.touches())),
            line("-memory", "  resident memory for each page", "bytes/page", bytes, Timed::bytes_a_page),
            line("-found", &found, "M accesses/simulated s", None, |it| Some(it.simulated())),
        ]);
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Ctrl-C left is shown, as what it is, and without a verdict.
    #[test]
    fn what_was_interrupted_is_not_judged() {
        let row = RunRow::find("demeter-exact").unwrap();
        let timed = |interrupted| -> Timed {
            serde_json::from_value(serde_json::json!({
                "pages": 1000, "touches_per_second": 1.0, "accesses_per_second": 2.0, "seconds": 60.0,
                "peak_bytes": 1 << 20, "simulated_rate": 3e6, "measured_seconds": 0.5, "sampling_error": null,
                "interrupted": interrupted,
            }))
            .unwrap()
        };
        let lines = |interrupted| row.lines(Ok(&timed(interrupted)), true);
        assert!(lines(false)[0].must.is_some());
        let until = lines(true);
        assert!(until.iter().all(|line| line.must.is_none() && line.measured.is_ok()));
        let found = &until.last().unwrap().work;
        assert!(found.ends_with(", over 0.50 s of simulated time until it was interrupted"), "{found}");
    }
}
