//! Reading scenario files.

use std::borrow::Cow;
use std::path::Path;

use terrace_machine::files::{looks_like_path, nearest, read_text};
use terrace_machine::{Fault, Machine, Origin, Override};

use crate::document::Document;
use crate::error::{Problem, one_of};
use crate::{Misfit, Run, ScenarioError, Vocabulary};

/// A scenario that comes with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// Its scenario file.
    pub text: &'static str,
}

/// The runs of a scenario file, and the text that they were read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The runs, with sweeps and overrides applied; at least one.
    pub runs: Vec<Run>,
    /// The file as it was read, without the overrides, such as a digest of it is made from.
    pub text: Cow<'static, str>,
    origin: Origin,
    overrides: Vec<Override>,
}

impl Found {
    /// Reads the machine of one of the runs.
    ///
    /// # Errors
    /// If there is none of its name, or its own file is not right.
    pub fn machine(&self, run: &Run) -> Result<terrace_machine::Found, ScenarioError> {
        let choice = &run.scenario.machine;
        let found = choice.overrides().and_then(|overrides| terrace_machine::find(&choice.name, &overrides));
        found.map_err(|error| {
            let fault: Box<Fault> = error.into();
            crate::MachineChoice::misnamed(&fault)
                .map_or_else(|| fault.into(), |problem| self.located(run, problem))
        })
    }

    /// Whether `machine` has the memory and the CPUs that one of the runs names.
    ///
    /// # Errors
    /// The first that it does not have, with its place in the file.
    pub fn fits(&self, run: &Run, machine: &Machine) -> Result<(), ScenarioError> {
        run.scenario.misfit(machine).map_or(Ok(()), |problem| Err(self.located(run, problem)))
    }

    /// The error that one of the runs cannot be made with a value that it has.
    pub fn misfit(&self, run: &Run, misfit: Misfit) -> ScenarioError {
        let Misfit { path, found, expected } = misfit;
        self.located(run, Problem::new(&path, found, expected))
    }

    fn located(&self, run: &Run, problem: Problem) -> ScenarioError {
        let document = Document::parse(&self.text, self.origin.clone(), &self.overrides);
        match document {
            Ok(document) => document.problem_of(run, problem).into(),
            Err(fault) => fault.into(),
        }
    }
}

/// Reads the runs of the scenario file `text`. `origin` is how errors name the text, such as a file's path.
///
/// The overrides use the same paths as the `set` of a sweep value, and have the last word over it. One whose value
/// is a list `a,b,c` is a sweep axis of its own, named by its last key, unless the key itself holds a list.
///
/// ```
/// use terrace_scenario::{Limits, Range, Unit, Value, ParameterSpec, Vocabulary, Word, parse};
/// # let word = |name: &str, parameters| {
/// #     Word { name: name.into(), summary: String::new(), parameters, requests: false }
/// # };
/// # let footprint = ParameterSpec {
/// #     name: "footprint".into(), unit: Unit::Bytes, default: Value::Bytes(terrace_addr::Bytes::new(1 << 30)),
/// #     range: Range::Any, meaning: String::new(), source: String::new(),
/// # };
/// # let (workloads, systems) = ([word("gups", vec![footprint])], [word("linux", vec![])]);
/// # let limits = Limits { threads: 1024, node: terrace_addr::Bytes::new(1 << 40) };
/// let vocabulary = Vocabulary { workloads: &workloads, systems: &systems, modes: &["native", "2d"], limits };
/// let text = r#"
/// name = "first"
/// [[vm]]
/// memory = "4 GiB"
/// [[vm.program]]
/// workload = "gups"
/// "#;
/// let runs = parse(text, "my.toml", &["vm.mode=native,2d".parse()?], &vocabulary)?;
/// assert_eq!(runs.len(), 2);
/// assert_eq!(runs[1].labels, [("mode".to_owned(), "2d".to_owned())]);
/// assert_eq!(runs[1].scenario.vm[0].program[0].parameters.bytes("footprint").unwrap().get(), 1 << 30);
///
/// let error = parse(text, "my.toml", &["vm.memory=4".parse()?], &vocabulary).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "--set vm.memory=4: found integer `4`; expected a size with its unit, such as \"20 MiB\""
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the text is not TOML, is no scenario, names what the vocabulary does not have, describes what cannot be, or if
/// an override does not apply.
pub fn parse(
    text: &str,
    origin: &str,
    overrides: &[Override],
    vocabulary: &Vocabulary<'_>,
) -> Result<Vec<Run>, ScenarioError> {
    Ok(read(text, Origin::File(origin.into()), overrides, vocabulary)?)
}

/// Reads the scenario file at `path`.
///
/// # Errors
/// As [`parse`], and if there is no readable file of UTF-8 text of at most 1 MiB at `path`.
pub fn load(
    path: impl AsRef<Path>,
    overrides: &[Override],
    vocabulary: &Vocabulary<'_>,
) -> Result<Found, ScenarioError> {
    let path = path.as_ref();
    let text = read_text(path, "scenario")?;
    let origin = Origin::File(path.display().to_string());
    let runs = read(&text, origin.clone(), overrides, vocabulary)?;
    Ok(Found { runs, text: Cow::Owned(text), origin, overrides: overrides.to_vec() })
}

/// Reads the scenario of this name among `builtin`, or else the scenario file at this path.
///
/// # Errors
/// As [`load`]; if there is neither, the error lists the names and says which one is nearest.
pub fn find(
    name_or_path: &str,
    builtin: &[Builtin],
    overrides: &[Override],
    vocabulary: &Vocabulary<'_>,
) -> Result<Found, ScenarioError> {
    if let Some(builtin) = builtin.iter().find(|builtin| builtin.name == name_or_path) {
        let origin = Origin::Builtin { what: "scenario", name: builtin.name };
        let runs = read(builtin.text, origin.clone(), overrides, vocabulary)?;
        Ok(Found { runs, text: Cow::Borrowed(builtin.text), origin, overrides: overrides.to_vec() })
    } else if looks_like_path(name_or_path) {
        load(name_or_path, overrides, vocabulary)
    } else {
        let names: Vec<&str> = builtin.iter().map(|builtin| builtin.name).collect();
        let expected = format!("{}, or the path of a scenario file", one_of(&names));
        let found = "no built-in scenario and no file of this name";
        let help = nearest(name_or_path, names.iter().copied()).map(|near| format!("did you mean {near}?"));
        Err(Fault::new(Origin::Name(name_or_path.into()), found, expected).helped(help).into())
    }
}

fn read(
    text: &str,
    origin: Origin,
    overrides: &[Override],
    vocabulary: &Vocabulary<'_>,
) -> Result<Vec<Run>, Box<Fault>> {
    Document::parse(text, origin, overrides)?.runs(vocabulary)
}
