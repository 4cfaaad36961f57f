//! What every program of the registry keeps, whatever its arguments.

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use terrace_addr::{Access, Addr, Gva, convert};
use terrace_workload::{
    Advice, Arguments, Bases, Content, Entry, Mapping, Mark, MarkKind, Phase, Program, Progress, Range,
    RegionId, Steps, Unit, WorkloadError, entry, registry,
};

/// An engine that maps regions and checks what is done with them.
struct Engine {
    program: Box<dyn Program>,
    bases: Bases,
    /// How much of each region is mapped.
    sizes: Vec<u64>,
    threads: Vec<Thread>,
}

#[derive(Default)]
struct Thread {
    accesses: Vec<Access>,
    marks: Vec<Mark>,
    steady: bool,
    done: bool,
}

/// Regions of tests lie 64 TiB apart, not aligned to more than a page.
fn place(region: usize) -> Addr<Gva> {
    Addr::truncate(((convert::count(region) + 1) << 46) + 0x5000)
}

impl Engine {
    fn new(program: Box<dyn Program>) -> Self {
        let mut engine = Self {
            bases: Bases::new(program.regions().len()),
            sizes: vec![0; program.regions().len()],
            threads: (0..program.facts().threads).map(|_| Thread::default()).collect(),
            program,
        };
        for index in 0..engine.sizes.len() {
            let region = &engine.program.regions()[index];
            if region.mapping == Mapping::AtStart {
                engine.sizes[index] = region.bytes.get();
                engine.bases.set(RegionId::new(convert::narrow(index)), place(index));
            }
        }
        engine
    }

    fn map(&mut self, region: RegionId, bytes: u64, mapping: Mapping) {
        let spec = &self.program.regions()[region.index()];
        assert_eq!(spec.mapping, mapping);
        if mapping == Mapping::Later {
            assert_eq!(self.sizes[region.index()], 0, "{} is mapped twice", spec.name);
        }
        self.sizes[region.index()] += bytes;
        assert!(bytes > 0 && self.sizes[region.index()] <= spec.bytes.get(), "{} is too large", spec.name);
        self.bases.set(region, place(region.index()));
    }

    /// One call for one thread.
    fn step(&mut self, thread: usize, steps: &mut Steps) {
        steps.clear();
        let progress = self.program.next(thread, &self.bases, steps);
        assert!(steps.accesses().len() <= Steps::PIECE);
        let empty = steps.accesses().is_empty() && steps.marks().is_empty();
        assert!(!empty || progress == Progress::Done, "a piece without anything");
        let mut marks = steps.marks().iter().peekable();
        for position in 0..=steps.accesses().len() {
            while let Some(mark) = marks.next_if(|mark| mark.position == position) {
                let last = position == steps.accesses().len() && marks.peek().is_none();
                match mark.kind {
                    MarkKind::Map(region, bytes) => self.map(region, bytes.get(), Mapping::Later),
                    MarkKind::Grow(region, bytes) => self.map(region, bytes.get(), Mapping::Grows),
                    MarkKind::Unmap(region) => {
                        assert!(std::mem::take(&mut self.sizes[region.index()]) > 0);
                        self.bases.clear(region);
                    }
                    MarkKind::PhaseBegins(phase) => self.threads[thread].steady = phase == Phase::Steady,
                    MarkKind::RequestEnds => assert!(self.threads[thread].steady),
                }
                let ends = !matches!(mark.kind, MarkKind::Unmap(_) | MarkKind::RequestEnds);
                let begins = mark.kind == MarkKind::PhaseBegins(Phase::Initialise);
                assert!(last || begins || !ends, "a piece goes on after {mark:?}");
            }
            if let Some(access) = steps.accesses().get(position) {
                self.check(access);
            }
        }
        assert!(marks.next().is_none(), "marks are in order");
        let state = &mut self.threads[thread];
        let before = state.accesses.len();
        state.accesses.extend(steps.accesses());
        state
            .marks
            .extend(steps.marks().iter().map(|mark| Mark { position: before + mark.position, ..*mark }));
        state.done = progress == Progress::Done;
    }

    fn check(&self, access: &Access) {
        let inside = |(index, &bytes): (usize, &u64)| {
            let offset = access.addr.get().wrapping_sub(place(index).get());
            offset < bytes && bytes - offset >= u64::from(access.size)
        };
        assert!(self.sizes.iter().enumerate().any(inside), "{access:?} lies in no mapped region");
    }

    /// Runs all threads to their ends, `stretch(thread)` calls of a thread at a time.
    fn run(mut self, stretch: impl Fn(usize) -> usize) -> Vec<Thread> {
        let mut steps = Steps::new();
        for phase in [Phase::Initialise, Phase::Steady] {
            loop {
                let mut moved = false;
                for thread in 0..self.threads.len() {
                    for _ in 0..stretch(thread) {
                        let state = &self.threads[thread];
                        if !state.done && (phase == Phase::Steady || !state.steady) {
                            self.step(thread, &mut steps);
                            moved = true;
                        }
                    }
                }
                if !moved {
                    break;
                }
            }
        }
        self.threads
    }
}

/// Arguments that make a program small.
fn small(entry: &Entry, threads: usize, seed: u64, bytes: u64, operations: u64) -> Arguments {
    let mut arguments = Arguments::new(threads, seed).with("operations", operations);
    for parameter in entry.parameters {
        match parameter.name {
            "bytes" => arguments.set("bytes", bytes),
            "scale" => arguments.set("scale", 6 + seed % 4),
            "most_bytes" => arguments.set("most_bytes", bytes.max(1 << 20)),
            // The words of a parameter take turns, so that each comes.
            name => {
                if let Range::Words(words) = parameter.range {
                    let turn = convert::index(seed % convert::count(words.len()));
                    arguments.set(name, words[turn]);
                }
            }
        }
    }
    arguments
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))), ..ProptestConfig::default() })]

    #[test]
    fn programs_touch_only_what_is_mapped_and_threads_do_not_depend_on_each_other(
        place in 0..registry().len(),
        threads in 1..5_usize,
        seed: u64,
        bytes in 2_u64 << 20..48 << 20,
        operations in 1..60_u64,
    ) {
        let entry = &registry()[place];
        let arguments = small(entry, threads, seed, bytes, operations);
        let build = || Engine::new(entry.build(&arguments).unwrap());
        let forth = build().run(|_| 1);
        let back = build().run(|thread| 3 * (threads - thread));
        for (forth, back) in forth.iter().zip(&back) {
            prop_assert!(forth.accesses == back.accesses && forth.marks == back.marks, "{}", entry.name);
            prop_assert!(forth.steady && !forth.accesses.is_empty());
            let requests = forth.marks.iter().filter(|mark| mark.kind == MarkKind::RequestEnds).count();
            prop_assert!(requests == 0 || convert::count(requests) == operations, "{}: {requests}", entry.name);
        }
    }
}

#[test]
fn every_program_runs_and_says_what_it_must() {
    for entry in registry() {
        let program = entry.build(&small(entry, 2, 1, 8 << 20, 3)).unwrap();
        let facts = program.facts();
        assert_eq!((facts.name.as_str(), facts.threads), (entry.name, 2));
        assert!(facts.core_cycles > 0.0 && facts.parallelism >= 1.0 && facts.instructions_per_access >= 1.0);
        assert!(program.regions().iter().all(|region| region.bytes.get() > 0));
        let served = facts.latency.is_some();
        let threads = Engine::new(program).run(|_| 1);
        let marked = threads[0].marks.iter().any(|mark| mark.kind == MarkKind::RequestEnds);
        assert!(!served || marked, "{} serves requests and marks none", entry.name);
        assert!(threads.iter().all(|thread| thread.steady));
    }
}

#[test]
fn seeds_change_random_programs_and_nothing_else_does() {
    for entry in registry() {
        let run = |seed| {
            let arguments = Arguments::new(2, seed).with("operations", 40_u64);
            let arguments = match entry.parameters.iter().find(|parameter| parameter.unit == Unit::Bytes) {
                Some(parameter) if parameter.name == "bytes" => arguments.with("bytes", "16 MiB"),
                Some(_) => arguments,
                None => arguments.with("scale", 8_u64),
            };
            let threads = Engine::new(entry.build(&arguments).unwrap()).run(|_| 1);
            threads.into_iter().map(|thread| thread.accesses).collect::<Vec<_>>()
        };
        assert!(run(1) == run(1), "{}", entry.name);
        // These draw nothing at random.
        let fixed = ["scan", "fft", "splash-fft", "img-dnn", "parsec-x264", "npb-sp-d"];
        assert_eq!(run(1) == run(2), fixed.contains(&entry.name), "{}", entry.name);
    }
}

#[test]
fn threads_draw_from_streams_of_their_own() {
    let threads =
        Engine::new(entry("gups").unwrap().build(&small(entry("gups").unwrap(), 2, 0, 1 << 20, 50)).unwrap());
    let threads = threads.run(|_| 1);
    assert_ne!(
        threads[0].accesses[threads[0].accesses.len() - 100..],
        threads[1].accesses[threads[1].accesses.len() - 100..]
    );
}

#[test]
fn names_are_unique_and_parameters_well_declared() {
    for (place, entry) in registry().iter().enumerate() {
        assert!(registry()[..place].iter().all(|other| other.name != entry.name), "{}", entry.name);
        for (place, parameter) in entry.parameters.iter().enumerate() {
            assert!(entry.parameters[..place].iter().all(|other| other.name != parameter.name));
            assert!(!parameter.meaning.is_empty() && !parameter.source.to_string().is_empty());
        }
        // Every default is in its range: it is accepted where it is given.
        let mut arguments = Arguments::new(1, 0);
        for parameter in entry.parameters {
            if !["bytes", "scale"].contains(&parameter.name) {
                arguments.set(parameter.name, parameter.default.to_string());
            }
        }
        if entry.parameters.iter().any(|parameter| parameter.name == "scale") {
            arguments.set("scale", 5_u64);
        }
        assert!(entry.build(&arguments).is_ok(), "{}", entry.name);
    }
}

fn refused(name: &str, arguments: &Arguments) -> String {
    entry(name).and_then(|entry| entry.build(arguments)).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn what_is_wrong_is_said() {
    let none = Arguments::new(1, 0);
    assert_eq!(refused("gusp", &none), "found the workload \"gusp\"; expected \"gups\", perhaps");
    assert_eq!(
        refused("quicksort", &none),
        "found the workload \"quicksort\"; expected one that `terrace list workloads` shows"
    );
    assert_eq!(
        refused("gups", &none.clone().with("byte", 1_u64)),
        "gups: found the parameter \"byte\"; expected \"bytes\", perhaps"
    );
    assert_eq!(
        refused("chase", &none.clone().with("depth", 1_u64)),
        "chase: found the parameter \"depth\"; expected bytes, node_bytes, initialise, advice, content, \
         operations, core_cycles, parallelism, instructions"
    );
    assert_eq!(
        refused("gups", &none.clone().with("bytes", 1_u64)),
        "gups.bytes: found 1; expected a whole number from 4096 to 70368744177664"
    );
    assert_eq!(
        refused("gups", &none.clone().with("bytes", "4 GB")),
        "gups.bytes: found \"4 GB\"; expected a whole number from 4096 to 70368744177664"
    );
    assert_eq!(
        refused("gups", &none.clone().with("initialise", "some")),
        "gups.initialise: found \"some\"; expected one of page, line, nothing"
    );
    assert_eq!(
        refused("zipf-store", &none.clone().with("set_share", f64::NAN)),
        "zipf-store.set_share: found NaN; expected a number from 0 to 1"
    );
    assert_eq!(
        refused("npb-cg-d", &none.clone().with("bytes", 4096_u64)),
        "npb-cg-d.bytes: found 4076 for its part scan, a share of 0.995 of the bytes; expected a page for each of the \
         1 threads"
    );
    assert_eq!(refused("gups", &Arguments::new(0, 0)), "gups: found 0 threads; expected 1 to 1024");
    assert!(matches!(
        entry("gups").unwrap().build(&none.with("bytes", 4096.5)),
        Err(WorkloadError::Value { .. })
    ));
}

#[test]
fn sizes_are_read_with_their_units() {
    for (text, expected) in [("64 KiB", 65_536), ("1.5MiB", 3 << 19), ("8192 B", 8192), (" 8192 ", 8192)] {
        let program = entry("gups").unwrap().build(&Arguments::new(1, 0).with("bytes", text)).unwrap();
        assert_eq!(program.regions()[0].bytes.get(), expected);
    }
}

#[test]
fn advice_and_content_are_those_of_all_regions() {
    let arguments =
        Arguments::new(1, 0).with("bytes", "32 MiB").with("advice", "huge").with("content", "equal");
    for name in ["gups", "silo"] {
        let program = entry(name).unwrap().build(&arguments).unwrap();
        let regions = program.regions();
        assert!(
            regions
                .iter()
                .all(|region| region.advice == Advice::HugePage && region.content == Content::Equal(0))
        );
    }
}

#[test]
fn a_store_that_grows_is_filled_by_thread_0() {
    let arguments =
        Arguments::new(3, 0).with("bytes", "32 MiB").with("growth", "grows").with("operations", 9_u64);
    let threads = Engine::new(entry("zipf-store").unwrap().build(&arguments).unwrap()).run(|_| 1);
    let grown =
        |thread: &Thread| thread.marks.iter().filter(|mark| matches!(mark.kind, MarkKind::Grow(..))).count();
    assert_eq!(threads.iter().map(grown).collect::<Vec<_>>(), [8, 0, 0]);
}
